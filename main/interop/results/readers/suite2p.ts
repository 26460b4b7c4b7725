// SPDX-License-Identifier: MIT
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { TypedJson } from '../../../library/index.ts';
import { checkSize, count, unreadable } from '../check.ts';
import { cellByCell } from '../footprints.ts';
import type { ForeignFootprint, ForeignResult, OnShare, ResultReader, RowSource } from '../foreign-result.ts';
import { openNpyTable, readNpy } from '../npy-file.ts';
import { type Pickled, PickledArray } from '../pickle.ts';

/**
 * Results of suite2p: a folder `plane0` (or the one above it) with `stat.npy`, `F.npy`, `iscell.npy`, `spks.npy`, `ops.npy`. The first and last are
 * pickled; they are read without running anything ({@link readPickle}). Weights (`lam`) are brought to maximum 1 here, since `F` is their mean already.
 */
export const suite2p: ResultReader = {
  program: 'suite2p',
  title: 'suite2p result',
  recognises: async (place) => (await planesOf(place)).length > 0,
  read: async (place, _field, onShare) => {
    const planes = await planesOf(place);
    const [plane] = planes;
    if (plane === undefined) throw unreadable(place, 'it has no stat.npy and F.npy.');
    if (planes.length > 1) {
      throw unreadable(
        place,
        `it holds ${planes.length} planes; Calyx knows planes one at a time. Give one of ${planes.map((each) => path.basename(each)).join(', ')}.`,
      );
    }
    return await read(plane, onShare);
  },
};

const isFile = async (place: string): Promise<boolean> =>
  await stat(place).then(
    (info) => info.isFile(),
    () => false,
  );
/** Without these a plane cannot be read. */
const needed = ['stat.npy', 'F.npy', 'ops.npy'] as const;

/** A folder with two of suite2p's files is its folder, though a third be missing: that can be named. */
const isPlane = async (place: string): Promise<boolean> =>
  (await readdir(place).catch(() => [])).filter((name) => [...needed, 'iscell.npy', 'spks.npy'].includes(name))
    .length >= 2;

async function planesOf(place: string): Promise<readonly string[]> {
  if (await isPlane(place)) return [place];
  for (const base of [place, path.join(place, 'suite2p')]) {
    const names = (await readdir(base).catch(() => [])).filter((name) => /^plane\d+$/.test(name)).sort();
    const found: string[] = [];
    for (const name of names) if (await isPlane(path.join(base, name))) found.push(path.join(base, name));
    if (found.length > 0) return found;
  }
  return [];
}

type Dictionary = ReadonlyMap<string, Pickled>;

const numberOf = (value: Pickled | undefined): number | null => {
  if (typeof value === 'number') return value;
  if (value instanceof PickledArray && value.values.length === 1) return value.values[0] ?? null;
  return null;
};

const listOf = (value: Pickled | undefined): ArrayLike<number> | null => {
  if (value instanceof PickledArray && value.objects === null) return value.values;
  return Array.isArray(value) && value.every((each) => typeof each === 'number') ? value : null;
};

async function dictionaryOf(place: string): Promise<Dictionary> {
  const { objects } = await readNpy(place);
  const [found] = objects ?? [];
  if (!(found instanceof Map)) throw unreadable(place, 'it holds no dictionary.');
  return found;
}

async function read(plane: string, onShare: OnShare | undefined): Promise<ForeignResult> {
  const inside = (name: string): string => path.join(plane, name);
  for (const name of needed) if (!(await isFile(inside(name)))) throw unreadable(plane, `its ${name} is missing.`);
  const ops = await dictionaryOf(inside('ops.npy'));
  const height = count(numberOf(ops.get('Ly')), 'height (Ly)', inside('ops.npy'));
  const width = count(numberOf(ops.get('Lx')), 'width (Lx)', inside('ops.npy'));
  checkSize([height, width], 'field', inside('ops.npy'));
  const fluorescence = await openNpyTable(inside('F.npy'));
  if (fluorescence === null) throw unreadable(inside('F.npy'), 'it is no table of cells and frames.');
  const [cells, frames] = fluorescence.shape;
  const { objects } = await readNpy(inside('stat.npy'));
  if (objects?.length !== cells)
    throw unreadable(inside('stat.npy'), `it describes ${objects?.length ?? 0} cells, F.npy ${cells}.`);
  const stats = objects.map((each): Dictionary => (each instanceof Map ? each : new Map<string, Pickled>()));
  const footprints = cellByCell(stats.length, onShare, (k) =>
    footprintOf(stats[k] ?? new Map<string, Pickled>(), k, height, width, inside('stat.npy')),
  );
  const spikes = await same(inside('spks.npy'), fluorescence.shape);
  const judged = (await isFile(inside('iscell.npy'))) ? await readNpy(inside('iscell.npy')) : null;
  const isJudged = judged?.values !== null && judged?.shape.join() === `${cells},2`;
  const verdict = (k: number, column: 0 | 1): number | null =>
    isJudged ? (judged.values?.[2 * k + column] ?? null) : null;
  const metrics: Record<string, readonly (number | null)[]> = {};
  if (isJudged) metrics['probability'] = stats.map((_, k) => verdict(k, 1));
  for (const [theirs, ours] of [
    ['skew', 'skewness'],
    ['compact', 'compactness'],
    ['npix', 'areaPx'],
  ] as const) {
    const values = stats.map((cell) => numberOf(cell.get(theirs)));
    if (values.some((value) => value !== null))
      metrics[ours] = values.map((value) => (value !== null && Number.isFinite(value) ? value : null));
  }
  const [down, right] = [listOf(ops.get('yoff')), listOf(ops.get('xoff'))];
  const rate = numberOf(ops.get('fs'));
  const version = ops.get('suite2p_version');
  return {
    program: 'suite2p',
    version: typeof version === 'string' ? version : null,
    height,
    width,
    frames,
    fps: rate !== null && rate > 0 ? rate : null,
    footprints,
    traces: {
      raw: fluorescence.rows,
      ...(spikes === null ? {} : { deconvolved: spikes }),
    },
    accepted: stats.map((_, k) => (isJudged ? verdict(k, 0) === 1 : null)),
    metrics,
    images: imagesOf(ops, height, width),
    // suite2p keeps how far the content of a frame lies from the reference.
    motion:
      down?.length === frames && right?.length === frames
        ? Float32Array.from({ length: 2 * frames }, (_, i) => (i % 2 === 0 ? down : right)[i >> 1] ?? 0)
        : null,
    timeS: null,
    parameters: parametersOf(ops),
    findings: [
      'suite2p’s neuropil (Fneu) is not subtracted and was left out.',
      ...(isJudged ? [] : ['There is no iscell.npy; no cell is suggested or rejected.']),
    ],
  };
}

