// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { File, ready } from 'h5wasm/node';
import { describe, expect, it } from 'vitest';
import { NpyFile, readSparseRows } from '../../../main/arrays/index.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { writeRun } from '../../../main/interop/results/write-run.ts';
import { readResult } from '../../../main/processing/index.ts';
import { valuesOf } from '../../support/foreign-result.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { sharedFolder, sharedMissing } from '../../support/shared.ts';

/** Not square, so that exchanged axes show. Cell 0: (1, 4) = 2, (2, 4) = 1; cell 1: (0, 0) = 4, (3, 5) = 1. */
const [height, width, frames] = [4, 6, 3];
const peaks = [2, 4];
const byRow = [
  [4 + 1 * width, 4 + 2 * width],
  [0, 5 + 3 * width],
];
const masks = [
  [
    [1, 4, 2],
    [2, 4, 1],
  ],
  [
    [0, 0, 4],
    [3, 5, 1],
  ],
] as const;
const denoised = [0, 1, 2, 3, 4, 5];
const residual = [0.5, 0, 0, 0, 0, -0.5];

async function caimanFile(place: string, instead: Readonly<Record<string, Int32Array>> = {}): Promise<string> {
  await ready;
  const file = new File(place, 'w');
  const put = (name: string, data: number[] | Int32Array | string, shape?: number[]): void => {
    const other = instead[name];
    if (other !== undefined) file.create_dataset({ name, data: other });
    else file.create_dataset({ name, data, ...(shape === undefined ? {} : { shape }) });
  };
  file.create_group('estimates').create_group('A');
  const columns = masks.map((cells) => cells.map(([y, x, value]) => [x * height + y, value] as const));
  put(
    'estimates/A/data',
    columns.flat().map(([, value]) => value),
  );
  put('estimates/A/indices', Int32Array.from(columns.flat().map(([pixel]) => pixel)));
  put('estimates/A/indptr', Int32Array.from([0, 2, 4]));
  put('estimates/A/shape', Int32Array.from([height * width, 2]));
  put('estimates/C', denoised, [2, frames]);
  put('estimates/YrA', residual, [2, frames]);
  put('estimates/S', 'NoneType');
  put('estimates/idx_components', Int32Array.from([1]));
  put('estimates/idx_components_bad', Int32Array.from([0]));
  put('estimates/SNR_comp', [3.5, 7]);
  put('estimates/shifts', [0, 0, 1, -2, 0.5, 0], [frames, 2]);
  put('dims', Int32Array.from([height, width]));
  file.close();
  return place;
}

async function imported(place: string, folder: string) {
  const reader = await readerOf(place);
  if (reader === null) throw new Error('nobody knows it');
  await writeRun(folder, await reader.read(place, null), reader.title);
  const { run, cells } = await readResult(folder);
  const footprints = await readSparseRows(path.join(folder, 'footprints.npz'));
  const table = async (name: string, shape: readonly number[]): Promise<number[]> => {
    const file = await NpyFile.open(path.join(folder, name), name);
    expect(file.shape).toEqual(shape);
    const values = Array.from(
      await file.read(
        0,
        shape.reduce((product, size) => product * size, 1),
      ),
    );
    await file.close();
    return values;
  };
  return { run, cells, footprints, table };
}

