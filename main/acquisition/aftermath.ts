// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { CaptureLine } from './capture-line.ts';
import type { CaptureState } from './capture-messages.ts';
import type { RecordedSessions } from './recorded-sessions.ts';
import type { ConnectedDevice } from './status.ts';

type Say = (severity: 'info' | 'warning' | 'error', text: string) => void;

/** What is done after the capture process died: the light goes off, and what it left is repaired. */
export class Aftermath {
  readonly #say: Say;
  readonly #sessions: RecordedSessions;
  readonly #signal: AbortSignal;
  #mustDarken = false;

  constructor(sessions: RecordedSessions, signal: AbortSignal, say: Say) {
    this.#sessions = sessions;
    this.#signal = signal;
    this.#say = say;
  }

  /** The process is gone. */
  crashed(cause: string, was: CaptureState['recording'], dataFolder: string): void {
    this.#mustDarken = true;
    if (was === null) {
      this.#say('error', `${cause} The picture stopped; the light is being switched off.`);
      return;
    }
    void this.recover();
    const folder = path.relative(dataFolder, was.folder);
    this.#say(
      'error',
      `${cause} The recording ${folder} stopped after ${was.seconds.toFixed(0)} s; what was written up to a second before is on the disk. The light is being switched off.`,
    );
  }

  /** A process took the place of the one that died: the board still shines. True once there was something to do. */
  async darken(
    line: CaptureLine | undefined,
    device: ConnectedDevice | undefined,
    others: readonly { readonly address: string; readonly scopeType: string }[] = [],
  ): Promise<boolean> {
    if (!this.#mustDarken || device === undefined || line === undefined) return false;
    try {
      await line.ask('darken', { address: device.address, scopeType: device.type.type });
      for (const other of others) await line.ask('darken', other);
      this.#mustDarken = false;
      this.#say('info', 'The light was switched off.');
    } catch (error) {
      this.#say(
        'error',
        `The light could not be switched off: ${AppError.from(error).message} Unplug the board to be sure.`,
      );
    }
    return true;
  }

  /** What crashes left behind is repaired, and told. */
  async recover(): Promise<void> {
    try {
      for await (const { severity, text } of this.#sessions.recover(this.#signal)) this.#say(severity, text);
    } catch (error) {
      this.#say('error', `Recordings that a crash ended could not be looked for: ${AppError.from(error).message}`);
    }
  }
}
