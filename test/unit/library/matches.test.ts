// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { newCells, newRun, newSession, testStores } from '../../support/library.ts';

function withMatch() {
  const stores = testStores();
  const runs = [1, 2].map((seed) => {
    const { session } = stores.sessions.insert(newSession(seed));
    const { uuid } = stores.runs.create(newRun(session.recordings[0]!.uuid));
    stores.runs.claim({ runUuid: uuid });
    stores.runs.finish(uuid, { cells: newCells(3), arrays: [] });
    return uuid;
  });
  const matchUuid = stores.matches.add({
    umPerPx: 2,
    allCells: false,
    falseMatchRate: null,
    runs: runs.map((runUuid, i) => ({ runUuid, shiftY: i, shiftX: -i, rotation: 0.5 * i })),
    groups: [0, 1, 2].map((row) => ({
      score: row === 2 ? null : 0.5 + row / 10,
      members: (row === 2 ? [0] : [0, 1]).map((session) => ({ session, row, score: row === 2 ? null : 0.9 })),
    })),
  });
  const rater = stores.curation.addRater({ initials: 'JD' });
  return { stores, runs, matchUuid, raterUuid: rater.uuid };
}

it('keeps a comparison of sessions and what people say of its matches', () => {
  const { stores, runs, matchUuid, raterUuid } = withMatch();
  const { matches } = stores;
  expect(matches.get(matchUuid)).toMatchObject({
    uuid: matchUuid,
    runs: [{ runUuid: runs[0] }, { runUuid: runs[1], shiftY: 1, shiftX: -1, rotation: 0.5 }],
    labels: ['undecided', 'undecided', 'undecided'],
    canUndo: false,
  });
  matches.decide({ matchUuid, raterUuid, groups: [0, 1], to: 'accepted' });
  matches.decide({ matchUuid, raterUuid, groups: [1], to: 'rejected' });
  // What is so already makes no step.
  matches.decide({ matchUuid, raterUuid, groups: [1], to: 'rejected' });
  expect(matches.get(matchUuid).labels).toEqual(['accepted', 'rejected', 'undecided']);
  expect(matches.get(matchUuid).log.map(({ groups, to }) => [groups, to])).toEqual([
    [[0, 1], 'accepted'],
    [[1], 'rejected'],
  ]);

  matches.undo({ matchUuid, raterUuid });
  expect(matches.get(matchUuid).labels).toEqual(['accepted', 'accepted', 'undecided']);
  matches.undo({ matchUuid, raterUuid });
  expect(matches.get(matchUuid).labels).toEqual(['undecided', 'undecided', 'undecided']);
  expect(() => matches.undo({ matchUuid, raterUuid })).toThrow(/no decision/);
  // The log only grows.
  expect(matches.get(matchUuid).log).toHaveLength(4);
  expect(() => matches.decide({ matchUuid, raterUuid, groups: [3], to: 'accepted' })).toThrow(/matches are 0 to 2/);
  expect(() => matches.decide({ matchUuid, raterUuid: matchUuid, groups: [0], to: 'accepted' })).toThrow(/initials/);
});

it('goes with a run that it speaks of, and comes back with it', () => {
  const { stores, runs, matchUuid, raterUuid } = withMatch();
  stores.matches.decide({ matchUuid, raterUuid, groups: [0], to: 'accepted' });
  const deletion = stores.deletions.remove({ key: runs[1]!, graceMs: 1000 });
  expect(stores.matches.list()).toEqual([]);
  stores.deletions.undo(deletion.uuid);
  expect(stores.matches.get(matchUuid)).toMatchObject({ labels: ['accepted', 'undecided', 'undecided'] });
  expect(stores.matches.get(matchUuid).groups[0]?.members).toHaveLength(2);
});
