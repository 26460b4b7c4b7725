// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeFilm } from '../../../main/interop/index.ts';
import { filmReaderOf } from '../../../main/interop/films/readers/index.ts';
import { Hdf5Writer } from '../../../main/interop/hdf5.ts';
import { readAside } from '../../../main/interop/results/import-result.ts';
import { readFooter } from '../../../main/interop/results/isxd.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { makeFolders } from '../../../main/processing/index.ts';
import { openSession } from '../../../main/sessions/index.ts';
import { probeFilm } from '../../../main/media/index.ts';
import { greyAvi } from '../../support/avi.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';
import { temporaryFolder } from '../../support/library.ts';
import { pickled } from '../../support/pickles.ts';
import { regularTimes, timeStampsCsv, writeTree } from '../../support/session-folders.ts';
import { tiffBytes } from '../../support/tiff.ts';

/** Files that lie, lack a part or were turned over: each is read with a remark, or refused with what is wrong in it. */

const [height, width, cells, frames] = [3, 5, 2, 4];
const traces = [1, 2, 3, 4, 10, 20, 30, 40];

interface Caiman {
  readonly isTurned?: boolean;
  readonly good?: readonly number[];
  readonly traces?: readonly number[];
  readonly lacks?: 'A' | 'C';
}

async function caiman(options: Caiman): Promise<string> {
  const place = path.join(temporaryFolder(), 'result.hdf5');
  const file = await Hdf5Writer.create(place);
  const estimates = 'estimates';
  file.group(estimates);
  if (options.lacks !== 'A') {
    file.group(`${estimates}/A`);
    file.array(`${estimates}/A/data`, Float64Array.of(1, 2), [2]);
    file.array(`${estimates}/A/indices`, Int32Array.of(1, 7), [2]);
    file.array(`${estimates}/A/indptr`, Int32Array.of(0, 1, 2), [3]);
    file.array(`${estimates}/A/shape`, Int32Array.of(height * width, cells), [2]);
  }
  const values = options.traces ?? traces;
  if (options.lacks !== 'C') {
    const turned = Array.from(
      { length: cells * frames },
      (_, i) => values[(i % cells) * frames + Math.floor(i / cells)]!,
    );
    if (options.isTurned === true) file.array(`${estimates}/C`, Float64Array.from(turned), [frames, cells]);
    else file.array(`${estimates}/C`, Float64Array.from(values), [cells, frames]);
  }
  file.array(`${estimates}/idx_components`, Int32Array.from(options.good ?? [0]), [(options.good ?? [0]).length]);
  file.array('dims', Int32Array.of(height, width), [2]);
  file.close();
  return place;
}

const never = new AbortController().signal;
const look = (place: string) => readAside({ place, folder: null, fps: null, field: null }, never);
const film = async (place: string) => await describeFilm(place, {});

test('a result of CaImAn without masks or traces is named as such, not taken for a film', async () => {
  await expect(look(await caiman({ lacks: 'A' }))).rejects.toThrow('it has no masks (estimates/A)');
  await expect(look(await caiman({ lacks: 'C' }))).rejects.toThrow('it has no traces (estimates/C)');
});

test('traces of CaImAn that are stored as frames × cells are turned, and that is told', async () => {
  const place = await caiman({ isTurned: true });
  const result = await (await readerOf(place))?.read(place, null);
  expect(result).toMatchObject({ frames });
  const { denoised } = result?.traces ?? {};
  expect(Array.from(typeof denoised === 'function' ? await denoised(0, cells) : [])).toEqual(traces);
  expect(result?.findings).toContain('Its traces are stored as frames × cells; they were turned.');
});

test('cells that an evaluation names and that are not there, and values that are no numbers, are told', async () => {
  const { findings } = await look(await caiman({ good: [0, 99], traces: [1, Number.NaN, 3, Infinity, 1, 2, 3, 4] }));
  expect(findings).toContain('Its evaluation names 1 cells that are not there (99).');
  expect(findings).toContain('2 values of its traces are no numbers; they stay unknown.');
});

test('an HDF5 or NWB file that holds nothing we know says what it holds, and what it would have to', async () => {
  const folder = temporaryFolder();
  for (const name of ['a.h5', 'a.nwb']) {
    const file = await Hdf5Writer.create(path.join(folder, name));
    file.group('acquisition');
    file.close();
  }
  await expect(film(path.join(folder, 'a.h5'))).rejects.toThrow('at its top are acquisition');
  await expect(film(path.join(folder, 'a.nwb'))).rejects.toThrow('no film (OnePhotonSeries');
});

