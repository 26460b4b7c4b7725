// SPDX-License-Identifier: MIT
import { setImmediate } from 'node:timers/promises';
import type { Finding } from '../contract/index.ts';
import { readNumberTable } from './csv.ts';

/** A Miniscope DAQ's timeStamps.csv, with what it tells about the recording. */
export interface TimeStamps {
  readonly rows: number;
  /** Seconds since the recording's start, one per row; NaN where the file holds an absurd time. */
  readonly timeS: Float64Array;
  /** Frames per second, from the ordinary intervals; null with fewer than two rows. */
  readonly fps: number | null;
  /** Frames that the times (or the DAQ's counter) say are missing. */
  readonly lostFrames: number;
  readonly findings: readonly Finding[];
}

const frameNumber = 'Frame Number';
const timeStamp = 'Time Stamp (ms)';
const daqFrameNumber = 'DAQ Frame Number';

/** Counters of the DAQ are 16 bit and not unwrapped by its software. */
const counterPeriod = 65_536;

/** An interval this many times the usual one is a gap. */
const gapFactor = 1.5;

/** After a late frame the host may empty its buffer: intervals within so many frames can make up for it. */
const catchUpFrames = 3;

/**
 * Reads a timeStamps.csv of 3, 4 or 5 columns by header name (reference/acquisition.md 4.4).
 *
 * @param file name shown in messages
 * @throws AppError `session.bad_csv`
 */
export async function parseTimeStamps(text: string, file: string): Promise<TimeStamps> {
  const { columns, cut } = await readNumberTable(withHeader(text), file, {
    required: [timeStamp],
    optional: [frameNumber, daqFrameNumber],
  });
  const read = { ms: columns.get(timeStamp) ?? new Float64Array(), cut };
  return await timeStampsOf(read, file, { numbers: columns.get(frameNumber), counter: columns.get(daqFrameNumber) });
}

/** The software's own count of the frames, and the DAQ's; undefined where there is none. */
interface Counts {
  readonly numbers?: Float64Array | undefined;
  readonly counter?: Float64Array | undefined;
}

/**
 * What the times of frames tell, whichever file they were read from.
 *
 * @param read - ms, one per row, and whether a last row was left out that ended in the middle
 */
export async function timeStampsOf(
  { ms, cut }: { readonly ms: Float64Array; readonly cut: boolean },
  file: string,
  { numbers, counter }: Counts = {},
): Promise<TimeStamps> {
  const findings: Finding[] = [];
  const say = (severity: Finding['severity'], code: string, message: string): void => {
    findings.push({ severity, code, message, where: file });
  };
  if (cut)
    say('warning', 'csv.cut', 'The last row ends in the middle (the program stopped while writing); it was left out.');
  const { timeS, absurd } = toSeconds(ms);
  await setImmediate();
  if (absurd > 0) say('warning', 'time.absurd', `${absurd} time stamps are impossible and were taken as unknown.`);
  const all = steps(timeS);
  const usual = usualInterval(all);
  const counted = counter === undefined ? null : lostByCounter(counter);
  const gaps = usual === null ? noGaps : findGaps(all, usual);
  const lostFrames = counted ?? gaps.lost;
  if (gaps.backwards > 0) say('warning', 'time.backwards', `Time runs backwards at ${gaps.backwards} places.`);
  if (lostFrames > 0) say('warning', 'frames.lost', lostSentence(lostFrames, gaps, counted !== null));
  else if (gaps.late > 0) {
    say(
      'info',
      'frames.late',
      `${gaps.late} frames came late (up to ${(gaps.longestS * 1000).toFixed(0)} ms); none is missing.`,
    );
  }
  await setImmediate();
  const jump = numbers === undefined ? -1 : numbers.findIndex((value, row) => value !== (numbers[0] ?? 0) + row);
  if (jump > 0)
    say(
      'warning',
      'csv.frame_numbers',
      `The frame numbers do not run on at line ${jump + 2}; rows are joined to frames by position.`,
    );
  return { rows: ms.length, timeS, fps: usual === null ? null : 1 / usual, lostFrames, findings };
}

/** Version 0.1 of the software (January 2020) wrote frame, time and buffer apart by tabs, without a header. */
function withHeader(text: string): string {
  return /^\uFEFF?\d+\t-?\d+\t/.test(text)
    ? `${frameNumber},${timeStamp},Buffer Index\n${text.replaceAll('\t', ',')}`
    : text;
}

function lostSentence(lost: number, gaps: Gaps, byCounter: boolean): string {
  const source = byCounter ? "the DAQ's frame counter" : 'gaps in the time stamps';
  const longest =
    gaps.longestS > 0 ? `; longest interval ${(gaps.longestS * 1000).toFixed(0)} ms at frame ${gaps.longestAt}` : '';
  return `${lost} ${lost === 1 ? 'frame is' : 'frames are'} missing by ${source}${longest}.`;
}

/**
 * Milliseconds to seconds. First rows may be negative; in the field single rows are absurd (hundreds of hours, unsigned wraps): further
 * from the median than ten times the recording plus an hour.
 */
