// SPDX-License-Identifier: MIT

/** Equal bins of real time over a recording, and the frames that fall into each. */
export interface TimeBins {
  readonly binS: number;
  /** Start of the first bin, s. */
  readonly startS: number;
  readonly count: number;
  /** By frame: its bin, −1 where the frame has no time. */
  readonly binOf: Int32Array;
  /** Frames in each bin: 0 in a gap of the recording. */
  readonly frames: Uint32Array;
}

/** Median interval between neighbouring known times, s. */
export function medianInterval(timesS: ArrayLike<number>): number {
  const steps: number[] = [];
  let before = Number.NaN;
  for (let i = 0; i < timesS.length; i += 1) {
    const time = timesS[i] ?? Number.NaN;
    if (!Number.isFinite(time)) continue;
    if (Number.isFinite(before)) steps.push(time - before);
    before = time;
  }
  const sorted = Float64Array.from(steps).sort();
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * Cuts a recording into bins of real time: a gap of the recording stays a gap.
 *
 * @param timesS - by frame; NaN = unknown
 * @param wantedS - width of a bin; widened where there would be more than `most` bins, and never below a frame's interval
 */
export function timeBins(timesS: ArrayLike<number>, wantedS: number, most: number): TimeBins {
  let [first, last] = [Infinity, -Infinity];
  for (let i = 0; i < timesS.length; i += 1) {
    const time = timesS[i] ?? Number.NaN;
    if (!Number.isFinite(time)) continue;
    if (time < first) first = time;
    if (time > last) last = time;
  }
  const frameS = medianInterval(timesS);
  const binOf = new Int32Array(timesS.length).fill(-1);
  if (first > last) return { binS: wantedS, startS: 0, count: 0, binOf, frames: new Uint32Array() };
  const frame = Number.isFinite(frameS) && frameS > 0 ? frameS : wantedS;
  const span = last - first + frame;
  const binS = Math.max(wantedS, frame, span / most);
  // Half a frame before the first: a bin of whole frames then never lies on an edge.
  const startS = first - frame / 2;
  const count = Math.max(1, Math.ceil(span / binS - 1e-6));
  const frames = new Uint32Array(count);
  for (let i = 0; i < timesS.length; i += 1) {
    const time = timesS[i] ?? Number.NaN;
    if (!Number.isFinite(time)) continue;
    const bin = Math.min(count - 1, Math.floor((time - startS) / binS));
    binOf[i] = bin;
    frames[bin] = (frames[bin] ?? 0) + 1;
  }
  return { binS, startS, count, binOf, frames };
}

/** Mean of a trace's finite samples in each bin; NaN where there is none. */
export function binMeans(trace: ArrayLike<number>, bins: TimeBins, into: Float32Array): void {
  const sums = new Float64Array(bins.count);
  const counts = new Uint32Array(bins.count);
  for (let i = 0; i < bins.binOf.length; i += 1) {
    const bin = bins.binOf[i] ?? -1;
    const value = trace[i] ?? Number.NaN;
    if (bin < 0 || !Number.isFinite(value)) continue;
    sums[bin] = (sums[bin] ?? 0) + value;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  for (let bin = 0; bin < bins.count; bin += 1) {
    const n = counts[bin] ?? 0;
    into[bin] = n === 0 ? Number.NaN : (sums[bin] ?? 0) / n;
  }
}

/** Mean and standard deviation (of the population) of the finite values. */
export function spread(values: ArrayLike<number>): { readonly mean: number; readonly sd: number } {
  let [n, sum] = [0, 0];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? Number.NaN;
    if (!Number.isFinite(value)) continue;
    n += 1;
    sum += value;
  }
  if (n === 0) return { mean: Number.NaN, sd: Number.NaN };
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? Number.NaN;
    if (Number.isFinite(value)) squares += (value - mean) ** 2;
  }
  return { mean, sd: Math.sqrt(squares / n) };
}

/** Turns values into standard deviations from their mean, in place; a constant becomes 0, NaN stays. */
export function standardise(values: Float32Array): void {
  const { mean, sd } = spread(values);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? Number.NaN;
    values[i] = sd > 1e-12 ? (value - mean) / sd : Number.isFinite(value) ? 0 : Number.NaN;
  }
}