test('an NWB file whose film lies elsewhere names it', async () => {
  const folder = temporaryFolder();
  const place = path.join(folder, 'a.nwb');
  const file = await Hdf5Writer.create(place);
  file.group('acquisition');
  file.group('acquisition/OnePhotonSeries', { neurodata_type: 'OnePhotonSeries' });
  file.texts('acquisition/OnePhotonSeries/external_file', ['./gone.avi']);
  file.close();
  await expect(film(place)).rejects.toMatchObject({
    code: 'interop.film_missing',
    message: 'a.nwb holds no frames; it names the film ./gone.avi, which is not there.',
  });
  writeFileSync(path.join(folder, 'gone.avi'), greyAvi(3, 8, 8));
  expect(await film(place)).toEqual({ film: path.join(folder, 'gone.avi') });
});

test('a TIFF whose mark for the order of bytes is wrong is told as that', async () => {
  const pages = [0, 1].map(() => new Uint16Array(24));
  const bytes = tiffBytes({ height: 4, width: 6, pages });
  bytes.write('MM', 'latin1');
  const place = path.join(temporaryFolder(), 'film.tif');
  writeFileSync(place, bytes);
  await expect((await filmReaderOf(place))?.open(place, { dataset: null })).rejects.toThrow(
    'its first two letters name an order of bytes that the rest does not have',
  );
});

test('a result of suite2p that lacks a file says which', async () => {
  const plane = path.join(temporaryFolder(), 'plane0');
  mkdirSync(plane);
  writeFileSync(path.join(plane, 'stat.npy'), pickled('stat'));
  writeFileSync(path.join(plane, 'ops.npy'), pickled('ops'));
  await expect(look(plane)).rejects.toThrow('plane0 cannot be read: its F.npy is missing.');
  writeFileSync(path.join(plane, 'F.npy'), 'x');
  rmSync(path.join(plane, 'ops.npy'));
  await expect(look(plane)).rejects.toMatchObject({
    code: 'interop.unreadable',
    message: expect.stringContaining('its ops.npy is missing'),
  });
});

/** Stores of MiniAn; the traces in two pieces. */
function minian(packed: object | null = null): string {
  const root = temporaryFolder();
  const store = (
    name: string,
    axes: readonly string[],
    shape: readonly number[],
    chunks: readonly number[],
  ): string => {
    const folder = path.join(root, `${name}.zarr`, name);
    mkdirSync(folder, { recursive: true });
    const form = {
      zarr_format: 2,
      shape,
      chunks,
      dtype: '<f8',
      compressor: name === 'C' ? packed : null,
      filters: null,
      fill_value: 'NaN',
      order: 'C',
    };
    writeFileSync(path.join(folder, '.zarray'), JSON.stringify(form));
    writeFileSync(path.join(folder, '.zattrs'), JSON.stringify({ _ARRAY_DIMENSIONS: axes }));
    return folder;
  };
  const piece = (count: number): Buffer => Buffer.from(new Float64Array(count).fill(1).buffer);
  const masks = store('A', ['unit_id', 'height', 'width'], [cells, height, width], [cells, height, width]);
  writeFileSync(path.join(masks, '0.0.0'), piece(cells * height * width));
  const table = store('C', ['unit_id', 'frame'], [cells, frames], [1, frames]);
  for (const name of ['0.0', '1.0']) writeFileSync(path.join(table, name), piece(frames));
  return root;
}

test('pieces of MiniAn’s stores that are missing are told; a store without any is refused, as is a piece that is cut off', async () => {
  const place = minian();
  expect((await look(place)).findings.join()).not.toContain('missing');
  const pieces = path.join(place, 'C.zarr', 'C');
  rmSync(path.join(pieces, '1.0'));
  expect((await look(place)).findings).toContain(
    '1 of 2 pieces of its C are missing; what they held counts as nothing.',
  );
  rmSync(path.join(pieces, '0.0'));
  await expect(look(place)).rejects.toThrow('none of the 2 pieces of its C is there');

  const packed = minian({ id: 'blosc', cname: 'lz4', clevel: 5, shuffle: 1 });
  const head = Buffer.alloc(16);
  head.writeUInt32LE(500, 12);
  writeFileSync(path.join(packed, 'C.zarr', 'C', '0.0'), head);
  await expect(look(packed)).rejects.toThrow('the piece 0.0 of its C is cut off');
});

