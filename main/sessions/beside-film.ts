// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Finding } from '../contract/index.ts';
import { isOurs, type Pair, pairOf, readTable } from './film-table.ts';
import { textOf } from '../text-tables/index.ts';
import { dialectIn, sampleLength } from './csv.ts';
import { orientationFindings, orientationText } from './orientation.ts';
import { forEachLine, lineAt } from './lines.ts';
import { listFolder } from './places.ts';

/** Head orientations beside a film, whichever program wrote them. */
export interface HeadOrientation {
  /** Name of the file that holds them. */
  readonly file: string;
  /** As Miniscope DAQ writes them: `Time Stamp (ms),qw,qx,qy,qz`, times since the recording's start; a line for each line of the file. */
  readonly text: string;
}

const header = 'Time Stamp (ms),qw,qx,qy,qz';
const quaternion = ['Quaternion_W', 'Quaternion_X', 'Quaternion_Y', 'Quaternion_Z'];

/**
 * The head orientations beside a recording's first film: those of the tables that bear the film's name (Open Ephys GUI, PoMiDAQ), else
 * headOrientation.csv. Null where there are none.
 *
 * @throws AppError `session.bad_csv` where a table names no times
 */
export async function headOrientationOf(film: string): Promise<HeadOrientation | null> {
  return await headIn(film, await besideOf(film));
}

async function headIn(film: string, beside: Beside | null): Promise<HeadOrientation | null> {
  const named =
    beside === null ? null : beside.pair.orientation === null ? await ofFrames(beside) : await ofOwnTable(beside);
  if (named !== null) return named;
  const bytes = await readFile(path.join(path.dirname(film), 'headOrientation.csv')).catch(() => null);
  return bytes === null ? null : { file: 'headOrientation.csv', text: orientationText(textOf(bytes)) };
}

/**
 * Levels at the digital inputs by frame of the recording: `01` says that the first was low and the second high; empty where they were not
 * read. They stand in calyxFrames.csv, or in the Open Ephys GUI's table of the frames. Null where there are none.
 *
 * @throws AppError `session.bad_csv`
 */
export async function inputsOf(film: string): Promise<readonly string[] | null> {
  return await inputsIn(film, await besideOf(film));
}

async function inputsIn(film: string, beside: Beside | null): Promise<readonly string[] | null> {
  const own = await readFile(path.join(path.dirname(film), 'calyxFrames.csv'), 'utf8').catch(() => null);
  if (own !== null) {
    const column = lineAt(own, 0)[0].split(',').indexOf('Inputs');
    const read: string[] = [];
    if (column >= 0) {
      await forEachLine(own, (row, index) => {
        if (index > 0) read.push(levels(row.split(',')[column] ?? ''));
      });
      return read;
    }
  }
  const table = await beside?.table();
  if (table === undefined || table === null) return null;
  const read: string[] = [];
  const take = (row: readonly string[]): void => void read.push(levels(row.map((field) => level(field)).join('')));
  const isThere =
    (await table.forEachRow(['DigitalIn0', 'DigitalIn1'], take)) || (await table.forEachRow(['DigitalIn0'], take));
  return isThere ? read : null;
}

const levels = (text: string): string => (/^[01]{1,8}$/.test(text) ? text : '');

function level(field: string): string {
  if (/^(?:true|1)$/i.test(field)) return '1';
  return /^(?:false|0)$/i.test(field) ? '0' : '?';
}

/** The tables that bear a film's name. */
interface Beside {
  readonly pair: Pair;
  /** The one of its frames, read once however many ask; null where there is none. @throws AppError `session.bad_csv` */
  readonly table: () => Promise<Awaited<ReturnType<typeof readTable>> | null>;
}

async function besideOf(film: string): Promise<Beside | null> {
  const folder = path.dirname(film);
  const pair = pairOf(folder, path.basename(film), await listFolder(folder).catch(() => []));
  if (pair === null || !(await isOurs(pair))) return null;
  let read: ReturnType<typeof readTable> | undefined;
  return {
    pair,
    table: async () =>
      pair.table === null ? null : await (read ??= readTable(path.join(folder, pair.table), pair.table)),
  };
}

