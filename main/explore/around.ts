// SPDX-License-Identifier: MIT
import { average, binFrames, binGrid, binTrace } from '../workflow/index.ts';
import { medianInterval, spread } from './bins.ts';
import { RunTraces, runTimes } from './read-run.ts';
import type { AroundTask, TaskAnswer } from './tasks.ts';

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Mean of the finite values; NaN of none. */
function mean(values: readonly number[]): number {
  let [sum, n] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    sum += value;
    n += 1;
  }
  return n === 0 ? Number.NaN : sum / n;
}

/**
 * Activity around an event, by condition: each cell's mean over trials and the mean of all cells with the standard error over cells; for one cell every trial and the
 * mean over trials with its 95 % band.
 */
export async function around(task: AroundTask): Promise<TaskAnswer> {
  const { run, conditions, trials, scale } = task;
  const times = await runTimes(run);
  const placed = Array.from(times.entries())
    .filter(([, time]) => Number.isFinite(time))
    .sort(([, a], [, b]) => a - b);
  const frames = placed.map(([frame]) => frame);
  const timesS = placed.map(([, time]) => time);
  const frameS = medianInterval(timesS);
  const grid = binGrid(
    trials.map(({ window }) => window),
    task.binS ?? frameS,
  );
  const binned = trials.map(({ window }) => binFrames(timesS, window, grid, frameS));
  const bins = grid.centresS.length;
  const cells = task.row === null ? run.cells : run.cells.filter(({ row }) => row === task.row);
  const means = new Float32Array(conditions.length * cells.length * bins);
  const traces = await RunTraces.open(run, task.trace);
  let every: number[][] = [];
  try {
    for (const [k, cell] of cells.entries()) {
      const values = await traces.row(cell.row);
      const { mean: middle, sd } = scale === 'z' ? spread(values) : { mean: 0, sd: 1 };
      const scaled = (value: number): number =>
        sd > 1e-12 ? (value - middle) / sd : Number.isFinite(value) ? 0 : value;
      const activity = binned.map((each) => binTrace(values, frames, each).map(scaled));
      if (task.row !== null) every = activity;
      for (const [condition] of conditions.entries()) {
        const mine = activity.filter((_, trial) => trials[trial]?.condition === condition);
        for (let bin = 0; bin < bins; bin += 1) {
          means[(condition * cells.length + k) * bins + bin] = mean(mine.map((trial) => trial[bin] ?? Number.NaN));
        }
      }
    }
  } finally {
    await traces.close();
  }
  const named = conditions.map((name, condition) => {
    const count = trials.filter((trial) => trial.condition === condition).length;
    const columns = grid.centresS.map((_, bin) => {
      if (task.row !== null) {
        return average(
          every.filter((__, trial) => trials[trial]?.condition === condition).map((trial) => trial[bin] ?? Number.NaN),
        );
      }
      const over = cells.map((__, k) => means[(condition * cells.length + k) * bins + bin] ?? Number.NaN);
      const finite = over.filter(Number.isFinite);
      const { mean: middle, sd } = spread(finite);
      // Standard error over cells, from the sample's deviation.
      const error = finite.length < 2 ? Number.NaN : sd / Math.sqrt(finite.length - 1);
      return { mean: orNull(middle), low: orNull(middle - error), high: orNull(middle + error) };
    });
    return {
      name,
      trials: count,
      mean: columns.map((column) => column.mean),
      low: columns.map((column) => column.low),
      high: columns.map((column) => column.high),
    };
  });
  return {
    header: {
      rows: cells.map(({ row }) => row),
      binS: grid.binS,
      timesS: [...grid.centresS],
      conditions: named,
      trials: every.map((trial, i) => ({
        condition: trials[i]?.condition ?? 0,
        values: trial.map(orNull),
      })),
    },
    bytes: new Uint8Array(means.buffer),
  };
}
