// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import { AppError, type BackupInfo } from '../contract/index.ts';
import { listBackups, makeBackup } from './backup.ts';
import type { Reader } from './reader/reader.ts';
import type { LibraryFolders } from './types.ts';

/** A copy older than this is too old once something has changed since. */
export const oldestBackupMs = 24 * 3_600_000;

/** Whoever opens a library for one command does not pay for a copy; whoever stays does. */
const firstLookMs = 60_000;
const lookEveryMs = 3_600_000;

/** What the schedule works with; time is given. */
export interface ScheduleOptions {
  readonly folders: LibraryFolders;
  readonly reader: Reader;
  readonly now: () => Date;
  /** Resolves after so long; rejects when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Something is under way that a copy must not disturb: to start the process that makes it holds this one up, and the copy takes the disk. */
  readonly isBusy?: () => boolean;
}

/** Copies made by themselves, as long as the library is open. */
export interface BackupSchedule extends AsyncDisposable {
  /** The newest copy of any kind, and why the last attempt failed; null where there is none. */
  readonly state: () => Promise<{ readonly newest: BackupInfo | null; readonly failure: string | null }>;
}

async function changedAt({ database }: LibraryFolders): Promise<number> {
  const times = await Promise.all(
    [database, `${database}-wal`].map((file) =>
      stat(file).then(
        // Looking at a library leaves an empty log.
        ({ mtimeMs, size }) => (size === 0 ? 0 : mtimeMs),
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}

/** Is a copy due: the newest is older than a day, and the library was written since? */
export async function isBackupDue({ folders, now }: Pick<ScheduleOptions, 'folders' | 'now'>): Promise<boolean> {
  const [newest] = await listBackups(folders);
  if (newest === undefined) return true;
  const at = Date.parse(newest.at);
  return now().getTime() - at >= oldestBackupMs && (await changedAt(folders)) > at;
}

/** A timer that does not keep a process alive. */
export function systemWait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(new AppError('rpc.cancelled', 'The library was closed.'));
      },
      { once: true },
    );
  });
}

/** Looks a minute after the start and every hour whether a copy is due, and makes it; each minute while it has to wait. A failure is told by `state` and tried again. */
export function startBackups(options: ScheduleOptions): BackupSchedule {
  const { folders, reader, now, wait, isBusy = () => false } = options;
  const stop = new AbortController();
  let failure: string | null = null;
  const look = async (): Promise<void> => {
    let pause = firstLookMs;
    while (!stop.signal.aborted) {
      try {
        await wait(pause, stop.signal);
      } catch {
        return;
      }
      const busy = isBusy();
      pause = busy ? firstLookMs : lookEveryMs;
      if (busy) continue;
      try {
        if (await isBackupDue(options))
          await makeBackup(folders, reader, { kind: 'scheduled', now: now() }, stop.signal);
        failure = null;
      } catch (error) {
        if (!stop.signal.aborted) failure = AppError.from(error).message;
      }
    }
  };
  const looking = look();
  return {
    state: async () => ({ newest: (await listBackups(folders))[0] ?? null, failure }),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await looking;
    },
  };
}