async function same(place: string, shape: readonly number[]): Promise<RowSource | null> {
  if (!(await isFile(place))) return null;
  const found = await openNpyTable(place);
  return found !== null && found.shape.join() === shape.join() ? found.rows : null;
}

function footprintOf(cell: Dictionary, k: number, height: number, width: number, place: string): ForeignFootprint {
  const [rows, columns, weights] = [listOf(cell.get('ypix')), listOf(cell.get('xpix')), listOf(cell.get('lam'))];
  if (
    rows === null ||
    columns === null ||
    weights === null ||
    rows.length !== columns.length ||
    rows.length !== weights.length
  )
    throw unreadable(place, `the pixels and weights of cell ${k} do not belong together.`);
  const pixels: { readonly pixel: number; readonly value: number }[] = [];
  for (let i = 0; i < rows.length; i += 1) {
    const [row, column, value] = [rows[i] ?? -1, columns[i] ?? -1, weights[i] ?? 0];
    if (!(row >= 0 && row < height && column >= 0 && column < width))
      throw unreadable(place, `cell ${k} leaves the field of ${width} × ${height}.`);
    if (value > 0 && Number.isFinite(value)) pixels.push({ pixel: row * width + column, value });
  }
  pixels.sort((a, b) => a.pixel - b.pixel);
  const peak = pixels.reduce((most, { value }) => Math.max(most, value), 0);
  return {
    pixels: Uint32Array.from(pixels, ({ pixel }) => pixel),
    values: Float32Array.from(pixels, ({ value }) => value / peak),
  };
}

function imagesOf(ops: Dictionary, height: number, width: number): ForeignResult['images'] {
  const whole = (name: string): Float32Array | null => {
    const found = ops.get(name);
    return found instanceof PickledArray && found.shape.join() === `${height},${width}`
      ? Float32Array.from(found.values)
      : null;
  };
  /** Some images are of the part that motion never left: they go back to their place, 0 around them. */
  const cropped = (name: string): Float32Array | null => {
    const found = ops.get(name);
    const [rows, columns] = [listOf(ops.get('yrange')), listOf(ops.get('xrange'))];
    if (!(found instanceof PickledArray) || rows?.length !== 2 || columns?.length !== 2) return whole(name);
    const [top, left] = [rows[0] ?? 0, columns[0] ?? 0];
    const [h, w] = [(rows[1] ?? 0) - top, (columns[1] ?? 0) - left];
    if (found.shape.join() !== `${h},${w}` || top < 0 || left < 0 || top + h > height || left + w > width)
      return whole(name);
    const out = new Float32Array(height * width);
    for (let y = 0; y < h; y += 1)
      for (let x = 0; x < w; x += 1) out[(top + y) * width + left + x] = found.values[y * w + x] ?? 0;
    return out;
  };
  const [mean, max, correlation] = [whole('meanImg'), cropped('max_proj'), cropped('Vcorr')];
  return {
    ...(mean === null ? {} : { mean }),
    ...(max === null ? {} : { max }),
    ...(correlation === null ? {} : { correlation }),
  };
}

/** Numbers, switches and short texts; no paths, no arrays. */
function parametersOf(ops: Dictionary): Record<string, TypedJson> {
  const out: Record<string, TypedJson> = {};
  for (const [name, value] of ops) {
    if (typeof value === 'boolean') out[name] = value;
    else if (typeof value === 'number' && Number.isFinite(value)) out[name] = value;
    else if (typeof value === 'string' && value.length <= 40 && !/[\\/]/.test(value)) out[name] = value;
  }
  return out;
}
