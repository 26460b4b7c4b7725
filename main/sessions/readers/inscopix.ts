// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, type Finding } from '../../contract/index.ts';
import { textOf } from '../../text-tables/index.ts';
import { dialectIn, readNumberTable } from '../csv.ts';
import { readLaidOut, rowsOf } from '../device.ts';
import { lineAt } from '../lines.ts';
import { deviceMetaData, readMetaData } from '../metadata.ts';
import { hasFile, isFilmName, listFolder, type FilmNames } from '../places.ts';
import { joinTimes, timeStampsOf, type TimeStamps } from '../time-stamps.ts';
import type { Place, ReadFilm, SessionReader } from '../types.ts';

const Loose = z.record(z.string(), z.unknown());

/** What session.json may say; everything may be missing or of another kind. */
const Session = z.object({
  microscope: Loose.optional().catch(undefined),
  manual: z
    .object({ mScope: z.object({ ledPower: z.unknown() }).optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/**
 * Folders as element-miniscope expects of Inscopix: `session.json`, AVI films anywhere below, `*timestamps.csv` one level down
 * (datamodel.md 2.3). The rate is that of the time stamps; films are in the order of their numbers.
 */
export const inscopixFolder: SessionReader = {
  format: 'inscopix',
  title: 'Inscopix session folder',
  recognises: async (place) => {
    if (place.kind !== 'folder' || !hasFile(place.entries, 'session.json')) return false;
    return (await filmsBelow(place.path)).length > 0;
  },
  read: async (place, context) => {
    const findings: Finding[] = [];
    const data = await readMetaData(path.join(place.path, 'session.json'), 'session.json');
    const { microscope, manual } = Session.parse(data ?? {});
    const fov = Loose.safeParse(microscope?.['fov']).data;
    const [height, width] = [number(fov?.['height']), number(fov?.['width'])];
    const rate = number(Loose.safeParse(microscope?.['fps']).data?.['fps'] ?? microscope?.['fps']);
    const channels = Array.isArray(manual?.mScope?.ledPower) ? manual.mScope.ledPower.length : 1;
    if (channels > 1) {
      findings.push({
        severity: 'warning',
        code: 'channels.several',
        message: `session.json tells of ${channels} channels; the films are taken as one.`,
        where: 'session.json',
      });
    }
    const start = startOf(data);
    if (start === null)
      findings.push({
        severity: 'warning',
        code: 'metadata.no_session',
        message: 'session.json does not say when this was recorded.',
        where: 'session.json',
      });
    const names = await filmsBelow(place.path);
    const device = await readLaidOut(
      {
        folder: place.path,
        name: 'Inscopix',
        kind: () => 'miniscope',
        films: asSeries(names),
        meta: {
          ...deviceMetaData(null),
          type: 'Inscopix',
          frameRate: rate ?? null,
          roi: height === undefined || width === undefined ? null : { height, width },
        },
        config: data,
        timesFile: '*timestamps.csv',
        times: async () => await timesOf(place),
      },
      context,
    );
    return {
      format: inscopixFolder.format,
      name: path.basename(place.path),
      folder: place.path,
      subject: subjectOf(data),
      startedAt: start?.at ?? null,
      tzOffsetMin: start?.tzOffsetMin ?? null,
      notes: '',
      devices: [device],
      chosenDevice: null,
      findings,
    };
  },
  frameTimes,
};

function number(value: unknown): number | undefined {
  const given = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof given === 'number' && Number.isFinite(given) && given > 0 ? given : undefined;
}

/** Parts of a name as numbers and words, so that 10 comes after 9. */
const byNumbers = new Intl.Collator('en', { numeric: true }).compare;

/** Folders below a session that are looked into. */
const deepest = 3;

/** AVI films below a folder, relative to it, in the order of their numbers. */
async function filmsBelow(folder: string, within = '', depth = 0): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name, kind } of await listFolder(path.join(folder, within)).catch(() => [])) {
    const place = within === '' ? name : path.join(within, name);
    if (kind === 'folder' && depth < deepest) names.push(...(await filmsBelow(folder, place, depth + 1)));
    else if (kind === 'file' && isFilmName(name) && /\.avi$/i.test(name)) names.push(place);
  }
  return names.sort(byNumbers);
}

const asSeries = (names: readonly string[]): FilmNames => ({
  numbered: names.map((name, index) => ({ name, number: index })),
  others: [],
  left: [],
});

/** The one `*timestamps.csv` in the folder or one level down; its column of times may count ms or s. */
async function timesOf(place: Pick<Place, 'path'>): Promise<TimeStamps | null> {
  const found: string[] = [];
  for (const { name, kind } of await listFolder(place.path)) {
    if (kind === 'file' && /timestamps\.csv$/i.test(name)) found.push(name);
    if (kind !== 'folder') continue;
    for (const inner of await listFolder(path.join(place.path, name)).catch(() => []))
      if (inner.kind === 'file' && /timestamps\.csv$/i.test(inner.name)) found.push(path.join(name, inner.name));
  }
  const [file, other] = found.sort(byNumbers);
  if (file === undefined) return null;
  if (other !== undefined)
    throw new AppError('session.bad_csv', `There are several files of times: ${found.join(', ')}.`, {
      hint: 'Leave the one that belongs to the films.',
    });
  const text = textOf(await readFile(path.join(place.path, file)));
  const [header] = lineAt(text, 0);
  const name = dialectIn(file, header, '')
    .fields(header, 1)
    .find((each) => /time/i.test(each) && !/system|wall|host/i.test(each));
  if (name === undefined)
    throw new AppError('session.bad_csv', `${file}, line 1: no column is called a time; found “${header}”.`, {
      details: { file, line: 1 },
    });
  const unit = /\((ms|s|us|µs)\)/i.exec(name)?.[1]?.toLowerCase() ?? 'ms';
  const factor = unit === 's' ? 1000 : unit === 'ms' ? 1 : 0.001;
  const { columns, cut } = await readNumberTable(text, file, { required: [name.trim()] });
  const ms = (columns.get(name.trim()) ?? new Float64Array()).map((value) => value * factor);
  return await timeStampsOf({ ms, cut }, file);
}

/** Keys under which such files name the start: a text with date and time, or seconds or milliseconds since 1970. */
const startKeys = ['startTime', 'start_time', 'recordingStartTime', 'acquisitionStartTime', 'dateTime', 'date'];

function startOf(data: Readonly<Record<string, unknown>> | null): { at: string; tzOffsetMin: number | null } | null {
  const places = [
    data ?? {},
    Loose.safeParse(data?.['session']).data ?? {},
    Loose.safeParse(data?.['microscope']).data ?? {},
  ];
  for (const place of places) {
    for (const key of startKeys) {
      const found = instantOf(place[key]);
      if (found !== null) return found;
    }
  }
  return null;
}

function instantOf(value: unknown): { at: string; tzOffsetMin: number | null } | null {
  const nested = z
    .object({
      secsSinceEpoch: z.object({ num: z.number(), den: z.number().positive() }),
      utcOffset: z.number().optional(),
    })
    .safeParse(value).data;
  const epochS =
    nested === undefined
      ? typeof value === 'number'
        ? value
        : undefined
      : nested.secsSinceEpoch.num / nested.secsSinceEpoch.den;
  if (epochS !== undefined) {
    const ms = Math.round(epochS > 1e11 ? epochS : epochS * 1000);
    if (!(ms > 946_684_800_000 && ms < 4_102_444_800_000)) return null;
    const offset =
      nested?.utcOffset === undefined
        ? null
        : Math.round(nested.utcOffset / (Math.abs(nested.utcOffset) > 900 ? 60 : 1));
    return { at: new Date(ms).toISOString(), tzOffsetMin: offset !== null && Math.abs(offset) <= 840 ? offset : null };
  }
  if (typeof value !== 'string') return null;
  const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)\s*(Z|[+-]\d{2}:?\d{2})?$/.exec(value.trim());
  if (match === null) return null;
  const [, day = '', time = '', zone] = match;
  const colon = zone === undefined ? 'Z' : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const at = Date.parse(`${day}T${time.slice(0, 12)}${colon}`);
  if (Number.isNaN(at)) return null;
  const parts = /^([+-])(\d{2}):(\d{2})$/.exec(colon);
  const tz =
    zone === undefined
      ? null
      : parts === null
        ? 0
        : (parts[1] === '-' ? -1 : 1) * (Number(parts[2]) * 60 + Number(parts[3]));
  return { at: new Date(at).toISOString(), tzOffsetMin: tz };
}

function subjectOf(data: Readonly<Record<string, unknown>> | null): string | null {
  const animal = Loose.safeParse(data?.['animal']).data;
  for (const value of [animal?.['id'], animal?.['name'], data?.['animal'], data?.['subject']]) {
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return null;
}

/** Times of the frames of stored films, read again from the file of times. */
async function frameTimes(stored: readonly ReadFilm[]): Promise<Float64Array | null> {
  const [first] = stored;
  if (first === undefined) return null;
  // The session's folder is above, by as many levels as films are looked for.
  let folder = path.dirname(first.path);
  for (let depth = 0; depth <= deepest; depth += 1) {
    const entries = await listFolder(folder).catch(() => []);
    if (hasFile(entries, 'session.json')) {
      const times = await timesOf({ path: folder });
      if (times === null) return null;
      const series = stored.map((film, index) => ({ frames: film.frames, number: index }));
      return joinTimes(times.timeS, rowsOf(series, null));
    }
    folder = path.dirname(folder);
  }
  throw new AppError('session.no_films', `The session.json of ${first.name} is no longer where it was imported from.`);
}
