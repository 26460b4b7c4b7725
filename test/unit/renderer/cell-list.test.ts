// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Cell, CellLabel } from '../../../main/contract/index.ts';
import { disagreements, nextOf } from '../../../renderer/stores/consensus.ts';
import {
  foldEntries,
  labelChanges,
  labelCounts,
  neighbour,
  nextUndecided,
  orderCells,
  readFilter,
  rowsAround,
} from '../../../renderer/stores/cell-list.ts';

const cell = (row: number, label: CellLabel, snr: number | null, areaPx = 50): Cell => ({
  uuid: `00000000-0000-7000-8000-${String(row).padStart(12, '0')}`,
  row,
  label,
  centroid: { y: 1, x: 2 },
  box: { top: 0, left: 0, height: 3, width: 4 },
  suggested: snr !== null && snr > 3,
  reasons: [],
  metrics: { snr, areaPx },
});

const cells = [
  cell(0, 'undecided', 4, 90),
  cell(1, 'accepted', 9, 40),
  cell(2, 'undecided', null, 60),
  cell(3, 'rejected', 1, 220),
  cell(4, 'undecided', 2.5, 70),
];
const all = (): boolean => true;
const rows = (list: readonly Cell[]): readonly number[] => list.map((each) => each.row);

describe('the order of the list', () => {
  it('by figures gives away nothing of those that are hidden', () => {
    const snr = { key: 'snr', descending: true } as const;
    expect(rows(orderCells(cells, snr, all))).toEqual([1, 0, 4, 3, 2]);
    expect(rows(orderCells(cells, snr, all, ({ label }) => label === 'undecided'))).toEqual([1, 3, 0, 2, 4]);
  });
  it('can be that of the field: to the right in one band, back in the next', () => {
    const at = (row: number, y: number, x: number): Cell => ({ ...cell(row, 'undecided', 1), centroid: { y, x } });
    const field = [at(0, 0, 9), at(1, 10, 1), at(2, 0, 1), at(3, 10, 9)];
    expect(rows(orderCells(field, { key: 'place', descending: false }, all))).toEqual([2, 0, 3, 1]);
  });
  it('can be mixed, the same each time', () => {
    const many = Array.from({ length: 200 }, (_, row) => cell(row, 'undecided', row));
    const once = rows(orderCells(many, { key: 'mixed', descending: false }, all));
    expect(rows(orderCells(many.toReversed(), { key: 'mixed', descending: false }, all))).toEqual(once);
    expect(once.toSorted((a, b) => a - b)).toEqual(rows(many));
    // Neighbours of the list are strangers: hardly any two follow each other as before.
    expect(once.filter((row, at) => once[at + 1] === row + 1).length).toBeLessThan(10);
  });
});

function filtered(text: string): readonly number[] {
  const test = readFilter(text);
  if (typeof test !== 'function') throw new Error(test.problem);
  return rows(cells.filter(test));
}

describe('the filter of cells', () => {
  it('compares measures, joined by and', () => {
    expect(filtered('snr > 2 and area < 80')).toEqual([1, 4]);
    expect(filtered('SNR>=9')).toEqual([1]);
  });
  it('knows labels and suggestions', () => {
    expect(filtered('undecided')).toEqual([0, 2, 4]);
    expect(filtered('label:rejected')).toEqual([3]);
    expect(filtered('undecided, not suggested')).toEqual([2, 4]);
  });
  it('lets everything through when empty, and a number means a cell', () => {
    expect(filtered('  ')).toEqual([0, 1, 2, 3, 4]);
    expect(filtered('3')).toEqual([3]);
  });
  it('an unknown measure is told with those that are known', () => {
    const read = readFilter('brightness > 3');
    expect(read).toMatchObject({ problem: expect.stringContaining('snr') as unknown });
    expect(readFilter('snr >')).toMatchObject({ problem: expect.stringContaining('snr >') as unknown });
  });
});

