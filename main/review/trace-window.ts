// SPDX-License-Identifier: MIT
import type { NpyArray } from '../arrays/index.ts';

/**
 * How a window of frames is cut into columns, and what each column shows: the smallest and the largest value, so that no peak is lost
 * however far out one zooms.
 */
export interface Columns {
  /** First frame of each column and, last, the frame after the last column. Rising; a multiple of `bucket` except at the film's end. */
  readonly edges: readonly number[];
  /** Frames that one value of the chosen level covers; 1 = the trace itself. */
  readonly bucket: number;
  /** Index into the pyramid's levels, −1 = the trace itself. */
  readonly level: number;
}

/** A trace's minimum/maximum pyramid: level n (from 0) covers factor^(n + 1) frames a bucket. */
export interface Pyramid {
  readonly factor: number;
  /** Buckets of each level. */
  readonly levels: readonly number[];
}

/**
 * The finest-grained work that is worth it: a level is used once a column holds at least two of its buckets, and the columns' edges then
 * lie on the edges of buckets, so that each column's extremes are exact for the frames it covers. There are never more columns than frames.
 *
 * @param first - first frame, 0-based
 * @param last - last frame, inclusive
 * @param frames - frames of the film
 */
export function cutColumns(
  first: number,
  last: number,
  columns: number,
  frames: number,
  pyramid: Pyramid | null,
): Columns {
  const count = last - first + 1;
  const wanted = Math.min(columns, count);
  let [level, bucket] = [-1, 1];
  if (pyramid !== null) {
    while (level + 1 < pyramid.levels.length && bucket * pyramid.factor * 2 <= count / wanted) {
      level += 1;
      bucket *= pyramid.factor;
    }
  }
  const edges: number[] = [];
  for (let column = 0; column <= wanted; column += 1) {
    const edge = first + Math.round((column * count) / wanted);
    edges.push(Math.floor(edge / bucket) * bucket);
  }
  // The last column takes what is left, so that the newest frames are never cut off.
  edges[wanted] = Math.min(frames, Math.ceil((last + 1) / bucket) * bucket);
  return { edges, bucket, level };
}

/** Where in a row of the pyramid's file a level begins, in buckets. */
export function levelStart(pyramid: Pyramid, level: number): number {
  return pyramid.levels.slice(0, Math.max(0, level)).reduce((sum, buckets) => sum + buckets, 0);
}

/**
 * Extremes of each column from single values.
 *
 * @param values - of the frames `edges[0] … edges[last] − 1`
 * @param minima - filled; NaN where a column has no number
 * @param maxima - likewise
 */
export function extremesOfValues(
  values: NpyArray,
  edges: readonly number[],
  minima: Float32Array,
  maxima: Float32Array,
): void {
  const origin = edges[0] ?? 0;
  for (let column = 0; column + 1 < edges.length; column += 1) {
    let [low, high] = [Number.NaN, Number.NaN];
    for (let i = (edges[column] ?? 0) - origin; i < (edges[column + 1] ?? 0) - origin; i += 1) {
      const value = values[i] ?? Number.NaN;
      // Written so that a comparison with NaN is false both ways.
      if (!(value >= low)) low = Number.isNaN(value) ? low : value;
      if (!(value <= high)) high = Number.isNaN(value) ? high : value;
    }
    minima[column] = low;
    maxima[column] = high;
  }
}

/**
 * Extremes of each column from buckets.
 *
 * @param pairs - (minimum, maximum) of the buckets from `edges[0] / bucket` on
 */
export function extremesOfBuckets(
  pairs: NpyArray,
  { edges, bucket }: Columns,
  minima: Float32Array,
  maxima: Float32Array,
): void {
  const origin = Math.floor((edges[0] ?? 0) / bucket);
  for (let column = 0; column + 1 < edges.length; column += 1) {
    let [low, high] = [Number.NaN, Number.NaN];
    const from = Math.floor((edges[column] ?? 0) / bucket) - origin;
    const to = Math.ceil((edges[column + 1] ?? 0) / bucket) - origin;
    for (let i = from; i < to; i += 1) {
      const [minimum, maximum] = [pairs[2 * i] ?? Number.NaN, pairs[2 * i + 1] ?? Number.NaN];
      if (!(minimum >= low)) low = Number.isNaN(minimum) ? low : minimum;
      if (!(maximum <= high)) high = Number.isNaN(maximum) ? high : maximum;
    }
    minima[column] = low;
    maxima[column] = high;
  }
}

/** The middle of each column's known times, s; NaN where no frame of the column has one. */
export function columnTimes(times: Float64Array, edges: readonly number[]): Float64Array {
  const centres = new Float64Array(Math.max(0, edges.length - 1));
  for (let column = 0; column < centres.length; column += 1) {
    let [from, to] = [edges[column] ?? 0, (edges[column + 1] ?? 0) - 1];
    while (from < to && Number.isNaN(times[from] ?? Number.NaN)) from += 1;
    while (to > from && Number.isNaN(times[to] ?? Number.NaN)) to -= 1;
    centres[column] = ((times[from] ?? Number.NaN) + (times[to] ?? Number.NaN)) / 2;
  }
  return centres;
}
