// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertFilm } from '../../../main/interop/films/convert.ts';
import type { ForeignFilm } from '../../../main/interop/films/foreign-film.ts';
import { chooseScale, scaleFindings, toLevels } from '../../../main/interop/films/grey-scale.ts';
import { describeFilm, readablePlace } from '../../../main/interop/films/index.ts';
import { filmReaderOf } from '../../../main/interop/films/readers/index.ts';
import { Hdf5Writer } from '../../../main/interop/hdf5.ts';
import { libraryFolders } from '../../../main/library/folders.ts';
import { findFfmpeg, probeFilm } from '../../../main/media/index.ts';
import { frameTimes, openSession } from '../../../main/sessions/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { tiffBytes } from '../../support/tiff.ts';

const [height, width, frames] = [4, 6, 5];
/** Different everywhere, so that no turned or shifted frame looks right. */
const value = (frame: number, y: number, x: number): number => 300 * frame + 20 * y + x;
const page = (frame: number): number[] =>
  Array.from({ length: height * width }, (_, i) => value(frame, Math.floor(i / width), i % width));
const pages = <T>(make: (values: number[]) => T): T[] =>
  Array.from({ length: frames }, (_, frame) => make(page(frame)));

async function open(place: string, dataset: string | null = null): Promise<ForeignFilm> {
  const opened = await (await filmReaderOf(place))?.open(place, { dataset });
  if (opened === undefined || 'film' in opened) throw new Error('not a film of its own');
  return opened;
}

async function all(film: ForeignFilm): Promise<number[][]> {
  const found: number[][] = [];
  for (let frame = 0; frame < film.frames; frame += 1) found.push(Array.from(await film.read(frame)));
  await film[Symbol.asyncDispose]();
  return found;
}

function put(name: string, bytes: Buffer | string, folder = temporaryFolder()): string {
  const place = path.join(folder, name);
  writeFileSync(place, bytes);
  return place;
}

const expected = pages((values) => values);

describe('a TIFF stack', () => {
  it.each([
    ['16 bits', { pages: pages((v) => Uint16Array.from(v)) }],
    ['16 bits, big-endian', { pages: pages((v) => Uint16Array.from(v)), bigEndian: true }],
    ['BigTIFF of floats', { pages: pages((v) => Float32Array.from(v)), big: true }],
    [
      'a list of one page by ImageJ',
      {
        pages: pages((v) => Uint16Array.from(v)),
        listFirstOnly: true,
        bigEndian: true,
        description: `ImageJ=1.54\nimages=${frames}\n`,
      },
    ],
  ])('of %s is read page by page', async (_, options) => {
    const film = await open(put('film.tif', tiffBytes({ height, width, ...options })));
    expect([film.height, film.width, film.frames]).toEqual([height, width, frames]);
    expect(await all(film)).toEqual(expected);
  });

  it('takes the frame rate that ImageJ wrote', async () => {
    const bytes = tiffBytes({
      height,
      width,
      pages: pages((v) => Uint16Array.from(v)),
      description: 'ImageJ=1.54\nfinterval=0.05\n',
    });
    const film = await open(put('film.tif', bytes));
    expect(film.fps).toBeCloseTo(20);
    await film[Symbol.asyncDispose]();
  });

  it('may be a folder of files, in natural order', async () => {
    const folder = temporaryFolder();
    for (const [i, values] of [3, 0, 1].map((f) => page(f)).entries())
      put(
        ['part_10.tif', 'part_1.tif', 'part_2.tif'][i] ?? '',
        tiffBytes({ height, width, pages: [Uint16Array.from(values)] }),
        folder,
      );
    expect(await all(await open(folder))).toEqual([page(0), page(1), page(3)]);
  });

  it('that is colour, cut off or of two sizes is refused with a sentence', async () => {
    const colour = tiffBytes({ height, width, pages: [new Uint8Array(3 * height * width)], samples: 3 });
    await expect(open(put('c.tif', colour))).rejects.toMatchObject({
      code: 'interop.unreadable',
      message: expect.stringContaining('3 channels'),
    });
    const whole = tiffBytes({ height, width, pages: pages((v) => Uint16Array.from(v)) });
    await expect(open(put('cut.tif', whole.subarray(0, whole.length - 40)))).rejects.toMatchObject({
      code: 'interop.unreadable',
    });
    const lying = tiffBytes({
      height,
      width,
      pages: pages((v) => Uint16Array.from(v)),
      listFirstOnly: true,
      description: 'ImageJ=1\nimages=5000\n',
    });
    await expect(open(put('lie.tif', lying))).rejects.toMatchObject({
      message: expect.stringContaining('speaks of 5000 pages'),
    });
    const folder = temporaryFolder();
    put('1.tif', tiffBytes({ height, width, pages: [Uint16Array.from(page(0))] }), folder);
    put('2.tif', tiffBytes({ height: width, width: height, pages: [Uint16Array.from(page(0))] }), folder);
    await expect(open(folder)).rejects.toMatchObject({ message: expect.stringContaining('2.tif') });
  });
});

