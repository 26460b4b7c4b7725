// SPDX-License-Identifier: MIT
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import { inspectAvi, repairAvi } from '../media/index.ts';
import { cutRows, readRows, type RowState } from './row-repair.ts';
import { rebuildReport } from './rebuild-report.ts';
import { rowHeaders } from './row-file.ts';
import { writeJson } from './session-folder.ts';
import { clockText } from './words.ts';

/** What a recovery found and did in one device's folder. */
export interface DeviceRecovery {
  readonly device: string;
  /** `sound`: nothing was to be done; `repaired`; `empty`: nothing of it had reached the disk; `lost`: a part cannot be read. */
  readonly state: 'sound' | 'repaired' | 'empty' | 'lost';
  /** It had the report of a stop: what is wrong with it came afterwards. */
  readonly wasStopped: boolean;
  /** Frames that are intact, with their times. */
  readonly frames: number;
  /** Seconds from the recording's start to the last intact frame; null without one. */
  readonly intactS: number | null;
  /** Whole frames given up: torn by a power cut, or without a time. */
  readonly framesCut: number;
  /** Rows of timeStamps.csv whose frames had not reached the disk. */
  readonly rowsCut: number;
  /** What was done, a sentence each. */
  readonly done: readonly string[];
  /** What cannot be repaired. */
  readonly problems: readonly string[];
}

/** What a recovery found and did. */
export interface Recovery {
  readonly folder: string;
  readonly state: DeviceRecovery['state'];
  readonly devices: readonly DeviceRecovery[];
  /** What a person is told. */
  readonly sentence: string;
}

/** True for a folder that Calyx began to record into and never finished: it is worth a recovery. */
export async function isUnfinished(folder: string): Promise<boolean> {
  for (const device of await deviceFolders(folder))
    if (!(await exists(path.join(device, 'integrity.json')))) return true;
  return false;
}

/** Folders of devices in a session's folder, or the folder itself when it is one. @throws AppError `session.not_found`, `session.no_films` */
export async function deviceFolders(given: string): Promise<readonly string[]> {
  let names: string[];
  try {
    names = await readdir(given);
  } catch (error) {
    throw new AppError('session.not_found', `${given} is no folder that can be read.`, { cause: error });
  }
  if (isDevice(names)) return [given];
  const found: string[] = [];
  for (const name of names.sort()) {
    const inside = await readdir(path.join(given, name)).catch(() => [] as string[]);
    if (isDevice(inside)) found.push(path.join(given, name));
  }
  if (found.length > 0) return found;
  throw new AppError('session.no_films', `${given} holds no recording.`, {
    hint: 'Give the folder that holds metaData.json and a folder for each device.',
  });
}

const isDevice = (names: readonly string[]): boolean =>
  names.includes('calyx.json') || names.includes('timeStamps.csv') || names.some((name) => /^\d+\.avi$/.test(name));

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

/**
 * Repairs a session folder that a crash, a power cut or an unplugged disk left: films get their index and lengths, rows that were cut go, metadata that is
 * missing is made again, and an integrity report says what is there and what is not. What is sound is not touched; a second recovery changes nothing.
 *
 * @throws AppError `session.not_found`, `session.no_films`, `media.io`, `disk.io`
 */
export async function recoverSession(folder: string, now: () => Date): Promise<Recovery> {
  const devices: DeviceRecovery[] = [];
  const found = await deviceFolders(folder);
  const base = found[0] === folder ? path.dirname(folder) : folder;
  const session = await recoverShared(base, found);
  for (const device of found) devices.push(await recoverDevice(device, now));
  const [first, ...rest] = devices;
  const withShared = first === undefined ? [] : [{ ...first, done: [...session, ...first.done] }, ...rest];
  const worst = (['lost', 'repaired', 'empty', 'sound'] as const).find((state) =>
    withShared.some((device) => device.state === state),
  );
  const state = worst === 'sound' && session.length > 0 ? 'repaired' : (worst ?? 'sound');
  return { folder, state, devices: withShared, sentence: sentenceOf(state, withShared) };
}

