// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type Finding } from '../../contract/index.ts';
import { type Notes, readLaidOut } from '../device.ts';
import { deviceMetaData } from '../metadata.ts';
import { filmNames, isFilmName, listFolder } from '../places.ts';
import { besideFindings } from '../beside-film.ts';
import { isOurs, type Pair, pairOf, readTable, type StartOf } from '../film-table.ts';
import { joinTimes } from '../time-stamps.ts';
import type { Place, ReadFilm, SessionReader } from '../types.ts';

/**
 * A film with a table of its frames under the same name (reference/acquisition.md 4.7): the Open Ephys GUI (`X.avi`, `X.csv` with `FrameNumber`,
 * `HardwareTime`, quaternions, digital inputs, `Timestamp`) and PoMiDAQ (`X.mkv`, `X_timestamps.csv`, `X_orientation.csv`). What the head and
 * the inputs did is read from there when it is shown (beside-film.ts).
 */
export const namedFilm: SessionReader = {
  format: 'film-with-times',
  title: 'Film with a table of its frames (Open Ephys, PoMiDAQ)',
  recognises: async (place) => (await pairs(place)).length > 0,
  read: async (place, context) => {
    const found = await pairs(place);
    const [pair] = found;
    if (pair === undefined || found.length > 1) {
      throw new AppError(
        'session.ambiguous_films',
        `${path.basename(place.path)} holds several recordings: ${found.map(({ film }) => film).join(', ')}.`,
        { hint: 'Give the one you mean by its path.', details: { films: found.map(({ film }) => film) } },
      );
    }
    const { folder, film } = pair;
    const base = path.basename(film, path.extname(film));
    let start: StartOf = { startedAt: null, tzOffsetMin: null };
    const device = await readLaidOut(
      {
        folder,
        name: base,
        kind: (notes: Notes) => {
          if (!/(?:behav|web|mini)?cam/i.test(base) || /scope/i.test(base)) return 'miniscope';
          notes.say('info', 'device.kind', 'Taken for a camera by its name.');
          return 'camera';
        },
        films: { numbered: [{ name: film, number: 0 }], others: [], left: [] },
        meta: deviceMetaData(null),
        config: null,
        timesFile: pair.table ?? `${base}.csv`,
        times: async () => {
          if (pair.table === null) return null;
          const read = await readTable(path.join(folder, pair.table), pair.table);
          start = read;
          return read.times;
        },
      },
      context,
    );
    const beside = device.error === null ? await besideFindings(path.join(folder, film)) : [];
    const findings: Finding[] = [
      { severity: 'warning', code: 'metadata.no_session', message: 'Nothing says which animal this is.' },
    ];
    return {
      format: namedFilm.format,
      name: base,
      folder,
      subject: null,
      ...start,
      notes: '',
      devices: [{ ...device, findings: [...device.findings, ...beside] }],
      chosenDevice: null,
      findings,
    };
  },
  frameTimes: async (films) => await timesAgain(films),
};

async function pairs(place: Place): Promise<readonly Pair[]> {
  if (place.kind === 'file') {
    if (!isFilmName(path.basename(place.path))) return [];
    const folder = path.dirname(place.path);
    const pair = pairOf(folder, path.basename(place.path), await listFolder(folder).catch(() => []));
    return pair !== null && (await isOurs(pair)) ? [pair] : [];
  }
  const found: Pair[] = [];
  for (const film of filmNames(place.entries).others) {
    const pair = pairOf(place.path, film, place.entries);
    if (pair !== null && (await isOurs(pair))) found.push(pair);
  }
  return found;
}

async function timesAgain(films: readonly ReadFilm[]): Promise<Float64Array | null> {
  const [film] = films;
  if (film === undefined) return null;
  const folder = path.dirname(film.path);
  const entries = await listFolder(folder).catch((error: unknown) => {
    throw new AppError('session.no_films', `The film ${film.name} is no longer where it was imported from.`, {
      cause: error,
    });
  });
  const pair = pairOf(folder, film.name, entries);
  if (pair === null || pair.table === null) return null;
  const { times } = await readTable(path.join(folder, pair.table), pair.table);
  return joinTimes(times.timeS, [{ frames: film.frames, firstRow: 0 }]);
}
