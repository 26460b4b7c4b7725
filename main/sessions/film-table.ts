// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Finding } from '../contract/index.ts';
import { textOf, whyNoNumber } from '../text-tables/index.ts';
import { dialectIn, sampleLength } from './csv.ts';
import { forEachLine, lineAt } from './lines.ts';
import { steps, type TimeStamps, timeStampsOf, typicalStep } from './time-stamps.ts';
import type { Place } from './types.ts';

/** A film and the tables that bear its name. */
export interface Pair {
  readonly folder: string;
  readonly film: string;
  /** Table of the frames; null where only the orientation is there. */
  readonly table: string | null;
  readonly orientation: string | null;
}

/** When a recording began, as far as its table says. */
export interface StartOf {
  readonly startedAt: string | null;
  readonly tzOffsetMin: number | null;
}

/** What a table tells about the frames of its film. */
export interface FilmTable {
  readonly times: TimeStamps;
  /** What was taken off the clock of the table so that times count from the recording's start, ms. */
  readonly zeroMs: number;
  /** What the table holds in the columns of these names, as it is written, row by row; false where one of them is not there. */
  readonly forEachRow: (wanted: readonly string[], act: (fields: readonly string[]) => void) => Promise<boolean>;
}

export function pairOf(folder: string, film: string, entries: Place['entries']): Pair | null {
  const base = path.basename(film, path.extname(film));
  const names = new Map(entries.filter(({ kind }) => kind === 'file').map(({ name }) => [name.toLowerCase(), name]));
  const first = (...endings: readonly string[]): string | null =>
    endings.map((ending) => names.get(`${base}${ending}`.toLowerCase())).find((name) => name !== undefined) ?? null;
  const table = first('_timestamps.csv', '_timestamps.tsv', '_timestamp.csv', '-timestamps.csv', '.csv');
  const orientation = first('_orientation.csv', '-orientation.csv');
  return table === null && orientation === null ? null : { folder, film, table, orientation };
}

/** A table beside a film may be anything, such as what DeepLabCut found in it: its first line must speak of frames and times. */
export async function isOurs({ folder, table, orientation }: Pair): Promise<boolean> {
  if (table === null) return orientation !== null;
  const bytes = await readFile(path.join(folder, table)).catch(() => Buffer.alloc(0));
  const [header = ''] = textOf(bytes.subarray(0, 4000)).split(/\r?\n/);
  const names = header.toLowerCase().split(/[,;\t]/);
  return (
    names.some((name) => /time/.test(name)) &&
    (names.some((name) => /frame/.test(name)) || table.toLowerCase().includes('timestamp'))
  );
}

const units: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, µs: 1e-6, us: 1e-6, ns: 1e-9 };

/** Frames of this field come between 200 and 1 a second: what a clock without a unit must be counted in. */
const [shortestS, longestS] = [0.005, 1];

/**
 * Times of the frames of such a table: the clock of the hardware where there is one, else the computer's. A unit that no header names is the
 * one that makes frames come at a possible rate.
 *
 * @throws AppError `session.bad_csv`
 */
