// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { calyx } from '../../support/cli.ts';
import { finishedRunOnDisk } from '../../support/finished-run.ts';
import { newCells, newRun } from '../../support/library.ts';
import { writeRun } from '../../support/run-folder.ts';

/** A library with two finished runs of one session, closed. */
async function twoRuns() {
  const { library, runUuid, sessionUuid, folder } = await finishedRunOnDisk();
  const session = await library.sessions.get(sessionUuid);
  const { uuid: second } = await library.runs.create(newRun(session.recordings[0]?.uuid ?? ''));
  await library.runs.claim({ runUuid: second });
  writeRun(library.runFolder(second), { frames: 1500, pyramid: false });
  await library.runs.finish(second, { cells: newCells(3), arrays: [] });
  const root = path.resolve(folder, '..', '..');
  await library.close();
  return { root, out: path.join(root, '..', 'out'), first: runUuid, second, sessionUuid };
}

interface Said {
  readonly jobs: readonly {
    readonly state: string;
    readonly result: { readonly path: string } | null;
    readonly error: { readonly message: string } | null;
  }[];
}

test('several runs are exported as jobs, each to a place of its own; one that fails is told and the other goes on', async () => {
  const { root, out, first, second, sessionUuid } = await twoRuns();
  const args = ['--format', 'csv', '--table', 'wide', '--library', root, '--json'];
  // The session stands for its newest run, which is named beside it.
  const both = await calyx(['export', first, second, sessionUuid, '--out', out, ...args]);
  expect(both.code, both.err).toBe(0);
  const { jobs } = JSON.parse(both.out) as Said;
  expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  const folders = readdirSync(out);
  expect(folders).toHaveLength(2);
  for (const folder of folders) expect(readdirSync(path.join(out, folder))).toContain('raw.csv');

  // Something else lies where the first would go.
  const other = path.join(root, '..', 'other');
  const blocked = path.join(other, path.basename(jobs[0]?.result?.path ?? ''));
  mkdirSync(blocked, { recursive: true });
  writeFileSync(path.join(blocked, 'mine'), 'mine');
  const half = await calyx(['export', first, second, '--out', other, ...args]);
  expect(half.code).toBe(6);
  const after = (JSON.parse(half.out) as Said).jobs;
  expect(after.map(({ state }) => state)).toEqual(['failed', 'succeeded']);
  expect(after[0]?.error?.message).toContain('is there already; nothing was written');
  expect(readFileSync(path.join(blocked, 'mine'), 'utf8')).toBe('mine');
});

test('--all takes the newest run of every session, --later only adds the jobs', async () => {
  const { root, out } = await twoRuns();
  const later = await calyx(['export', '--all', '--later', '--format', 'roizip', '--out', out, '--library', root]);
  expect(later.code, later.err).toBe(0);
  expect(later.out).toContain('1 jobs added');
  const done = await calyx(['jobs', 'run', '--library', root, '--json']);
  expect(done.code, done.err).toBe(0);
  expect(readdirSync(out)).toEqual([expect.stringMatching(/_rois\.zip$/)]);
  const wrong = await calyx(['export', '--all', '--library', root]);
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('--out') });
});
