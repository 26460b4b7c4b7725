// SPDX-License-Identifier: MIT
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import { checkSize, unreadable } from '../check.ts';
import { ofImage } from '../footprints.ts';
import type { Field, ForeignFootprint, ForeignResult, OnShare, ResultReader, RowSource } from '../foreign-result.ts';
import { numbers } from '../hdf5.ts';
import { piece } from '../piece.ts';

/**
 * Results of MiniAn: a folder of zarr stores (version 2), `A` (height, width, unit), `C` and `S` (unit, frame), `shifts` (frame, 2). Axes are found
 * by their names; shifts are the correction, so the motion of the content is their negative. Missing chunks are MiniAn's fill value (NaN): no value.
 */
export const minian: ResultReader = {
  program: 'minian',
  title: 'MiniAn result',
  recognises: async (place) => (await exists(store(place, 'A'))) && (await exists(store(place, 'C'))),
  read,
};

const store = (place: string, name: string): string => path.join(place, `${name}.zarr`, name);

async function exists(folder: string): Promise<boolean> {
  return await stat(path.join(folder, '.zarray')).then(
    (info) => info.isFile(),
    () => false,
  );
}

/** Where xarray keeps the names of the axes. */
const axesAttribute = '_ARRAY_DIMENSIONS';

interface Named {
  readonly values: ArrayLike<number | bigint>;
  readonly shape: readonly number[];
  readonly axes: readonly string[];
}

/** Some of an array: along which axis, from which to before which. */
interface Part {
  readonly axis: string;
  readonly from: number;
  readonly to: number;
}

interface Opened extends Omit<Named, 'values'> {
  /** Sizes of the pieces it is stored in. */
  readonly chunks: readonly number[];
  /** Pieces that are not on the disk, of how many. */
  readonly missing: readonly [number, number];
  readonly read: (part?: Part) => Promise<Named>;
}

/** An array whose values are not read yet; null where there is none. */
async function opened(place: string, name: string): Promise<Opened | null> {
  const folder = store(place, name);
  if (!(await exists(folder))) return null;
  // Loaded when it is needed: the core, which only recognises a place, has no use for it.
  const [{ get, open, root, slice }, { FileSystemStore }] = await Promise.all([
    import('zarrita'),
    import('@zarrita/storage'),
  ]);
  const damaged = (error: unknown): AppError =>
    unreadable(
      place,
      `its ${name} is damaged or packed in an unknown way (${error instanceof Error ? error.message : String(error)}).`,
      error,
    );
  try {
    const found = await open.v2(root(new FileSystemStore(folder)), { kind: 'array' });
    checkSize(found.shape, name, place);
    checkSize(found.chunks, `${name}, a piece of it,`, place);
    const attributes: unknown = JSON.parse(await readFile(path.join(folder, '.zattrs'), 'utf8').catch(() => '{}'));
    const named = (attributes as Readonly<Record<string, unknown>>)[axesAttribute];
    const axes = Array.isArray(named) ? named.map(String) : [];
    return {
      shape: found.shape,
      axes,
      chunks: found.chunks,
      missing: await missingPieces(place, name, found),
      read: async (part) => {
        try {
          const ranges = found.shape.map((_, i) =>
            part !== undefined && axes[i] === part.axis ? slice(part.from, part.to) : null,
          );
          const { data, shape } = await get(found, ranges);
          if (!ArrayBuffer.isView(data)) throw new TypeError('it is not numeric');
          return { values: data as unknown as ArrayLike<number | bigint>, shape, axes };
        } catch (error) {
          throw damaged(error);
        }
      },
    };
  } catch (error) {
    throw error instanceof AppError ? error : damaged(error);
  }
}

const blosc = { headBytes: 16, sizeAt: 12 } as const;

/**
 * How many of an array's pieces are not there: zarr takes them for its fill value without a word. One that is shorter than it says is refused.
 *
 * @throws AppError `interop.unreadable`
 */
async function missingPieces(
  place: string,
  name: string,
  { shape, chunks }: { readonly shape: readonly number[]; readonly chunks: readonly number[] },
): Promise<readonly [number, number]> {
  const folder = store(place, name);
  const pieces = shape.reduce((product, size, axis) => product * Math.ceil(size / (chunks[axis] ?? 1)), 1);
  const description: unknown = JSON.parse(await readFile(path.join(folder, '.zarray'), 'utf8'));
  const compressor: unknown = (description as Readonly<Record<string, unknown>>)['compressor'];
  const isBlosc = (compressor as { readonly id?: unknown } | null)?.id === 'blosc';
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /^\d+(?:\.\d+)*$/.test(entry.name));
  if (isBlosc)
    for (const file of files) {
      const at = path.join(file.parentPath, file.name);
      const head = await piece(at, 0, blosc.headBytes);
      const claimed = head.length < blosc.headBytes ? Infinity : head.readUInt32LE(blosc.sizeAt);
      if (claimed > (await stat(at)).size) throw unreadable(place, `the piece ${file.name} of its ${name} is cut off.`);
    }
  return [Math.max(0, pieces - files.length), pieces];
}