test('a session folder whose only film was renamed is read with a remark; one without its descriptions leads to its films', async () => {
  const root = temporaryFolder();
  const csv = timeStampsCsv(regularTimes(3, 50));
  writeTree(root, {
    'ses/metaData.json': { animalName: 'm1', miniscopes: ['Scope'] },
    'ses/Scope/metaData.json': { deviceName: 'Scope', deviceType: 'Miniscope_V4_BNO' },
    'ses/Scope/timeStamps.csv': csv,
    'bare/Scope/notes.txt': 'x',
  });
  writeFileSync(path.join(root, 'ses', 'Scope', 'my film.avi'), greyAvi(3, 8, 8));
  const { devices } = await openSession(path.join(root, 'ses'), { probeFilm });
  expect(devices[0]).toMatchObject({ frames: 3, error: null });
  expect(devices[0]?.findings.map(({ message }) => message)).toContain(
    'The only film is my film.avi, not 0.avi; it is taken for the whole recording.',
  );
  writeFileSync(path.join(root, 'bare', 'Scope', '0.avi'), greyAvi(3, 8, 8));
  await expect(openSession(path.join(root, 'bare'), { probeFilm })).rejects.toMatchObject({
    code: 'session.no_films',
    message: expect.stringContaining('There are films in Scope.'),
  });
});

test('a session whose times a spreadsheet saved with semicolons and commas before the decimals is read', async () => {
  const root = temporaryFolder();
  writeTree(root, {
    'ses/metaData.json': { animalName: 'm1', miniscopes: ['Scope'] },
    'ses/Scope/metaData.json': { deviceName: 'Scope', deviceType: 'Miniscope_V4_BNO' },
    'ses/Scope/timeStamps.csv': 'Frame Number;Time Stamp (ms);Buffer Index\n0;0,5;0\n1;50,5;0\n',
  });
  writeFileSync(path.join(root, 'ses', 'Scope', '0.avi'), greyAvi(2, 8, 8));
  const { devices } = await openSession(path.join(root, 'ses'), { probeFilm });
  expect(devices[0]?.error).toBeNull();
  expect([...(devices[0]?.timeS ?? [])]).toEqual([0.0005, 0.0505]);
});

test(
  'an export that cannot be put where it shall go says what is in the way, and leaves nothing',
  { timeout: 20_000 },
  async () => {
    const run = await finishedRunOnDisk();
    const folder = path.join(run.folder, '..', 'out');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'file'), 'mine');
    const to = (format: 'nwb' | 'csv' | 'mat', destination: string) =>
      run.interop.export({ target: run.runUuid, format, destination }, localCall);
    await expect(to('mat', path.join(folder, 'file', 'x.mat'))).rejects.toMatchObject({
      code: 'disk.io',
      message: expect.stringContaining(`${path.join(folder, 'file')} is a file, not a folder.`),
    });
    await expect(to('nwb', path.join(folder, 'file'))).rejects.toThrow('is a file, not a folder');
    expect(readdirSync(folder)).toEqual(['file']);
  },
);

test.runIf(process.platform === 'linux')(
  'a place that takes no folders at all is refused, not tried for ever',
  { timeout: 10_000 },
  async () => {
    await expect(makeFolders('/proc/nowhere/deeper')).rejects.toMatchObject({
      code: 'disk.io',
      message: expect.stringContaining('/proc/nowhere/deeper cannot be written: '),
    });
  },
);

test('an Inscopix file with a wrong value in its description is told which, in our words', async () => {
  const telling = async (footer: object): Promise<string> => {
    const text = Buffer.from(JSON.stringify(footer));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    const place = path.join(temporaryFolder(), 'cells.isxd');
    writeFileSync(place, Buffer.concat([text, Buffer.from([0]), length]));
    return await readFooter(place).then(
      () => 'it was read',
      (error: Error) => error.message,
    );
  };
  const sizes = { type: 1, spacingInfo: { numPixels: { x: 'wide', y: 4 } } };
  expect(await telling(sizes)).toBe(
    'cells.isxd cannot be read: in the description at its end spacingInfo.numPixels.x is "wide", which it cannot be.',
  );
  expect(await telling({ type: 1, timingInfo: { numTimes: 3, period: { num: 1, den: 0 } } })).toContain(
    'timingInfo.period.den is 0, which it cannot be.',
  );
  expect(await telling({ kind: 'cell set' })).toContain('type is missing.');
  expect(await telling([1, 2, 3, 4, 5])).toContain('it is no list of names and values.');
});