describe('results of CaImAn', () => {
  it('become a run folder: masks on the right pixels with maximum 1, traces in their scale, motion of the content', async () => {
    using root = temporaryFolder();
    const place = await caimanFile(path.join(root.path, 'result.hdf5'));
    const { run, cells, footprints, table } = await imported(place, path.join(root.path, 'run'));
    expect(run).toMatchObject({ components: 2, accepted: 1, frames, height, width, imported: { program: 'caiman' } });
    expect(Array.from(footprints.indices)).toEqual(byRow.flat());
    expect(Array.from(footprints.data)).toEqual([1, 0.5, 1, 0.25]);
    expect(await table('traces/denoised.npy', [2, frames])).toEqual(
      denoised.map((v, i) => v * (peaks[Math.floor(i / frames)] ?? 0)),
    );
    expect(await table('traces/raw.npy', [2, frames])).toEqual([1, 2, 4, 12, 16, 18]);
    expect((await table('motion.npy', [frames, 2])).map((value) => value + 0)).toEqual([0, 0, -1, 2, -0.5, 0]);
    expect(cells.map(({ suggested, reasons, metrics }) => [suggested, reasons, metrics['snr']])).toEqual([
      [false, ['rejected by caiman'], 3.5],
      [true, [], 7],
    ]);
    expect(cells[0]?.box).toEqual({ top: 1, left: 4, height: 2, width: 1 });
    expect(cells[0]?.centroid.y).toBeCloseTo(4 / 3);
    expect(readFileSync(path.join(root.path, 'run', 'run.json'), 'utf8')).not.toContain('deconvolved');
  });

  it.each([
    ['masks that leave the field', 'estimates/A/indices', Int32Array.from([0, 24, 1, 2]), 'leave the field'],
    ['masks of another field', 'dims', Int32Array.from([5, 6]), 'masks are 24 × 2, its field 5 × 6'],
    ['a volume', 'dims', Int32Array.from([4, 6, 2]), 'of a volume'],
    ['pointers that do not fit', 'estimates/A/indptr', Int32Array.from([0, 3]), 'do not belong together'],
  ])('with %s are refused with what is wrong', async (_what, name, data, sentence) => {
    using root = temporaryFolder();
    const place = await caimanFile(path.join(root.path, 'bad.hdf5'), { [name]: data });
    await expect((await readerOf(place))?.read(place, null)).rejects.toMatchObject({
      code: 'interop.unreadable',
      message: expect.stringContaining(sentence),
    });
  });

  it('of releases that keep the size of the field among the parameters are read', async () => {
    using root = temporaryFolder();
    const place = await caimanFile(path.join(root.path, 'other.hdf5'), { dims: new Int32Array() });
    const file = new File(place, 'a');
    file
      .create_group('params')
      .create_group('data')
      .create_dataset({ name: 'dims', data: Int32Array.of(height, width) });
    file.close();
    expect(await (await readerOf(place))?.read(place, null)).toMatchObject({ height, width });
  });

  it('that end too early are refused, and leave nothing behind', async () => {
    using root = temporaryFolder();
    const place = await caimanFile(path.join(root.path, 'cut.hdf5'));
    const bytes = readFileSync(place);
    for (const length of [9, 100, 600, Math.floor(bytes.length / 2)]) {
      writeFileSync(place, bytes.subarray(0, length));
      const read = readerOf(place).then(async (reader) => await reader?.read(place, null));
      await expect(read).rejects.toMatchObject({ code: 'interop.unreadable' });
    }
  });
});

describe('results of MIN1PIPE', () => {
  it('are read with MATLAB’s axes turned', async () => {
    using root = temporaryFolder();
    const place = path.join(root.path, 'demo_data_processed.mat');
    await ready;
    const file = new File(place, 'w');
    const columns = masks.map((cells) => {
      const image = new Float64Array(height * width);
      for (const [y, x, value] of cells) image[x * height + y] = value;
      return [...image];
    });
    file.create_dataset({ name: 'roifn', data: columns.flat(), shape: [2, height * width] });
    file.create_dataset({ name: 'sigfn', data: [0, 3, 1, 4, 2, 5], shape: [frames, 2] });
    file.create_dataset({ name: 'pixh', data: [height], shape: [1, 1] });
    file.create_dataset({ name: 'pixw', data: [width], shape: [1, 1] });
    file.create_group('Params').create_dataset({ name: 'Fsi_new', data: [20], shape: [1, 1] });
    file.close();
    const { run, footprints, table } = await imported(place, path.join(root.path, 'run'));
    expect(run).toMatchObject({ fps: 20, height, width, imported: { program: 'min1pipe' } });
    expect(Array.from(footprints.indices)).toEqual(byRow.flat());
    expect(await table('traces/denoised.npy', [2, frames])).toEqual([0, 2, 4, 12, 16, 20]);
  });
});