function sentenceOf(state: DeviceRecovery['state'], devices: readonly DeviceRecovery[]): string {
  if (state === 'sound')
    return 'Nothing was to be done: the recording was closed. `calyx verify` reads every byte of it.';
  const intact = clockText(Math.max(...devices.map(({ intactS }) => intactS ?? 0)));
  const lost = devices.flatMap(({ problems }) => problems);
  if (lost.length > 0 && devices.every(({ wasStopped }) => wasStopped)) {
    return devices.every(({ done }) => done.length === 0)
      ? `Nothing was mended, but something is wrong with the recording: ${lost.join(' ')}`
      : `The recording was stopped properly and damaged afterwards; ${intact} of it is intact. ${lost.join(' ')}`;
  }
  if (devices.every(({ frames }) => frames === 0)) {
    return 'The recording ended before its first frame was on the disk; nothing of it can be shown.';
  }
  return `The recording ended without a stop. ${intact} of it is intact, up to a second at its end may be missing.${lost.length > 0 ? ` ${lost.join(' ')}` : ''}`;
}

/** The session's own files: metaData.json and notes.csv. */
async function recoverShared(base: string, devices: readonly string[]): Promise<readonly string[]> {
  const done: string[] = [];
  await tidyTemporaries(base, done);
  if (
    (await readJson(path.join(base, 'metaData.json'))) === null &&
    devices.some((device) => path.dirname(device) === base)
  ) {
    for (const device of devices) {
      const kept = asRecord(asRecord(await readJson(path.join(device, 'calyx.json')))['metaData'])['session'];
      if (typeof kept !== 'object' || kept === null) continue;
      await writeJson(path.join(base, 'metaData.json'), asRecord(kept));
      done.push('metaData.json of the session was made again.');
      break;
    }
  }
  const notes = path.join(base, 'notes.csv');
  const state = await readRows(notes, { header: 'Time Stamp (ms), Note', isFree: true });
  if (state !== null && (state.isCut || !state.hasHeader)) {
    await cutRows(notes, state, 'Time Stamp (ms), Note');
    done.push('The cut last row of notes.csv was removed.');
  }
  return done;
}

/** JSON that was being written under another name: finished when it is whole, removed when it is not. */
async function tidyTemporaries(folder: string, done: string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json.tmp')) continue;
    const file = path.join(folder, name);
    const target = file.slice(0, -'.tmp'.length);
    if ((await readJson(file)) !== null && (await readJson(target)) === null) await rename(file, target);
    else await rm(file);
    done.push(`${path.basename(target)}, which was being written, was put right.`);
  }
}

async function recoverDevice(folder: string, now: () => Date): Promise<DeviceRecovery> {
  const device = path.basename(folder);
  const done: string[] = [];
  const problems: string[] = [];
  await tidyTemporaries(folder, done);
  const calyx = asRecord(await readJson(path.join(folder, 'calyx.json')));
  await recoverMetaData(folder, calyx, done);
  const isCalyx = Object.keys(calyx).length > 0;
  const films = await filmNames(folder);
  const report = await readJson(path.join(folder, 'integrity.json'));
  const isOpen = (isCalyx && report === null) || (await isAnyFilmOpen(folder, films));
  const times = path.join(folder, 'timeStamps.csv');
  const rows = await readRows(times, { header: rowHeaders['timeStamps.csv'], isFree: false });
  const { counts, framesCut } = isOpen
    ? await recoverFilms(folder, films, rows, { done, problems })
    : { counts: await countFrames(folder, films, problems), framesCut: 0 };
  const frames = counts.reduce((sum, count) => sum + count, 0);
  const rowsCut = rows === null || !isOpen ? 0 : await fitRows(folder, frames, rows, done);
  const lastMs = rows?.rows[Math.min(frames, rows.rows.length) - 1]?.split(',')[1];
  const intactS = frames === 0 || lastMs === undefined ? null : Number(lastMs) / 1000;
  if (!isOpen && report !== null) problems.push(...notAsReported(report, { films, frames, rows: rows?.rows.length }));
  const before = savedBefore(report);
  if (isOpen && before !== null && before > frames)
    problems.push(
      `${device} was ended properly with ${before} frames; ${frames} of them are there: it was damaged afterwards.`,
    );
  if (isOpen && isCalyx) {
    const isCamera = calyx['rawLuma'] === false;
    const rebuilt = await rebuildReport({ folder, device, isCamera, films, at: now(), framesCut, rowsCut });
    await writeJson(
      path.join(folder, 'integrity.json'),
      report === null ? rebuilt : damagedAfterwards(report, rebuilt, frames),
    );
    done.push('integrity.json was made from what is on the disk.');
  }
  const state = problems.length > 0 ? 'lost' : frames === 0 ? 'empty' : done.length > 0 ? 'repaired' : 'sound';
  return { device, state, wasStopped: report !== null, frames, intactS, framesCut, rowsCut, done, problems };
}

