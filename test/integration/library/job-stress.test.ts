// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openCore, serve } from '../../../main/hosts/server/index.ts';
import { readOwner } from '../../../main/library/index.ts';
import { temporaryFolder, testEpochMs } from '../../support/library.ts';

const count = 2000;
const worker = path.join(import.meta.dirname, 'job-worker.ts');

it('eight workers do 2000 jobs, each once, and jobs of killed ones return after their lease', async () => {
  const sharedClock = new SharedArrayBuffer(8);
  const cell = new BigInt64Array(sharedClock);
  cell[0] = BigInt(testEpochMs);
  const directory = temporaryFolder();
  const opened = await openCore({ libraryDirectory: directory, program: 'test', takeQueued: false, sharedClock });
  if (opened.kind !== 'owner') throw new Error('somebody else has the library');
  const { core } = opened;
  const served = await serve(core);
  onTestFinished(async () => {
    await served.close();
    await core.close();
  });
  const { jobs } = core.library;
  await jobs.add(Array.from({ length: count }, (_, i) => ({ step: 'count', target: String(i) })));
  const token = readOwner(directory)?.token ?? '';
  const start = (name: string, dieAfter = ''): Promise<NodeJS.Signals | number | null> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [worker, served.origin, token, name, dieAfter], { stdio: 'ignore' });
      child.once('exit', (code, signal) => resolve(signal ?? code));
    });
  const ends = await Promise.all(Array.from({ length: 8 }, (_, i) => start(`w${i}`, i < 2 ? String(5 + i) : '')));
  expect(ends).toEqual(['SIGKILL', 'SIGKILL', 0, 0, 0, 0, 0, 0]);
  const all = (states: readonly ('succeeded' | 'claimed')[]) => jobs.list({ states: [...states], limit: 10_000 });
  expect([(await all(['succeeded'])).length, (await all(['claimed'])).length]).toEqual([count - 2, 2]);
  // Before the lease is over nobody gets them.
  expect(await start('early')).toBe(0);
  expect(await all(['claimed'])).toHaveLength(2);
  cell[0] += 60_001n;
  expect(await start('late')).toBe(0);
  const done = await all(['succeeded']);
  expect(new Set(done.map(({ target }) => target)).size).toBe(count);
  expect(done.filter(({ attempts }) => attempts === 2).map(({ result }) => result)).toEqual([
    { by: 'late' },
    { by: 'late' },
  ]);
  expect(done.every(({ attempts }) => attempts <= 2)).toBe(true);
}, 240_000);
