// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import { type H5Dataset, type H5File, hdf5 } from '../../hdf5.ts';
import { checkSize, unreadable } from '../../results/check.ts';
import { isHdf5 } from '../../results/hdf5.ts';
import { blockwise } from '../blocks.ts';
import type { FilmReader, ForeignFilm, Frame } from '../foreign-film.ts';

/** An open file and what it takes to close it. @throws AppError `interop.unreadable` */
export async function openFile(place: string): Promise<H5File> {
  const { File } = await hdf5();
  try {
    const file = new File(place, 'r');
    if (file.keys().length > 0) return file;
    file.close();
  } catch (error) {
    throw unreadable(place, 'it begins as HDF5 but cannot be opened as such; it may be cut off.', error);
  }
  throw unreadable(place, 'it is empty, or cut off.');
}

/** Arrays of a file with three axes longer than one, and numbers in them: path → shape. */
export async function stacks(file: H5File): Promise<ReadonlyMap<string, readonly number[]>> {
  const { Dataset, Group } = await hdf5();
  const found = new Map<string, readonly number[]>();
  const visit = (group: InstanceType<typeof Group>, at: string, depth: number): void => {
    if (depth > 8) return;
    for (const name of group.keys()) {
      let child: unknown;
      try {
        child = group.get(name);
      } catch {
        // A link to nowhere.
        continue;
      }
      if (child instanceof Dataset) {
        const shape = child.shape ?? [];
        if (shape.length === 3 && shape.every((size) => size > 1) && isNumeric(child))
          found.set(`${at}/${name}`, shape);
      } else if (child instanceof Group) visit(child, `${at}/${name}`, depth + 1);
    }
  };
  visit(file, '', 0);
  return found;
}

/** `<H`, `>f` …: 8, 16 or 32 bits, whole or not. */
const isNumeric = (dataset: H5Dataset): boolean =>
  typeof dataset.dtype === 'string' && /^[<>=|]?[bBhHiIfd]$/.test(dataset.dtype);

/**
 * A film that is a `frames × height × width` array of an HDF5 file.
 *
 * @param turned - the array is `frames × width × height`
 */
export function filmOfDataset(
  place: string,
  file: H5File,
  dataset: H5Dataset,
  about: Pick<ForeignFilm, 'fps' | 'timeS' | 'startedAt' | 'findings'> & { readonly turned: boolean },
): ForeignFilm {
  const [frames = 0, second = 0, third = 0] = dataset.shape ?? [];
  const [height, width] = about.turned ? [third, second] : [second, third];
  checkSize([height, width], 'frame', place);
  const each = dataset.metadata.size;
  const pixels = height * width;
  const read = blockwise(
    { frames, pixels, bytes: each, chunkFrames: dataset.metadata.chunks?.[0] ?? 1 },
    (first, last) => {
      try {
        return Promise.resolve(dataset.slice([[first, last], [], []]) as unknown as Frame);
      } catch (error) {
        throw unreadable(
          place,
          `its frames from ${first} on are damaged or packed in a way that cannot be unpacked here.`,
          error,
        );
      }
    },
  );
  return {
    height,
    width,
    frames,
    isInteger: !(typeof dataset.dtype === 'string' && /[fd]$/.test(dataset.dtype)),
    fps: about.fps,
    timeS: about.timeS,
    startedAt: about.startedAt,
    findings: about.findings,
    read: async (frame) => (about.turned ? turn(await read(frame), height, width) : await read(frame)),
    [Symbol.asyncDispose]: () => {
      file.close();
      return Promise.resolve();
    },
  };
}

/** Columns become rows: `width × height` to `height × width`. */
function turn(values: Frame, height: number, width: number): Frame {
  const out = values.slice();
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) out[y * width + x] = values[x * height + y] ?? 0;
  return out;
}

/** The array that is meant; `none` says what a file lacks that has no array at all. @throws AppError `interop.unreadable`, `interop.several_films` */
export function choose(
  place: string,
  found: ReadonlyMap<string, readonly number[]>,
  wanted: string | null,
  none: string,
): string {
  const names = [...found.keys()];
  const list = names.map((name) => `${name} (${found.get(name)?.join(' × ') ?? ''})`).join(', ');
  if (wanted !== null) {
    const name = `/${wanted.replace(/^\/+/, '')}`;
    if (found.has(name)) return name;
    throw unreadable(place, `it has no film at ${wanted}; it has: ${list === '' ? 'none' : list}.`);
  }
  const [first] = names;
  if (first === undefined) throw unreadable(place, none);
  if (names.length === 1) return first;
  throw new AppError('interop.several_films', `${path.basename(place)} holds several films: ${list}.`, {
    hint: 'Say which with --dataset.',
    details: { datasets: names },
  });
}

const noStack = (file: H5File): string =>
  `it holds no array of frames × height × width, and no result that Calyx knows; at its top are ${file.keys().slice(0, 8).join(', ')}.`;

/** Any HDF5 file with an array `frames × height × width` (CaImAn, nVista, suite2p and others). */
export const hdf5Film: FilmReader = {
  format: 'HDF5 film',
  recognises: async (place) => /\.(?:h5|hdf5|hdf|he5)$/i.test(place) && (await isHdf5(place)),
  open: async (place, { dataset }) => {
    const file = await openFile(place);
    try {
      const name = choose(place, await stacks(file), dataset, noStack(file));
      const found = file.get(name) as H5Dataset;
      const rate = Number(found.attrs['fr']?.value ?? found.attrs['fps']?.value);
      return filmOfDataset(place, file, found, {
        turned: false,
        fps: rate > 0 ? rate : null,
        timeS: null,
        startedAt: null,
        findings: [`The film is the array ${name}, taken as frames × height × width.`],
      });
    } catch (error) {
      file.close();
      throw error;
    }
  },
};
