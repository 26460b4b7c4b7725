// SPDX-License-Identifier: MIT
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type H5File, hdf5 } from '../../../main/interop/hdf5.ts';
import { readerOf } from '../../../main/interop/results/readers/index.ts';
import { importResult } from '../../../main/interop/results/import-result.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';
import { valuesOf } from '../../support/foreign-result.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

const [height, width, frames] = [3, 5, 6];

interface Made {
  /** x × y by the schema, or rows × columns as some writers have it. */
  readonly isTurned?: boolean;
  readonly rois?: readonly number[];
  readonly caiman?: boolean;
}

function attribute(file: H5File, of: string, name: string, value: string | number): void {
  const found = file.get(of);
  if (found === null || !('create_attribute' in found)) throw new Error(`there is no ${of}`);
  found.create_attribute(name, value);
}

/** As roiextractors and CaImAn write: image masks, no pixel masks, a rate; cell 0 at row 1, column 4, cell 1 at row 2, column 0. */
async function foreign(place: string, { isTurned = false, rois = [0, 1], caiman = false }: Made = {}) {
  const { File } = await hdf5();
  const file = new File(place, 'w');
  const group = (name: string, type: string): void => {
    file.create_group(name);
    attribute(file, name, 'neurodata_type', type);
  };
  group('processing', '');
  group('processing/ophys', 'ProcessingModule');
  if (caiman)
    attribute(file, 'processing/ophys', 'description', 'contains caiman estimates for the main imaging plane');
  group('processing/ophys/ImageSegmentation', 'ImageSegmentation');
  const table = 'processing/ophys/ImageSegmentation/PlaneSegmentation';
  group(table, 'PlaneSegmentation');
  const mask = new Float32Array(2 * height * width);
  const put = (k: number, y: number, x: number): void => {
    mask[k * height * width + (isTurned ? y * width + x : x * height + y)] = 2;
  };
  put(0, 1, 4);
  put(1, 2, 0);
  file.create_dataset({ name: `${table}/id`, data: BigInt64Array.from([0n, 1n]), shape: [2], dtype: '<q' });
  const shape = isTurned ? [2, height, width] : [2, width, height];
  file.create_dataset({ name: `${table}/image_mask`, data: mask, shape, dtype: '<f' });
  file.create_dataset({ name: `${table}/Accepted`, data: Int32Array.from([1, 0]), shape: [2], dtype: '<i' });
  file.create_dataset({ name: `${table}/Rejected`, data: Int32Array.from([0, 1]), shape: [2], dtype: '<i' });
  file.create_dataset({ name: `${table}/snr`, data: Float64Array.from([4, 7]), shape: [2], dtype: '<d' });
  group('processing/ophys/Fluorescence', 'Fluorescence');
  const series = 'processing/ophys/Fluorescence/RoiResponseSeries';
  group(series, 'RoiResponseSeries');
  const data = Float32Array.from({ length: frames * 2 }, (_, i) => (i % 2 === 0 ? i / 2 : 100 + (i - 1) / 2));
  file.create_dataset({ name: `${series}/data`, data, shape: [frames, 2], dtype: '<f' });
  attribute(file, `${series}/data`, 'conversion', 2);
  file.create_dataset({ name: `${series}/rois`, data: Int32Array.from(rois), shape: [rois.length], dtype: '<i' });
  file.create_dataset({ name: `${series}/starting_time`, data: 0.5, dtype: '<d' });
  attribute(file, `${series}/starting_time`, 'rate', 20);
  file.close();
  return place;
}

const read = async (
  place: string,
  field: { height: number; width: number; frames: number; fps: number } | null = null,
) => {
  const reader = await readerOf(place);
  expect(reader?.program).toBe('nwb');
  return await reader?.read(place, field);
};

describe('cells in NWB files', () => {
  it('of other writers: masks land on the right pixels of an asymmetric frame, traces by cell with their unit, times by the rate', async () => {
    using root = temporaryFolder();
    const result = await read(await foreign(path.join(root.path, 'other.nwb')));
    expect(result).toMatchObject({ height, width, frames, fps: 20, accepted: [true, false], metrics: { snr: [4, 7] } });
    expect(result?.footprints.map(({ pixels, values }) => [[...pixels], [...values]])).toEqual([
      [[1 * width + 4], [2]],
      [[2 * width + 0], [2]],
    ]);
    expect(await valuesOf(result, 'raw')).toEqual([0, 2, 4, 6, 8, 10, 200, 202, 204, 206, 208, 210]);
    expect([...(result?.timeS ?? [])].map((time) => Math.round(time * 1000))).toEqual([500, 550, 600, 650, 700, 750]);
  });

  it('of writers that turned the masks are told by the recording’s size; CaImAn’s own series is the denoised one', async () => {
    using root = temporaryFolder();
    const place = await foreign(path.join(root.path, 'turned.nwb'), { isTurned: true, caiman: true });
    const result = await read(place, { height, width, frames, fps: 20 });
    expect(result?.footprints.map(({ pixels }) => [...pixels])).toEqual([[9], [10]]);
    expect(result?.findings).toContain(
      'Its masks are rows × columns, not x × y as NWB says; the recording’s size tells.',
    );
    expect(Object.keys(result?.traces ?? {})).toEqual(['denoised']);
  });

  it('whose traces are of other rows are not given to the wrong cells', async () => {
    using root = temporaryFolder();
    const place = await foreign(path.join(root.path, 'rows.nwb'), { rois: [1, 0] });
    const result = await read(place, { height, width, frames, fps: 20 });
    expect(result?.traces).toEqual({});
    expect(result?.findings.join()).toContain('not of all 2 cells');
    await expect(read(place)).rejects.toMatchObject({ code: 'interop.unreadable' });
  });

  it('of our own export come back equal: masks, traces, decisions, motion and times', { timeout: 60_000 }, async () => {
    const run = await finishedRunOnDisk();
    const destination = path.join(run.folder, '..', 'own.nwb');
    await run.interop.export({ target: run.runUuid, format: 'nwb', destination }, localCall);
    const result = await read(destination);
    expect(result).toMatchObject({ height: 30, width: 40, frames: 1500 });
    expect(result?.footprints).toHaveLength(3);
    expect(Object.keys(result?.traces ?? {}).toSorted()).toEqual(['deconvolved', 'denoised', 'dff', 'raw']);
    expect(result?.accepted).toEqual([true, true, false]);
    const again = await importResult(destination, {}, run.library, new AbortController().signal);
    expect(again.run).toMatchObject({ state: 'succeeded', cells: 3 });
    expect((await run.library.runs.get(again.run.uuid)).method).toBe('nwb');
    const centres = async (uuid: string) =>
      (await run.library.runs.cells(uuid)).map(({ centroid }) => [Math.round(centroid.x), Math.round(centroid.y)]);
    expect((await centres(again.run.uuid)).length).toBe(3);
    const second = path.join(run.folder, '..', 'second.nwb');
    await run.interop.export({ target: again.run.uuid, format: 'nwb', destination: second }, localCall);
    const twice = await read(second);
    expect(twice?.footprints).toEqual(result?.footprints);
    for (const kind of ['raw', 'denoised', 'deconvolved', 'dff'] as const) {
      const [one, two] = [await valuesOf(result, kind), await valuesOf(twice, kind)];
      expect(two).toHaveLength(one.length);
      expect(two.every((value, i) => Object.is(value, one[i]) || Math.abs(value - (one[i] ?? 0)) < 1e-3)).toBe(true);
    }
    expect(twice?.motion).toEqual(result?.motion);
  });
});