/** Open Ephys GUI: a quaternion in the row of each frame, its order x, y, z, w. */
async function ofFrames({ pair, table }: Beside): Promise<HeadOrientation | null> {
  const read = await table();
  if (read === null || pair.table === null) return null;
  const { timeS } = read.times;
  const lines = [header];
  // A last row that ends in the middle has no time.
  const isThere = await read.forEachRow(quaternion, (row) => {
    const at = timeS[lines.length - 1];
    if (at !== undefined) lines.push([1000 * at, ...row].join(','));
  });
  return isThere ? { file: pair.table, text: `${lines.join('\n')}\n` } : null;
}

/** PoMiDAQ: a table of its own, whose clock is that of the frames. */
async function ofOwnTable({ pair, table }: Beside): Promise<HeadOrientation | null> {
  const { folder, orientation } = pair;
  if (orientation === null) return null;
  const bytes = await readFile(path.join(folder, orientation)).catch(() => null);
  if (bytes === null) return null;
  const whole = textOf(bytes);
  const [first, body] = lineAt(whole, 0);
  const dialect = dialectIn(orientation, first, whole.slice(body, body + sampleLength));
  const names = dialect.fields(first, 1).map((name) => name.toLowerCase());
  const columns = ['time [ms]', 'qw', 'qx', 'qy', 'qz'].map((name) => names.indexOf(name));
  if (columns.includes(-1)) {
    throw new AppError(
      'session.bad_csv',
      `${orientation}, line 1: head orientations have the columns “Time [ms],qw,qx,qy,qz”; found “${first.slice(0, 80)}”.`,
      { details: { file: orientation, line: 1 } },
    );
  }
  const zeroMs = (await table())?.zeroMs ?? 0;
  const lines: string[] = [];
  await forEachLine(whole, (line, index) => {
    if (index === 0 || line.trim() === '') {
      lines.push(index === 0 ? header : '');
      return;
    }
    const fields = dialect.fields(line, index + 1);
    const [time = '', ...parts] = columns.map((column) => fields[column] ?? '');
    const ms = time === '' ? Number.NaN : Number(time);
    lines.push([Number.isNaN(ms) ? time : ms - zeroMs, ...parts].join(','));
  });
  return { file: orientation, text: lines.join('\n') };
}

/** What the head orientations in a device's folder tell. They never keep a recording from being imported. */
export async function findingsOfFolder(folder: string): Promise<readonly Finding[]> {
  const where = `${path.basename(folder)}/headOrientation.csv`;
  return await told(where, async () =>
    orientationFindings(orientationText(textOf(await readFile(path.join(folder, 'headOrientation.csv')))), where),
  );
}

/** What the tables under a film's name tell of head and inputs. They never keep a recording from being imported. */
export async function besideFindings(film: string): Promise<readonly Finding[]> {
  const where = path.basename(film);
  const beside = await besideOf(film);
  const head = await told(where, async () => {
    const found = await headIn(film, beside);
    return found === null
      ? []
      : [...(await orientationFindings(found.text, found.file)), ...(await clockFindings(beside, found))];
  });
  return [
    ...head,
    ...(await told(where, async () => {
      const inputs = await inputsIn(film, beside);
      const unread = inputs?.filter((row) => row === '').length ?? 0;
      if (unread === 0) return [];
      const message = `The levels of the digital inputs are not told at ${unread} of ${inputs?.length ?? 0} frames.`;
      return [{ severity: 'warning', code: 'inputs.unread', message, where }];
    })),
  ];
}

/** Orientations of a table of their own that lie at other times than the frames are on another clock: none of them will be shown. */
async function clockFindings(beside: Beside | null, { file, text }: HeadOrientation): Promise<readonly Finding[]> {
  if (beside?.pair.orientation !== file) return [];
  const table = await beside.table();
  if (table === null) return [];
  const { times } = table;
  const known = times.timeS.filter((timeS) => Number.isFinite(timeS));
  const [from, to] = [1000 * (known.at(0) ?? Number.NaN) - 1000, 1000 * (known.at(-1) ?? Number.NaN) + 1000];
  const stamps = text
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => Number.parseFloat(line));
  if (stamps.length === 0 || stamps.some((ms) => ms >= from && ms <= to)) return [];
  const message =
    'No head orientation lies within the times of the frames: they are on another clock, and are not shown.';
  return [{ severity: 'warning', code: 'orientation.clock', message, where: file }];
}

async function told(where: string, read: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await read();
  } catch (error) {
    const message = error instanceof AppError ? error.message : `${where} cannot be read.`;
    return [{ severity: 'warning', code: 'orientation.unreadable', message, where }];
  }
}
