// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Finding } from '../../contract/index.ts';
import { readLaidOut, rowsOf } from '../device.ts';
import { textOf } from '../../text-tables/index.ts';
import { forEachLine, lineAt } from '../lines.ts';
import { deviceMetaData } from '../metadata.ts';
import { hasFile, listFolder, type FilmNames } from '../places.ts';
import { joinTimes, timeStampsOf, type TimeStamps } from '../time-stamps.ts';
import type { Place, ReadDevice, ReadFilm, SessionReader } from '../types.ts';

/**
 * Folders of the legacy Miniscope software (V3 scopes): `msCam1.avi` …, `behavCam1.avi` …, `timestamp.dat` for all cameras,
 * `settings_and_notes.dat` (datamodel.md 3.2). Films are numbered from 1 and are put in the order of their numbers; times are milliseconds.
 */
export const miniscopeV3: SessionReader = {
  format: 'miniscope-daq-v3',
  title: 'Miniscope V3 session',
  recognises: (place) => Promise.resolve(place.kind === 'folder' && films(place.entries, 'msCam').numbered.length > 0),
  read: async (place, context) => {
    const findings: Finding[] = [];
    const settings = await readSettings(place, findings);
    const start = startOf(place.path);
    if (start === null) {
      findings.push({
        severity: 'warning',
        code: 'metadata.no_session',
        message:
          'Nothing says when this was recorded: the folders are not named date/H…_M…_S…, and this software writes no start time.',
      });
    }
    const devices: ReadDevice[] = [];
    for (const [prefix, kind] of [
      ['msCam', 'miniscope'],
      ['behavCam', 'camera'],
    ] as const) {
      const names = films(place.entries, prefix);
      if (names.numbered.length === 0) continue;
      devices.push(
        await readLaidOut(
          {
            folder: place.path,
            name: prefix,
            kind: () => kind,
            films: names,
            meta: {
              ...deviceMetaData(null),
              type: kind === 'miniscope' ? 'Miniscope_V3' : 'WebCam',
              framesPerFile: null,
            },
            config: kind === 'miniscope' ? settings.config : null,
            timesFile: 'timestamp.dat',
            times: async (frames) =>
              hasFile(place.entries, 'timestamp.dat') ? cameraTimes(await readClock(place.path), prefix, frames) : null,
          },
          context,
        ),
      );
    }
    return {
      format: miniscopeV3.format,
      name: [settings.subject, path.basename(place.path)].filter((part) => part !== null).join(' '),
      folder: place.path,
      subject: settings.subject,
      startedAt: start,
      // Wall time of a place nobody named: told as it stands.
      tzOffsetMin: null,
      notes: settings.notes,
      devices,
      chosenDevice: null,
      findings,
    };
  },
  frameTimes,
};

/** Films of a camera, `msCam1.avi` as number 0. */
function films(entries: Place['entries'], prefix: string): FilmNames {
  const numbered = entries
    .flatMap(({ name, kind }) => {
      const match = new RegExp(`^${prefix}(\\d+)\\.avi$`, 'i').exec(name);
      return kind === 'file' && match !== null ? [{ name, number: Number(match[1]) - 1 }] : [];
    })
    .sort((a, b) => a.number - b.number);
  return { numbered, others: [], left: [] };
}

/** Times by number of the camera, ms, in the order of the rows. */
type Clock = ReadonlyMap<number, readonly number[]>;

/** Reads timestamp.dat; columns `camNum`, `frameNum`, `sysClock` (ms), `buffer`, apart by tabs. @throws AppError `session.bad_csv` */
async function readClock(folder: string): Promise<Clock> {
  const text = textOf(await readFile(path.join(folder, 'timestamp.dat')));
  const bad = (line: number, why: string): AppError =>
    new AppError('session.bad_csv', `timestamp.dat, line ${line}: ${why}`, {
      hint: 'Correct that line, or move the file away to read the films without it.',
      details: { file: 'timestamp.dat', line },
    });
  const header = lineAt(text, 0)[0]
    .split('\t')
    .map((name) => name.trim().toLowerCase());
  const [camera, clock] = [header.indexOf('camnum'), header.indexOf('sysclock')];
  if (camera < 0 || clock < 0) throw bad(1, 'the columns camNum and sysClock, apart by tabs, are missing.');
  const byCamera = new Map<number, number[]>();
  // The program may have been ended while it wrote: a last line without its end does not count.
  await forEachLine(text.slice(0, text.lastIndexOf('\n') + 1), (line, index) => {
    if (index === 0 || line.trim() === '') return;
    const fields = line.split('\t').map((field) => field.trim());
    const number = fields[camera] ?? '';
    const ms = fields[clock] ?? '';
    if (!/^\d{1,3}$/.test(number)) throw bad(index + 1, `“${number}” is no number of a camera.`);
    if (!/^[+-]?\d+(?:\.\d+)?$/.test(ms)) throw bad(index + 1, `“${ms}” is no time in ms.`);
    const times = byCamera.get(Number(number));
    if (times === undefined) byCamera.set(Number(number), [Number(ms)]);
    else times.push(Number(ms));
  });
  return byCamera;
}

