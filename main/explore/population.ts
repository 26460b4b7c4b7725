// SPDX-License-Identifier: MIT
import { binMeans, standardise, timeBins } from './bins.ts';
import { clusterOrder, correlations, firstComponent, orderBy } from './correlate.ts';
import { editedRows, eventOnsets, RunTraces, runTimes } from './read-run.ts';
import type { ExploreTask, TaskAnswer } from './tasks.ts';

/** Products that a correlation matrix may cost: two seconds on a laptop. */
const mostProducts = 2.5e9;
/** Columns of the raster: more than a screen has. */
const rasterColumns = 1600;

/** All cells over the whole recording: raster, correlations, rates, and the orders in which they may be shown. */
export async function population(task: Extract<ExploreTask, { type: 'population' }>): Promise<TaskAnswer> {
  const { run, trace, binS } = task;
  const n = run.cells.length;
  const timesS = await runTimes(run);
  const bins = timeBins(
    timesS,
    binS,
    Math.max(64, Math.min(12_000, Math.floor((2 * mostProducts) / Math.max(1, n * n)))),
  );
  const values = new Float32Array(n * bins.count);
  const traces = await RunTraces.open(run, trace);
  try {
    for (const [k, cell] of run.cells.entries()) {
      const row = values.subarray(k * bins.count, (k + 1) * bins.count);
      binMeans(await traces.row(cell.row), bins, row);
      standardise(row);
    }
  } finally {
    await traces.close();
  }
  const r = correlations(values, n, bins.count);
  const { loadings, share } = firstComponent(r, n);
  const eventsPerMin = await rates(
    task,
    bins.frames.reduce((sum, frames) => sum + frames, 0),
    timesS,
  );
  const columns = Math.min(rasterColumns, bins.count);
  const raster = narrow(values, n, bins.count, columns);
  const bytes = new Uint8Array(4 * (raster.length + r.length));
  bytes.set(new Uint8Array(raster.buffer), 0);
  bytes.set(new Uint8Array(r.buffer), 4 * raster.length);
  return {
    header: {
      rows: run.cells.map(({ row }) => row),
      columns,
      binS: bins.binS,
      startS: bins.startS,
      columnS: (bins.binS * bins.count) / columns,
      eventsPerMin,
      firstComponent: { share, loadings: Array.from(loadings) },
      orders: {
        row: run.cells.map((_, k) => k),
        rate: orderBy(eventsPerMin),
        component: orderBy(loadings),
        position: orderBy(
          run.cells.map(({ x }) => x),
          false,
        ),
        cluster: clusterOrder(r, n),
      },
    },
    bytes,
  };
}

/** Events a minute of recorded time (gaps do not count); null for cells whose events are not known. */
async function rates(
  { run }: Extract<ExploreTask, { type: 'population' }>,
  frames: number,
  timesS: Float64Array,
): Promise<(number | null)[]> {
  const onsets = await eventOnsets(run);
  const edited = editedRows(run);
  const known = timesS.filter(Number.isFinite);
  const steps = known
    .slice(1)
    .map((time, i) => time - (known[i] ?? 0))
    .sort();
  const minutes = (frames * (steps[Math.floor(steps.length / 2)] ?? 0)) / 60;
  return run.cells.map(({ row }) =>
    onsets === undefined || edited.has(row) || minutes <= 0 ? null : (onsets.get(row)?.length ?? 0) / minutes,
  );
}

/** Fewer columns: each the mean of the finite values it stands for, NaN of none. */
export function narrow(values: Float32Array, n: number, from: number, to: number): Float32Array {
  if (from === to) return values.slice();
  const result = new Float32Array(n * to);
  for (let k = 0; k < n; k += 1) {
    for (let column = 0; column < to; column += 1) {
      const first = Math.floor((column * from) / to);
      const end = Math.max(first + 1, Math.floor(((column + 1) * from) / to));
      let [sum, count] = [0, 0];
      for (let i = first; i < end; i += 1) {
        const value = values[k * from + i] ?? Number.NaN;
        if (!Number.isFinite(value)) continue;
        sum += value;
        count += 1;
      }
      result[k * to + column] = count === 0 ? Number.NaN : sum / count;
    }
  }
  return result;
}
