// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { CellLabel } from '../../../main/contract/index.ts';
import { foldSteps } from '../../../main/library/database/curation-fold.ts';
import type { Stores } from '../../../main/library/database/stores.ts';
import { finishedRun, newRun, newSession, seededNumbers, temporaryFolder, testStores } from '../../support/library.ts';

function begin(cells = 6) {
  const directory = temporaryFolder();
  const stores = testStores({ directory });
  const runUuid = finishedRun(stores, cells);
  const raterUuid = stores.curation.addRater({ initials: 'AB' }).uuid;
  const uuids = stores.runs.cells(runUuid).map((cell) => cell.uuid);
  const decide = (rows: readonly number[], to: CellLabel, on: Stores = stores) =>
    on.curation.decide({
      runUuid,
      raterUuid,
      cellUuids: rows.map((row) => uuids[row]!),
      to,
      context: { image: 'mean' },
    });
  const labels = (on: Stores = stores) =>
    on.runs
      .cells(runUuid)
      .map((cell) => cell.label[0])
      .join('');
  return { directory, stores, runUuid, raterUuid, uuids, decide, labels, step: { runUuid, raterUuid } };
}

describe('judging cells', () => {
  it('begins with a rater: without one the first decision is refused and nothing is kept', () => {
    const { stores, runUuid, uuids } = begin();
    const nobody = '01a20ba6-cef8-770a-a360-34fe36bbb36c';
    expect(() =>
      stores.curation.decide({ runUuid, raterUuid: nobody, cellUuids: [uuids[0]!], to: 'accepted', context: {} }),
    ).toThrow(expect.objectContaining({ code: 'review.no_rater' }));
    expect(stores.curation.current(runUuid)).toBeNull();
    expect(stores.curation.log(runUuid)).toEqual([]);
  });

  it('writes one row for each cell whose label changes', () => {
    const { stores, runUuid, decide, labels } = begin();
    const first = decide([0], 'accepted');
    expect(first.entries).toMatchObject([{ seq: 1, row: 0, from: 'undecided', to: 'accepted', kind: 'decide' }]);
    const second = decide([0, 1, 1, 2], 'rejected');
    expect(second.entries.map(({ seq, row, from, to }) => [seq, row, from, to])).toEqual([
      [2, 0, 'accepted', 'rejected'],
      [3, 1, 'undecided', 'rejected'],
      [4, 2, 'undecided', 'rejected'],
    ]);
    expect(decide([1], 'rejected').entries).toEqual([]);
    expect(labels()).toBe('rrruuu');
    expect(second.curation.counts).toEqual({ accepted: 0, rejected: 3, undecided: 3 });
    expect(stores.curation.log(runUuid)).toHaveLength(4);
    expect(stores.curation.log(runUuid)[0]?.rater).toMatchObject({ initials: 'AB' });
    expect(stores.database.prepare('SELECT context FROM curation_log WHERE seq = 1').get()).toEqual({
      context: '{"image":"mean"}',
    });
  });

  it('takes a whole act back and repeats it, each time with more rows', () => {
    const { stores, step, decide, labels } = begin();
    decide([0], 'accepted');
    decide([0, 1], 'rejected');
    expect(labels()).toBe('rruuuu');
    const undone = stores.curation.undo(step);
    expect(undone.entries.map(({ row, from, to, kind }) => [row, from, to, kind])).toEqual([
      [0, 'rejected', 'accepted', 'undo'],
      [1, 'rejected', 'undecided', 'undo'],
    ]);
    expect(undone.curation).toMatchObject({ canUndo: true, canRedo: true, counts: { accepted: 1, rejected: 0 } });
    expect(labels()).toBe('auuuuu');
    expect(stores.curation.redo(step).entries.map((entry) => entry.kind)).toEqual(['redo', 'redo']);
    expect(labels()).toBe('rruuuu');
    expect(() => stores.curation.redo(step)).toThrow(expect.objectContaining({ code: 'review.nothing_to_undo' }));
  });

  it('forgets what was undone once something new is decided', () => {
    const { stores, step, decide, labels } = begin();
    decide([0], 'accepted');
    decide([1], 'accepted');
    stores.curation.undo(step);
    expect(decide([2], 'rejected').curation.canRedo).toBe(false);
    expect(() => stores.curation.redo(step)).toThrow(expect.objectContaining({ code: 'review.nothing_to_undo' }));
    stores.curation.undo(step);
    expect(labels()).toBe('auuuuu');
  });

  it('keeps undo and redo over a restart', () => {
    const { directory, stores, step, decide, labels } = begin();
    decide([0], 'accepted');
    decide([1], 'rejected');
    stores.curation.undo(step);
    stores.close();
    const again = testStores({ directory });
    expect(again.curation.current(step.runUuid)).toMatchObject({ canUndo: true, canRedo: true });
    again.curation.redo(step);
    expect(labels(again)).toBe('aruuuu');
    again.curation.undo(step);
    again.curation.undo(step);
    expect(labels(again)).toBe('uuuuuu');
  });

  it('refuses cells of another run, and changes nothing then', () => {
    const { stores, decide, runUuid, raterUuid, uuids, labels } = begin();
    const other = finishedRun(stores, 2, 2);
    const foreign = stores.runs.cells(other)[0]!.uuid;
    expect(() =>
      stores.curation.decide({ runUuid, raterUuid, cellUuids: [uuids[0]!, foreign], to: 'accepted', context: {} }),
    ).toThrow(expect.objectContaining({ code: 'review.unknown_cell' }));
    expect(labels()).toBe('uuuuuu');
    decide([0], 'accepted');
    const cell = stores.database
      .prepare<[string], { id: number }>('SELECT max(id) AS id FROM cell WHERE ? <> 0')
      .get('x');
    expect(() =>
      stores.database
        .prepare(
          `INSERT INTO curation_log (curation_id, seq, step, kind, rater_id, cell_id, from_label, to_label, at, context)
          VALUES (1, 99, 99, 'decide', 1, ?, 'undecided', 'accepted', '2026-01-01T00:00:00.000Z', '{}')`,
        )
        .run(cell?.id),
    ).toThrow(/another run/);
  });

  it('refuses a run without a result', () => {
    const { stores, raterUuid, uuids } = begin();
    const { session } = stores.sessions.insert(newSession(9));
    const queued = stores.runs.create(newRun(session.recordings[0]!.uuid));
    expect(() =>
      stores.curation.decide({
        runUuid: queued.uuid,
        raterUuid,
        cellUuids: [uuids[0]!],
        to: 'accepted',
        context: {},
      }),
    ).toThrow(expect.objectContaining({ code: 'run.not_ready' }));
  });

  it('refuses every change of a frozen version', () => {
    const { stores, step, decide, labels } = begin();
    decide([0], 'accepted');
    decide([1], 'accepted');
    stores.curation.undo(step);
    expect(stores.curation.freeze(step.runUuid)).toMatchObject({ frozen: true, canUndo: false, canRedo: false });
    const frozen = expect.objectContaining({ code: 'review.frozen' });
    expect(() => decide([2], 'rejected')).toThrow(frozen);
    expect(() => stores.curation.undo(step)).toThrow(frozen);
    expect(() => stores.curation.redo(step)).toThrow(frozen);
    expect(() => stores.database.exec('UPDATE curation SET accepted_count = 5')).toThrow(/frozen version/);
    expect(labels()).toBe('auuuuu');
  });

  it('has a log that cannot be rewritten', () => {
    const { stores, decide } = begin();
    decide([0], 'accepted');
    expect(() => stores.database.exec("UPDATE curation_log SET to_label = 'rejected'")).toThrow(/only ever added/);
    expect(() => stores.database.exec('DELETE FROM curation_log')).toThrow(/only ever added/);
  });

  it('knows a rater by the initials, whatever their case', () => {
    const { stores } = begin();
    const first = stores.curation.addRater({ initials: 'xy' });
    const second = stores.curation.addRater({ initials: ' XY ', name: 'Xenia' });
    expect(second).toEqual({ ...first, name: 'Xenia' });
    expect(stores.curation.addRater({ initials: 'xy', name: 'Another' }).name).toBe('Xenia');
    expect(stores.curation.raters().map((rater) => rater.initials)).toEqual(['AB', 'xy']);
  });
});