/** Values in the order of `wanted` axes; axes of length 1 that are not wanted are left out. Null where an axis is missing. */
function ordered(
  from: Named,
  wanted: readonly string[],
): { readonly values: Float32Array; readonly shape: readonly number[] } | null {
  const places = wanted.map((name) => from.axes.indexOf(name));
  const others = from.axes.filter((name, i) => !wanted.includes(name) && from.shape[i] !== 1);
  if (places.includes(-1) || others.length > 0) return null;
  const strides = from.shape.map((_, i) => from.shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const shape = places.map((place) => from.shape[place] ?? 0);
  const out = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const at = shape.map(() => 0);
  for (let i = 0; i < out.length; i += 1) {
    let offset = 0;
    for (let axis = 0; axis < at.length; axis += 1) offset += (at[axis] ?? 0) * (strides[places[axis] ?? 0] ?? 0);
    const value = Number(from.values[offset]);
    out[i] = Number.isFinite(value) ? value : 0;
    for (let axis = at.length - 1; axis >= 0; axis -= 1) {
      at[axis] = (at[axis] ?? 0) + 1;
      if ((at[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at[axis] = 0;
    }
  }
  return { values: out, shape };
}

/** The sizes of an array along `wanted` axes; null where it has others. */
function sizesOf(from: Pick<Named, 'shape' | 'axes'> | null, wanted: readonly string[]): readonly number[] | null {
  if (from === null || from.axes.some((name, i) => !wanted.includes(name) && from.shape[i] !== 1)) return null;
  const places = wanted.map((name) => from.axes.indexOf(name));
  return places.includes(-1) ? null : places.map((place) => from.shape[place] ?? 0);
}

/** Values of masks that are in memory at a time; a dense table of them is far larger than all else. */
const maskValues = 2 ** 22;

/** Footprints, some cells at a time: as many as a stored piece holds, where these are not too large. */
async function footprintsOf(
  masks: Opened,
  [cells, height, width]: readonly [number, number, number],
  place: string,
  onShare: OnShare | undefined,
): Promise<readonly ForeignFootprint[]> {
  const pixels = height * width;
  const stored = masks.chunks[masks.axes.indexOf('unit_id')] ?? 1;
  const step = Math.max(1, Math.min(stored, Math.floor(maskValues / Math.max(1, pixels))));
  const footprints: ForeignFootprint[] = [];
  for (let from = 0; from < cells; from += step) {
    onShare?.(from / cells);
    const part = await masks.read({ axis: 'unit_id', from, to: Math.min(cells, from + step) });
    const found = ordered(part, ['unit_id', 'height', 'width']);
    if (found === null) throw unreadable(place, 'the axes of its A are not those it began with.');
    for (let k = 0; k < (found.shape[0] ?? 0); k += 1)
      footprints.push(ofImage(found.values.subarray(k * pixels, (k + 1) * pixels)));
  }
  return footprints;
}

async function read(place: string, _field: Field | null, onShare?: OnShare): Promise<ForeignResult> {
  const masks = await opened(place, 'A');
  const field = sizesOf(masks, ['unit_id', 'height', 'width']);
  const traces = await opened(place, 'C');
  const size = sizesOf(traces, ['unit_id', 'frame']);
  if (masks === null || traces === null || field === null || size === null)
    throw unreadable(place, 'its A or C has other axes than MiniAn’s (unit_id, height, width; unit_id, frame).');
  const [cells = 0, height = 0, width = 0] = field;
  const [rows = 0, frames = 0] = size;
  if (rows !== cells) throw unreadable(place, `it has ${cells} masks and ${rows} traces.`);
  for (const [name, { missing }] of [
    ['A', masks],
    ['C', traces],
  ] as const)
    if (missing[0] === missing[1] && missing[1] > 0)
      throw unreadable(place, `none of the ${missing[1]} pieces of its ${name} is there.`);
  const gaps: string[] = [];
  const tell = (name: string, { missing: [lost, all] }: Opened): void => {
    if (lost > 0) gaps.push(`${lost} of ${all} pieces of its ${name} are missing; what they held counts as nothing.`);
  };
  tell('A', masks);
  tell('C', traces);
  const rowsOf =
    (array: Opened): RowSource =>
    async (first, count) => {
      const part = await array.read({ axis: 'unit_id', from: first, to: first + count });
      const found = ordered(part, ['unit_id', 'frame']);
      if (found === null) throw unreadable(place, 'the axes of its traces are not those they began with.');
      return found.values;
    };
  const matching = async (name: string): Promise<RowSource | null> => {
    const found = await opened(place, name);
    if (found === null || sizesOf(found, ['unit_id', 'frame'])?.join() !== size.join()) return null;
    tell(name, found);
    return rowsOf(found);
  };
  const table = async (name: string, axes: readonly string[]) => {
    const found = await opened(place, name);
    return found === null ? null : ordered(await found.read(), axes);
  };
  const [spikes, projected] = [await matching('S'), await matching('YrA')];
  const image = await table('max_proj', ['height', 'width']);
  const moved = (await opened(place, 'shifts')) ?? (await opened(place, 'motion'));
  const motion =
    moved !== null && moved.shape.join() === `${frames},2`
      ? Float32Array.from(numbers((await moved.read()).values), (value) => -value)
      : null;
  return {
    program: 'minian',
    version: null,
    height,
    width,
    frames,
    fps: null,
    footprints: await footprintsOf(masks, [cells, height, width], place, onShare),
    traces: {
      denoised: rowsOf(traces),
      ...(spikes === null ? {} : { deconvolved: spikes }),
      ...(projected === null ? {} : { raw: projected }),
    },
    accepted: Array.from({ length: cells }, () => true),
    metrics: {},
    images: image?.shape.join() === `${height},${width}` ? { max: image.values } : {},
    motion,
    timeS: null,
    parameters: {},
    findings: [...gaps, 'MiniAn’s stores do not say the frame rate; give it with --fps.'],
  };
}
