// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { File, ready } from 'h5wasm/node';
import { describe, expect, it } from 'vitest';
import { NpyFile, readSparseRows } from '../../../main/arrays/index.ts';
import { Hdf5Writer } from '../../../main/interop/hdf5.ts';
import type { ForeignResult } from '../../../main/interop/results/foreign-result.ts';
import { openNpyTable } from '../../../main/interop/results/npy-file.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { writeRun } from '../../../main/interop/results/write-run.ts';
import { npyBytes } from '../../support/run-folder.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

/** Longer than one piece of a table: three rows of it are more than a piece holds. */
const [cells, frames, height, width] = [7, 400_000, 3, 5];
const value = (k: number, t: number): number => k * 1000 + (t % 977);

const result = (traces: ForeignResult['traces']): ForeignResult => ({
  program: 'caiman',
  version: null,
  height,
  width,
  frames,
  fps: 20,
  footprints: Array.from({ length: cells }, (_, k) => ({
    pixels: Uint32Array.of(k),
    values: Float32Array.of(k + 1),
  })),
  traces,
  accepted: Array.from({ length: cells }, () => true),
  metrics: {},
  images: {},
  motion: null,
  timeS: null,
  parameters: {},
  findings: [],
});

async function expectTraces(folder: string, kind: string, scale: (k: number) => number): Promise<void> {
  const file = await NpyFile.open(path.join(folder, 'traces', `${kind}.npy`));
  try {
    expect(file.shape).toEqual([cells, frames]);
    for (const k of [0, 1, 2, 3, cells - 1])
      for (const t of [0, 1, 262_143, 262_144, frames - 1])
        expect((await file.read(k * frames + t, 1))[0]).toBe(Math.fround(scale(k) * value(k, t)));
  } finally {
    await file.close();
  }
}

/** Asks for the rows and keeps how much was asked for at once. */
const asked: number[] = [];
const rows = async (first: number, count: number): Promise<Float32Array> => {
  asked.push(count * frames);
  return await Promise.resolve(
    Float32Array.from({ length: count * frames }, (_, i) => value(first + Math.floor(i / frames), i % frames)),
  );
};