describe('the fold of the log', () => {
  it('moves steps between the two stacks', () => {
    const decide = (step: number) => ({ step, kind: 'decide' as const, target: null });
    expect(
      foldSteps([decide(1), decide(2), { step: 3, kind: 'undo', target: 2 }, { step: 4, kind: 'undo', target: 1 }]),
    ).toEqual({ done: [], undone: [2, 1] });
    expect(foldSteps([decide(1), { step: 2, kind: 'undo', target: 1 }, { step: 3, kind: 'redo', target: 1 }])).toEqual({
      done: [1],
      undone: [],
    });
  });

  it.each([1, 2, 3, 4, 5])('agrees with a plain editor’s history for random acts (seed %i)', (seed) => {
    const cells = 5;
    const { directory, stores: opened, step, uuids, decide } = begin(cells);
    let stores = opened;
    const random = seededNumbers(seed);
    const names: readonly CellLabel[] = ['accepted', 'rejected', 'undecided'];
    // The model keeps whole states; the library keeps a log.
    let past: string[] = [];
    let state = 'u'.repeat(cells);
    let future: string[] = [];
    for (let i = 0; i < 120; i += 1) {
      const choice = random();
      if (choice < 0.5) {
        const rows = uuids.map((_, row) => row).filter(() => random() < 0.4);
        const to = names[Math.floor(random() * 3)]!;
        const next = Array.from(state, (label, row) => (rows.includes(row) ? to.charAt(0) : label)).join('');
        if (rows.length > 0) decide(rows, to, stores);
        if (next !== state) [past, state, future] = [[...past, state], next, []];
      } else if (choice < 0.75) {
        if (past.length > 0) {
          stores.curation.undo(step);
          [past, state, future] = [past.slice(0, -1), past.at(-1)!, [...future, state]];
        } else {
          expect(() => stores.curation.undo(step)).toThrow(expect.objectContaining({ code: 'review.nothing_to_undo' }));
        }
      } else if (choice < 0.97) {
        if (future.length > 0) {
          stores.curation.redo(step);
          [past, state, future] = [[...past, state], future.at(-1)!, future.slice(0, -1)];
        } else {
          expect(() => stores.curation.redo(step)).toThrow(expect.objectContaining({ code: 'review.nothing_to_undo' }));
        }
      } else {
        stores.close();
        stores = testStores({ directory });
      }
      const labels = stores.runs.cells(step.runUuid).map((cell) => cell.label);
      expect(labels.map((label) => label[0]).join('')).toBe(state);
      const curation = stores.curation.current(step.runUuid);
      expect([curation?.canUndo ?? false, curation?.canRedo ?? false]).toEqual([past.length > 0, future.length > 0]);
      const count = (name: CellLabel) => labels.filter((label) => label === name).length;
      expect(curation?.counts ?? { accepted: 0, rejected: 0, undecided: cells }).toEqual({
        accepted: count('accepted'),
        rejected: count('rejected'),
        undecided: count('undecided'),
      });
    }
    // The labels are what the log says and nothing else.
    const fold = new Map(stores.curation.log(step.runUuid).map((entry) => [entry.row, entry.to.charAt(0)]));
    expect(Array.from(state, (_, row) => fold.get(row) ?? 'u').join('')).toBe(state);
    const seqs = stores.curation.log(step.runUuid).map((entry) => entry.seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  });
});
