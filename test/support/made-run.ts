// SPDX-License-Identifier: MIT
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Library, NewCell, NewSession } from '../../main/library/index.ts';
import { newRun, newSession, seededNumbers } from './library-data.ts';
import { npyBytes, pyramidLevels, sparseBytes } from './run-folder.ts';

/** Runs of any size, written as the engine writes them: for screens that must stand 2,000 cells, ten hours, one frame or nothing. */

/** How large a run is. */
export interface MadeSize {
  readonly cells: number;
  readonly frames: number;
  /** Height and width, px. */
  readonly side: number;
  readonly fps?: number;
  /** As a later version of the program would write it. */
  readonly formatVersion?: number;
}

const traceNames = ['raw', 'denoised', 'deconvolved'] as const;

/** Activity with events that decay. */
function activity(length: number, random: () => number): Float32Array {
  const values = new Float32Array(length);
  let level = 0;
  for (let t = 0; t < length; t += 1) {
    level = level * 0.97 + (random() < 0.004 ? 20 + 30 * random() : 0);
    values[t] = level + random() - 0.5;
  }
  return values;
}

/** Minima and maxima of all levels, each made of the one before. */
function pyramidOf(values: Float32Array): Float32Array {
  const levels = pyramidLevels(values.length);
  const out = new Float32Array(2 * levels.reduce((sum, buckets) => sum + buckets, 0));
  let [low, high] = [values, values];
  let at = 0;
  for (const buckets of levels) {
    const [lows, highs] = [new Float32Array(buckets), new Float32Array(buckets)];
    for (let i = 0; i < buckets; i += 1) {
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let j = 4 * i; j < Math.min(low.length, 4 * i + 4); j += 1) {
        least = Math.min(least, low[j] ?? 0);
        most = Math.max(most, high[j] ?? 0);
      }
      lows[i] = least;
      highs[i] = most;
      out[at] = least;
      out[at + 1] = most;
      at += 2;
    }
    [low, high] = [lows, highs];
  }
  return out;
}

/** Writes a run folder; gives its cells. */
export function writeMadeRun(folder: string, size: MadeSize, seed = 5): readonly NewCell[] {
  const { cells: count, frames: length, side, fps = 20, formatVersion = 1 } = size;
  const random = seededNumbers(seed);
  const centre = (): number => 6 + random() * Math.max(1, side - 12);
  const places = Array.from({ length: count }, () => ({ y: centre(), x: centre() }));
  const picture = Float32Array.from({ length: side * side }, () => random());
  const footprints = places.map(({ y, x }) => {
    const entries: (readonly [number, number])[] = [];
    for (let v = Math.max(0, Math.floor(y - 5)); v <= Math.min(side - 1, y + 5); v += 1) {
      for (let u = Math.max(0, Math.floor(x - 5)); u <= Math.min(side - 1, x + 5); u += 1) {
        const value = Math.exp(-((v - y) ** 2 + (u - x) ** 2) / 14);
        if (value <= 0.1) continue;
        entries.push([v * side + u, value]);
        picture[v * side + u] = (picture[v * side + u] ?? 0) + value;
      }
    }
    return entries;
  });
  const times = Float64Array.from({ length }, (_, t) => t / fps);
  const files: Record<string, Buffer> = {
    'footprints.npz': sparseBytes(footprints, side * side),
    'time.npy': npyBytes([length], times),
    'images/mean.npy': npyBytes([side, side], picture),
    'images/max.npy': npyBytes([side, side], picture),
    'images/correlation.npy': npyBytes([side, side], picture),
  };
  const levels = pyramidLevels(length);
  const per = 2 * levels.reduce((sum, buckets) => sum + buckets, 0);
  for (const kind of traceNames) {
    const all = new Float32Array(count * length);
    const pairs = new Float32Array(count * per);
    for (let k = 0; k < count; k += 1) {
      const values = activity(length, random);
      all.set(values, k * length);
      pairs.set(pyramidOf(values), k * per);
    }
    files[`traces/${kind}.npy`] = npyBytes([count, length], all);
    if (levels.length > 0) files[`traces/${kind}.pyramid.npy`] = npyBytes([count, per], pairs);
  }
  const manifest = {
    formatVersion,
    components: count,
    frames: length,
    height: side,
    width: side,
    fps,
    chosen: { diameterPx: 8 },
    pyramid: { factor: 4, levels },
    files: Object.keys(files).map((name) => ({ path: name })),
  };
  files['run.json'] = Buffer.from(JSON.stringify(manifest));
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
  return places.map(({ y, x }, row) => ({
    row,
    centroid: { y, x },
    box: { top: Math.max(0, Math.floor(y - 5)), left: Math.max(0, Math.floor(x - 5)), height: 11, width: 11 },
    suggested: random() > 0.2,
    reasons: [],
    metrics: {
      snr: 3 + 9 * random(),
      rValue: 0.6 + 0.4 * random(),
      areaPx: 60 + 40 * random(),
      events: 30,
      diameterPx: 8,
    },
  }));
}

/** Adds a finished run of a recording. */
export async function addMadeRun(library: Library, recordingUuid: string, size: MadeSize): Promise<string> {
  const run = await library.runs.create(newRun(recordingUuid));
  await library.runs.claim({ runUuid: run.uuid });
  const folder = library.runFolder(run.uuid);
  const cells = writeMadeRun(folder, size);
  const arrays = traceNames.map((name) => ({
    path: `traces/${name}.npy`,
    dtype: '<f4',
    shape: [size.cells, size.frames],
    bytes: statSync(path.join(folder, 'traces', `${name}.npy`)).size,
    sha256: '0'.repeat(64),
  }));
  await library.runs.finish(run.uuid, { cells, arrays });
  return run.uuid;
}

/** Adds a session whose film is of that size, and a finished run of it. The film is where `films` says, or gone. */
export async function addMadeSession(
  library: Library,
  n: number,
  name: string,
  size: MadeSize,
  film: { readonly folder: string; readonly codec: string; readonly bytes: number } | null = null,
): Promise<{ readonly sessionUuid: string; readonly runUuid: string }> {
  const [recording] = newSession(n).recordings;
  if (recording === undefined) throw new Error('a session has a recording');
  const { frames, side, fps = 20 } = size;
  const whole: NewSession = newSession(n, {
    name,
    ...(film === null ? {} : { folder: film.folder }),
    recordings: [
      {
        ...recording,
        height: side,
        width: side,
        frames,
        fps,
        durationS: frames / fps,
        ...(film === null ? {} : { codec: film.codec }),
        files: [{ path: 'Miniscope/0.avi', frames, bytes: film?.bytes ?? 1 }],
      },
    ],
  });
  const { session } = await library.sessions.insert(whole);
  const [made] = session.recordings;
  if (made === undefined) throw new Error('the session was made without its recording');
  return { sessionUuid: session.uuid, runUuid: await addMadeRun(library, made.uuid, size) };
}
