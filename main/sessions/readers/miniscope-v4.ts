// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Finding } from '../../contract/index.ts';
import { readDevice, rowsOf } from '../device.ts';
import { deviceMetaData, readMetaData, sessionMetaData, type SessionMetaData } from '../metadata.ts';
import { filmNames, hasFile, listFolder, lookAt } from '../places.ts';
import { textOf } from '../../text-tables/index.ts';
import { joinTimes, parseTimeStamps } from '../time-stamps.ts';
import type { Place, ReadContext, ReadDevice, ReadFilm, ReadSession, SessionReader } from '../types.ts';

/**
 * Session folders of the Miniscope-DAQ software for V4 scopes, 2020 to now (reference/acquisition.md 4.1–4.7), given as the recording
 * folder or as one of its device folders.
 */
export const miniscopeV4: SessionReader = {
  format: 'miniscope-daq-v4',
  title: 'Miniscope DAQ session',
  recognises: async (place) =>
    place.kind === 'folder' && (isDevice(place.entries) || (await deviceFolders(place)).length > 0),
  read: async (place, context) =>
    isDevice(place.entries) ? await readFromDevice(place, context) : await readFolder(place, context, null),
  frameTimes,
};

/** Files that make a folder a device: times, or a series of films with a description. A lone film is not a session. */
function isDevice(entries: Place['entries']): boolean {
  if (hasFile(entries, 'timeStamps.csv')) return true;
  const series = filmNames(entries).numbered;
  return series.length > 1 || (series.length === 1 && hasFile(entries, 'metaData.json'));
}

/** Subfolders that are devices; those a session only lists (films and CSV gone) count when they hold a device's metaData.json. */
async function deviceFolders(place: Place): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of place.entries) {
    if (entry.kind !== 'folder') continue;
    const folder = path.join(place.path, entry.name);
    const entries = await listFolder(folder).catch(() => []);
    if (isDevice(entries) || (hasFile(entries, 'metaData.json') && (await describesDevice(folder)))) found.push(folder);
  }
  return found;
}

/** Is this a device's metaData.json and not a behaviour tracker's? A broken file counts, so that it is told. */
async function describesDevice(folder: string): Promise<boolean> {
  try {
    const meta = deviceMetaData(await readMetaData(path.join(folder, 'metaData.json'), 'metaData.json'));
    return meta.name !== null || meta.type !== null;
  } catch {
    return true;
  }
}

/** A device folder: its session is the folder above when that one lists devices or says when it began. */
async function readFromDevice(place: Place, context: ReadContext): Promise<ReadSession> {
  const above = path.dirname(place.path);
  const data = await readMetaData(path.join(above, 'metaData.json'), 'metaData.json').catch(() => null);
  const meta = sessionMetaData(data);
  const listed = [...meta.miniscopes, ...meta.cameras].includes(path.basename(place.path));
  if (listed || meta.startedAt !== null) return await readFolder(await lookAt(above), context, place.path);
  const device = await readDevice({ folder: place.path, listedAs: null }, context);
  return describe(place, meta, [device], device, [noSessionMetaData()], '');
}

const noSessionMetaData = (): Finding => ({
  severity: 'warning',
  code: 'metadata.no_session',
  message: 'There is no metaData.json of the session: animal and start time are unknown.',
});

async function readFolder(place: Place, context: ReadContext, chosen: string | null): Promise<ReadSession> {
  const findings: Finding[] = [];
  const data = await readMetaData(path.join(place.path, 'metaData.json'), 'metaData.json');
  if (data === null) findings.push(noSessionMetaData());
  const meta = sessionMetaData(data);
  const folders = await deviceFolders(place);
  const names = new Set(folders.map((folder) => path.basename(folder)));
  for (const name of [...meta.miniscopes, ...meta.cameras]) {
    if (!names.has(name))
      findings.push({
        severity: 'warning',
        code: 'device.missing',
        message: `metaData.json lists “${name}”, but there is no such folder.`,
      });
  }
  const wanted = chosen === null ? folders : folders.filter((folder) => folder === chosen);
  const devices: ReadDevice[] = [];
  for (const folder of wanted)
    devices.push(await readDevice({ folder, listedAs: listedAs(meta, path.basename(folder)) }, context));
  const notes = await readNotes(place, findings);
  return describe(place, meta, devices, chosen === null ? null : (devices[0] ?? null), findings, notes);
}

function listedAs(meta: SessionMetaData, name: string): 'miniscope' | 'camera' | null {
  if (meta.miniscopes.includes(name)) return 'miniscope';
  return meta.cameras.includes(name) ? 'camera' : null;
}

/** Lines of notes.csv without the header; free text is not quoted, so a row may have any number of fields. */
async function readNotes(place: Place, findings: Finding[]): Promise<string> {
  if (!hasFile(place.entries, 'notes.csv')) return '';
  try {
    const lines = (await readFile(path.join(place.path, 'notes.csv'), 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/);
    return lines
      .filter((line, index) => line.trim() !== '' && !(index === 0 && line.startsWith('Time Stamp')))
      .join('\n');
  } catch {
    findings.push({
      severity: 'warning',
      code: 'notes.unreadable',
      message: 'notes.csv cannot be read.',
      where: 'notes.csv',
    });
    return '';
  }
}

function describe(
  place: Place,
  meta: SessionMetaData,
  devices: readonly ReadDevice[],
  chosen: ReadDevice | null,
  findings: readonly Finding[],
  notes: string,
): ReadSession {
  return {
    format: miniscopeV4.format,
    name: sessionName(place.path, meta),
    folder: place.path,
    subject: meta.subject,
    startedAt: meta.startedAt,
    tzOffsetMin: meta.tzOffsetMin,
    notes,
    devices,
    chosenDevice: chosen?.name ?? null,
    findings,
  };
}

/** "m12 linear track 2026-11-20 09:30": animal, experiment and local time where they are known, else the folder's name. */
function sessionName(folder: string, meta: SessionMetaData): string {
  if (meta.startedAt === null) return path.basename(folder);
  const local = new Date(Date.parse(meta.startedAt) + (meta.tzOffsetMin ?? 0) * 60_000).toISOString();
  const when = `${local.slice(0, 10)} ${local.slice(11, 16)}`;
  return [meta.subject, meta.experiment, when].filter((part) => part !== null).join(' ');
}

/** Times of the frames of stored films, read again from the timeStamps.csv beside them. */
async function frameTimes(films: readonly ReadFilm[]): Promise<Float64Array | null> {
  const first = films[0];
  if (first === undefined) return null;
  const folder = path.dirname(first.path);
  const entries = await listFolder(folder).catch((error: unknown) => {
    throw new AppError(
      'session.no_films',
      `The films of ${path.basename(folder)} are no longer where they were imported from.`,
      { cause: error },
    );
  });
  if (!hasFile(entries, 'timeStamps.csv')) return null;
  const shown = `${path.basename(folder)}/timeStamps.csv`;
  const { timeS } = await parseTimeStamps(textOf(await readFile(path.join(folder, 'timeStamps.csv'))), shown);
  const meta = deviceMetaData(
    await readMetaData(path.join(folder, 'metaData.json'), `${path.basename(folder)}/metaData.json`),
  );
  const numbers = new Map(filmNames(entries).numbered.map(({ name, number }) => [name, number]));
  const series = films.map((film, index) => ({ frames: film.frames, number: numbers.get(film.name) ?? index }));
  return joinTimes(timeS, rowsOf(series, meta.framesPerFile));
}
