// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { onTestFinished, expect, test } from 'vitest';
import { curationOf } from '../../../main/interop/datajoint/intake/curation.ts';
import { openLibrary } from '../../../main/library/index.ts';
import { newCells, newLibraryIn, newRun, newSession, temporaryFolder } from '../../support/library.ts';

const at = '2026-05-02T10:00:00.000Z';
const cellUuids = [0, 1, 2].map(() => randomUUID());
const given = { prefix: 'lab_', runUuid: randomUUID(), curation: undefined, at, cellUuids };

test('decisions on the server become a curation with its rater and time; undecided cells stay so', () => {
  const row = {
    curation_time: '2026-05-03 09:30:00',
    curator: 'KL',
    curation_note: 'second look',
    manual_curation: 1,
  };
  const made = curationOf({ ...given, curation: row, decided: [true, null, false] });
  expect(made?.raters).toMatchObject([{ initials: 'KL', name: null }]);
  expect(made?.curations).toMatchObject([{ createdAt: '2026-05-03T09:30:00.000Z', version: 1 }]);
  expect(made?.curations[0]?.log.map(({ cellUuid, to, at: when }) => [cellUuid, to, when])).toEqual([
    [cellUuids[0], 'accepted', '2026-05-03T09:30:00.000Z'],
    [cellUuids[2], 'rejected', '2026-05-03T09:30:00.000Z'],
  ]);
  expect(JSON.parse(made?.curations[0]?.log[0]?.context ?? '')).toEqual({ from: 'DataJoint', note: 'second look' });
  // The same server gives the same curation, so that it comes once.
  expect(curationOf({ ...given, curation: row, decided: [true, null, false] })).toEqual(made);
  const unnamed = curationOf({ ...given, decided: [true, true, true] });
  expect(unnamed?.raters).toMatchObject([{ initials: 'DJ', createdAt: at }]);
  expect(curationOf({ ...given, decided: [null, null, null] })).toBeNull();
});

test('a library that adopts them shows their labels and lets its own people go on from there', async () => {
  const library = await openLibrary({ directory: newLibraryIn(temporaryFolder()) });
  onTestFinished(() => library.close());
  const { session } = await library.sessions.insert(newSession(1));
  const { uuid: runUuid } = await library.runs.create(newRun(session.recordings[0]?.uuid ?? ''));
  await library.runs.claim({ runUuid });
  await library.runs.finish(runUuid, { cells: newCells(3), arrays: [] });
  const cells = await library.runs.cells(runUuid);
  const judgements = curationOf({
    ...given,
    runUuid,
    cellUuids: cells.map(({ uuid }) => uuid),
    decided: [false, null, true],
  });
  if (judgements === null) throw new Error('nothing was decided');
  const adoption = { rows: [], judgements: [{ runUuid, judgements }], who: 'datajoint' };
  await library.travel.adopt({ ...adoption, dryRun: true });
  expect((await library.runs.cells(runUuid)).map(({ label }) => label)).toEqual(Array(3).fill('undecided'));
  await library.travel.adopt({ ...adoption, dryRun: false });
  await library.travel.adopt({ ...adoption, dryRun: false });
  expect((await library.runs.cells(runUuid)).map(({ label }) => label)).toEqual(['rejected', 'undecided', 'accepted']);
  expect((await library.curation.current(runUuid))?.counts).toEqual({ accepted: 1, rejected: 1, undecided: 1 });
  const { curations } = await library.travel.judgements(runUuid);
  expect(curations.map(({ receivedAt }) => receivedAt === null)).toEqual([false, true]);
});
