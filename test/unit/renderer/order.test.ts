// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { byName, byValue, rowsBy } from '../../../renderer/stores/order.ts';

describe('the order of a list', () => {
  it('is by numbers as numbers and by names as people sort them', () => {
    expect([10, 9, 100].toSorted(byValue((value) => value))).toEqual([9, 10, 100]);
    expect(['m10', 'm9', 'M8'].toSorted(byName)).toEqual(['M8', 'm9', 'm10']);
    expect(['m10', 'm9'].toSorted(byValue((name) => name, true))).toEqual(['m10', 'm9']);
  });

  it('has what is not known at its end, in both directions, and leaves equal ones as they were', () => {
    const values = [3, null, 1, undefined, 3, Number.NaN];
    expect(rowsBy(6, (row) => values[row])).toEqual([2, 0, 4, 1, 3, 5]);
    expect(rowsBy(6, (row) => values[row], true)).toEqual([0, 4, 2, 1, 3, 5]);
  });
});
