// SPDX-License-Identifier: MIT
import { headOrientationOf, nearestRows, readNumberTable } from '../sessions/index.ts';
import { AppError } from '../contract/index.ts';
import { medianInterval } from './bins.ts';
import { RunTraces, runTimes } from './read-run.ts';
import type { ExploreTask, PositionTrack, TaskAnswer } from './tasks.ts';

/** A quaternion counts as measured when its norm is 1 within this. */
const normTolerance = 0.02;

/** The turn about the upright axis, degrees from 0 to 360; NaN for what is no rotation. */
export function yawDegrees(w: number, x: number, y: number, z: number): number {
  if (Math.abs(Math.hypot(w, x, y, z) - 1) > normTolerance) return Number.NaN;
  const degrees = (Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)) * 180) / Math.PI;
  return (degrees + 360) % 360;
}

/** Mean activity by direction and how much it points one way. */
export interface Tuning {
  /** By bin; null where the head never was. */
  readonly means: readonly (number | null)[];
  /** Length of the mean vector, 0 … 1; null where nothing is known. */
  readonly length: number | null;
  readonly preferredDeg: number | null;
}

/**
 * Tuning of a trace to a direction. Each bin counts once, however long the head was there; negative activity counts as none.
 *
 * @param binOf - by frame: its bin, −1 = unknown
 */