/** Frames that a report of a stopped recording tells of; null where there is none. */
function savedBefore(report: Readonly<Record<string, unknown>> | null): number | null {
  const saved = report?.['saved'];
  return typeof saved === 'number' ? saved : null;
}

/** What a closed recording lacks of what its report tells: it can be said, not mended. */
function notAsReported(
  report: Readonly<Record<string, unknown>>,
  there: { readonly films: readonly string[]; readonly frames: number; readonly rows: number | undefined },
): readonly string[] {
  const told: string[] = [];
  for (const file of Array.isArray(report['files']) ? (report['files'] as readonly unknown[]) : []) {
    const { name } = asRecord(file);
    if (typeof name === 'string' && !there.films.includes(name))
      told.push(`${name} is in the report but not in the folder.`);
  }
  const saved = savedBefore(report);
  if (saved !== null && saved !== there.frames)
    told.push(`The report says ${saved} frames, the films hold ${there.frames}.`);
  if (there.rows === undefined) told.push('timeStamps.csv is missing.');
  else if (there.rows !== there.frames)
    told.push(`timeStamps.csv has ${there.rows} rows, the films hold ${there.frames} frames.`);
  return told;
}

/** The report of a recording that was stopped and damaged later: what was counted then stays, and the frames that are gone are missing. */
function damagedAfterwards(
  report: Readonly<Record<string, unknown>>,
  rebuilt: Readonly<Record<string, unknown>>,
  frames: number,
): Readonly<Record<string, unknown>> {
  const before = savedBefore(report);
  if (before === null || before <= frames) return rebuilt;
  const gone = before - frames;
  const more = (value: unknown): unknown => (typeof value === 'number' ? value + gone : value);
  const gaps = Array.isArray(report['gaps']) ? (report['gaps'] as readonly unknown[]) : [];
  const kept = gaps.filter((gap) => Number(asRecord(gap)['afterFrame']) < frames);
  const gap = { afterFrame: frames - 1, frames: gone, timeS: rebuilt['durationS'], where: 'disk' };
  return {
    ...report,
    saved: frames,
    missing: more(report['missing']),
    knownMissing: more(report['knownMissing']),
    gaps: [...kept, gap],
    files: rebuilt['files'],
    recovered: rebuilt['recovered'],
  };
}

async function isAnyFilmOpen(folder: string, films: readonly string[]): Promise<boolean> {
  for (const name of films) {
    const state = await inspectAvi(path.join(folder, name)).catch(() => undefined);
    if (state?.isClosed !== true) return true;
  }
  return false;
}

async function countFrames(folder: string, films: readonly string[], problems: string[]): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const name of films) {
    try {
      counts.push((await inspectAvi(path.join(folder, name))).frames);
    } catch (error) {
      problems.push(AppError.from(error).message);
    }
  }
  return counts;
}

async function recoverMetaData(
  folder: string,
  calyx: Readonly<Record<string, unknown>>,
  done: string[],
): Promise<void> {
  const file = path.join(folder, 'metaData.json');
  if ((await readJson(file)) !== null) return;
  const kept = asRecord(calyx['metaData'])['device'];
  if (typeof kept !== 'object' || kept === null) return;
  await writeJson(file, asRecord(kept));
  done.push('metaData.json was made again.');
}

