// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import { filmNames, isLeftFilm, listFolder, lookAt } from './places.ts';
import { sessionReaders } from './readers/index.ts';
import type { Place, ReadContext, ReadFilm, ReadSession, SessionReader } from './types.ts';

/** The reader of a place; undefined where none knows it. */
export async function readerOf(place: Place): Promise<SessionReader | undefined> {
  for (const reader of sessionReaders) if (await reader.recognises(place)) return reader;
  return undefined;
}

/**
 * Reads a session folder, a device folder or a film.
 *
 * @param given absolute path
 * @throws AppError `session.not_found`, `session.no_films`, `session.ambiguous_films`, `session.bad_metadata`, `media.io`
 */
export async function openSession(given: string, context: ReadContext): Promise<ReadSession> {
  const place = await lookAt(given);
  const reader = await readerOf(place);
  if (reader !== undefined) return await reader.read(place, context);
  const name = path.basename(place.path);
  if (place.kind === 'file' && isLeftFilm(name)) {
    const whole = name.slice(0, name.toLowerCase().indexOf('.avi') + 4);
    throw new AppError(
      'session.no_films',
      `${name} is a film that the recording program was still writing when it died; under this name nothing reads it.`,
      {
        hint: `Copy or rename it to ${whole}: what is whole in it is read. calyx recover does that for recordings of Calyx.`,
      },
    );
  }
  const inside = place.kind === 'file' ? [] : await foldersWithFilms(place);
  const [first] = inside;
  if (first !== undefined)
    throw new AppError(
      'session.no_films',
      `${name} is no recording that Calyx knows: nothing in it tells of devices. There are films in ${inside.slice(0, 5).join(', ')}${inside.length > 5 ? ' …' : ''}.`,
      {
        hint: `Give ${path.join(name, first)} or one film. With its metaData.json and timeStamps.csv the folder is read whole.`,
      },
    );
  throw place.kind === 'file'
    ? new AppError('session.no_films', `${name} is no film that Calyx knows.`, {
        hint: 'Give an AVI, MKV, MP4, MOV, TIFF, HDF5, NWB, ISXD or zarr film, or a session folder. A tracking of the animal comes in by calyx position add, tables of events by calyx ingest, parameters by calyx params add.',
      })
    : new AppError('session.no_films', `${name} holds no films and no recording.`, {
        hint: 'Give the folder that holds metaData.json, or the device folder with 0.avi and timeStamps.csv.',
      });
}

async function foldersWithFilms({ path: folder, entries }: Place): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name, kind } of entries) {
    if (kind !== 'folder') continue;
    const { numbered, others } = filmNames(await listFolder(path.join(folder, name)).catch(() => []));
    if (numbered.length + others.length > 0) found.push(name);
  }
  return found;
}

/**
 * Times of a stored recording's frames: seconds since its start, one per film frame, NaN where unknown; null where the format has none.
 *
 * @param format the session's format as it was stored
 * @throws AppError `session.no_films` (moved away), `session.bad_csv`
 */
export async function frameTimes(format: string, films: readonly ReadFilm[]): Promise<Float64Array | null> {
  const reader = sessionReaders.find((candidate) => candidate.format === format);
  return reader === undefined ? null : await reader.frameTimes(films);
}
