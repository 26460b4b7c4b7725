// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openMat } from '../../../main/interop/results/mat/index.ts';
import { isMat5, Mat5Error, Mat5File, readMat5, readMat5Names } from '../../../main/mat5/index.ts';
import { readMatrix } from '../../../main/position/readers/mat5.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

/** One matrix of doubles in either order of bytes. */
function mat5(isLittle: boolean, name: string, shape: readonly number[], values: readonly number[]): Buffer {
  const words = (numbers: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(4 * numbers.length);
    for (const [i, number] of numbers.entries())
      if (isLittle) bytes.writeUInt32LE(number, 4 * i);
      else bytes.writeUInt32BE(number, 4 * i);
    return bytes;
  };
  const doubles = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries())
    if (isLittle) doubles.writeDoubleLE(value, 8 * i);
    else doubles.writeDoubleBE(value, 8 * i);
  const element = (type: number, content: Buffer): Buffer =>
    Buffer.concat([words([type, content.length]), content, Buffer.alloc((8 - (content.length % 8)) % 8)]);
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file', 'latin1');
  header.write(isLittle ? '\u0000\u0001IM' : '\u0001\u0000MI', 124, 'latin1');
  const parts = [
    element(6, words([6, 0])),
    element(5, words(shape)),
    element(1, Buffer.from(name)),
    element(9, doubles),
  ];
  return Buffer.concat([header, element(14, Buffer.concat(parts))]);
}

describe('a MATLAB file of level 5', () => {
  it.each([true, false])('gives the same numbers to positions and to results (little-endian: %s)', async (isLittle) => {
    using folder = temporaryFolder();
    const place = path.join(folder.path, 'track.mat');
    writeFileSync(place, mat5(isLittle, 'pos', [3, 2], [1, 2, 3, 10, 20, 30]));
    expect(await isMat5(place)).toBe(true);
    expect(await readMatrix(place)).toMatchObject({ name: 'pos', rows: 3, columns: 2 });
    expect([...(await readMatrix(place)).values]).toEqual([1, 2, 3, 10, 20, 30]);
    using file = await openMat(place);
    expect(file?.get('pos')).toEqual({ kind: 'numbers', shape: [3, 2], values: Float64Array.of(1, 2, 3, 10, 20, 30) });
    expect([...(await readMat5Names(place)).keys()]).toEqual(['pos']);
  });

  it('that is damaged is told by each in its own words', async () => {
    using folder = temporaryFolder();
    const place = path.join(folder.path, 'cut.mat');
    // Six values are claimed, five are there.
    writeFileSync(place, mat5(true, 'pos', [3, 2], [1, 2, 3, 10, 20]));
    await expect(readMat5(place)).rejects.toThrow(Mat5Error);
    await expect(readMatrix(place)).rejects.toMatchObject({ code: 'position.unreadable' });
    await expect(readMatrix(place)).rejects.toThrow('cut.mat: it is damaged: it is cut off');
    {
      using file = await openMat(place);
      expect(() => file?.get('pos')).toThrow('cut.mat cannot be read: it is cut off');
    }
    writeFileSync(place, mat5(true, 'pos', [2 ** 31 - 1, 2 ** 31 - 1], [1]));
    using lying = await openMat(place);
    expect(() => lying?.get('pos')).toThrow(/its pos (?:would have 4\.6e\+18 values|needs)/);
    // A file that ends within a variable is refused, whether or not somebody wants that one.
    writeFileSync(place, mat5(true, 'pos', [3, 2], [1, 2, 3, 10, 20, 30]).subarray(0, -8));
    await expect(openMat(place)).rejects.toMatchObject({ code: 'interop.unreadable' });
  });

  it('reads each variable when it is wanted; what would need too much memory is refused with its size, before it is read', async () => {
    using folder = temporaryFolder();
    const place = path.join(folder.path, 'two.mat');
    const values = Array.from({ length: 20_000 }, (_, i) => i);
    const [small, large] = [mat5(true, 'small', [1, 2], [7, 8]), mat5(true, 'large', [1, values.length], values)];
    writeFileSync(place, Buffer.concat([small, large.subarray(128), mat5(true, 'more', [1, 1], [9]).subarray(128)]));
    using file = await Mat5File.open(place, 100_000);
    expect(file.names).toEqual(['small', 'large', 'more']);
    expect(file.get('small')).toMatchObject({ values: Float64Array.of(7, 8) });
    expect(() => file.get('large')).toThrow(
      "its large needs 0.3 MB, beside 0.0 MB of others; variables of MATLAB’s level 5 are read whole, up to 0.1 MB of them. Save it there with save(…, '-v7.3'): that is read in pieces.",
    );
    // The others can still be read.
    expect(file.get('more')).toMatchObject({ values: Float64Array.of(9) });
    expect(file.get('nothing')).toBeUndefined();
  });
});