/** An Inscopix file: floats, then its description, a zero and the description's length. */
function isxd(place: string, footer: object, floats: readonly number[]): string {
  const text = Buffer.from(JSON.stringify(footer));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(place, Buffer.concat([Buffer.from(Float32Array.from(floats).buffer), text, Buffer.from([0]), length]));
  return place;
}

const timing = {
  spacingInfo: { numPixels: { x: width, y: height } },
  timingInfo: { numTimes: frames, period: { num: 100, den: 1000 } },
};

describe('cell sets of Inscopix', () => {
  const images = masks.map((cells) => {
    const image = new Float32Array(height * width);
    for (const [y, x, value] of cells) image[y * width + x] = value;
    return [...image];
  });
  const footer = { type: 1, ...timing, CellNames: ['C0', 'C1'], CellStatuses: [2, 0] };
  const floats = [...(images[0] ?? []), 0, 1, 2, ...(images[1] ?? []), 3, 4, 5];

  it('are read with names, statuses and rate', async () => {
    using root = temporaryFolder();
    const place = isxd(path.join(root.path, 'cells.isxd'), footer, floats);
    const { run, cells, footprints, table } = await imported(place, path.join(root.path, 'run'));
    expect(run).toMatchObject({ fps: 10, frames, imported: { program: 'inscopix' } });
    expect(Array.from(footprints.indices)).toEqual(byRow.flat());
    expect(await table('traces/raw.npy', [2, frames])).toEqual([0, 2, 4, 12, 16, 20]);
    expect(cells.map(({ suggested }) => suggested)).toEqual([false, true]);
  });

  it('of another kind, cut off or lying about their cells are refused in a sentence', async () => {
    using root = temporaryFolder();
    const refused = async (place: string): Promise<string> =>
      await (await readerOf(place))!.read(place, null).then(
        () => 'read',
        (error: Error) => error.message,
      );
    const movie = isxd(path.join(root.path, 'movie.isxd'), { type: 0, ...timing }, []);
    expect(await readerOf(movie)).toBeNull();
    const image = isxd(path.join(root.path, 'image.isxd'), { type: 4, ...timing }, []);
    expect(await refused(image)).toContain('it is an Inscopix image, neither a movie nor a set');
    const events = isxd(path.join(root.path, 'events.isxd'), { type: 5 }, []);
    expect(await refused(events)).toContain('does not say how many events');
    const many = isxd(path.join(root.path, 'many.isxd'), { ...footer, CellNames: ['a', 'b', 'c'] }, floats);
    expect(await refused(many)).toContain('3 cells of 6 × 4 pixels and 3 samples need 324');
    writeFileSync(many, readFileSync(many).subarray(0, 300));
    expect(await refused(many)).toContain('may be cut off');
  });
});

describe('event sets of Inscopix', () => {
  const about = {
    type: 5,
    'channel list': ['C0', 'C1'],
    numSamples: [2, 1],
    signalSteps: [
      { num: 1, den: 20 },
      { num: 1, den: 20 },
    ],
    'global times': [
      { secsSinceEpoch: { num: 1_000_000, den: 1000 } },
      { secsSinceEpoch: { num: 1_000_500, den: 1000 } },
    ],
  };
  const file = (place: string, events: readonly (readonly [number, number])[], head: object = about): string => {
    const data = Buffer.alloc(20 * events.length);
    for (const [i, [us, value]] of events.entries()) {
      data.writeBigUInt64LE(BigInt(us), 20 * i);
      data.writeFloatLE(value, 20 * i + 16);
    }
    const text = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(place, Buffer.concat([data, text, Buffer.of(0), length]));
    return place;
  };

  it('stand at their samples in the deconvolved trace; their cells have no place', async () => {
    using root = temporaryFolder();
    const place = file(path.join(root.path, 'events.isxd'), [
      [100_000, 2],
      [449_999, 3],
      [0, 5],
    ]);
    const reader = await readerOf(place);
    const result = await reader?.read(place, null);
    expect(result).toMatchObject({ program: 'inscopix', fps: 20, frames: 10, accepted: [null, null] });
    expect(await valuesOf(result, 'deconvolved')).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0, 3, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const onFilm = await reader?.read(place, { height, width, frames: 9, fps: 20 });
    expect(onFilm).toMatchObject({ height, width, frames: 9 });
    expect(onFilm?.findings.join(' ')).toContain('1 events lie beyond the 9 frames');
    expect(onFilm?.footprints.map(({ pixels }) => pixels.length)).toEqual([0, 0]);
  });

  it('that hold fewer events than they say are refused', async () => {
    using root = temporaryFolder();
    const place = file(path.join(root.path, 'events.isxd'), [[0, 1]]);
    await expect((await readerOf(place))?.read(place, null)).rejects.toMatchObject({
      message: expect.stringContaining('3 events need 60'),
    });
  });
});

