// SPDX-License-Identifier: MIT
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkSize, unreadable } from '../../results/check.ts';
import { blockwise } from '../blocks.ts';
import type { FilmReader, Frame } from '../foreign-film.ts';
import { choose } from './hdf5.ts';

const isFolder = async (place: string): Promise<boolean> =>
  await stat(place).then(
    (info) => info.isDirectory(),
    () => false,
  );

const isArray = (names: readonly string[]): boolean => names.includes('.zarray');

/** Arrays of a store: path inside it → folder. A store may be one array. */
async function arrays(place: string): Promise<readonly string[]> {
  const names = await readdir(place).catch((): string[] => []);
  if (isArray(names) || (names.includes('zarr.json') && names.includes('c'))) return [''];
  const inside: string[] = [];
  for (const name of names) {
    const child = path.join(place, name);
    if (!(await isFolder(child))) continue;
    const below = await readdir(child).catch((): string[] => []);
    if (isArray(below) || below.includes('zarr.json')) inside.push(name);
  }
  return inside;
}

/** Names of an array's axes where xarray wrote them; none elsewhere. */
async function axesOf(folder: string): Promise<readonly string[]> {
  try {
    const attributes = JSON.parse(await readFile(path.join(folder, '.zattrs'), 'utf8')) as Readonly<
      Record<string, unknown>
    >;
    const axes = attributes['_ARRAY_DIMENSIONS'];
    return Array.isArray(axes) ? axes.map(String) : [];
  } catch {
    return [];
  }
}

/** Pieces that a frame is stored in at most. */
const mostPieces = 16_384;

/** Zarr stores (version 2 and 3) with an array `frame × height × width`, as MiniAn and others write them. */
export const zarrFilm: FilmReader = {
  format: 'zarr',
  recognises: async (place) => /\.zarr$/i.test(place.replace(/[/\\]+$/, '')) && (await isFolder(place)),
  open: async (place, { dataset }) => {
    const [{ get, open, root, slice }, { FileSystemStore }] = await Promise.all([
      import('zarrita'),
      import('@zarrita/storage'),
    ]);
    const load = async (name: string) =>
      await open(root(new FileSystemStore(path.join(place, name))), { kind: 'array' }).then(
        // A description may lack its shape, whatever its type says.
        (array) => (Array.isArray(array.shape as unknown) ? array : null),
        () => null,
      );
    const found = new Map<string, readonly number[]>();
    const others: string[] = [];
    for (const name of await arrays(place)) {
      const axes = await axesOf(path.join(place, name));
      if (axes.length > 0 && !axes.includes('frame')) {
        others.push(`/${name} (${axes.join(' × ')})`);
        continue;
      }
      const array = await load(name);
      if (array !== null && array.shape.length === 3 && array.shape.every((size) => size > 1))
        found.set(`/${name}`, array.shape);
    }
    if (found.size === 0 && others.length > 0) {
      throw unreadable(
        place,
        `its arrays have no frames: ${others.slice(0, 4).join(', ')}. Of a result of MiniAn give the folder that holds A.zarr and C.zarr.`,
      );
    }
    const name = choose(place, found, dataset, 'it holds no array of frames × height × width.');
    const array = await load(name.slice(1));
    if (array === null) throw unreadable(place, `its ${name} cannot be opened.`);
    const chunks = array.chunks as readonly number[] | undefined;
    if (chunks?.length !== 3 || !chunks.every((size) => size >= 1))
      throw unreadable(place, `its ${name} does not say in which pieces it is stored.`);
    const [frames = 0, height = 0, width = 0] = array.shape;
    checkSize([height, width], 'frame', place);
    // Every piece is looked for on the disk by itself.
    const pieces = Math.ceil(height / (chunks[1] ?? 1)) * Math.ceil(width / (chunks[2] ?? 1));
    if (pieces > mostPieces) throw unreadable(place, `a frame of it would be stored in ${pieces} pieces.`);
    return {
      height,
      width,
      frames,
      isInteger: !array.dtype.startsWith('float'),
      fps: null,
      timeS: null,
      startedAt: null,
      findings: [`The film is the array ${name}, taken as frames × height × width.`],
      read: blockwise(
        { frames, pixels: height * width, bytes: 8, chunkFrames: chunks[0] ?? 1 },
        async (first, last) => {
          try {
            return (await get(array, [slice(first, last), null, null])).data as unknown as Frame;
          } catch (error) {
            throw unreadable(place, `its frames from ${first} on are damaged or packed in an unknown way.`, error);
          }
        },
      ),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
