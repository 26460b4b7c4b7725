// SPDX-License-Identifier: MIT
import { medianInterval } from './bins.ts';
import { eventOnsets, RunTraces, runTimes } from './read-run.ts';
import type { ExploreTask, TaskAnswer } from './tasks.ts';

/** The mean event of each cell: raw ΔF/F around the frames in which its events begin. NaN for a cell without events. */
export async function eventProfiles(task: Extract<ExploreTask, { type: 'profiles' }>): Promise<TaskAnswer> {
  const { run, beforeS, afterS } = task;
  const times = await runTimes(run);
  const frameS = medianInterval(times);
  const before = Number.isFinite(frameS) ? Math.round(beforeS / frameS) : 0;
  const after = Number.isFinite(frameS) ? Math.round(afterS / frameS) : 0;
  const length = before + after + 1;
  const onsets = await eventOnsets(run);
  const values = new Float32Array(run.cells.length * length).fill(Number.NaN);
  const traces = await RunTraces.open(run, 'dff');
  try {
    for (const [k, { row }] of run.cells.entries()) {
      const begins = onsets?.get(row) ?? [];
      if (begins.length > 0) values.set(meanAround(await traces.row(row), begins, before, after), k * length);
    }
  } finally {
    await traces.close();
  }
  return {
    header: {
      rows: run.cells.map(({ row }) => row),
      timesS: Array.from({ length }, (_, i) => (i - before) * frameS),
      events: run.cells.map(({ row }) => onsets?.get(row)?.length ?? 0),
    },
    bytes: new Uint8Array(values.buffer),
  };
}

/** Mean of a trace around some frames; samples beyond its ends and those without a number are left out. */
export function meanAround(
  trace: ArrayLike<number>,
  frames: readonly number[],
  before: number,
  after: number,
): Float32Array {
  return Float32Array.from({ length: before + after + 1 }, (_, i) => {
    let [sum, n] = [0, 0];
    for (const frame of frames) {
      const value = trace[frame - before + i] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      sum += value;
      n += 1;
    }
    return n === 0 ? Number.NaN : sum / n;
  });
}
