// SPDX-License-Identifier: MIT

/** For each time the index of the nearest row of a rising list, −1 where none lies within `reachS`. */
export function nearestRows(timesS: ArrayLike<number>, rowsS: ArrayLike<number>, reachS: number): Int32Array {
  const result = new Int32Array(timesS.length).fill(-1);
  for (let i = 0; i < timesS.length; i += 1) {
    const time = timesS[i] ?? Number.NaN;
    if (!Number.isFinite(time)) continue;
    let [low, high] = [0, rowsS.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rowsS[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    const before = low > 0 ? time - (rowsS[low - 1] ?? 0) : Infinity;
    const after = low < rowsS.length ? (rowsS[low] ?? 0) - time : Infinity;
    if (Math.min(before, after) <= reachS) result[i] = before <= after ? low - 1 : low;
  }
  return result;
}

/** The middle one of the intervals between known times, s; NaN of fewer than two. */
export function usualInterval(timesS: ArrayLike<number>): number {
  const known = Array.from(timesS).filter((time) => Number.isFinite(time));
  const steps = known.slice(1).map((time, i) => time - (known[i] ?? 0));
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? Number.NaN;
}
