// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeNpy } from '../../../main/arrays/encode-npy.ts';
import { decodeNpy, NpyFile, parseNpyHeader } from '../../../main/arrays/npy.ts';
import { readSparseRows } from '../../../main/arrays/npz.ts';
import { npyBytes, sparseBytes, zipBytes } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/library.ts';

const damaged = expect.objectContaining({ code: 'disk.io' });

describe('NPY arrays', () => {
  it('are read by pieces, whatever their type', async () => {
    const folder = temporaryFolder();
    const cases = [
      Float32Array.from([0.5, -1, Number.NaN, 3, 4, 5]),
      Float64Array.from([0.1, 2, 3, 4, 5, 6]),
      Int32Array.from([-1, 2, 3, 4, 5, 6]),
      Uint32Array.from([1, 2 ** 31, 3, 4, 5, 6]),
      Uint8Array.from([1, 2, 3, 4, 5, 255]),
    ];
    for (const data of cases) {
      const path = join(folder, 'a.npy');
      writeFileSync(path, npyBytes([2, 3], data));
      const file = await NpyFile.open(path);
      expect(file.shape).toEqual([2, 3]);
      expect(await file.read(0, 6)).toEqual(data);
      expect(await file.read(2, 3)).toEqual(data.slice(2, 5));
      await file.close();
    }
    expect(decodeNpy(npyBytes([2], BigInt64Array.from([3n, -7n])), 'a').data).toEqual(Float64Array.from([3, -7]));
  });

  it('with headers of every version and of any length are read', async () => {
    const one = npyBytes([4], Uint8Array.from([9, 8, 7, 6]));
    const length = one.readUInt16LE(8);
    const two = Buffer.concat([one.subarray(0, 6), Buffer.from([2, 0, 0, 0, 0, 0]), one.subarray(10)]);
    two.writeUInt32LE(length, 8);
    expect(decodeNpy(two, 'a').data).toEqual(Uint8Array.from([9, 8, 7, 6]));
    const path = join(temporaryFolder(), 'long.npy');
    const pad = Buffer.alloc(5000, ' ');
    const long = Buffer.concat([one.subarray(0, 10 + length - 1), pad, one.subarray(10 + length - 1)]);
    long.writeUInt16LE(length + 5000, 8);
    writeFileSync(path, long);
    expect(parseNpyHeader(long.subarray(0, 256), 'a')).toBeNull();
    const file = await NpyFile.open(path);
    expect(await file.read(0, 4)).toEqual(Uint8Array.from([9, 8, 7, 6]));
    await file.close();
  });

  it.each([
    ['no array', Buffer.from('hello, I am a text of some length')],
    ['cut in its header', npyBytes([4], new Uint8Array(4)).subarray(0, 40)],
    ['cut in its elements', npyBytes([400], new Uint8Array(300))],
    [
      'of columns first',
      Buffer.from(npyBytes([4], new Uint8Array(4)).toString('latin1').replace('False', 'True '), 'latin1'),
    ],
    [
      'of another machine',
      Buffer.from(npyBytes([1], new Float32Array(1)).toString('latin1').replace('<f4', '>f4'), 'latin1'),
    ],
  ])('%s are refused by name', async (_, bytes) => {
    const path = join(temporaryFolder(), 'a.npy');
    writeFileSync(path, bytes);
    await expect(NpyFile.open(path, 'images/a.npy')).rejects.toEqual(damaged);
    await expect(NpyFile.open(path, 'images/a.npy')).rejects.toThrow(/images\/a\.npy/);
  });

  it('that are not there are said to be missing', async () => {
    await expect(NpyFile.open('/nowhere/a.npy', 'images/a.npy')).rejects.toThrow(/images\/a\.npy .* missing/);
  });
});

describe('an array that is written', () => {
  it.each([
    [[3], Float64Array.of(0.1, Number.NaN, -2)],
    [[2, 3], Uint8Array.of(1, 2, 3, 4, 5, 255)],
  ] as const)('of shape %j is read as it was', (shape, data) => {
    const bytes = Buffer.from(encodeNpy(data, shape));
    expect(decodeNpy(bytes, 'a')).toEqual({ shape: [...shape], data });
    // NumPy aligns the first element to 64 bytes.
    expect(parseNpyHeader(bytes, 'a')?.offset).toBe(64 * Math.ceil((bytes.length - data.byteLength) / 64));
  });

  it('fills its shape or is refused', () => {
    expect(() => encodeNpy(new Uint8Array(5), [2, 3])).toThrow(/2 × 3/);
  });
});

describe('sparse archives', () => {
  const rows = [
    [
      [3, 0.5],
      [7, 1],
    ],
    [],
    [[0, 0.25]],
  ] as const;

  it.each(['stored', 'deflated'] as const)('that are %s give their rows', async (method) => {
    const path = join(temporaryFolder(), 'a.npz');
    writeFileSync(path, sparseBytes(rows, 12, method));
    const matrix = await readSparseRows(path);
    expect([matrix.rows, matrix.columns]).toEqual([3, 12]);
    expect([...matrix.indptr]).toEqual([0, 2, 2, 3]);
    expect([...matrix.indices]).toEqual([3, 7, 0]);
    expect([...matrix.data]).toEqual([0.5, 1, 0.25]);
  });

  it('with a comment at the end are read, too', async () => {
    const path = join(temporaryFolder(), 'a.npz');
    const bytes = sparseBytes(rows, 12);
    bytes.writeUInt16LE(5, bytes.length - 2);
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('hello')]));
    expect((await readSparseRows(path)).rows).toBe(3);
  });

  it('that are damaged are refused', async () => {
    const path = join(temporaryFolder(), 'a.npz');
    const whole = sparseBytes(rows, 12);
    const parts = {
      'shape.npy': npyBytes([2], Int32Array.from([3, 12])),
      'indptr.npy': npyBytes([2], Int32Array.from([0, 1])),
    };
    const torn = Buffer.from(whole);
    torn.fill(0xff, 60, 90);
    const cases = [
      Buffer.from('nothing'),
      whole.subarray(0, 200),
      torn,
      zipBytes(parts, 'stored'),
      zipBytes(
        { ...parts, 'indices.npy': npyBytes([1], new Int32Array(1)), 'data.npy': npyBytes([1], new Float32Array(1)) },
        'stored',
      ),
    ];
    for (const bytes of cases) {
      writeFileSync(path, bytes);
      await expect(readSparseRows(path)).rejects.toEqual(damaged);
    }
  });
});
