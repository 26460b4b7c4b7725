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
  const taken: number[] = [];
  for (let index = 0; index < values.length; index += step) {
    const value = values[index];
    if (value !== undefined && Number.isFinite(value)) taken.push(value);
  }
  if (taken.length === 0) return { low: 0, high: 1 };
  const sorted = Float32Array.from(taken).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const bottom = at(low);
  const top = at(high);
  return { low: bottom, high: top > bottom ? top : bottom + 1 };
}
