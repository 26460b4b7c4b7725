// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { EditedCell } from '../../../main/library/index.ts';
import { finishedRun, temporaryFolder, testStores } from '../../support/library.ts';

function begin() {
  const directory = temporaryFolder();
  const stores = testStores({ directory });
  const runUuid = finishedRun(stores, 4);
  const raterUuid = stores.curation.addRater({ initials: 'AB' }).uuid;
  const step = { runUuid, raterUuid };
  const { uuid: curationUuid } = stores.curation.begin(step);
  const holding = () =>
    stores.curation
      .edits(runUuid)
      .filter((edit) => edit.active)
      .map((edit) => edit.uuid);
  const edit = (n: number, cells: readonly EditedCell[], basis = holding()) => {
    const uuid = `01a20ba6-cef8-470a-a360-34fe36bbb3${String(n).padStart(2, '0')}`;
    const folder = join(directory, 'edits', curationUuid, uuid);
    return stores.curation.addEdit({ ...step, uuid, request: { kind: 'test', n }, folder, basis, cells });
  };
  const rows = () => stores.runs.cells(runUuid).map((cell) => cell.row);
  return { directory, stores, step, runUuid, edit, rows, holding };
}

const gone = (row: number): EditedCell => ({ row, state: 'gone', made: false, arrayRow: null, result: null });
const result = {
  centroid: { y: 3, x: 4 },
  box: { top: 1, left: 2, height: 5, width: 5 },
  metrics: { snr: 9 },
};
const made = (row: number): EditedCell => ({ row, state: 'live', made: true, arrayRow: 0, result });

it('a merge hides two cells and shows a third; undo and redo turn it back and forth with its decisions', () => {
  const { stores, step, runUuid, edit, rows } = begin();
  const [first, second] = stores.runs.cells(runUuid);
  const decide = (uuid: string) =>
    stores.curation.decide({ ...step, cellUuids: [uuid], to: 'accepted', context: {} }).curation;
  decide(first!.uuid);
  const change = edit(1, [gone(0), gone(1), made(4)]);
  expect(change.curation).toMatchObject({ canUndo: true, counts: { accepted: 0, rejected: 0, undecided: 3 } });
  expect(rows()).toEqual([2, 3, 4]);
  const cell = stores.runs.cells(runUuid).at(-1)!;
  expect(cell).toMatchObject({ ...result, label: 'undecided', suggested: true });
  expect(cell.uuid[14]).toBe('7');
  expect(decide(cell.uuid).counts).toEqual({ accepted: 1, rejected: 0, undecided: 2 });
  stores.curation.undo(step);
  expect(stores.curation.undo(step).curation.counts).toEqual({ accepted: 1, rejected: 0, undecided: 3 });
  expect(rows()).toEqual([0, 1, 2, 3]);
  expect(stores.runs.cells(runUuid)[1]?.uuid).toBe(second!.uuid);
  stores.curation.redo(step);
  stores.curation.redo(step);
  expect(stores.runs.cells(runUuid).map(({ row, label }) => [row, label])).toEqual([
    [2, 'undecided'],
    [3, 'undecided'],
    [4, 'accepted'],
  ]);
  expect(stores.curation.undo(step).entries).toHaveLength(1);
});

it('gives no row twice, also when the edit that made a cell was taken back', () => {
  const { stores, step, runUuid, edit, rows } = begin();
  edit(1, [made(4)]);
  stores.curation.undo(step);
  expect(stores.curation.nextRow(runUuid)).toBe(5);
  edit(2, [made(5)]);
  expect(rows()).toEqual([0, 1, 2, 3, 5]);
  expect(stores.curation.current(runUuid)?.canRedo).toBe(false);
});

it('a changed cell keeps its uuid and gets its new place only while the edit holds', () => {
  const { stores, step, runUuid, edit } = begin();
  const before = stores.runs.cells(runUuid)[2]!;
  edit(1, [{ row: 2, state: 'live', made: false, arrayRow: 0, result }]);
  expect(stores.runs.cells(runUuid)[2]).toMatchObject({ uuid: before.uuid, ...result });
  stores.curation.undo(step);
  expect(stores.runs.cells(runUuid)[2]).toEqual(before);
});

