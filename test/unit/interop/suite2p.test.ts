// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../../main/interop/results/npy-file.ts';
import { Opaque, PickledArray, PickleError, readPickle } from '../../../main/interop/results/pickle.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { pickled as bytesOf } from '../../support/pickles.ts';
import { valuesOf } from '../../support/foreign-result.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

/** An array as NumPy writes it. */
function npy(type: string, shape: readonly number[], data: Buffer, isFortran = false): Buffer {
  const axes = shape.length === 1 ? `${shape[0] ?? 0},` : shape.join(', ');
  const header =
    `{'descr': '${type}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': (${axes}), }`.padEnd(117) + '\n';
  return Buffer.concat([
    Buffer.from('\u0093NUMPY\u0001\u0000\u0076\u0000', 'latin1'),
    Buffer.from(header, 'latin1'),
    data,
  ]);
}

const floats = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

function planeFolder(root: string): string {
  const plane = path.join(root, 'suite2p', 'plane0');
  mkdirSync(plane, { recursive: true });
  writeFileSync(path.join(plane, 'stat.npy'), bytesOf('stat'));
  writeFileSync(path.join(plane, 'ops.npy'), bytesOf('ops'));
  writeFileSync(path.join(plane, 'F.npy'), npy('<f4', [2, 3], floats([1, 2, 3, 4, 5, 6])));
  writeFileSync(path.join(plane, 'spks.npy'), npy('<f4', [2, 3], floats([0, 1, 0, 0, 0, 2])));
  writeFileSync(
    path.join(plane, 'iscell.npy'),
    npy('<f8', [2, 2], Buffer.from(Float64Array.of(1, 0.75, 0, 0.25).buffer)),
  );
  return plane;
}

