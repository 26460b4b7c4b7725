// SPDX-License-Identifier: MIT
import { AppError } from '../../main/contract/index.ts';
import { takeStatus, useAcquire } from '../stores/acquire.ts';
import { report } from '../stores/messages.ts';
import type { Connection } from './types.ts';

/** Follows the rig for as long as the signal lasts: the red strip must be true in every place of the program. */
export async function followRig(connection: Connection, signal: AbortSignal): Promise<void> {
  const known = new Map<number, number>();
  while (!signal.aborted) {
    try {
      for await (const status of connection.core.acquire.status({}, { signal })) {
        takeStatus(status, Date.now());
        for (const message of [...status.messages].reverse()) {
          if (message.severity !== 'info' && (known.get(message.id) ?? 0) < message.count)
            report(message.severity, 'Acquire', message.text);
          known.set(message.id, message.count);
        }
      }
    } catch {
      // The banner says that the line is lost. What the rig does meanwhile is not known, and nothing is claimed.
    }
    useAcquire.setState({ status: null });
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
  }
}

/** Does something at the rig; what goes wrong is told in the message area. */
export async function atRig(what: string, act: Promise<unknown>): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (thrown) {
    const error = AppError.from(thrown);
    report('error', what, error.hint === undefined ? error.message : `${error.message} ${error.hint}`);
    return false;
  }
}
