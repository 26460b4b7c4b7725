// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { File, ready } from 'h5wasm/node';
import { describe, expect, it } from 'vitest';
import { openMat } from '../../../main/interop/results/mat/index.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { valuesOf } from '../../support/foreign-result.ts';
import { scipyMat as written } from '../../support/mat-files.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

const [height, width] = [4, 6];
const pixels = [
  [1 * width + 4, 2 * width + 4],
  [0, 3 * width + 5],
];

async function readBack(place: string) {
  const reader = await readerOf(place);
  if (reader === null) throw new Error('nobody knows it');
  const result = await reader.read(place, null);
  return { program: reader.program, result };
}

async function refusal(place: string): Promise<string> {
  try {
    await readBack(place);
    return 'it was read';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

describe('results of CNMF-E in MATLAB files', () => {
  it.each(['packed', 'plain'] as const)('of level 5 are read from a structure (%s)', async (name) => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'out.mat');
    writeFileSync(place, Buffer.from(written[name], 'base64'));
    const { program, result } = await readBack(place);
    expect(program).toBe('cnmf_e');
    expect(result).toMatchObject({ height, width, frames: 3, fps: 12.5, parameters: { d1: 4, d2: 6, min_corr: 0.8 } });
    expect(result.footprints.map((each) => [...each.pixels])).toEqual(pixels);
    expect(result.footprints.map((each) => [...each.values])).toEqual([
      [2, 1],
      [4, 1],
    ]);
    expect(await valuesOf(result, 'denoised')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await valuesOf(result, 'raw')).toEqual([0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
    expect(await valuesOf(result, 'deconvolved')).toEqual([0, 1, 0, 0, 0, 2]);
    expect([...(result.images.correlation ?? [])]).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  it('are read from variables, the field from the correlation image', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'out.mat');
    writeFileSync(place, Buffer.from(written.variables, 'base64'));
    const { result } = await readBack(place);
    expect(result.footprints.map((each) => [...each.pixels])).toEqual(pixels);
    expect(result.findings.join(' ')).toContain('no C_raw');
  });

  it('of version 7.3 are read with their axes turned and their sparse masks', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'out.mat');
    await ready;
    const file = new File(place, 'w');
    const results = file.create_group('results');
    const masks = results.create_group('A');
    masks.create_attribute('MATLAB_sparse', BigUint64Array.of(24n), [], '<Q');
    // Pixels counted along columns: (1, 4) is 17, (2, 4) 18, (0, 0) 0, (3, 5) 23.
    masks.create_dataset({ name: 'ir', data: BigUint64Array.of(17n, 18n, 0n, 23n) });
    masks.create_dataset({ name: 'jc', data: BigUint64Array.of(0n, 2n, 4n) });
    masks.create_dataset({ name: 'data', data: [2, 1, 4, 1] });
    results.create_dataset({ name: 'C', data: [0, 3, 1, 4, 2, 5], shape: [3, 2] });
    const options = results.create_group('options');
    options.create_dataset({ name: 'd1', data: [4], shape: [1, 1] });
    options.create_dataset({ name: 'd2', data: [6], shape: [1, 1] });
    file.close();
    const { result } = await readBack(place);
    expect(result.footprints.map((each) => [...each.pixels])).toEqual(pixels);
    expect(await valuesOf(result, 'denoised')).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('that hold a MATLAB object say how to save what can be read', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'neuron.mat');
    await ready;
    const file = new File(place, 'w');
    const object = file.create_dataset({
      name: 'neuron',
      data: Uint32Array.of(3707764736, 2, 1, 1, 1, 1),
      shape: [1, 6],
    });
    void object;
    const dataset = file.get('neuron');
    if (dataset !== null && 'create_attribute' in dataset) {
      dataset.create_attribute('MATLAB_class', 'Sources2D');
      dataset.create_attribute('MATLAB_object_decode', 3, [], '<i');
    }
    file.close();
    expect(await refusal(place)).toContain('neuron.obj2struct()');
  });

  it('that are cut off, or claim more than they can hold, are refused before anything is allocated', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'out.mat');
    const whole = Buffer.from(written.packed, 'base64');
    for (let length = 140; length < whole.length; length += 9) {
      writeFileSync(place, whole.subarray(0, length));
      expect(await refusal(place), String(length)).not.toBe('it was read');
    }
    // A variable of 60 bytes that says it has two thirds of a gigabyte.
    const inner = Buffer.alloc(64);
    inner.writeUInt32LE(14, 0);
    inner.writeUInt32LE(0x2800_0000, 4);
    inner.writeUInt32LE(6, 8);
    inner.writeUInt32LE(8, 12);
    inner.writeUInt32LE(6, 16);
    inner.writeUInt32LE(5, 24);
    inner.writeUInt32LE(8, 28);
    inner.writeInt32LE(1, 32);
    inner.writeInt32LE(1, 36);
    inner.writeUInt16LE(1, 40);
    inner.writeUInt16LE(1, 42);
    inner.write('A', 44);
    const packed = deflateSync(inner);
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15, 0);
    tag.writeUInt32LE(packed.length, 4);
    writeFileSync(place, Buffer.concat([whole, tag, packed]));
    // Nobody wants it where the structure has its own A; who does is refused.
    using file = await openMat(place);
    expect(() => file?.get('A')).toThrow(/says it has 671088648/);
  });
});

it('results of MIN1PIPE are read from level 5, too', async () => {
  using root = temporaryFolder();
  const place = path.join(root.path, 'x_data_processed.mat');
  writeFileSync(place, Buffer.from(written.min1pipe, 'base64'));
  const { program, result } = await readBack(place);
  expect(program).toBe('min1pipe');
  expect(result).toMatchObject({ height, width, frames: 3, fps: 20, parameters: { Fsi_new: 20 } });
  expect(result.footprints.map((each) => [...each.pixels])).toEqual(pixels);
  expect(await valuesOf(result, 'dff')).toEqual([0, 3, 6, 9, 12, 15]);
  expect([...(result.images.max ?? [])]).toEqual(Array.from({ length: 24 }, (_, i) => i));
});