/** Films `0.avi`, `1.avi` … in the order of their numbers. */
export async function filmNames(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => /^\d+\.avi$/.test(name));
  return names.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

async function recoverFilms(
  folder: string,
  films: readonly string[],
  rows: RowState | null,
  said: { readonly done: string[]; readonly problems: string[] },
): Promise<{ readonly counts: readonly number[]; readonly framesCut: number }> {
  const counts: number[] = [];
  let framesCut = 0;
  for (const [n, name] of films.entries()) {
    const file = path.join(folder, name);
    const before = counts.reduce((sum, count) => sum + count, 0);
    const isLast = n === films.length - 1;
    // A frame whose time is unknown would shift nothing, but other programs expect a row for each frame.
    const most = rows !== null ? Math.max(0, rows.rows.length - before) : Number.POSITIVE_INFINITY;
    try {
      const repair = await repairAvi(file, most);
      counts.push(repair.frames);
      framesCut += repair.framesCut;
      if (repair.changed) {
        const cut =
          repair.framesCut > 0
            ? ` ${repair.framesCut} frames at its end that were torn or had no time were given up.`
            : '';
        said.done.push(`${name} was closed with ${repair.frames} frames.${cut}`);
      }
      if (repair.frames === 0) await setAside(folder, name, said);
    } catch (error) {
      const { code, message } = AppError.from(error);
      if (code !== 'media.unreadable') throw error;
      counts.push(0);
      if (isLast) await setAside(folder, name, said);
      else said.problems.push(message);
    }
  }
  return { counts, framesCut };
}

/** A film that never got as far as its first frame would trip other programs' readers. */
async function setAside(folder: string, name: string, { done }: { readonly done: string[] }): Promise<void> {
  await rename(path.join(folder, name), path.join(folder, `${name}.empty`));
  done.push(`${name} had no frame on the disk yet; it was renamed to ${name}.empty.`);
}

/** Every CSV with a row for each frame ends where the films end. */
async function fitRows(folder: string, frames: number, rows: RowState, done: string[]): Promise<number> {
  const times = path.join(folder, 'timeStamps.csv');
  const rowsCut = Math.max(0, rows.rows.length - frames);
  if (rows.isCut || !rows.hasHeader || rowsCut > 0) {
    await cutRows(times, { ...rows, rows: rows.rows.slice(0, frames) }, rowHeaders['timeStamps.csv']);
    done.push(
      rowsCut > 0
        ? `${rowsCut} rows of timeStamps.csv whose frames had not reached the disk were removed.`
        : 'The cut last row of timeStamps.csv was removed.',
    );
  }
  const lastMs = Number(rows.rows[frames - 1]?.split(',')[1] ?? Number.NEGATIVE_INFINITY);
  const ours = await readRows(path.join(folder, 'calyxFrames.csv'), {
    header: rowHeaders['calyxFrames.csv'],
    isFree: false,
  });
  if (ours !== null && (ours.isCut || !ours.hasHeader || ours.rows.length > frames)) {
    await cutRows(
      path.join(folder, 'calyxFrames.csv'),
      { ...ours, rows: ours.rows.slice(0, frames) },
      rowHeaders['calyxFrames.csv'],
    );
    done.push('calyxFrames.csv was cut to the frames there are.');
  }
  const head = await readRows(path.join(folder, 'headOrientation.csv'), {
    header: rowHeaders['headOrientation.csv'],
    isFree: false,
  });
  if (head !== null) {
    const kept = head.rows.filter((row) => Number(row.split(',')[0]) <= lastMs);
    if (head.isCut || !head.hasHeader || kept.length < head.rows.length) {
      await cutRows(
        path.join(folder, 'headOrientation.csv'),
        { ...head, rows: kept },
        rowHeaders['headOrientation.csv'],
      );
      done.push('headOrientation.csv was cut to the frames there are.');
    }
  }
  return rowsCut;
}

/** A JSON object of a file; null when it is missing or torn. */
export async function readJson(file: string): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const value: unknown = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? asRecord(value) : null;
  } catch {
    return null;
  }
}

export const asRecord = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
