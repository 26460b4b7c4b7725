// SPDX-License-Identifier: MIT
import { checkSize, unreadable } from '../check.ts';
import { cellByCell } from '../footprints.ts';
import type { Field, ForeignFootprint, ForeignResult, OnShare, ResultReader, RowSource } from '../foreign-result.ts';
import { isHdf5, numbers, openHdf5, rowsOfHdf5, type Hdf5 } from '../hdf5.ts';

/**
 * Cells and their activity in an NWB file: a `PlaneSegmentation` with the `RoiResponseSeries` that refer to it, as Calyx, roiextractors and CaImAn write them.
 * By NWB's schema a mask is x by y, and a series is time by cell.
 */
export const nwb: ResultReader = {
  program: 'nwb',
  title: 'NWB file with cells',
  recognises: async (place) => {
    if (!/\.nwb$/i.test(place) || !(await isHdf5(place))) return false;
    using file = await openHdf5(place);
    return ofType(file, 'PlaneSegmentation').some((table) => cellsIn(file, table) > 0);
  },
  read: async (place, field, onShare) => {
    using file = await openHdf5(place);
    return await read(file, place, field, onShare);
  },
};

const typeOf = (file: Hdf5, at: string): string => file.attribute(at, 'neurodata_type') ?? '';

/** Objects of a type in the processing modules, by their path. */
function ofType(file: Hdf5, type: string): readonly string[] {
  const found: string[] = [];
  const visit = (at: string, depth: number): void => {
    for (const name of file.names(at)) {
      const inner = `${at}/${name}`;
      if (typeOf(file, inner) === type) found.push(inner);
      else if (depth < 3) visit(inner, depth + 1);
    }
  };
  visit('processing', 0);
  return found;
}

const cellsIn = (file: Hdf5, table: string): number => file.shape(`${table}/id`)?.[0] ?? 0;

async function read(
  file: Hdf5,
  place: string,
  field: Field | null,
  onShare: OnShare | undefined,
): Promise<ForeignResult> {
  const findings: string[] = [];
  const [table, ...others] = ofType(file, 'PlaneSegmentation').filter((each) => cellsIn(file, each) > 0);
  if (table === undefined) throw unreadable(place, 'it holds no cells (PlaneSegmentation).');
  if (others.length > 0) findings.push(`Its cells of ${table} are read; those of ${others.join(', ')} are not.`);
  const cells = cellsIn(file, table);
  checkSize([cells, 1000], 'table of cells', place);
  const { height, width } = sizeOf(file, table, field, place);
  checkSize([height, width], 'field', place);
  const footprints = footprintsOf(file, table, { cells, height, width }, { place, findings, onShare });
  const series = seriesOf(file, table, cells, place, findings);
  const lengths = [...new Set(series.map(({ frames }) => frames))];
  if (lengths.length > 1) throw unreadable(place, `its traces have different lengths (${lengths.join(', ')} frames).`);
  const frames = lengths[0] ?? field?.frames;
  if (frames === undefined)
    throw unreadable(place, 'it holds no traces. Give the recording its cells are of (--recording <uuid>).');
  if (series.length === 0) findings.push('The file holds no traces of its cells.');
  const { fps, timeS } = timesOf(file, series[0]?.path, frames, place);
  return {
    program: 'nwb',
    version: null,
    height,
    width,
    frames,
    fps: fps ?? field?.fps ?? null,
    footprints,
    traces: Object.fromEntries(series.map(({ kind, rows }) => [kind, rows])),
    accepted: acceptedOf(file, table, cells, findings),
    metrics: metricsOf(file, table, cells),
    images: imagesOf(file, height, width),
    motion: motionOf(file, frames),
    timeS,
    parameters: {},
    findings,
  };
}

