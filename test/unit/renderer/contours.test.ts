// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../../main/contract/index.ts';
import {
  footprintRings,
  footprintsPicture,
  insideRing,
  outlineBuffer,
  pickCell,
} from '../../../renderer/gl/contours.ts';
import { outlinedAs } from '../../../renderer/panels/marks.ts';

/** A footprint that is 255 on a block of pixels; rows and columns differ so that swapped axes show. */
function block(
  height: number,
  width: number,
  rows: readonly [number, number],
  columns: readonly [number, number],
): Uint8Array {
  const bytes = new Uint8Array(height * width);
  for (let y = rows[0]; y <= rows[1]; y += 1)
    for (let x = columns[0]; x <= columns[1]; x += 1) bytes[y * width + x] = 255;
  return bytes;
}

function bounds(ring: Float32Array): { x: [number, number]; y: [number, number] } {
  const xs = [...ring].filter((_, index) => index % 2 === 0);
  const ys = [...ring].filter((_, index) => index % 2 === 1);
  return { x: [Math.min(...xs), Math.max(...xs)], y: [Math.min(...ys), Math.max(...ys)] };
}

describe('all footprints in one picture', () => {
  it('lie where their windows are, each at its own strength; where two lie, the stronger is seen', () => {
    const bytes = Uint8Array.from([255, 51, 102, 204]);
    const picture = footprintsPicture(
      [
        { top: 1, left: 2, height: 1, width: 2, offset: 0 },
        { top: 1, left: 3, height: 1, width: 1, offset: 2 },
        { top: 0, left: 0, height: 1, width: 1, offset: 3 },
      ],
      bytes,
      { height: 2, width: 4 },
    );
    expect([...picture].map((value) => Math.round(value * 255))).toEqual([204, 0, 0, 0, 0, 0, 255, 102]);
  });
});

describe('the outline of a footprint', () => {
  it('runs half a pixel outside the pixels above half maximum, in frame coordinates', () => {
    const bytes = block(6, 9, [1, 2], [3, 6]);
    const [ring] = footprintRings({ top: 40, left: 70, height: 6, width: 9, offset: 0 }, bytes);
    const { x, y } = bounds(ring!);
    expect(x[0]).toBeCloseTo(72.5, 1);
    expect(x[1]).toBeCloseTo(76.5, 1);
    expect(y[0]).toBeCloseTo(40.5, 1);
    expect(y[1]).toBeCloseTo(42.5, 1);
  });
  it('is closed where the footprint touches the edge of its window', () => {
    const bytes = block(3, 5, [0, 2], [0, 4]);
    const [ring] = footprintRings({ top: 0, left: 0, height: 3, width: 5, offset: 0 }, bytes);
    expect(bounds(ring!)).toEqual({ x: [-0.5, 4.5], y: [-0.5, 2.5] });
  });
  it('follows half the maximum between pixels', () => {
    const width = 11;
    const bytes = Uint8Array.from({ length: 5 * width }, (_, index) => {
      const distance = Math.abs((index % width) - 5);
      return Math.max(0, 255 - distance * 51);
    });
    const [ring] = footprintRings({ top: 0, left: 0, height: 5, width, offset: 0 }, bytes);
    const { x } = bounds(ring!);
    expect(x[0]).toBeCloseTo(2.5, 1);
    expect(x[1]).toBeCloseTo(7.5, 1);
  });
  it('keeps a second large piece and drops specks', () => {
    const bytes = block(8, 30, [1, 6], [1, 8]);
    const second = block(8, 30, [2, 5], [14, 19]);
    second.forEach((value, index) => {
      if (value > 0) bytes[index] = value;
    });
    bytes[3 * 30 + 27] = 255;
    const rings = footprintRings({ top: 0, left: 0, height: 8, width: 30, offset: 0 }, bytes);
    expect(rings).toHaveLength(2);
    expect(bounds(rings[0]!).x[1]).toBeLessThan(10);
  });
  it('is empty for an empty footprint', () => {
    expect(footprintRings({ top: 0, left: 0, height: 4, width: 4, offset: 0 }, new Uint8Array(16))).toEqual([]);
  });
});

describe('the buffer of outlines', () => {
  const square = Float32Array.from([0, 0, 4, 0, 4, 3, 0, 3]);
  it('repeats the last point before and the first two after each ring, and marks them', () => {
    const { points, ranges } = outlineBuffer([[square], [square]]);
    expect(ranges).toEqual([
      { start: 0, count: 7 },
      { start: 7, count: 7 },
    ]);
    const cells = [...points].filter((_, index) => index % 4 === 3);
    expect(cells).toEqual([-1, 0, 0, 0, 0, -1, -1, -1, 1, 1, 1, 1, -1, -1]);
    expect(Array.from(points.slice(0, 2))).toEqual([0, 3]);
  });
  it('carries the length along the ring, for the dashes', () => {
    const { points } = outlineBuffer([[square]]);
    const lengths = [...points].filter((_, index) => index % 4 === 2);
    expect(lengths.slice(1, 6)).toEqual([0, 4, 7, 11, 14]);
  });
});

describe('pointing at a cell', () => {
  const left = Float32Array.from([0, 0, 10, 0, 10, 6, 0, 6]);
  const right = Float32Array.from([8, 0, 20, 0, 20, 6, 8, 6]);
  const outlines = outlineBuffer([[left], [right]]);
  const centres = [
    { x: 5, y: 3 },
    { x: 14, y: 3 },
  ];
  it('knows inside from outside', () => {
    expect(insideRing(left, 9.9, 5.9)).toBe(true);
    expect(insideRing(left, 5, 6.1)).toBe(false);
  });
  it('takes the cell whose outline holds the point, the nearer one where two do', () => {
    expect(pickCell(outlines, centres, 1, 1, 2)).toBe(0);
    expect(pickCell(outlines, centres, 9.8, 3, 2)).toBe(1);
  });
  it('takes the nearest within reach, else none', () => {
    expect(pickCell(outlines, centres, 5, 8, 6)).toBe(0);
    expect(pickCell(outlines, centres, 5, 30, 6)).toBe(-1);
  });
});

describe('what an outline tells', () => {
  const cell = (label: 'accepted' | 'rejected' | 'undecided', suggested: boolean): Cell =>
    ({ label, suggested }) as unknown as Cell;
  it('is the person’s label, or the engine’s suggestion where that is not hidden', () => {
    expect(outlinedAs(cell('rejected', true), 'label', false)).toBe('rejected');
    expect(outlinedAs(cell('rejected', true), 'suggestion', true)).toBe('accepted');
    expect(outlinedAs(cell('undecided', false), 'suggestion', false)).toBe('rejected');
    expect(outlinedAs(cell('undecided', false), 'suggestion', true)).toBe('undecided');
  });
});