describe('results of MiniAn', () => {
  function zarr(
    root: string,
    name: string,
    axes: readonly string[],
    shape: readonly number[],
    values: readonly number[],
  ) {
    const folder = path.join(root, `${name}.zarr`, name);
    mkdirSync(folder, { recursive: true });
    const form = {
      zarr_format: 2,
      shape,
      chunks: shape,
      dtype: '<f8',
      compressor: null,
      filters: null,
      fill_value: 'NaN',
      order: 'C',
    };
    writeFileSync(path.join(folder, '.zarray'), JSON.stringify(form));
    writeFileSync(path.join(folder, '.zattrs'), JSON.stringify({ _ARRAY_DIMENSIONS: axes }));
    writeFileSync(path.join(folder, shape.map(() => '0').join('.')), Buffer.from(Float64Array.from(values).buffer));
  }

  it('are read by the names of their axes; values that are not numbers are none', async () => {
    using root = temporaryFolder();
    const image = Array.from({ length: height * width * 2 }, () => Number.NaN);
    for (const [k, cells] of masks.entries()) for (const [y, x, value] of cells) image[(y * width + x) * 2 + k] = value;
    zarr(root.path, 'A', ['height', 'width', 'unit_id'], [height, width, 2], image);
    zarr(root.path, 'C', ['unit_id', 'frame'], [2, frames], denoised);
    zarr(root.path, 'shifts', ['frame', 'variable'], [frames, 2], [0, 0, 1, -2, 0.5, 0]);
    const { run, footprints, table } = await imported(root.path, path.join(root.path, 'run'));
    expect(run).toMatchObject({ fps: null, height, width, imported: { program: 'minian' } });
    expect(Array.from(footprints.indices)).toEqual(byRow.flat());
    expect(await table('traces/denoised.npy', [2, frames])).toEqual([0, 2, 4, 12, 16, 20]);
    expect((await table('motion.npy', [frames, 2])).map((value) => value + 0)).toEqual([0, 0, -1, 2, -0.5, 0]);
  });

  it('packed with Blosc, from MiniAn itself: 75 cells of 240 × 376 over 500 frames', async (context) => {
    const missing = sharedMissing('data/real/minian-demo/minian_result_500f');
    if (missing !== undefined) context.skip(missing);
    const place = path.join(sharedFolder, 'data/real/minian-demo/minian_result_500f');
    const result = await (await readerOf(place))!.read(place, null);
    expect([result.footprints.length, result.height, result.width, result.frames]).toEqual([75, 240, 376, 500]);
    expect(result.footprints.every(({ pixels }) => pixels.length > 10)).toBe(true);
    expect(await valuesOf(result, 'deconvolved')).toHaveLength(75 * 500);
  });
});

it('what no program wrote is nobody’s', async () => {
  using root = temporaryFolder();
  writeFileSync(path.join(root.path, 'text.hdf5'), 'no such thing');
  expect(await readerOf(path.join(root.path, 'text.hdf5'))).toBeNull();
  expect(await readerOf(root.path)).toBeNull();
  expect(await readerOf(path.join(root.path, 'absent.isxd'))).not.toBeNull();
});