export async function readTable(file: string, shown: string): Promise<StartOf & FilmTable> {
  const text = textOf(await readFile(file)).trimEnd();
  const [header, body] = lineAt(text, 0);
  const dialect = dialectIn(shown, header, text.slice(body, body + sampleLength));
  const names = dialect.fields(header, 1);
  const first = body > text.length ? [] : dialect.fields(lineAt(text, body)[0], 2);
  const columns = [/hardware.?time|device.?time/i, /time/i].map((wanted) =>
    names.findIndex((name) => wanted.test(name)),
  );
  const stamp = names.findIndex((name) => /^time.?stamp$/i.test(name));
  const stamped = first[stamp] ?? '';
  const start = /\d{4}-\d\d-\d\dT/.test(stamped) ? startOf(stamped) : { startedAt: null, tzOffsetMin: null };
  const forEachRow: FilmTable['forEachRow'] = async (wanted, act) => {
    const places = wanted.map((name) => names.findIndex((each) => each.toLowerCase() === name.toLowerCase()));
    if (places.includes(-1)) return false;
    await forEachLine(text, (line, index) => {
      if (index === 0) return;
      const row = dialect.fields(line, index + 1);
      act(places.map((column) => row[column] ?? ''));
    });
    return true;
  };
  for (const column of new Set(columns)) {
    if (column < 0) continue;
    const read: number[] = [];
    let bad: { readonly line: number; readonly field: string } | undefined;
    await forEachLine(text, (line, index) => {
      if (index === 0) return;
      // The program may have been ended while it wrote its last line.
      if (bad !== undefined) {
        throw new AppError(
          'session.bad_csv',
          `${shown}, line ${bad.line}, column ${column + 1} (“${names[column] ?? ''}”): “${bad.field.slice(0, 40)}” is no time${whyNoNumber(bad.field)}.`,
          {
            hint: 'Correct that line, or move the file away to read the film without it.',
            details: { file: shown, line: bad.line, column: column + 1 },
          },
        );
      }
      const field = dialect.fields(line, index + 1)[column] ?? '';
      const value = numberOf(field);
      if (Number.isNaN(value)) bad = { line: index + 1, field };
      else read.push(value);
    });
    const values = Float64Array.from(read);
    const named = units[/[[(]\s*(s|ms|µs|us|ns)\s*[\])]/i.exec(names[column] ?? '')?.[1]?.toLowerCase() ?? ''];
    const isDate = /T/.test(first[column] ?? '');
    const unit = isDate ? 1e-3 : (named ?? likelyUnit(values));
    if (unit === null) continue;
    const [begin = 0] = values;
    const zero = Math.abs(begin * unit) > 3600 ? begin : 0;
    // To a tenth of a microsecond: what stands behind that comes from the change of units.
    const ms = values.map((value) => Math.round((value - zero) * unit * 1e7) / 1e4);
    const times = await timeStampsOf({ ms, cut: false }, shown);
    const said: Finding[] = [
      ...times.findings,
      ...(bad !== undefined
        ? [
            {
              severity: 'warning',
              code: 'csv.cut',
              message: 'The last row ends in the middle and was left out.',
              where: shown,
            } as const,
          ]
        : []),
      ...(named === undefined && !isDate
        ? [
            {
              severity: 'info',
              code: 'time.unit',
              message: `“${names[column] ?? ''}” names no unit; frames come at a possible rate when one count is ${unit} s.`,
              where: shown,
            } as const,
          ]
        : []),
    ];
    return { ...start, times: { ...times, findings: said }, zeroMs: zero * unit * 1e3, forEachRow };
  }
  throw new AppError(
    'session.bad_csv',
    `${shown}: no column holds times of frames at a possible rate; found “${header.slice(0, 80)}”.`,
    {
      details: { file: shown, line: 1 },
    },
  );
}

function numberOf(text: string): number {
  if (/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text)) return Number(text);
  return /^\d{4}-\d\d-\d\dT/.test(text) ? preciseDate(text) : Number.NaN;
}

/** ISO time in ms; the digits beyond a millisecond that Bonsai writes are kept. */
function preciseDate(text: string): number {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  if (match === null) return Number.NaN;
  return Date.parse(`${match[1] ?? ''}${match[3] ?? 'Z'}`) + 1000 * Number(match[2] ?? 0);
}

function startOf(text: string): StartOf {
  const at = preciseDate(text);
  if (!Number.isFinite(at)) return { startedAt: null, tzOffsetMin: null };
  const zone = /([+-])(\d\d):?(\d\d)$/.exec(text.slice(10));
  const offset =
    zone === null
      ? text.endsWith('Z')
        ? 0
        : null
      : (zone[1] === '-' ? -1 : 1) * (60 * Number(zone[2]) + Number(zone[3]));
  return { startedAt: new Date(Math.floor(at)).toISOString(), tzOffsetMin: offset };
}

function likelyUnit(values: Float64Array): number | null {
  const usual = typicalStep(steps(values));
  return [1, 1e-3, 1e-6, 1e-9].find((unit) => usual * unit >= shortestS && usual * unit <= longestS) ?? null;
}
