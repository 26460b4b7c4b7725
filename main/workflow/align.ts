// SPDX-License-Identifier: MIT

/** A window on the miniscope's clock: the moment that becomes 0, and how far it reaches. */
export interface CameraWindow {
  readonly zeroS: number;
  readonly startS: number;
  readonly endS: number;
}

/** Bins around the event that are common to all windows. */
export interface BinGrid {
  readonly binS: number;
  /** Centres of the bins, s from the event; a multiple of the bin's width each. */
  readonly centresS: readonly number[];
}

/** The bins that cover every window: centres at multiples of the width. */
export function binGrid(windows: readonly CameraWindow[], binS: number): BinGrid {
  const from = Math.min(...windows.map((window) => window.startS - window.zeroS));
  const to = Math.max(...windows.map((window) => window.endS - window.zeroS));
  const first = Math.ceil(from / binS - 1e-9);
  const last = Math.floor(to / binS + 1e-9);
  return {
    binS,
    centresS: Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * binS),
  };
}

/** For a window: which frames fall into each bin, or between which two frames it lies. */
export interface BinnedFrames {
  readonly bins: readonly (
    | { readonly kind: 'mean'; readonly first: number; readonly last: number }
    | { readonly kind: 'between'; readonly before: number; readonly weight: number }
    | null
  )[];
}

/** First index whose time is not below `t`; times rise. */
function firstNotBelow(times: readonly number[], t: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Assigns frames to a window's bins: the mean of the frames within half a bin of the centre; where none is (bins narrower than frames), the
 * straight line between the neighbours; nothing outside the window, or in a gap longer than 2.5 frames.
 *
 * @param timesS - times of the frames, rising, s
 */
export function binFrames(
  timesS: readonly number[],
  window: CameraWindow,
  grid: BinGrid,
  frameS: number,
): BinnedFrames {
  const bins = grid.centresS.map((centre) => {
    const t = window.zeroS + centre;
    if (t < window.startS - 1e-9 || t > window.endS + 1e-9) return null;
    const first = firstNotBelow(timesS, t - grid.binS / 2);
    const end = firstNotBelow(timesS, t + grid.binS / 2);
    if (end > first) return { kind: 'mean' as const, first, last: end - 1 };
    const [before, after] = [timesS[first - 1], timesS[first]];
    if (before === undefined || after === undefined || after - before > 2.5 * frameS) return null;
    return { kind: 'between' as const, before: first - 1, weight: (t - before) / (after - before) };
  });
  return { bins };
}

/** A trace's values in a window's bins; NaN where there is nothing. `frames` maps positions in time order to columns of the trace. */
export function binTrace(trace: ArrayLike<number>, frames: readonly number[], { bins }: BinnedFrames): number[] {
  const at = (position: number): number => trace[frames[position] ?? -1] ?? Number.NaN;
  return bins.map((bin) => {
    if (bin === null) return Number.NaN;
    if (bin.kind === 'between') return at(bin.before) * (1 - bin.weight) + at(bin.before + 1) * bin.weight;
    let sum = 0;
    for (let position = bin.first; position <= bin.last; position += 1) sum += at(position);
    return sum / (bin.last - bin.first + 1);
  });
}

/** Mean over trials in a bin with its 95 % confidence band; null where too few trials tell. */
export interface BinAverage {
  readonly n: number;
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Average over trials: mean ± t(0.975, n − 1) · s / √n, trials without a value left out. */
export function average(values: readonly number[]): BinAverage {
  const finite = values.filter((value) => Number.isFinite(value));
  const n = finite.length;
  if (n === 0) return { n, mean: null, low: null, high: null };
  const mean = finite.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, low: null, high: null };
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = studentQuantile975(n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { n, mean, low: mean - half, high: mean + half };
}

/** The 0.975 quantile of Student's t (Hill 1970, algorithm 396, exact for 1 and 2 degrees of freedom). */
export function studentQuantile975(degrees: number): number {
  if (degrees === 1) return Math.tan(0.475 * Math.PI);
  if (degrees === 2) return Math.sqrt(2 / (0.05 * (2 - 0.05)) - 2);
  const p = 0.05;
  const a = 1 / (degrees - 0.5);
  const b = (48 / a) * (1 / a);
  let c = ((20700 / b) * a - 98) * a - 16;
  c = c * a + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * degrees;
  let x = d * p;
  let y = x ** (2 / degrees);
  if (y > 0.05 + a) {
    x = -1.959_963_984_540_054;
    y = x * x;
    if (degrees < 5) c += 0.3 * (degrees - 4.5) * (x + 0.6);
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else {
    y =
      ((1 / (((degrees + 6) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2) * 3) + 0.5 / (degrees + 4)) * y - 1) *
        ((degrees + 1) / (degrees + 2)) +
      1 / y;
  }
  return Math.sqrt(degrees * y);
}
