// SPDX-License-Identifier: MIT
import path from 'node:path';
import { NpyFile } from '../arrays/index.ts';
import { AppError, type Uuid } from '../contract/index.ts';
import type { Library, RunQuality, TraceName } from '../library/index.ts';

/** Moments of the finite samples of a trace (datamodel.md 1.7; upstream defects 9 and 10 not repeated). */
export interface Moments {
  readonly samples: number;
  /** Third standardised moment, m₃ / m₂^1.5; null for a constant trace, which has none. */
  readonly skewness: number | null;
  /** Second central moment m₂, not its root; null without samples. */
  readonly variance: number | null;
}

/** Population moments in two passes. */
export function moments(trace: ArrayLike<number>): Moments {
  let samples = 0;
  let sum = 0;
  for (let i = 0; i < trace.length; i += 1) {
    const value = trace[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    samples += 1;
    sum += value;
  }
  if (samples === 0) return { samples, skewness: null, variance: null };
  const mean = sum / samples;
  let [second, third] = [0, 0];
  let largest = 0;
  for (let i = 0; i < trace.length; i += 1) {
    const value = trace[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    const off = value - mean;
    second += off * off;
    third += off ** 3;
    largest = Math.max(largest, Math.abs(value));
  }
  const variance = second / samples;
  // The mean of equal numbers may be off by a rounding: that is not a spread.
  if (Math.sqrt(variance) <= largest * 1e-12) return { samples, skewness: null, variance: 0 };
  const skewness = third / samples / variance ** 1.5;
  return { samples, skewness: Number.isFinite(skewness) ? skewness : null, variance };
}

const traceNames: readonly TraceName[] = ['raw', 'denoised', 'deconvolved', 'dff'];

async function motionOf(file: string): Promise<RunQuality['motion']> {
  const motion = await NpyFile.open(file);
  try {
    const frames = motion.shape[0] ?? 0;
    const values = await motion.read(0, frames * 2);
    const axis = (offset: number): number[] =>
      Array.from({ length: frames }, (_, frame) => values[frame * 2 + offset] ?? Number.NaN).filter(Number.isFinite);
    const [y, x] = [axis(0), axis(1)];
    const largest = (list: readonly number[]): number =>
      list.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const spread = (list: readonly number[]): number => Math.sqrt(moments(list).variance ?? 0);
    return {
      frames: Math.min(y.length, x.length),
      yStd: spread(y),
      xStd: spread(x),
      yMax: largest(y),
      xMax: largest(x),
    };
  } finally {
    await motion.close();
  }
}

/**
 * Both quality tables of a run: figures of its traces and of its motion, computed once and kept.
 *
 * @throws AppError `run.not_found`, `run.not_ready`, `engine.internal` for arrays that cannot be read
 */
export async function runQuality(library: Library, runUuid: Uuid): Promise<RunQuality> {
  const kept = await library.events.quality(runUuid);
  if (kept.traces.length > 0) return kept;
  const { run, arrays, folder } = await library.runs.get(runUuid);
  if (run.state !== 'succeeded') throw new AppError('run.not_ready', 'This run has no result.');
  const has = (name: string): boolean => arrays.some((array) => array.path === name);
  const traces: RunQuality['traces'][number][] = [];
  for (const trace of traceNames) {
    if (!has(`traces/${trace}.npy`)) continue;
    const file = await NpyFile.open(path.join(folder, 'traces', `${trace}.npy`));
    try {
      const [cells = 0, frames = 0] = file.shape;
      for (let row = 0; row < cells; row += 1) {
        traces.push({ row, trace, ...moments(await file.read(row * frames, frames)) });
      }
    } finally {
      await file.close();
    }
  }
  const motion = has('motion.npy') ? await motionOf(path.join(folder, 'motion.npy')) : null;
  await library.events.saveQuality(runUuid, { traces, motion });
  return await library.events.quality(runUuid);
}
