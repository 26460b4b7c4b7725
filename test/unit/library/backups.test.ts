// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listBackups, superfluous } from '../../../main/library/backup.ts';
import { startBackups } from '../../../main/library/backup-schedule.ts';
import { libraryFolders } from '../../../main/library/folders.ts';
import { createReader, restoreBackup } from '../../../main/library/index.ts';
import { newSession, temporaryFolder, testStores } from '../../support/library.ts';

/** A library whose schedule waits until the test lets time pass. */
function scheduled(directory: string) {
  const folders = libraryFolders(directory);
  const reader = createReader(folders.database);
  let now = new Date('2026-05-02T03:04:05.000Z');
  let pass: () => void = () => undefined;
  let asleep: () => void = () => undefined;
  let sleeping = new Promise<void>((resolve) => {
    asleep = resolve;
  });
  const waits: number[] = [];
  const busy = { is: false };
  const schedule = startBackups({
    folders,
    reader,
    now: () => now,
    isBusy: () => busy.is,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push(ms);
        signal.addEventListener('abort', () => reject(new Error('closed')), { once: true });
        pass = resolve;
        asleep();
      }),
  });
  onTestFinished(async () => {
    await schedule[Symbol.asyncDispose]();
    await reader[Symbol.asyncDispose]();
  });
  /** Lets the schedule look once, at a time, and waits until it sleeps again. */
  const look = async (at: string): Promise<void> => {
    await sleeping;
    now = new Date(at);
    sleeping = new Promise((resolve) => {
      asleep = resolve;
    });
    pass();
    await sleeping;
  };
  const touched = (at: string): void => utimesSync(folders.database, new Date(at), new Date(at));
  return { folders, schedule, waits, look, touched, busy };
}

describe('backups by themselves', () => {
  it('are made when the newest is a day old and something changed, and can be restored', async () => {
    const directory = temporaryFolder();
    const stores = testStores({ directory });
    stores.sessions.insert(newSession(1));
    stores.close();
    const { folders, waits, look, touched, schedule } = scheduled(directory);
    const names = async () => (await listBackups(folders)).map(({ file }) => basename(file));
    touched('2026-05-02T03:00:00Z');
    await look('2026-05-02T03:05:05Z');
    expect(await names()).toEqual(['library-2026-05-02T030505-scheduled.sqlite']);
    await look('2026-05-02T23:00:00Z');
    expect(await names()).toHaveLength(1);
    // A day later, and nothing was written meanwhile.
    await look('2026-05-03T04:00:00Z');
    expect(await names()).toHaveLength(1);
    touched('2026-05-03T04:30:00Z');
    await look('2026-05-03T05:00:00Z');
    expect(await names()).toEqual([
      'library-2026-05-03T050000-scheduled.sqlite',
      'library-2026-05-02T030505-scheduled.sqlite',
    ]);
    // Short commands do not pay for it: a minute passes first, then an hour each.
    expect(waits.slice(0, 3)).toEqual([60_000, 3_600_000, 3_600_000]);
    expect(await schedule.state()).toMatchObject({ newest: { kind: 'scheduled' }, failure: null });
    await restoreBackup(directory, 'newest', new Date('2026-05-03T06:00:00Z'));
    expect(testStores({ directory }).sessions.list()).toHaveLength(1);
  });

  it('wait while something is recorded, and are looked at again a minute later', async () => {
    const directory = temporaryFolder();
    testStores({ directory }).close();
    const { folders, waits, look, busy } = scheduled(directory);
    busy.is = true;
    await look('2026-05-02T03:05:05Z');
    expect(await listBackups(folders)).toEqual([]);
    busy.is = false;
    await look('2026-05-02T03:06:05Z');
    expect(await listBackups(folders)).toHaveLength(1);
    expect(waits).toEqual([60_000, 60_000, 3_600_000]);
  });

  it('that fail are told, tried again, and leave nothing half-written', async () => {
    const directory = temporaryFolder();
    testStores({ directory }).close();
    const { folders, look, schedule } = scheduled(directory);
    // Not even root can write into a file as if it were a folder.
    writeFileSync(folders.backups, '');
    await look('2026-05-02T03:05:05Z');
    expect((await schedule.state()).failure).toMatch(/backup/i);
    rmSync(folders.backups);
    await look('2026-05-02T04:05:05Z');
    expect(await schedule.state()).toMatchObject({ failure: null, newest: { kind: 'scheduled' } });
    expect(readdirSync(folders.backups)).toEqual(['library-2026-05-02T040505-scheduled.sqlite']);
  });

  it('stay for 14 days and, one a month, for 12 months; what a person made stays', async () => {
    const folders = libraryFolders(temporaryFolder());
    mkdirSync(folders.backups, { recursive: true });
    const day = (n: number): string => new Date(Date.UTC(2026, 4, 31 - n)).toISOString().slice(0, 10);
    for (let n = 0; n < 500; n += 1)
      writeFileSync(join(folders.backups, `library-${day(n)}T030000-scheduled.sqlite`), '');
    writeFileSync(join(folders.backups, `library-${day(0)}T010000-scheduled.sqlite`), '');
    writeFileSync(join(folders.backups, 'library-2020-01-01T030000-manual.sqlite'), '');
    const all = await listBackups(folders);
    const gone = new Set(superfluous(all).map(({ file }) => file));
    const stay = all.filter(({ file }) => !gone.has(file)).map(({ at }) => at.slice(0, 10));
    expect(stay).toEqual([
      ...Array.from({ length: 14 }, (_, n) => day(n)),
      '2026-04-30',
      '2026-03-31',
      '2026-02-28',
      '2026-01-31',
      '2025-12-31',
      '2025-11-30',
      '2025-10-31',
      '2025-09-30',
      '2025-08-31',
      '2025-07-31',
      '2025-06-30',
      '2020-01-01',
    ]);
  });
});