/** Width and height of what the masks lie in. */
function sizeOf(
  file: Hdf5,
  table: string,
  field: Field | null,
  place: string,
): { readonly height: number; readonly width: number } {
  const masks = file.shape(`${table}/image_mask`);
  if (masks?.length === 3) {
    const [, x = 0, y = 0] = masks;
    // A writer that took no notice of the schema wrote rows × columns: only the recording can tell.
    const isTurned = field !== null && x === field.height && y === field.width && x !== y;
    return isTurned ? { height: x, width: y } : { height: y, width: x };
  }
  if (masks?.length === 4) throw unreadable(place, 'its cells are of a volume; Calyx knows planes only.');
  if (field !== null) return field;
  for (const image of ofType(file, 'GrayscaleImage')) {
    const [x, y, ...more] = file.shape(image) ?? [];
    if (x !== undefined && y !== undefined && more.length === 0) return { height: y, width: x };
  }
  for (const name of file.names('acquisition')) {
    const [x, y] = numbers(file.numeric(`acquisition/${name}/dimension`)?.values);
    if (x !== undefined && y !== undefined && x > 0 && y > 0) return { height: y, width: x };
    const [, w, h] = file.shape(`acquisition/${name}/data`) ?? [];
    if (w !== undefined && h !== undefined) return { height: h, width: w };
  }
  throw unreadable(
    place,
    'it does not say how large the field is in which its cells lie. Give the recording they are of (--recording <uuid>).',
  );
}

interface Plane {
  readonly cells: number;
  readonly height: number;
  readonly width: number;
}

/** The file that is read, and who hears of it. */
interface Reading {
  readonly place: string;
  readonly findings: string[];
  readonly onShare: OnShare | undefined;
}

function footprintsOf(file: Hdf5, table: string, plane: Plane, reading: Reading): readonly ForeignFootprint[] {
  if (file.has(`${table}/pixel_mask`)) return ofPixels(file, table, plane, reading);
  if (file.has(`${table}/image_mask`)) return ofImages(file, table, plane, reading);
  throw unreadable(reading.place, 'its cells have neither a pixel_mask nor an image_mask.');
}

/** Cells by their pixels: x is the column, y the row. */
function ofPixels(
  file: Hdf5,
  table: string,
  { cells, height, width }: Plane,
  { place, onShare }: Reading,
): ForeignFootprint[] {
  const ends = numbers(file.numeric(`${table}/pixel_mask_index`)?.values);
  const rows = file.rows(`${table}/pixel_mask`);
  if (ends.length !== cells || (ends.at(-1) ?? 0) !== rows || ends.some((end, k) => end < (ends[k - 1] ?? 0)))
    throw unreadable(place, 'the parts of its masks (pixel_mask and its index) do not belong together.');
  return cellByCell(cells, onShare, (k) => {
    const own = new Map<number, number>();
    for (const row of file.records(`${table}/pixel_mask`, ends[k - 1] ?? 0, ends[k] ?? 0)) {
      const [x = Number.NaN, y = Number.NaN, weight = Number.NaN] = row.map(Number);
      if (!(x >= 0 && x < width && y >= 0 && y < height) || !Number.isInteger(x) || !Number.isInteger(y))
        throw unreadable(place, `its masks leave the field of ${width} × ${height} pixels.`);
      if (weight > 0 && Number.isFinite(weight)) own.set(y * width + x, weight);
    }
    return inOrder(own);
  });
}

/** Cells by an image each, read one after another: x × y by the schema. */
function ofImages(
  file: Hdf5,
  table: string,
  { cells, height, width }: Plane,
  { place, findings, onShare }: Reading,
): ForeignFootprint[] {
  const [count = 0, first = 0, second = 0] = file.shape(`${table}/image_mask`) ?? [];
  if (count !== cells) throw unreadable(place, `it has ${cells} cells and ${count} masks.`);
  const isTurned = first === height && second === width && height !== width;
  if (isTurned) findings.push('Its masks are rows × columns, not x × y as NWB says; the recording’s size tells.');
  return cellByCell(cells, onShare, (k) => {
    const image = file.part(`${table}/image_mask`, [
      [k, k + 1],
      [0, first],
      [0, second],
    ]);
    const own = new Map<number, number>();
    for (let i = 0; i < image.length; i += 1) {
      const value = Number(image[i]);
      if (!(value > 0) || !Number.isFinite(value)) continue;
      own.set(isTurned ? i : (i % second) * width + Math.floor(i / second), value);
    }
    return inOrder(own);
  });
}

