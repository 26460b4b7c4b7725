// SPDX-License-Identifier: MIT
import type { ExportRun } from './job.ts';
import { readWhole } from './run-arrays.ts';

/** When the frames of a run were taken, on one axis for all its recordings. */
export interface Timeline {
  /** T seconds since the start of the first recording. None is NaN. */
  readonly times: Float64Array;
  /** The same, NaN where nobody knows it; null where the run keeps no times. */
  readonly known: Float64Array | null;
  /** Frames whose time is not known: it was filled in from their neighbours and the rate. */
  readonly filled: number;
  /** Frames whose time is not after that of the frame before. */
  readonly disordered: number;
  /** Seconds to add to a time of each recording's own to have it on this axis. */
  readonly offsets: readonly number[];
  /** Recordings laid one frame after the one before: no clock says how far apart they were, or it says that they began before its end. */
  readonly laidEndToEnd: number;
  /** Those of them that have a clock, which says that they began before the one ahead of them ended. */
  readonly againstClock: number;
}

/** What of a run says when its frames were taken. */
export type TimedRun = Pick<ExportRun, 'fps' | 'frames' | 'recordings'> & {
  readonly arrays: Pick<ExportRun['arrays'], 'time'>;
};

/**
 * The times of a run's frames for formats that know no missing time: unknown ones are interpolated, before the first and after the last known
 * one counted out by the rate. Recordings are put where their wall clocks say.
 *
 * @throws AppError `disk.io`
 */
export async function readTimeline(run: TimedRun): Promise<Timeline> {
  const rate = run.fps ?? run.recordings[0]?.fps ?? 1;
  const read = await readWhole(run.arrays.time, 'time.npy', run.frames);
  const times = read === null ? new Float64Array(run.frames).fill(Number.NaN) : Float64Array.from(read);
  const unknown = times.map((time) => (Number.isNaN(time) ? 1 : 0));
  let filled = 0;
  let laidEndToEnd = 0;
  let againstClock = 0;
  const offsets: number[] = [];
  const start = run.recordings[0]?.startedAt ?? null;
  let previousEnd = Number.NEGATIVE_INFINITY;
  for (const recording of run.recordings) {
    const part = times.subarray(recording.firstSample, recording.firstSample + recording.samples);
    filled += fillTimes(part, recording.fps ?? rate, recording.firstFrame);
    offsets.push(0);
    if (recording.firstSample > 0) {
      const byClock =
        start === null || recording.startedAt === null
          ? Number.NaN
          : (Date.parse(recording.startedAt) - Date.parse(start)) / 1000;
      const isAfter = (part[0] ?? 0) + byClock > previousEnd;
      const offset = isAfter ? byClock : previousEnd + 1 / rate - (part[0] ?? 0);
      offsets[offsets.length - 1] = offset;
      if (!isAfter) laidEndToEnd += 1;
      if (!isAfter && !Number.isNaN(byClock)) againstClock += 1;
      for (let i = 0; i < part.length; i += 1) part[i] = (part[i] ?? 0) + offset;
    }
    previousEnd = part.at(-1) ?? previousEnd;
  }
  let disordered = 0;
  for (let t = 1; t < times.length; t += 1) if (!((times[t] ?? 0) > (times[t - 1] ?? 0))) disordered += 1;
  return {
    times,
    known: read === null ? null : times.map((time, t) => (unknown[t] === 1 ? Number.NaN : time)),
    filled: read === null || filled === times.length ? 0 : filled,
    disordered,
    laidEndToEnd,
    againstClock,
    offsets,
  };
}

/** Fills unknown times in place; a recording without any is counted out by its rate. Gives how many were unknown. */
export function fillTimes(times: Float64Array, rate: number, firstFrame: number): number {
  const known = times.findIndex((time) => !Number.isNaN(time));
  if (known === -1) {
    for (let t = 0; t < times.length; t += 1) times[t] = (firstFrame + t) / rate;
    return times.length;
  }
  let filled = 0;
  for (let t = known - 1; t >= 0; t -= 1) {
    times[t] = (times[t + 1] ?? 0) - 1 / rate;
    filled += 1;
  }
  for (let t = known + 1; t < times.length; t += 1) {
    if (!Number.isNaN(times[t])) continue;
    let next = t;
    while (next < times.length && Number.isNaN(times[next])) next += 1;
    const before = times[t - 1] ?? 0;
    const step = next < times.length ? ((times[next] ?? 0) - before) / (next - t + 1) : 1 / rate;
    for (let i = t; i < next; i += 1) times[i] = before + step * (i - t + 1);
    filled += next - t;
    t = next;
  }
  return filled;
}

/** A series of times as NWB wants it: by its rate where it is regular to a nanosecond, else time by time. */
export type Sampling =
  | { readonly kind: 'rate'; readonly start: number; readonly rate: number }
  | { readonly kind: 'timestamps'; readonly times: Float64Array };

/** nwbinspector's rule (`check_regular_timestamps`): all steps equal when rounded to 9 decimals. */
export function sampling(times: Float64Array): Sampling {
  const step = (t: number): number => Math.round(((times[t] ?? 0) - (times[t - 1] ?? 0)) * 1e9);
  const first = step(1);
  if (times.length < 3 || first <= 0) return { kind: 'timestamps', times };
  for (let t = 2; t < times.length; t += 1) if (step(t) !== first) return { kind: 'timestamps', times };
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return { kind: 'rate', start: times[0] ?? 0, rate: (times.length - 1) / span };
}