export function tuning(trace: ArrayLike<number>, binOf: Int32Array, bins: number): Tuning {
  const sums = new Float64Array(bins);
  const counts = new Uint32Array(bins);
  for (let i = 0; i < binOf.length; i += 1) {
    const bin = binOf[i] ?? -1;
    const value = trace[i] ?? Number.NaN;
    if (bin < 0 || !Number.isFinite(value)) continue;
    sums[bin] = (sums[bin] ?? 0) + value;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const means = Array.from(sums, (sum, bin) => ((counts[bin] ?? 0) === 0 ? null : sum / (counts[bin] ?? 1)));
  let [east, north, total] = [0, 0, 0];
  for (const [bin, value] of means.entries()) {
    const angle = ((bin + 0.5) / bins) * 2 * Math.PI;
    const weight = Math.max(0, value ?? 0);
    east += weight * Math.cos(angle);
    north += weight * Math.sin(angle);
    total += weight;
  }
  if (total <= 0) return { means, length: null, preferredDeg: null };
  const degrees = (Math.atan2(north, east) * 180) / Math.PI;
  return { means, length: Math.hypot(east, north) / total, preferredDeg: (degrees + 360) % 360 };
}

/** Tuning of every cell to the direction of the head. @throws AppError `explore.no_orientation`, `session.bad_csv` */
export async function orientationTuning(task: Extract<ExploreTask, { type: 'tuning' }>): Promise<TaskAnswer> {
  const { run, bins } = task;
  const measured = await headOrientationOf(task.orientation);
  if (measured === null)
    throw new AppError('explore.no_orientation', 'The head orientations are no longer beside the film.');
  const table = await readNumberTable(measured.text, measured.file, {
    required: ['Time Stamp (ms)', 'qw', 'qx', 'qy', 'qz'],
    allowNonFinite: true,
  });
  const column = (name: string): Float64Array => table.columns.get(name) ?? new Float64Array();
  const [stamps, qw, qx, qy, qz] = ['Time Stamp (ms)', 'qw', 'qx', 'qy', 'qz'].map(column);
  const rows: { readonly timeS: number; readonly yaw: number }[] = [];
  for (let row = 0; row < table.rows; row += 1) {
    const yaw = yawDegrees(qw?.[row] ?? 0, qx?.[row] ?? 0, qy?.[row] ?? 0, qz?.[row] ?? 0);
    const timeS = (stamps?.[row] ?? Number.NaN) / 1000;
    if (Number.isFinite(yaw) && Number.isFinite(timeS)) rows.push({ timeS, yaw });
  }
  rows.sort((a, b) => a.timeS - b.timeS);
  if (rows.length === 0) {
    throw new AppError('explore.no_orientation', `No row of ${measured.file} holds a valid head orientation.`, {
      hint: 'The sensor was absent or silent in this recording.',
    });
  }
  const times = await runTimes(run);
  const frameS = medianInterval(times);
  const rowsS = Float64Array.from(rows, ({ timeS }) => timeS);
  const found = nearestRows(times, rowsS, Math.max(2 * medianInterval(rowsS), frameS));
  const binOf = found.map((row) =>
    row < 0 ? -1 : Math.min(bins - 1, Math.floor(((rows[row]?.yaw ?? 0) / 360) * bins)),
  );
  const occupancyS = Array.from({ length: bins }, () => 0);
  for (const bin of binOf) if (bin >= 0) occupancyS[bin] = (occupancyS[bin] ?? 0) + frameS;
  const traces = await RunTraces.open(run, task.trace);
  const cells: (Tuning & { readonly row: number })[] = [];
  try {
    for (const { row } of run.cells) cells.push({ row, ...tuning(await traces.row(row), binOf, bins) });
  } finally {
    await traces.close();
  }
  const course = Array.from({ length: Math.min(1200, times.length) }, (_, i) => {
    const frame = Math.floor((i * times.length) / Math.min(1200, times.length));
    const row = found[frame] ?? -1;
    return { timeS: orNull(times[frame] ?? Number.NaN), yawDeg: row < 0 ? null : (rows[row]?.yaw ?? null) };
  });
  return {
    header: {
      bins,
      occupancyS,
      unknownS: binOf.reduce((sum, bin) => sum + (bin < 0 ? frameS : 0), 0),
      cells,
      course,
    },
    bytes: new Uint8Array(),
  };
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Squares of an arena: which one each frame lies in. */
export interface ArenaBins {
  readonly columns: number;
  readonly rows: number;
  readonly left: number;
  readonly top: number;
  readonly bin: number;
  /** By frame; −1 where the place is not known or the animal was slower than asked. */
  readonly binOf: Int32Array;
  readonly occupancyS: Float32Array;
}

/** Puts each frame into a square of the arena. Speed is taken over the neighbouring samples of the track. */
export function arenaBins(timesS: ArrayLike<number>, track: PositionTrack, bin: number, leastSpeed: number): ArenaBins {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < track.x.length; i += 1) {
    const [x, y] = [track.x[i] ?? Number.NaN, track.y[i] ?? Number.NaN];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const columns = left > right ? 0 : Math.max(1, Math.ceil((right - left) / bin + 1e-9));
  const rows = left > right ? 0 : Math.max(1, Math.ceil((bottom - top) / bin + 1e-9));
  const binOf = new Int32Array(timesS.length).fill(-1);
  const occupancyS = new Float32Array(columns * rows);
  const frameS = medianInterval(timesS);
  const found = nearestRows(timesS, track.timesS, Math.max(2 * medianInterval(track.timesS), frameS));
  for (let i = 0; i < timesS.length; i += 1) {
    const row = found[i] ?? -1;
    if (row < 0 || speedAt(track, row) < leastSpeed) continue;
    const [x, y] = [track.x[row] ?? Number.NaN, track.y[row] ?? Number.NaN];
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    const column = Math.min(columns - 1, Math.floor((x - left) / bin));
    const line = Math.min(rows - 1, Math.floor((y - top) / bin));
    const at = line * columns + column;
    binOf[i] = at;
    occupancyS[at] = (occupancyS[at] ?? 0) + frameS;
  }
  return { columns, rows, left, top, bin, binOf, occupancyS };
}

function speedAt({ x, y, timesS }: PositionTrack, row: number): number {
  const [before, after] = [Math.max(0, row - 1), Math.min(timesS.length - 1, row + 1)];
  const dt = (timesS[after] ?? 0) - (timesS[before] ?? 0);
  const way = Math.hypot((x[after] ?? 0) - (x[before] ?? 0), (y[after] ?? 0) - (y[before] ?? 0));
  return dt > 0 ? way / dt : 0;
}

/** A map smoothed by a Gaussian of one bin, weighted by occupancy: places never visited stay unknown. */
export function placeMap(trace: ArrayLike<number>, arena: ArenaBins): Float32Array {
  const { columns, rows, binOf } = arena;
  const sums = new Float64Array(columns * rows);
  const counts = new Float64Array(columns * rows);
  for (let i = 0; i < binOf.length; i += 1) {
    const at = binOf[i] ?? -1;
    const value = trace[i] ?? Number.NaN;
    if (at < 0 || !Number.isFinite(value)) continue;
    sums[at] = (sums[at] ?? 0) + value;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return Float32Array.from({ length: columns * rows }, (_, at) => {
    if ((counts[at] ?? 0) === 0) return Number.NaN;
    const [line, column] = [Math.floor(at / columns), at % columns];
    let [sum, weight] = [0, 0];
    for (let dy = -2; dy <= 2; dy += 1) {
      for (let dx = -2; dx <= 2; dx += 1) {
        const [y, x] = [line + dy, column + dx];
        if (y < 0 || y >= rows || x < 0 || x >= columns) continue;
        const g = Math.exp(-(dy * dy + dx * dx) / 2);
        sum += g * (sums[y * columns + x] ?? 0);
        weight += g * (counts[y * columns + x] ?? 0);
      }
    }
    return weight === 0 ? Number.NaN : sum / weight;
  });
}

/** Spatial information, bits per unit of activity (Skaggs 1993); null without activity. */
export function spatialInformation(map: Float32Array, occupancyS: Float32Array): number | null {
  let [time, mean] = [0, 0];
  for (let at = 0; at < map.length; at += 1) {
    const value = map[at] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    time += occupancyS[at] ?? 0;
    mean += (occupancyS[at] ?? 0) * Math.max(0, value);
  }
  mean /= time;
  if (!(mean > 0)) return null;
  let bits = 0;
  for (let at = 0; at < map.length; at += 1) {
    const ratio = Math.max(0, map[at] ?? 0) / mean;
    if (ratio > 0) bits += ((occupancyS[at] ?? 0) / time) * ratio * Math.log2(ratio);
  }
  return bits;
}

/** Occupancy and the map of every cell. */
export async function placeMaps(task: Extract<ExploreTask, { type: 'place' }>): Promise<TaskAnswer> {
  const { run, position } = task;
  const arena = arenaBins(await runTimes(run), position, task.bin, task.leastSpeed);
  const size = arena.columns * arena.rows;
  const maps = new Float32Array(size * (1 + run.cells.length));
  maps.set(arena.occupancyS, 0);
  const information: (number | null)[] = [];
  const traces = await RunTraces.open(run, task.trace);
  try {
    for (const [k, { row }] of run.cells.entries()) {
      const map = placeMap(await traces.row(row), arena);
      maps.set(map, size * (1 + k));
      information.push(spatialInformation(map, arena.occupancyS));
    }
  } finally {
    await traces.close();
  }
  return {
    header: {
      rows: run.cells.map(({ row }) => row),
      columns: arena.columns,
      lines: arena.rows,
      left: arena.left,
      top: arena.top,
      bin: arena.bin,
      unit: position.unit,
      information,
    },
    bytes: new Uint8Array(maps.buffer),
  };
}