function inOrder(pixels: ReadonlyMap<number, number>): ForeignFootprint {
  const order = [...pixels].toSorted(([a], [b]) => a - b);
  return {
    pixels: Uint32Array.from(order, ([pixel]) => pixel),
    values: Float32Array.from(order, ([, value]) => value),
  };
}

type TraceKind = keyof ForeignResult['traces'];

interface Series {
  readonly kind: TraceKind;
  readonly path: string;
  readonly frames: number;
  readonly rows: RowSource;
}

/** What a series holds, by its name and where it lies; null where it is nothing that a run has. */
function kindOf(file: Hdf5, path: string): TraceKind | null {
  const [, module = '', container = '', name = ''] = path.split('/');
  // Before noise, which it ends with.
  if (/denois/i.test(name)) return 'denoised';
  if (/neuropil|background|baseline|noise/i.test(name)) return null;
  if (/deconv|spike|event/i.test(name)) return 'deconvolved';
  if (/dfoverf|dff|df_over_f/i.test(`${container} ${name}`)) return 'dff';
  // CaImAn's own writer keeps its denoised C under this name and says so of the module alone.
  const about = file.attribute(`processing/${module}`, 'description') ?? '';
  return /caiman estimates/i.test(about) ? 'denoised' : 'raw';
}

function seriesOf(file: Hdf5, table: string, cells: number, place: string, findings: string[]): readonly Series[] {
  const found = new Map<TraceKind, Series>();
  for (const path of ofType(file, 'RoiResponseSeries')) {
    const shape = file.shape(`${path}/data`) ?? [];
    const [frames = 0, columns = 1] = shape;
    const rois = numbers(file.numeric(`${path}/rois`)?.values);
    const kind = kindOf(file, path);
    const isOfAll = columns === cells && rois.length === cells && rois.every((row, k) => row === k);
    if (kind === null || found.has(kind) || shape.length > 2 || !isOfAll) {
      const why =
        kind === null
          ? 'a run has no such traces'
          : found.has(kind)
            ? `${found.get(kind)?.path ?? ''} is taken as ${kind}`
            : `it is not of all ${cells} cells of ${table} in their order`;
      findings.push(`${path} is left out: ${why}.`);
      continue;
    }
    checkSize([frames, columns], 'table of traces', place);
    const source =
      shape.length === 1
        ? rowsOfVector(place, `${path}/data`, frames)
        : rowsOfHdf5(place, `${path}/data`, [frames, columns], true);
    found.set(kind, { kind, path, frames, rows: scaled(file, `${path}/data`, source) });
  }
  return [...found.values()];
}

/** The trace of a single cell, which some writers store without an axis of cells. */
function rowsOfVector(place: string, name: string, frames: number): RowSource {
  return async (first, count) => {
    if (first !== 0 || count !== 1) throw new RangeError('rows beyond the table');
    using file = await openHdf5(place);
    return Float32Array.from(numbers(file.part(name, [[0, frames]])));
  };
}

/** Stored numbers times `conversion` plus `offset`. */
function scaled(file: Hdf5, name: string, source: RowSource): RowSource {
  const factor = file.number(name, 'conversion') ?? 1;
  const offset = file.number(name, 'offset') ?? 0;
  if (factor === 1 && offset === 0) return source;
  return async (first, count) => (await source(first, count)).map((value) => value * factor + offset);
}

