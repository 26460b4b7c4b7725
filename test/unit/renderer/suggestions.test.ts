// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Cell, CellLabel } from '../../../main/contract/index.ts';
import { hidden } from '../../../renderer/stores/blind.ts';
import { asParameters, histogram, limitCounts, reasonsAgainst } from '../../../renderer/stores/suggestions.ts';

function cell(row: number, label: CellLabel, metrics: Cell['metrics']): Cell {
  return {
    uuid: `0198a000-0005-7000-8000-${String(row).padStart(12, '0')}`,
    row,
    label,
    centroid: { y: 0, x: 0 },
    box: { top: 0, left: 0, height: 1, width: 1 },
    suggested: true,
    reasons: [],
    metrics,
  };
}

describe('limits', () => {
  const cells = [
    cell(0, 'undecided', { snr: 5, overlap: 0.1 }),
    cell(1, 'accepted', { snr: 2, overlap: 0.1 }),
    cell(2, 'undecided', { snr: 9, overlap: 0.6 }),
    cell(3, 'undecided', { snr: null, overlap: 0 }),
  ];
  it('count what they speak for and against, all and among the undecided', () => {
    expect(limitCounts(cells, { snr: 3, overlap: 0.5 })).toEqual({
      accept: 1,
      reject: 3,
      undecidedAccept: 1,
      undecidedReject: 2,
    });
    expect(limitCounts(cells, {}).reject).toBe(0);
  });
  it('say what speaks against a cell; an unknown figure does', () => {
    const limits = { snr: 3, overlap: 0.5 };
    expect(cells.map((each) => reasonsAgainst(each, limits))).toEqual([
      [],
      ['SNR of trace 2.0 is below 3.0'],
      ['Overlap 0.60 is above 0.50'],
      ['SNR of trace is unknown'],
    ]);
    // The limit itself is kept, on both sides.
    expect(reasonsAgainst(cell(4, 'undecided', { snr: 3, overlap: 0.5 }), limits)).toEqual([]);
  });
  it('are drawn over every value once, also where all are the same', () => {
    expect(histogram([1, 2, 2, 3], 2)).toEqual({ low: 1, high: 3, counts: [1, 3] });
    expect(histogram([7, 7], 4)).toEqual({ low: 7, high: 8, counts: [2, 0, 0, 0] });
    expect(histogram([], 2)).toEqual({ low: 0, high: 1, counts: [0, 0] });
  });
});

describe('blind mode', () => {
  it('hides the machine’s opinion of a cell until it is decided, and only then', () => {
    expect(hidden(true, { label: 'undecided' })).toBe(true);
    expect(hidden(true, { label: 'rejected' })).toBe(false);
    expect(hidden(false, { label: 'undecided' })).toBe(false);
  });
});

describe('limits as a preset', () => {
  it('become the parameters of the engine that limit the same, as they are shown', () => {
    expect(asParameters({ snr: 3.1234, rValue: 0.654321, overlap: 0.4 })).toEqual({
      parameters: { minSnr: 3.1, minRValue: 0.65 },
      without: ['Overlap'],
    });
  });
});
