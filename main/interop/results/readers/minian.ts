// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkSize, unreadable } from '../check.ts';
import { ofImage } from '../footprints.ts';
import type { ForeignResult, ResultReader } from '../foreign-result.ts';
import { numbers } from '../hdf5.ts';

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

async function array(place: string, name: string): Promise<Named | null> {
  const folder = store(place, name);
  if (!(await exists(folder))) return null;
  // Loaded when it is needed: the core, which only recognises a place, has no use for it.
  const [{ get, open, root }, { FileSystemStore }] = await Promise.all([import('zarrita'), import('@zarrita/storage')]);
  try {
    const found = await open.v2(root(new FileSystemStore(folder)), { kind: 'array' });
    checkSize(found.shape, name, place);
    const attributes: unknown = JSON.parse(await readFile(path.join(folder, '.zattrs'), 'utf8').catch(() => '{}'));
    const axes = (attributes as Readonly<Record<string, unknown>>)[axesAttribute];
    const { data } = await get(found);
    if (!ArrayBuffer.isView(data)) throw new TypeError(`its ${name} is not numeric`);
    return {
      values: data as unknown as ArrayLike<number | bigint>,
      shape: found.shape,
      axes: Array.isArray(axes) ? axes.map(String) : [],
    };
  } catch (error) {
    throw unreadable(
      place,
      `its ${name} is damaged or packed in an unknown way (${error instanceof Error ? error.message : String(error)}).`,
      error,
    );
  }
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

async function read(place: string): Promise<ForeignResult> {
  const table = async (name: string, axes: readonly string[]) => {
    const found = await array(place, name);
    return found === null ? null : ordered(found, axes);
  };
  const [masks, traces] = [await table('A', ['unit_id', 'height', 'width']), await table('C', ['unit_id', 'frame'])];
  if (masks === null || traces === null)
    throw unreadable(place, 'its A or C has other axes than MiniAn’s (unit_id, height, width; unit_id, frame).');
  const [cells = 0, height = 0, width = 0] = masks.shape;
  const [rows = 0, frames = 0] = traces.shape;
  if (rows !== cells) throw unreadable(place, `it has ${cells} masks and ${rows} traces.`);
  const matching = async (name: string): Promise<Float32Array | null> => {
    const found = await table(name, ['unit_id', 'frame']);
    return found?.shape.join() === traces.shape.join() ? found.values : null;
  };
  const [spikes, projected] = [await matching('S'), await matching('YrA')];
  const image = await table('max_proj', ['height', 'width']);
  const moved = (await array(place, 'shifts')) ?? (await array(place, 'motion'));
  const motion =
    moved !== null && moved.shape.join() === `${frames},2`
      ? Float32Array.from(numbers(moved.values), (value) => -value)
      : null;
  return {
    program: 'minian',
    version: null,
    height,
    width,
    frames,
    fps: null,
    footprints: Array.from({ length: cells }, (_, k) =>
      ofImage(masks.values.subarray(k * height * width, (k + 1) * height * width)),
    ),
    traces: {
      denoised: traces.values,
      ...(spikes === null ? {} : { deconvolved: spikes }),
      ...(projected === null ? {} : { raw: projected }),
    },
    accepted: Array.from({ length: cells }, () => true),
    metrics: {},
    images: image?.shape.join() === `${height},${width}` ? { max: image.values } : {},
    motion,
    timeS: null,
    parameters: {},
    findings: ['MiniAn’s stores do not say the frame rate; give it with --fps.'],
  };
}
