// SPDX-License-Identifier: MIT
import path from 'node:path';
import { isMat5 } from '../mat5/index.ts';
import { whyNoNumber } from '../text-tables/index.ts';
import { dialectIn, linesOf, numberOf, unreadable } from './text.ts';
import { readMatrix } from './readers/mat5.ts';

/** Which column is the time, and what makes seconds of it. */
export interface TimeColumn {
  readonly index: number;
  readonly toS: number;
}

const perUnit: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  seconds: 1,
  ms: 1e-3,
  msec: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** Finds a column of time by its name: `Time Stamp (ms)`, `time_s`, `t`, `unix_time`, `timestamp` … Without a unit it counts seconds. */
export function timeColumn(names: readonly string[]): TimeColumn | null {
  const index = names.findIndex((name) =>
    /^(t|time|time[ _]?stamps?.*|timestamp.*|time[ _([].*|unix[ _]?time.*|seconds?|.*[ _]time([ _([].*)?)$/i.test(
      name.trim(),
    ),
  );
  if (index < 0) return null;
  const name = (names[index] ?? '').toLowerCase();
  const unit =
    /[[(]\s*(s|sec|seconds|ms|msec|us|µs|ns)\s*[\])]/.exec(name)?.[1] ??
    /[_ ](s|sec|seconds|ms|msec|us|µs|ns)$/.exec(name)?.[1] ??
    's';
  return { index, toS: perUnit[unit] ?? 1 };
}

/**
 * A file of the times of a film's frames, s: the Miniscope software's timeStamps.csv, any table with a column of time, a list of numbers
 * without a header, or a MAT file of one vector.
 *
 * @throws AppError `position.unreadable`
 */
export async function readTimes(file: string): Promise<Float64Array> {
  if (await isMat5(file)) return Float64Array.from((await readMatrix(file)).values);
  const lines = await linesOf(file);
  const dialect = dialectIn(file, lines);
  const names = dialect.fields(lines[0] ?? '', 1);
  const headless = names.length === 1 && numberOf(names[0]) !== undefined;
  const column = headless ? { index: 0, toS: 1 } : timeColumn(names);
  if (column === null)
    throw unreadable(file, `no column is called a time; found “${names.join(', ').slice(0, 80)}”.`, 1);
  const body = headless ? lines : lines.slice(1);
  return Float64Array.from(body, (line, row) => {
    const at = row + (headless ? 1 : 2);
    const fields = dialect.fields(line, at);
    const field = fields[column.index] ?? '';
    const value = numberOf(field);
    if (fields.length > names.length && fields.at(-1) !== '')
      throw unreadable(file, `it has ${fields.length} fields, the first line ${names.length}.`, at);
    if (value === undefined) throw unreadable(file, `“${field.slice(0, 40)}” is no time${whyNoNumber(field)}.`, at);
    return value * column.toS;
  });
}

/**
 * Times of rows by the frames they are of; rows whose frame has none get NaN and are told. Frames are matched by number, never by counting
 * rows, where the file tells them.
 */
export function joinFrames(
  frames: Float64Array,
  times: Float64Array,
  file: string,
): { readonly timesS: Float64Array; readonly findings: readonly string[] } {
  let without = 0;
  const timesS = frames.map((frame) => {
    const time = times[frame];
    if (time === undefined) without += 1;
    return time ?? Number.NaN;
  });
  const unused = times.length - frames.length;
  return {
    timesS,
    findings: [
      ...(without > 0
        ? [`${without} rows are of frames that ${path.basename(file)} does not know; they have no time.`]
        : []),
      ...(unused > 0 ? [`${path.basename(file)} has ${unused} times more than there are rows.`] : []),
    ],
  };
}