function timesOf(
  file: Hdf5,
  series: string | undefined,
  frames: number,
  place: string,
): { readonly fps: number | null; readonly timeS: Float64Array | null } {
  if (series === undefined) return { fps: null, timeS: null };
  const rate = file.number(`${series}/starting_time`, 'rate');
  if (rate !== null && rate > 0) {
    const begin = numbers(file.numeric(`${series}/starting_time`)?.values)[0] ?? 0;
    return { fps: rate, timeS: Float64Array.from({ length: frames }, (_, t) => begin + t / rate) };
  }
  const stamps = numbers(file.numeric(`${series}/timestamps`)?.values);
  if (stamps.length === 0) return { fps: null, timeS: null };
  if (stamps.length !== frames)
    throw unreadable(place, `it has ${stamps.length} time stamps for ${frames} frames of traces.`);
  const steps = stamps
    .slice(1)
    .map((time, i) => time - (stamps[i] ?? 0))
    .toSorted((a, b) => a - b);
  const middle = steps[Math.floor(steps.length / 2)] ?? 0;
  return { fps: middle > 0 ? 1 / middle : null, timeS: Float64Array.from(stamps) };
}

function acceptedOf(file: Hdf5, table: string, cells: number, findings: string[]): readonly (boolean | null)[] {
  const column = (...names: readonly string[]): readonly number[] | null => {
    for (const name of names) {
      const values = numbers(file.numeric(`${table}/${name}`)?.values);
      if (values.length === cells) return values;
    }
    return null;
  };
  const good = column('Accepted', 'accepted', 'is_cell', 'iscell');
  const bad = column('Rejected', 'rejected');
  if (good === null && bad === null) {
    findings.push('The file does not say which cells are accepted; no cell is suggested or rejected.');
    return Array.from({ length: cells }, () => null);
  }
  return Array.from({ length: cells }, (_, k) => {
    if (good?.[k] === 1) return true;
    return bad === null || bad[k] === 1 ? false : null;
  });
}

/** Figures of the cells under the names that Calyx and CaImAn give them. */
function metricsOf(file: Hdf5, table: string, cells: number): Record<string, (number | null)[]> {
  const others: Readonly<Record<string, string>> = { r: 'rValue', snr: 'snr', cnn: 'cnn' };
  const found: Record<string, (number | null)[]> = {};
  for (const name of file.names(table)) {
    const told = /^Metric (\w+) /.exec(file.attribute(`${table}/${name}`, 'description') ?? '')?.[1];
    const ours = told ?? others[name];
    if (ours === undefined || file.shape(`${table}/${name}`)?.join() !== String(cells)) continue;
    const values = numbers(file.numeric(`${table}/${name}`)?.values);
    found[ours] = values.map((value) => (Number.isFinite(value) ? value : null));
  }
  return found;
}

/** Summary images, stored x × y. */
function imagesOf(file: Hdf5, height: number, width: number): ForeignResult['images'] {
  const found: Partial<Record<'mean' | 'max' | 'correlation', Float32Array>> = {};
  for (const path of ofType(file, 'GrayscaleImage')) {
    const name = path.split('/').at(-1) ?? '';
    const ours = /^(?:mean|average)/i.test(name)
      ? 'mean'
      : /^max/i.test(name)
        ? 'max'
        : /^corr/i.test(name)
          ? 'correlation'
          : null;
    if (ours === null || found[ours] !== undefined || file.shape(path)?.join() !== `${width},${height}`) continue;
    const values = numbers(file.numeric(path)?.values);
    found[ours] = Float32Array.from(values, (_, i) => values[(i % width) * height + Math.floor(i / width)] ?? 0);
  }
  return found;
}

/** NWB keeps the shift (x, y) that aligns a frame: the content went the other way. */
function motionOf(file: Hdf5, frames: number): Float32Array | null {
  const path = ofType(file, 'TimeSeries').find((each) => each.endsWith('/xy_translation'));
  if (path === undefined || file.shape(`${path}/data`)?.join() !== `${frames},2`) return null;
  const shifts = numbers(file.numeric(`${path}/data`)?.values);
  return Float32Array.from(shifts, (_, i) => -(shifts[i ^ 1] ?? 0));
}
