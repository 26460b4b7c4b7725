// SPDX-License-Identifier: MIT
import { asUnreadable } from '../../results/check.ts';
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
  for (const reader of filmReaders) {
    try {
      if (await reader.recognises(place)) return told(reader);
    } catch (error) {
      throw asUnreadable(place, error);
    }
  }
  return null;
}

/** What libraries say of damage becomes a sentence. */
function told(reader: FilmReader): FilmReader {
  const sentence = async <T>(place: string, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asUnreadable(place, error);
    }
  };
  return {
    ...reader,
    open: async (place, choice) => {
      const film = await sentence(place, () => reader.open(place, choice));
      return 'film' in film ? film : { ...film, read: (frame) => sentence(place, () => film.read(frame)) };
    },
  };
}
