// SPDX-License-Identifier: MIT
import type { RunRow } from '../../../main/contract/index.ts';

/** Asks once whether the desktop may be told; called by a press of Run, since browsers want a reason. */
export function askToNotify(): void {
  if (typeof Notification === 'undefined' || Notification.permission !== 'default') return;
  void Notification.requestPermission().catch(() => undefined);
}

/** Runs that have ended since the list before, with what to say of them. */
export function endedSince(
  before: readonly RunRow[],
  now: readonly RunRow[],
  sessionName: (run: RunRow) => string,
): readonly { readonly run: RunRow; readonly title: string; readonly body: string }[] {
  const was = new Map(before.map((run) => [run.uuid, run.state]));
  return now.flatMap((run) => {
    const state = was.get(run.uuid);
    if ((state !== 'running' && state !== 'queued') || (run.state !== 'succeeded' && run.state !== 'failed')) return [];
    const name = sessionName(run);
    return run.state === 'succeeded'
      ? [{ run, title: `Done: ${name}`, body: `${String(run.suggested ?? 0)} cells suggested. Review them in Calyx.` }]
      : [{ run, title: `Stopped: ${name}`, body: run.error?.message ?? 'The run stopped without a reason.' }];
  });
}
