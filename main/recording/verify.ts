// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import { inspectAvi } from '../media/index.ts';
import { sha256OfFile } from '../checksum/index.ts';
import { readLost } from './rebuild-report.ts';
import { asRecord, deviceFolders, filmNames, readJson } from './recovery.ts';
import { rowHeaders } from './row-file.ts';
import { readRows } from './row-repair.ts';

/** What is known of one device's recording from its files. */
export interface DeviceVerdict {
  readonly device: string;
  readonly films: readonly {
    readonly name: string;
    readonly frames: number;
    readonly bytes: number;
    readonly isHashed: boolean;
  }[];
  readonly frames: number;
  readonly rows: number | null;
  /** Frames the board counted and that are not there; null when that is unknown. Never negative. */
  readonly missing: number | null;
  /** What is wrong, a sentence each; empty for a sound recording. */
  readonly problems: readonly string[];
}

/** What a look at every byte of a recording says. */
export interface Verdict {
  readonly folder: string;
  readonly sound: boolean;
  readonly devices: readonly DeviceVerdict[];
}

/**
 * Reads a recording whole and compares what its files say with each other: films with their index and, frame by frame, with the encoder's checksums; rows with
 * frames; the integrity report with both, and with the files' SHA-256. Changes nothing.
 *
 * @throws AppError `session.not_found`, `session.no_films`
 */
export async function verifySession(folder: string): Promise<Verdict> {
  const found = await deviceFolders(folder);
  const devices: DeviceVerdict[] = [];
  for (const device of found) devices.push(await verifyDevice(device));
  const base = found[0] === folder ? null : path.join(folder, 'metaData.json');
  const [first, ...rest] = devices;
  const missingBase =
    first !== undefined && base !== null && (await readJson(base)) === null
      ? [{ ...first, problems: [...first.problems, 'metaData.json of the session is missing or torn.'] }, ...rest]
      : devices;
  return { folder, sound: missingBase.every(({ problems }) => problems.length === 0), devices: missingBase };
}

async function verifyDevice(folder: string): Promise<DeviceVerdict> {
  const problems: string[] = [];
  const report = await readJson(path.join(folder, 'integrity.json'));
  const isCalyx = (await readJson(path.join(folder, 'calyx.json'))) !== null;
  if (isCalyx && report === null) {
    problems.push('There is no integrity.json: the recording ended without a stop. Repair it with `calyx recover`.');
  }
  if ((await readJson(path.join(folder, 'metaData.json'))) === null) problems.push('metaData.json is missing or torn.');
  const films = await verifyFilms(folder, report, problems);
  const frames = films.reduce((sum, film) => sum + film.frames, 0);
  const header = 'a,b,c,d,e';
  const rows = await readRows(path.join(folder, 'timeStamps.csv'), { header, isFree: false });
  if (rows === null) problems.push('timeStamps.csv is missing.');
  else {
    if (rows.isCut || !rows.hasHeader) problems.push('timeStamps.csv has a row that is not whole.');
    if (rows.rows.length !== frames)
      problems.push(`timeStamps.csv has ${rows.rows.length} rows, the films hold ${frames} frames.`);
    const wrong = rows.rows.findIndex((row, n) => Number(row.split(',')[0]) !== n);
    if (wrong !== -1) problems.push(`timeStamps.csv does not count on at row ${wrong + 1}.`);
  }
  if (isCalyx && report !== null && report['kind'] !== 'camera') await verifyOwnRows(folder, frames, report, problems);
  const lost = await readLost(folder);
  if (report !== null) compareReport(report, { frames, missing: lost.missing }, problems);
  const told = report === null ? lost.missing : (report['missing'] as number | null);
  return { device: path.basename(folder), films, frames, rows: rows?.rows.length ?? null, missing: told, problems };
}

/** The tables that only Calyx writes; a repaired recording may have fewer rows of calyxFrames.csv than frames, since each file reached the disk by itself. */
async function verifyOwnRows(
  folder: string,
  frames: number,
  report: Readonly<Record<string, unknown>>,
  problems: string[],
): Promise<void> {
  const rows = await readRows(path.join(folder, 'calyxFrames.csv'), {
    header: rowHeaders['calyxFrames.csv'],
    isFree: false,
  });
  if (rows === null) problems.push('calyxFrames.csv is missing.');
  else {
    if (rows.isCut || !rows.hasHeader) problems.push('calyxFrames.csv has a row that is not whole.');
    if (rows.rows.length > frames || (rows.rows.length < frames && report['recovered'] === undefined))
      problems.push(`calyxFrames.csv has ${rows.rows.length} rows, the films hold ${frames} frames.`);
  }
  const head = { header: rowHeaders['headOrientation.csv'], isFree: false };
  if ((await readRows(path.join(folder, 'headOrientation.csv'), head)) === null)
    problems.push('headOrientation.csv is missing.');
}

async function verifyFilms(
  folder: string,
  report: Readonly<Record<string, unknown>> | null,
  problems: string[],
): Promise<DeviceVerdict['films']> {
  const listed = (Array.isArray(report?.['files']) ? (report['files'] as readonly unknown[]) : []).map(asRecord);
  const names = await filmNames(folder);
  for (const { name } of listed) {
    if (typeof name === 'string' && !names.includes(name))
      problems.push(`${name} is in the report but not in the folder.`);
  }
  const films: DeviceVerdict['films'][number][] = [];
  for (const name of names) {
    const file = path.join(folder, name);
    try {
      const entry = listed.find((candidate) => candidate['name'] === name);
      const isAsReported = entry !== undefined && entry['sha256'] === (await sha256OfFile(file));
      // Of a raw film that is as it was recorded, zeros are pictures: a scope without a link gives black ones.
      const { frames, isClosed, damaged, tail } = await inspectAvi(file, isAsReported ? 'checksums' : 'all');
      if (!isClosed)
        problems.push(`${name} was not closed${tail > 0 ? `; ${tail} bytes at its end belong to no frame` : ''}.`);
      if (damaged.length > 0)
        problems.push(`${name}: ${damaged.length} frames are damaged, the first is ${damaged[0] ?? 0}.`);
      if (listed.length > 0 && entry === undefined) problems.push(`${name} is not in the report.`);
      if (entry !== undefined && !isAsReported) {
        problems.push(`${name} was changed after it was recorded: its SHA-256 is not that of the report.`);
      }
      films.push({ name, frames, bytes: (await stat(file)).size, isHashed: entry !== undefined });
    } catch (error) {
      problems.push(AppError.from(error).message);
    }
  }
  if (films.length === 0) problems.push('There is no film that can be read.');
  return films;
}

function compareReport(
  report: Readonly<Record<string, unknown>>,
  seen: { readonly frames: number; readonly missing: number | null },
  problems: string[],
): void {
  const { saved, expected, missing } = report;
  if (saved !== seen.frames) problems.push(`The report says ${String(saved)} frames, the films hold ${seen.frames}.`);
  if (typeof missing === 'number' && missing < 0) problems.push(`The report says ${missing} missing frames.`);
  if (typeof missing === 'number' && typeof expected === 'number' && expected - seen.frames !== missing) {
    problems.push(
      `The report says ${missing} missing frames, but ${expected} expected of which ${seen.frames} are there.`,
    );
  }
  if (typeof missing === 'number' && seen.missing !== null && seen.missing > missing) {
    problems.push(`calyxFrames.csv tells of ${seen.missing} lost frames, the report of ${missing}.`);
  }
}
