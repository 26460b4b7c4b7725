// SPDX-License-Identifier: MIT

/** The range of grey a picture is shown with. */
export interface Levels {
  readonly low: number;
  readonly high: number;
}

const samples = 65_536;

/**
 * Percentiles of an image's finite values, so that a few hot pixels do not make the rest black.
 * @param low share of pixels that may be black, 0 to 1
 * @param high share of pixels that are not white
 */
export function percentileLevels(values: ArrayLike<number>, low = 0.01, high = 0.995): Levels {
  const step = Math.max(1, Math.floor(values.length / samples));
  const taken = new Float32Array(Math.ceil(values.length / step));
  let count = 0;
  for (let index = 0; index < values.length; index += step) {
    const value = values[index] ?? Number.NaN;
    if (Number.isFinite(value)) taken[count++] = value;
  }
  if (count === 0) return { low: 0, high: 1 };
  const at = (share: number): number => nthSmallest(taken, count, Math.min(count - 1, Math.floor(share * count)));
  const bottom = at(low);
  const top = at(high);
  return { low: bottom, high: top > bottom ? top : bottom + 1 };
}

/** What would stand at a place if the first `count` values were sorted; moves them about. In time linear in their number: no picture waits for a sort. */
function nthSmallest(values: Float32Array, count: number, place: number): number {
  let left = 0;
  let right = count - 1;
  while (left < right) {
    // The middle one: many pictures are nearly sorted, or all of one level.
    const pivot = values[(left + right) >> 1] ?? 0;
    let low = left;
    let high = right;
    while (low <= high) {
      while ((values[low] ?? 0) < pivot) low += 1;
      while ((values[high] ?? 0) > pivot) high -= 1;
      if (low > high) break;
      const kept = values[low] ?? 0;
      values[low++] = values[high] ?? 0;
      values[high--] = kept;
    }
    if (place <= high) right = high;
    else if (place >= low) left = low;
    else break;
  }
  return values[place] ?? 0;
}