function toSeconds(ms: Float64Array): { timeS: Float64Array; absurd: number } {
  const timeS = ms.map((value) => value / 1000);
  const centre = median(timeS);
  const typical = typicalStep(steps(timeS));
  const reach = 3600 + 10 * timeS.length * typical;
  let absurd = 0;
  for (let row = 0; row < timeS.length; row += 1) {
    if (Math.abs((timeS[row] ?? Number.NaN) - centre) <= reach) continue;
    timeS[row] = Number.NaN;
    absurd += 1;
  }
  return { timeS, absurd };
}

/** Values that a median is taken of at most: those of a recording of ten hours would take a tenth of a second to sort. */
const medianOf = 65_536;

/** Middle value of the finite ones above a floor, of evenly spread ones where there are very many; NaN when there is none. */
function median(values: Float64Array, above = -Infinity): number {
  const every = Math.ceil(values.length / medianOf);
  const some = every > 1 ? values.filter((_, at) => at % every === 0) : values;
  const finite = some.filter((value) => value > above && Number.isFinite(value)).toSorted();
  if (finite.length === 0) return Number.NaN;
  const middle = Math.floor(finite.length / 2);
  const upper = finite[middle] ?? Number.NaN;
  return finite.length % 2 === 1 ? upper : ((finite[middle - 1] ?? upper) + upper) / 2;
}

/** From each value to the next. */
export function steps(timeS: Float64Array): Float64Array {
  const result = new Float64Array(Math.max(0, timeS.length - 1));
  for (let row = 0; row < result.length; row += 1)
    result[row] = (timeS[row + 1] ?? Number.NaN) - (timeS[row] ?? Number.NaN);
  return result;
}

/** The middle one of the steps forward; 0 when there is none. */
export function typicalStep(all: Float64Array): number {
  const middle = median(all, 0);
  return Number.isNaN(middle) ? 0 : middle;
}

/**
 * Seconds between two frames when none is lost: the mean of the intervals within half of the median. The plain median would be off by up
 * to half a millisecond, as the file holds whole ones (34 ms for 29.8 Hz).
 */
function usualInterval(all: Float64Array): number | null {
  const middle = typicalStep(all);
  if (!(middle > 0)) return null;
  let [sum, ordinary] = [0, 0];
  for (const step of all) {
    if (!(step > 0.5 * middle && step < 1.5 * middle)) continue;
    sum += step;
    ordinary += 1;
  }
  return ordinary === 0 ? middle : sum / ordinary;
}

interface Gaps {
  readonly late: number;
  readonly lost: number;
  readonly backwards: number;
  readonly longestS: number;
  /** Frame after the longest interval. */
  readonly longestAt: number;
}

const noGaps: Gaps = { late: 0, lost: 0, backwards: 0, longestS: 0, longestAt: 0 };

/** Late and lost frames; a late frame whose followers come quicker was only late. */
function findGaps(all: Float64Array, usual: number): Gaps {
  let { late, lost, backwards, longestS, longestAt } = noGaps;
  let row = 0;
  while (row < all.length) {
    const step = all[row] ?? Number.NaN;
    if (step < 0) backwards += 1;
    if (!(step > gapFactor * usual)) {
      row += 1;
      continue;
    }
    late += 1;
    if (step > longestS) {
      longestS = step;
      longestAt = row + 1;
    }
    let span = step;
    let frames = 1;
    while (frames <= catchUpFrames && (all[row + frames] ?? usual) < 0.8 * usual) {
      span += all[row + frames] ?? usual;
      frames += 1;
    }
    lost += Math.max(0, Math.round(span / usual) - frames);
    row += frames;
  }
  return { late, lost, backwards, longestS, longestAt };
}

/** Frames missing by the DAQ's own counter; null where it was never read. −1 is unread; wraps and restarts are not losses. */
function lostByCounter(counter: Float64Array): number | null {
  let lost = 0;
  let known = 0;
  let before: number | undefined;
  for (const value of counter) {
    if (value < 0) {
      before = undefined;
      continue;
    }
    known += 1;
    if (before !== undefined) {
      let step = value - before;
      if (step < -counterPeriod / 2) step += counterPeriod;
      if (step > 1 && step < counterPeriod / 2) lost += step - 1;
    }
    before = value;
  }
  return known < 2 ? null : lost;
}

/**
 * Times of film frames, joined to rows by position. `firstRow[i]` is the row of the first frame of film i. Frames without a row get NaN.
 */
export function joinTimes(
  timeS: Float64Array,
  films: readonly { readonly frames: number; readonly firstRow: number }[],
): Float64Array {
  const total = films.reduce((sum, film) => sum + film.frames, 0);
  const joined = new Float64Array(total).fill(Number.NaN);
  let position = 0;
  for (const film of films) {
    joined.set(timeS.subarray(film.firstRow, film.firstRow + film.frames), position);
    position += film.frames;
  }
  return joined;
}