describe('the order of the list', () => {
  it('puts unknown values last whichever way it runs', () => {
    expect(rows(orderCells(cells, { key: 'snr', descending: true }, all))).toEqual([1, 0, 4, 3, 2]);
    expect(rows(orderCells(cells, { key: 'snr', descending: false }, all))).toEqual([3, 4, 0, 1, 2]);
  });
  it('does not change the list it was given', () => {
    orderCells(cells, { key: 'row', descending: true }, all);
    expect(rows(cells)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('going through the list', () => {
  const at = (row: number): string => cells[row]!.uuid;
  it('steps to the neighbour and stays at the ends', () => {
    expect(neighbour(cells, at(1), 1)?.row).toBe(2);
    expect(neighbour(cells, at(4), 1)?.row).toBe(4);
    expect(neighbour(cells, null, -1)?.row).toBe(4);
  });
  it('finds the next undecided cell, round the end', () => {
    expect(nextUndecided(cells, at(0), 1)?.row).toBe(2);
    expect(nextUndecided(cells, at(4), 1)?.row).toBe(0);
    expect(nextUndecided(cells, at(3), -1)?.row).toBe(2);
    expect(nextUndecided(cells, null, 1)?.row).toBe(0);
  });
  it('finds none when only the cell itself is left', () => {
    expect(nextUndecided([cell(0, 'undecided', 1), cell(1, 'accepted', 1)], cells[0]!.uuid, 1)).toBeUndefined();
  });
});

describe('decisions folded into the list', () => {
  it('give each cell its newest label and count', () => {
    const after = foldEntries(cells, [
      { cellUuid: cells[0]!.uuid, to: 'accepted' },
      { cellUuid: cells[2]!.uuid, to: 'accepted' },
      { cellUuid: cells[2]!.uuid, to: 'undecided' },
    ]);
    expect(after.map((each) => each.label)).toEqual(['accepted', 'accepted', 'undecided', 'rejected', 'undecided']);
    expect(labelCounts(after)).toEqual({ accepted: 2, rejected: 1, undecided: 2 });
    expect(after[2]).toBe(cells[2]);
  });
});

const named = (row: number, label: CellLabel): Cell => ({ ...cell(row, label, 1), uuid: `cell ${row}` });

describe('two versions of labels', () => {
  it('differ where a label changed, and where an edit made or took a cell', () => {
    const before = [named(0, 'accepted'), named(1, 'undecided'), named(2, 'rejected')];
    const after = [named(0, 'accepted'), named(1, 'rejected'), named(3, 'accepted')];
    expect(labelChanges(before, after).map(({ row, from, to }) => [row, from, to])).toEqual([
      [1, 'undecided', 'rejected'],
      [2, 'rejected', null],
      [3, null, 'accepted'],
    ]);
  });
});

describe('raters who differ', () => {
  const told = {
    raters: [
      { rater: { uuid: 'a', initials: 'AA' } },
      { rater: { uuid: 'b', initials: 'BB' } },
      { rater: { uuid: 'c', initials: 'CC' } },
    ],
    pairs: [
      { first: 'a', second: 'b', disagreements: [{ cellUuid: 'cell 2', first: 'accepted', second: 'rejected' }] },
      {
        first: 'b',
        second: 'c',
        disagreements: [
          { cellUuid: 'cell 2', first: 'rejected', second: 'accepted' },
          { cellUuid: 'cell 0', first: 'accepted', second: 'rejected' },
          { cellUuid: 'gone', first: 'accepted', second: 'rejected' },
        ],
      },
    ],
    settled: [{ cellUuid: 'cell 2', label: 'accepted' }],
  } as const;

  it('are shown cell by cell with what each said; settled is what holds now', () => {
    const shown = (label: CellLabel) =>
      disagreements(told, [named(0, 'accepted'), named(1, 'accepted'), named(2, label)]).map(
        ({ cell: one, said, settled }) => [one.row, Object.fromEntries(said), settled],
      );
    expect(shown('accepted')).toEqual([
      [0, { BB: 'accepted', CC: 'rejected' }, false],
      [2, { AA: 'accepted', BB: 'rejected', CC: 'accepted' }, true],
    ]);
    // A label that was changed after it was settled is to be settled again.
    expect(shown('rejected')[1]?.[2]).toBe(false);
  });

  it('are gone through from one open cell to the next, round once', () => {
    const list = [0, 1, 2, 3].map((row) => named(row, 'accepted'));
    const open = new Set(['cell 1', 'cell 3']);
    expect(nextOf(list, open, 'cell 1', 1)?.row).toBe(3);
    expect(nextOf(list, open, 'cell 3', 1)?.row).toBe(1);
    expect(nextOf(list, open, null, -1)?.row).toBe(3);
    expect(nextOf(list, new Set(['cell 1']), 'cell 1', 1)).toBeUndefined();
  });
});

describe('the cells a key may go to', () => {
  it('are the next, the next undecided and the one before, then those farther on, each once and never the cell itself', () => {
    const at = (row: number): readonly number[] => rowsAround(cells, cells[row]?.uuid);
    expect(at(0)).toEqual([1, 2, 3, 4]);
    expect(at(2)).toEqual([3, 4, 1, 0]);
    expect(at(4)).toEqual([0, 3, 2, 1]);
    expect(rowsAround(cells, undefined)).toEqual([]);
    const many = Array.from({ length: 40 }, (_, row) => named(row, row === 30 ? 'undecided' : 'accepted'));
    expect(rowsAround(many, 'cell 20')).toEqual([21, 30, 19, 22, 23, 24, 25, 18, 17, 16, 15]);
  });
});