describe('tables of a long recording', { timeout: 60_000 }, () => {
  it('pass through some rows at a time and arrive whole, each row in the scale of its footprint', async () => {
    using root = temporaryFolder();
    const folder = path.join(root.path, 'run');
    await writeRun(folder, result({ raw: rows, dff: rows }), 'test');
    expect(Math.max(...asked)).toBeLessThanOrEqual(2 ** 20);
    expect(asked.reduce((sum, count) => sum + count, 0)).toBe(2 * cells * frames);
    await expectTraces(folder, 'raw', (k) => k + 1);
    await expectTraces(folder, 'dff', () => 1);
    const { files } = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as {
      readonly files: readonly { readonly path: string; readonly bytes: number }[];
    };
    const { length } = readFileSync(path.join(folder, 'traces/raw.npy'));
    expect(files.find((file) => file.path === 'traces/raw.npy')?.bytes).toBe(length);
  });

  it('of CaImAn and suite2p are read from their files piece by piece', async () => {
    using root = temporaryFolder();
    await ready;
    const all = Float32Array.from({ length: cells * frames }, (_, i) => value(Math.floor(i / frames), i % frames));
    const place = path.join(root.path, 'long.hdf5');
    const file = new File(place, 'w');
    file.create_group('estimates').create_group('A');
    const put = (name: string, data: Float32Array | Int32Array, shape?: number[]): void => {
      file.create_dataset({ name, data, ...(shape === undefined ? {} : { shape }) });
    };
    put(
      'estimates/A/data',
      Float32Array.from({ length: cells }, () => 1),
    );
    put(
      'estimates/A/indices',
      Int32Array.from({ length: cells }, (_, k) => k),
    );
    put(
      'estimates/A/indptr',
      Int32Array.from({ length: cells + 1 }, (_, k) => k),
    );
    put('estimates/A/shape', Int32Array.of(height * width, cells));
    put('estimates/C', all, [cells, frames]);
    put('dims', Int32Array.of(height, width));
    file.close();
    const reader = await readerOf(place);
    const found = await reader?.read(place, null);
    expect(typeof found?.traces.denoised).toBe('function');
    if (found === undefined || reader === null) return;
    const folder = path.join(root.path, 'run');
    await writeRun(folder, found, reader.title);
    await expectTraces(folder, 'denoised', () => 1);
    // suite2p keeps its tables as plain arrays.
    const table = path.join(root.path, 'F.npy');
    writeFileSync(table, npyBytes([cells, frames], all));
    const opened = await openNpyTable(table);
    expect(opened?.shape).toEqual([cells, frames]);
    expect(await opened?.rows(2, 3)).toEqual(all.subarray(2 * frames, 5 * frames));
    writeFileSync(table, readFileSync(table).subarray(0, -4));
    await expect(openNpyTable(table)).rejects.toMatchObject({ code: 'interop.unreadable' });
  });

  it('of MiniAn, and its masks, are read by what its pieces hold', async () => {
    using root = temporaryFolder();
    const put = (name: string, axes: string[], shape: number[], chunks: number[], pieces: Map<string, Uint8Array>) => {
      const folder = path.join(root.path, `${name}.zarr`, name);
      mkdirSync(folder, { recursive: true });
      const head = { zarr_format: 2, shape, chunks, dtype: '<f4', order: 'C', fill_value: 'NaN', filters: null };
      writeFileSync(path.join(folder, '.zarray'), JSON.stringify({ ...head, compressor: { id: 'zlib', level: 1 } }));
      writeFileSync(path.join(folder, '.zattrs'), JSON.stringify({ _ARRAY_DIMENSIONS: axes }));
      for (const [key, bytes] of pieces) writeFileSync(path.join(folder, key), deflateSync(bytes));
    };
    const bytes = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer);
    const short = 10;
    // Chunks cut across units and frames; A has the units last, as some releases write it.
    const piece = (k: number, t: number): Uint8Array =>
      bytes(Float32Array.from({ length: 4 * 6 }, (_, i) => value(k + Math.floor(i / 6), t + (i % 6))));
    put(
      'C',
      ['unit_id', 'frame'],
      [cells, short],
      [4, 6],
      new Map([0, 1].flatMap((k) => [0, 1].map((t) => [`${k}.${t}`, piece(4 * k, 6 * t)] as const))),
    );
    const masks = Float32Array.from({ length: height * width * 4 }, (_, i) =>
      Math.floor(i / 4) === (i % 4) + 1 ? 2 : 0,
    );
    put(
      'A',
      ['height', 'width', 'unit_id'],
      [height, width, cells],
      [height, width, 4],
      new Map([['0.0.0', bytes(masks)]]),
    );
    const reader = await readerOf(root.path);
    const found = await reader?.read(root.path, null);
    if (found === undefined || reader === null || reader === undefined) throw new Error('not recognised');
    const folder = path.join(root.path, 'run');
    await writeRun(folder, found, reader.title);
    const traces = await NpyFile.open(path.join(folder, 'traces/denoised.npy'));
    const read = [...(await traces.read(0, cells * short))];
    await traces.close();
    // Footprints have maximum 2, so that traces double; those of units without a stored mask keep their scale.
    const wanted = Array.from({ length: cells * short }, (_, i) => {
      const k = Math.floor(i / short);
      return (k < 4 ? 2 : 1) * value(k, i % short);
    });
    expect(read).toEqual(wanted);
    const sparse = await readSparseRows(path.join(folder, 'footprints.npz'));
    expect([...sparse.indices]).toEqual([1, 2, 3, 4]);
    expect([...sparse.indptr]).toEqual([0, 1, 2, 3, 4, 4, 4, 4]);
  });
});

it('CellReg’s footprints are read some columns of the picture at a time, and land on their pixels', async () => {
  using root = temporaryFolder();
  const place = path.join(root.path, 'spatial_footprints_01.mat');
  const [cells, height, width] = [15_000, 300, 5];
  // MATLAB's axes are turned over in the file: x × y × cells.
  const values = new Uint8Array(width * height * cells);
  const put = (cell: number, y: number, x: number, value: number): void => {
    values[(x * height + y) * cells + cell] = value;
  };
  put(3, 7, 4, 9);
  put(3, 7, 0, 5);
  put(14_999, 299, 2, 1);
  const file = await Hdf5Writer.create(place);
  file.array('allFiltersMat', values, [width, height, cells]);
  file.close();
  const field = { height, width, frames: 10, fps: 20 };
  const result = await (await readerOf(place))?.read(place, field);
  expect(result?.footprints).toHaveLength(cells);
  const found = result?.footprints[3];
  expect([...(found?.pixels ?? [])]).toEqual([7 * width, 7 * width + 4]);
  expect([...(found?.values ?? [])]).toEqual([5, 9]);
  expect([...(result?.footprints[14_999]?.pixels ?? [])]).toEqual([299 * width + 2]);
  expect(result?.footprints.filter(({ pixels }) => pixels.length > 0)).toHaveLength(2);
});
