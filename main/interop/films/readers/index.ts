// SPDX-License-Identifier: MIT
import type { FilmReader } from '../foreign-film.ts';
import { hdf5Film } from './hdf5.ts';
import { isxdFilm } from './isxd.ts';
import { nwbFilm } from './nwb.ts';
import { tiffFilm } from './tiff.ts';
import { zarrFilm } from './zarr.ts';

/** The first that recognises a place reads it: NWB before other HDF5. */
export const filmReaders: readonly FilmReader[] = [tiffFilm, isxdFilm, nwbFilm, hdf5Film, zarrFilm];

/** The reader of a place; null where none knows it. */
export async function filmReaderOf(place: string): Promise<FilmReader | null> {
  for (const reader of filmReaders) if (await reader.recognises(place)) return reader;
  return null;
}