async function hdf5(name: string, fill: (writer: Hdf5Writer) => void): Promise<string> {
  const place = path.join(temporaryFolder(), name);
  const writer = await Hdf5Writer.create(place);
  fill(writer);
  writer.close();
  return place;
}

const flat = Float32Array.from(expected.flat());

describe('an HDF5 film', () => {
  it('is the one array of frames × height × width, whatever its chunks', async () => {
    const place = await hdf5('film.h5', (writer) => {
      const dataset = writer.empty('/mov', '<f', [frames, height, width], [2, height, width]);
      dataset.write_slice([[], [], []], flat);
      writer.array('/trace', Float32Array.from([1, 2, 3]), [3]);
    });
    expect(await all(await open(place))).toEqual(expected);
  });

  it('among several is asked for by name', async () => {
    const place = await hdf5('two.h5', (writer) => {
      writer.array('/a', flat, [frames, height, width]);
      writer.group('/inside');
      writer.array(
        '/inside/b',
        flat.map((v) => v + 1),
        [frames, height, width],
      );
    });
    await expect(open(place)).rejects.toMatchObject({
      code: 'interop.several_films',
      message: expect.stringContaining('/inside/b (5 × 4 × 6)'),
    });
    expect((await all(await open(place, 'inside/b')))[0]?.[0]).toBe(1);
    await expect(open(place, 'nowhere')).rejects.toMatchObject({ code: 'interop.unreadable' });
  });
});

/** `frames × width × height`, as the NWB schema wants it. */
const turned = Float32Array.from(
  Array.from({ length: frames * height * width }, (_, i) => {
    const frame = Math.floor(i / (height * width));
    return value(frame, i % height, Math.floor((i % (height * width)) / height));
  }),
);

async function nwb(fill: (writer: Hdf5Writer, series: string) => void): Promise<string> {
  return await hdf5('session.nwb', (writer) => {
    writer.text('/session_start_time', '2026-03-04T10:00:00.250+01:00');
    writer.group('/acquisition');
    writer.group('/acquisition/OnePhotonSeries', { neurodata_type: 'OnePhotonSeries' });
    fill(writer, '/acquisition/OnePhotonSeries');
  });
}

describe('an NWB file', () => {
  it('holds its frames as columns × rows, with their times', async () => {
    const stamps = [10, 10.1, 10.2, 10.5, 10.6];
    const place = await nwb((writer, series) => {
      writer.array(`${series}/data`, turned, [frames, width, height]);
      writer.array(`${series}/timestamps`, Float64Array.from(stamps), [frames]);
    });
    const film = await open(place);
    expect([film.height, film.width, film.startedAt]).toEqual([height, width, '2026-03-04T09:00:00.250Z']);
    expect(film.timeS?.[3]).toBeCloseTo(0.5);
    expect(await all(film)).toEqual(expected);
  });

  it('that only names its film leads to it', async () => {
    const place = await nwb((writer, series) => {
      writer.array(`${series}/data`, new Float32Array(), [0, 0, 0]);
      writer.texts(`${series}/external_file`, ['films/0.avi']);
    });
    mkdirSync(path.join(path.dirname(place), 'films'));
    writeFileSync(path.join(path.dirname(place), 'films', '0.avi'), '');
    const reader = await filmReaderOf(place);
    expect(await reader?.open(place, { dataset: null })).toEqual({
      film: path.join(path.dirname(place), 'films', '0.avi'),
    });
  });
});