it('refuses an edit that was computed on other cells, and keeps nothing of it', () => {
  const { stores, runUuid, edit, holding } = begin();
  const basis = holding();
  edit(1, [gone(0)]);
  const stale = expect.objectContaining({ code: 'review.edit_stale' });
  expect(() => edit(2, [gone(1)], basis)).toThrow(stale);
  expect(() => edit(2, [made(9)])).toThrow(stale);
  expect(stores.curation.edits(runUuid)).toHaveLength(1);
});

it('the log of edits is only ever added to, and not at all once it is frozen', () => {
  const { stores, step, runUuid, edit } = begin();
  edit(1, [gone(0)]);
  expect(() => stores.database.exec("UPDATE curation_edit SET folder = 'edits/x'")).toThrow('only ever added');
  expect(() => stores.database.exec('DELETE FROM curation_edit_cell')).toThrow('only ever added');
  stores.curation.freeze(runUuid);
  const frozen = expect.objectContaining({ code: 'review.frozen' });
  expect(() => edit(2, [gone(1)])).toThrow(frozen);
  expect(() => stores.curation.undo(step)).toThrow(frozen);
});

it('names the folder of its arrays inside the library, wherever that lies', () => {
  const { directory, stores, runUuid, edit } = begin();
  edit(1, [gone(0)]);
  const [stored] = stores.curation.edits(runUuid);
  expect(stored).toMatchObject({ active: true, request: { kind: 'test', n: 1 } });
  expect(stored?.folder.startsWith(join(directory, 'edits'))).toBe(true);
  expect(stores.database.prepare('SELECT folder FROM curation_edit').get()).toMatchObject({
    folder: expect.stringMatching(/^edits\/[-0-9a-f]+\/[-0-9a-f]+$/) as string,
  });
});

it('the version after one with edits begins with its cells and labels, and changes only itself', () => {
  const { stores, step, runUuid, edit, rows } = begin();
  edit(1, [gone(0), gone(1), made(4)]);
  const merged = stores.runs.cells(runUuid).at(-1)!;
  stores.curation.decide({ ...step, cellUuids: [merged.uuid], to: 'accepted', context: {} });
  edit(2, [gone(2)]);
  stores.curation.undo(step);
  const before = stores.runs.cells(runUuid);
  const folders = stores.curation.edits(runUuid).map(({ folder }) => folder);
  stores.curation.freeze(runUuid);
  const second = stores.curation.addRater({ initials: 'CD' }).uuid;
  expect(stores.curation.nextVersion({ runUuid, raterUuid: second })).toMatchObject({
    version: 2,
    counts: { accepted: 1, rejected: 0, undecided: 2 },
  });
  expect(stores.runs.cells(runUuid)).toEqual(before);
  expect(stores.curation.edits(runUuid)).toMatchObject([
    { active: true, folder: folders[0], raterUuid: step.raterUuid },
  ]);
  // A further edit counts rows on; the frozen version keeps what it had.
  const own = { ...step, raterUuid: second };
  stores.curation.decide({ ...own, cellUuids: [merged.uuid], to: 'rejected', context: {} });
  edit(3, [gone(3), made(5)]);
  expect(rows()).toEqual([2, 4, 5]);
  expect(stores.runs.cells(runUuid, 1)).toEqual(before);
  expect(stores.runs.cells(runUuid, 2).map(({ row, label }) => [row, label])).toEqual([
    [2, 'undecided'],
    [4, 'rejected'],
    [5, 'undecided'],
  ]);
  expect(stores.curation.versions(runUuid)).toMatchObject([
    {
      version: 1,
      owner: 'AB',
      parent: null,
      accepted: 1,
      rejected: 0,
      edits: 1,
      frozenAt: expect.any(String) as string,
    },
    { version: 2, owner: 'CD', parent: 1, accepted: 0, rejected: 1, edits: 2, frozenAt: null },
  ]);
  expect(() => stores.runs.cells(runUuid, 3)).toThrow(expect.objectContaining({ code: 'review.no_version' }));
});
