// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { shrink } from '../../../main/review/thumbnail.ts';

it('a small picture keeps place and contrast, whatever the grey levels, and takes unknown pixels as black', () => {
  const [height, width] = [160, 320];
  const values = Float32Array.from({ length: height * width }, (_, i) => 1000 + (i % width));
  values[0] = Number.NaN;
  const small = shrink(values, height, width);
  expect([small.height, small.width, small.grey.length]).toEqual([32, 64, 2048]);
  const row = [...small.grey.subarray(64, 128)];
  expect(row).toEqual(row.toSorted((a, b) => a - b));
  expect([row[0], row[63]]).toEqual([0, 255]);
  expect(small.grey[0]).toBe(0);
});