function isxd(values: readonly Buffer[], timing: object, more: object = {}): Buffer {
  const footer = Buffer.from(
    JSON.stringify({
      type: 0,
      dataType: 0,
      hasFrameHeaderFooter: false,
      spacingInfo: { numPixels: { x: width, y: height } },
      timingInfo: { numTimes: frames, period: { num: 50, den: 1000 }, dropped: [], cropped: [], blank: [], ...timing },
      ...more,
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(footer.length));
  return Buffer.concat([...values, footer, Buffer.alloc(1), length]);
}

const words = (values: readonly number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer);

describe('an Inscopix movie', () => {
  it('keeps the gaps of dropped frames in its times', async () => {
    const start = { start: { secsSinceEpoch: { num: 1_700_000_000_500, den: 1000 }, utcOffset: 0 } };
    const film = await open(
      put(
        'movie.isxd',
        isxd(
          expected.map((v) => words(v)),
          { numTimes: 8, dropped: [1], cropped: [[3, 4]], ...start },
        ),
      ),
    );
    expect([film.frames, film.fps, film.startedAt]).toEqual([5, 20, '2023-11-14T22:13:20.500Z']);
    expect(film.timeS === null ? null : [...film.timeS]).toEqual(
      [0, 0.1, 0.25, 0.3, 0.35].map((t) => expect.closeTo(t)),
    );
    expect(await all(film)).toEqual(expected);
  });

  it('may have the sensor’s rows before and behind each frame', async () => {
    const rows = words(Array.from({ length: 2560 }, () => 9));
    const film = await open(
      put(
        'raw.isxd',
        isxd(
          expected.flatMap((v) => [rows, words(v), rows]),
          {},
          { hasFrameHeaderFooter: true },
        ),
      ),
    );
    expect(await all(film)).toEqual(expected);
  });

  it('that holds fewer frames than it says is refused', async () => {
    const place = put('short.isxd', isxd([words(page(0))], {}));
    await expect(open(place)).rejects.toMatchObject({
      message: expect.stringContaining('1 whole frames of 6 × 4 pixels, its description speaks of 5'),
    });
  });
});

it('a zarr store is read chunk by chunk', async () => {
  const store = path.join(temporaryFolder(), 'film.zarr');
  mkdirSync(store);
  writeFileSync(
    path.join(store, '.zarray'),
    JSON.stringify({
      zarr_format: 2,
      shape: [frames, height, width],
      chunks: [2, height, width],
      dtype: '<u2',
      compressor: null,
      fill_value: 0,
      order: 'C',
      filters: null,
    }),
  );
  for (let chunk = 0; chunk < 3; chunk += 1)
    writeFileSync(
      path.join(store, `${chunk}.0.0`),
      words([...page(2 * chunk), ...(expected[2 * chunk + 1] ?? page(0))]),
    );
  expect(await all(await open(store))).toEqual(expected);
});

function filmOf(values: readonly (readonly number[])[], isInteger: boolean): ForeignFilm {
  return {
    height: 1,
    width: values[0]?.length ?? 0,
    frames: values.length,
    isInteger,
    fps: null,
    timeS: null,
    startedAt: null,
    findings: [],
    read: (frame) => Promise.resolve(Float64Array.from(values[frame] ?? [])),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

describe('the grey scale', () => {
  const scaleOf = (values: readonly (readonly number[])[], isInteger: boolean) =>
    chooseScale(filmOf(values, isInteger), () => undefined);

  it('keeps whole numbers that fit, wherever they lie', async () => {
    expect(
      await scaleOf(
        [
          [0, 255],
          [3, 7],
        ],
        true,
      ),
    ).toMatchObject({ offset: 0, step: 1, isLossless: true });
    const scale = await scaleOf(
      [
        [1000, 1100],
        [1253, 1050],
      ],
      true,
    );
    expect(scale).toMatchObject({ offset: 999, step: 1, isLossless: true });
    expect([...toLevels(Uint16Array.from([1000, 1253]), scale)]).toEqual([1, 254]);
  });

  it('keeps black black where that costs less than half the noise', async () => {
    const scale = await scaleOf(
      [
        [0, 40, 5000],
        [60, 0, 5080],
        [0, 45, 5080],
      ],
      false,
    );
    expect(scale.offset).toBe(0);
    expect([...toLevels(Float32Array.from([0, 5080]), scale)]).toEqual([1, 254]);
    expect(scaleFindings(scale).join(' ')).not.toContain('Level 0');
  });

  it('begins at the smallest value where black would cost too much, and says so', async () => {
    const scale = await scaleOf(
      [
        [10_000, 10_100],
        [10_001, 10_101],
        [10_000, 10_100],
      ],
      false,
    );
    expect(scale.step).toBeCloseTo(101 / 253);
    expect([...toLevels(Float32Array.from([10_000, 10_101]), scale)]).toEqual([1, 254]);
    expect(scaleFindings(scale).join(' ')).toContain('ΔF/F counts from there');
  });

  it('counts what is no number and tells levels coarser than the noise', async () => {
    const scale = await scaleOf(
      [
        [0, 1, Number.NaN, 60_000],
        [1, 0, 2, 60_001],
        [0, 1, 1, 60_000],
      ],
      false,
    );
    expect(scale.notNumbers).toBe(1);
    expect(scaleFindings(scale).join(' ')).toContain('coarser than the noise');
  });
});

describe('a conversion', () => {
  /** Frames large enough for the encoder. */
  const [tall, wide, many] = [16, 24, 7];
  const big = Array.from({ length: many }, (_, frame) =>
    Uint16Array.from({ length: tall * wide }, (__, i) => 500 + ((17 * i + 31 * frame) % 200)),
  );

  it('writes a film that opens as a session with the same pixels, once', async () => {
    const source = put('film.tif', tiffBytes({ height: tall, width: wide, pages: big }));
    const library = { folders: libraryFolders(temporaryFolder()), readOnly: null };
    const shares: number[] = [];
    const following = { signal: new AbortController().signal, onShare: (share: number) => void shares.push(share) };
    const place = await readablePlace(source, { fps: 10 }, library, following);
    expect(shares.at(-1)).toBe(1);
    expect(await readablePlace(source, { fps: 10 }, library, following)).toBe(place);
    // What needs no conversion is left where it is.
    expect(await describeFilm(place, {})).toBeNull();
    expect(await readablePlace(place, {}, library, following)).toBe(place);
    expect(readdirSync(library.folders.films)).toEqual([path.basename(place)]);
    const session = await openSession(place, { probeFilm });
    expect(session).toMatchObject({ format: 'converted-film', name: 'film.tif' });
    expect(session.devices[0]).toMatchObject({ frames: many, height: tall, width: wide, fps: 10, error: null });
    const ffmpeg = findFfmpeg() ?? '';
    const decoded = execFileSync(ffmpeg, [
      '-v',
      'error',
      '-i',
      path.join(place, '0.avi'),
      '-f',
      'rawvideo',
      '-pix_fmt',
      'gray',
      '-',
    ]);
    expect([...decoded]).toEqual(big.flatMap((frame) => [...frame].map((v) => v - 499)));
  });

  it('keeps the times of the frames', async () => {
    const values = Float32Array.from({ length: many * wide * tall }, (_, i) => i % 190);
    const place = await nwb((writer, series) => {
      writer.array(`${series}/data`, values, [many, wide, tall]);
      writer.array(
        `${series}/timestamps`,
        Float64Array.from({ length: many }, (_, i) => 2 + i * 0.1 + (i > 3 ? 1 : 0)),
        [many],
      );
    });
    const folder = path.join(temporaryFolder(), 'converted');
    await convertFilm({ place, folder, dataset: null, fps: null }, () => undefined);
    const session = await openSession(folder, { probeFilm });
    expect(session.startedAt).toBe('2026-03-04T09:00:00.250Z');
    const times = await frameTimes('converted-film', session.devices[0]?.films ?? []);
    expect(times?.[4]).toBeCloseTo(1.4);
  });

  it('that fails leaves nothing behind', async () => {
    const whole = tiffBytes({ height: tall, width: wide, pages: big });
    // Where the last page's pixels lie: the sixth of its ten entries.
    whole.writeUInt32LE(0xff_ff_ff, whole.length - 126 + 2 + 5 * 12 + 8);
    const folder = temporaryFolder();
    await expect(
      convertFilm(
        { place: put('film.tif', whole), folder: path.join(folder, 'converted'), dataset: null, fps: 20 },
        () => undefined,
      ),
    ).rejects.toMatchObject({ code: 'interop.unreadable' });
    expect(readdirSync(folder)).toEqual([]);
  });
});
