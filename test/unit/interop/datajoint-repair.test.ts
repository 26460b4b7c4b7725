// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { belowRoot } from '../../../main/interop/datajoint/intake/intake.ts';
import { acceptedOf, axesOf, timesOf } from '../../../main/interop/datajoint/intake/repair.ts';

const mask = (xpix: readonly number[], ypix: readonly number[]) => ({
  mask: 1,
  xpix,
  ypix,
  weights: xpix.map(() => 1),
});

describe('which of x and y a server means', () => {
  const wide = { height: 30, width: 40 };
  const square = { height: 40, width: 40 };

  it('is said by what Calyx wrote into the notes', () => {
    expect(axesOf([mask([1], [2])], wide, null, 'a [Calyx: pixels and shifts x columns, y rows]').exchanged).toBe(
      false,
    );
    expect(
      axesOf([mask([1], [2])], wide, null, '[Calyx: pixels and shifts as upstream: x rows, y columns]').exchanged,
    ).toBe(true);
  });

  it('is shown by masks that would leave the field', () => {
    expect(axesOf([mask([35], [5])], wide, null, '').exchanged).toBe(false);
    expect(axesOf([mask([5], [35])], wide, null, '').exchanged).toBe(true);
  });

  it('is shown by the image, brighter where the cells are', () => {
    const image = new Float32Array(1600).fill(1);
    image[7 * 40 + 20] = 9;
    expect(axesOf([mask([20], [7])], square, image, '').exchanged).toBe(false);
    expect(axesOf([mask([7], [20])], square, image, '').exchanged).toBe(true);
  });

  it('is taken as upstream writes it where nothing tells', () => {
    expect(axesOf([mask([7], [20])], square, new Float32Array(1600), '')).toMatchObject({
      exchanged: true,
      why: expect.stringContaining('nothing tells'),
    });
  });
});

describe('accepted masks', () => {
  const said = (marked: readonly number[], trusted = false) => {
    const { of, shifted } = acceptedOf([1, 2, 3], new Set(marked), trusted);
    return { shifted, of: [1, 2, 3].map((number) => of.get(number)) };
  };

  it('are those after the marked ones, as element-miniscope looks them up; of the first nothing is known', () => {
    // Components 0 and 2 of four are accepted: mask 2 is marked, mask 3 is meant.
    expect(said([2])).toEqual({ shifted: true, of: [null, false, true] });
  });

  it('are the marked ones where the last mask is marked, which the shift cannot do', () => {
    expect(said([1, 3])).toEqual({ shifted: false, of: [true, false, true] });
  });

  it('are the marked ones of a writer without the defect', () => {
    expect(said([2], true)).toEqual({ shifted: false, of: [false, true, false] });
  });

  it('are unknown where nothing is marked', () => {
    expect(said([])).toEqual({ shifted: false, of: [null, null, null] });
  });
});

describe('times of frames', () => {
  it('are the second column of a table, in ms', () => {
    expect(timesOf([0, -25, 0, 1, 25, 0], [2, 3], 2, 'ms')).toEqual({
      timeS: Float64Array.of(-0.025, 0.025),
      finding: null,
    });
  });

  it('are not taken from frame numbers', () => {
    expect(timesOf([0, 1, 2], [3], 3, 'ms')).toMatchObject({
      timeS: null,
      finding: expect.stringContaining('frame numbers'),
    });
    expect(timesOf([1, 2, 3], [3], 3, 'ms').timeS).toBeNull();
  });

  it('are seconds where the software writes seconds, and end where the column ends', () => {
    const { timeS, finding } = timesOf([0, 0.1], [2], 3, 's');
    expect(Array.from(timeS ?? [])).toEqual([0, 0.1, Number.NaN]);
    expect(finding).toContain('2 times for 3 frames');
  });
});

it('paths of a server never lead out of the root', () => {
  expect(belowRoot('/data', 'sub1\\day1/./x')).toBe('/data/sub1/day1/x');
  for (const bad of ['/etc', 'C:/x', 'a/../../b', '..', 'a\0b']) expect(belowRoot('/data', bad), bad).toBeNull();
});
