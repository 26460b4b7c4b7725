// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { newRun, newSession, testStores } from '../../support/library.ts';

it('keeps runs that were queued together, until the last of them is deleted', () => {
  const stores = testStores();
  const recording = stores.sessions.insert(newSession(1)).session.recordings[0]!;
  const runs = [0, 1].map(() => stores.runs.create(newRun(recording.uuid)).uuid);
  const uuid = stores.batches.add({
    name: '2 sets of settings',
    sets: ['strict', 'loose'],
    runs: runs.map((runUuid, set) => ({ runUuid, set })),
  });
  expect(stores.batches.list()).toMatchObject([
    {
      uuid,
      name: '2 sets of settings',
      sets: ['strict', 'loose'],
      runs: [
        { runUuid: runs[0], set: 0, recordingUuids: [recording.uuid] },
        { runUuid: runs[1], set: 1, recordingUuids: [recording.uuid] },
      ],
    },
  ]);
  expect(() => stores.batches.add({ name: 'x', sets: ['a'], runs: [{ runUuid: uuid, set: 0 }] })).toThrow(/No run/);
  expect(stores.batches.list()).toHaveLength(1);
  for (const runUuid of runs) stores.runs.cancel(runUuid);
  stores.deletions.remove({ key: runs[0]!, graceMs: 0 });
  expect(stores.batches.list()[0]?.runs).toHaveLength(1);
  stores.deletions.remove({ key: runs[1]!, graceMs: 0 });
  expect(stores.batches.list()).toEqual([]);
});