describe('results of suite2p', () => {
  it('are read from plane0 or a folder above it: masks on the right pixels, F as raw, motion, images, verdicts', async () => {
    using root = temporaryFolder();
    const plane = planeFolder(root.path);
    for (const place of [plane, path.dirname(plane), root.path]) {
      const reader = await readerOf(place);
      expect(reader?.program).toBe('suite2p');
      const result = await reader?.read(place, null);
      expect(result).toMatchObject({ height: 4, width: 6, frames: 3, fps: 12.5, accepted: [true, false] });
      expect(result?.footprints.map(({ pixels, values }) => [[...pixels], [...values]])).toEqual([
        [
          [1 * 6 + 4, 2 * 6 + 4],
          [1, 0.5],
        ],
        [
          [0, 3 * 6 + 5],
          [1, 0.25],
        ],
      ]);
      expect(await valuesOf(result, 'raw')).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await valuesOf(result, 'deconvolved')).toEqual([0, 1, 0, 0, 0, 2]);
      expect([...(result?.motion ?? [])]).toEqual([0, 0, 1, 3, -2, 0]);
      expect([...(result?.images.mean ?? [])]).toEqual(Array.from({ length: 24 }, (_, i) => i));
      // The picture of the part that motion never left lies on rows 1 and 2, columns 2 to 4.
      expect([...(result?.images.max ?? [])].slice(6, 18)).toEqual([0, 0, 0, 1, 2, 0, 0, 0, 3, 4, 5, 0]);
      expect(result?.metrics).toMatchObject({ probability: [0.75, 0.25], skewness: [1.5, 2.5], areaPx: [2, 2] });
      expect(result?.parameters).toMatchObject({ tau: 1.25, do_registration: true, fs: 12.5 });
      expect(JSON.stringify(result?.parameters)).not.toContain('secret');
    }
  });

  it('with several planes, of contradicting parts or cut off are refused with what is wrong', async () => {
    using root = temporaryFolder();
    const plane = planeFolder(root.path);
    const other = path.join(path.dirname(plane), 'plane1');
    mkdirSync(other);
    for (const name of ['stat.npy', 'F.npy']) writeFileSync(path.join(other, name), bytesOf('stat'));
    const refusal = async (place: string) => {
      try {
        await (await readerOf(place))?.read(place, null);
        return 'it was read';
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    expect(await refusal(root.path)).toContain('2 planes');
    writeFileSync(path.join(plane, 'F.npy'), npy('<f4', [3, 2], floats([1, 2, 3, 4, 5, 6])));
    expect(await refusal(plane)).toContain('describes 2 cells, F.npy 3');
    writeFileSync(path.join(plane, 'F.npy'), npy('<f4', [2, 4], floats([1, 2, 3, 4, 5, 6])));
    expect(await refusal(plane)).toContain('cut off');
    writeFileSync(path.join(plane, 'F.npy'), npy('<f4', [200_000, 200_000], floats([1])));
    expect(await refusal(plane)).toContain('4.0e+10 values');
    planeFolder(root.path);
    const stat = bytesOf('stat');
    for (let length = 0; length < stat.length; length += 7) {
      writeFileSync(path.join(plane, 'stat.npy'), stat.subarray(0, length));
      expect(await refusal(plane), String(length)).toMatch(/^stat\.npy cannot be read/);
    }
  });
});

describe('pickles', () => {
  it.each(['p2', 'p3', 'p4', 'p5'] as const)('of each protocol give the same values (%s)', (name) => {
    const read = readPickle(bytesOf(name));
    if (!(read instanceof Map)) throw new Error('no dictionary');
    expect(read.get('Ly')).toBe(4);
    expect(read.get('fs')).toBe(12.5);
    expect(read.get('yrange')).toEqual([1, 3]);
    expect(read.get('classifier')).toBeNull();
    const offsets = read.get('yoff');
    expect(offsets instanceof PickledArray ? [offsets.shape, Array.from(offsets.values)] : offsets).toEqual([
      [3],
      [0, 1, -2],
    ]);
    const turned = read.get('refImg');
    expect(turned instanceof PickledArray ? Array.from(turned.values) : turned).toEqual(
      Array.from({ length: 24 }, (_, i) => i),
    );
  });

  it('never run what they name: a call of os.system is a value that nobody looks into', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'evil.npy');
    writeFileSync(place, bytesOf('evil'));
    const { objects } = await readNpy(place);
    expect(objects?.[0]).toBeInstanceOf(Opaque);
    expect(existsSync(path.join(process.cwd(), 'EVIL'))).toBe(false);
  });

  it('that are cut off anywhere, or whose bytes are exchanged, end with a sentence or with harmless values', () => {
    const whole = bytesOf('p4');
    for (let length = 0; length < whole.length; length += 1)
      expect(() => readPickle(whole.subarray(0, length)), String(length)).toThrow();
    let state = 12345;
    for (let round = 0; round < 2000; round += 1) {
      const bent = Buffer.from(whole);
      for (let i = 0; i < 3; i += 1) {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        bent[state % bent.length] = (state >>> 16) & 255;
      }
      try {
        readPickle(bent);
      } catch (error) {
        expect(error instanceof PickleError || error instanceof RangeError, String(error)).toBe(true);
      }
    }
  });
});

it('arrays of other programs are read in either order of bytes and of axes, half floats and switches too', async () => {
  using root = temporaryFolder();
  const read = async (bytes: Buffer) => {
    const place = path.join(root.path, 'a.npy');
    writeFileSync(place, bytes);
    return Array.from((await readNpy(place)).values ?? []);
  };
  expect(await read(npy('>i2', [2], Buffer.of(1, 2, 255, 255)))).toEqual([258, -1]);
  expect(await read(npy('<f2', [3], Buffer.of(0, 0x3c, 0, 0xc0, 0, 0x7c)))).toEqual([1, -2, Infinity]);
  expect(await read(npy('|b1', [2], Buffer.of(0, 1)))).toEqual([0, 1]);
  expect(await read(npy('|u1', [2, 3], Buffer.of(1, 2, 3, 4, 5, 6), true))).toEqual([1, 3, 5, 2, 4, 6]);
  await expect(read(npy('<c8', [1], Buffer.alloc(8)))).rejects.toMatchObject({
    message: expect.stringContaining('<c8'),
  });
});