/**
 * Times of one camera. Which number the miniscope has differs from rig to rig (element-miniscope counts 0, ndx-miniscope 1): it is the camera
 * with as many rows as the films have frames.
 */
async function cameraTimes(byCamera: Clock, prefix: string, frames: number): Promise<TimeStamps | null> {
  const off = (camera: number): number => Math.abs((byCamera.get(camera)?.length ?? 0) - frames);
  const order = [...byCamera.keys()].sort((a, b) => off(a) - off(b) || (prefix === 'msCam' ? a - b : b - a));
  const [chosen] = order;
  if (chosen === undefined) return null;
  const ms = Float64Array.from(byCamera.get(chosen) ?? []);
  // The first tick is often a left-over of the clock, larger than the second.
  const stale = (ms[0] ?? 0) > (ms[1] ?? Infinity);
  if (stale) ms[0] = Number.NaN;
  const parsed = await timeStampsOf({ ms, cut: false }, 'timestamp.dat');
  const findings = parsed.findings.filter(({ code }) => !(stale && code === 'time.absurd' && onlyFirst(parsed)));
  if (stale)
    findings.push({
      severity: 'info',
      code: 'time.first',
      message: `The first time of camera ${chosen} is a left-over of the clock; the first frame has no time.`,
      where: 'timestamp.dat',
    });
  const equal = order.filter((camera) => off(camera) === off(chosen));
  if (equal.length > 1)
    findings.push({
      severity: 'warning',
      code: 'time.camera',
      message: `Cameras ${equal.join(' and ')} of timestamp.dat have as many rows; ${chosen} is taken for ${prefix}.`,
      where: 'timestamp.dat',
    });
  return { ...parsed, findings };
}

const onlyFirst = ({ timeS }: TimeStamps): boolean => !timeS.subarray(1).some((time) => Number.isNaN(time));

/** settings_and_notes.dat: a line of names, a line of values, then notes with the time since the start. */
async function readSettings(
  place: Place,
  findings: Finding[],
): Promise<{ readonly subject: string | null; readonly config: unknown; readonly notes: string }> {
  if (!hasFile(place.entries, 'settings_and_notes.dat')) return { subject: null, config: null, notes: '' };
  try {
    const text = await readFile(path.join(place.path, 'settings_and_notes.dat'), 'utf8');
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    const [names = [], values = []] = lines.slice(0, 2).map((line) => line.split('\t').map((field) => field.trim()));
    const config = Object.fromEntries(names.flatMap((name, i) => (name === '' ? [] : [[name, values[i] ?? '']])));
    const subject = config['animal']?.trim() ?? '';
    const notes = lines.slice(2).filter((line) => line.trim() !== '' && !/^elapsedTime\b/i.test(line.trim()));
    return { subject: subject === '' ? null : subject, config, notes: notes.map((line) => line.trim()).join('\n') };
  } catch {
    findings.push({
      severity: 'warning',
      code: 'notes.unreadable',
      message: 'settings_and_notes.dat cannot be read.',
      where: 'settings_and_notes.dat',
    });
    return { subject: null, config: null, notes: '' };
  }
}

/** The software names folders `<month>_<day>_<year>/H<hour>_M<minute>_S<second>`: the only word of its own on when it was. */
function startOf(folder: string): string | null {
  const time = /^H(\d{1,2})_M(\d{1,2})_S(\d{1,2})/i.exec(path.basename(folder));
  const above = path.basename(path.dirname(folder));
  const [month, day, year] =
    /^(\d{1,2})_(\d{1,2})_(\d{4})$/.exec(above)?.slice(1).map(Number) ??
    (([y, m, d]) => [m, d, y])((/^(\d{4})[_-](\d{1,2})[_-](\d{1,2})$/.exec(above) ?? []).slice(1).map(Number));
  if (time === null || month === undefined || day === undefined || year === undefined) return null;
  const [hour = 0, minute = 0, second = 0] = time.slice(1).map(Number);
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const isReal = at.getUTCMonth() === month - 1 && at.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return isReal && year > 2010 && year < 2100 ? at.toISOString() : null;
}

/** Times of the frames of stored films, read again from the timestamp.dat beside them. */
async function frameTimes(stored: readonly ReadFilm[]): Promise<Float64Array | null> {
  const [first] = stored;
  if (first === undefined) return null;
  const folder = path.dirname(first.path);
  const entries = await listFolder(folder).catch((error: unknown) => {
    throw new AppError(
      'session.no_films',
      `The films of ${path.basename(folder)} are no longer where they were imported from.`,
      { cause: error },
    );
  });
  if (!hasFile(entries, 'timestamp.dat')) return null;
  const prefix = /^behavCam/i.test(first.name) ? 'behavCam' : 'msCam';
  const frames = stored.reduce((sum, film) => sum + film.frames, 0);
  const times = await cameraTimes(await readClock(folder), prefix, frames);
  if (times === null) return null;
  const numbers = new Map(films(entries, prefix).numbered.map(({ name, number }) => [name, number]));
  const series = stored.map((film, index) => ({ frames: film.frames, number: numbers.get(film.name) ?? index }));
  return joinTimes(times.timeS, rowsOf(series, null));
}
