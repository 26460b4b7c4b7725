// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { nearestRows } from '../../../main/sessions/nearest.ts';
import { binMeans, medianInterval, standardise, timeBins } from '../../../main/explore/bins.ts';
import { pairFootprints, traceCorrelation } from '../../../main/explore/compare.ts';
import { clusterOrder, correlations, firstComponent, orderBy } from '../../../main/explore/correlate.ts';
import { narrow } from '../../../main/explore/population.ts';
import { meanAround } from '../../../main/explore/profiles.ts';
import { arenaBins, placeMap, spatialInformation, tuning, yawDegrees } from '../../../main/explore/tuning.ts';

/** Repeatable numbers between 0 and 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Pearson's r as books write it. */
function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = a.reduce((sum, value, i) => sum + (value - ma) * ((b[i] ?? 0) - mb), 0);
  const square = (list: readonly number[], m: number): number => list.reduce((sum, value) => sum + (value - m) ** 2, 0);
  return product / Math.sqrt(square(a, ma) * square(b, mb));
}

describe('bins of real time', () => {
  const times = [0, 0.1, 0.2, 0.3, Number.NaN, 2, 2.1, 2.2];

  it('put each frame where its time lies and leave a gap a gap', () => {
    const bins = timeBins(times, 0.2, 1000);
    expect(bins).toMatchObject({ binS: 0.2, startS: expect.closeTo(-0.05, 9) as number, count: 12 });
    expect([...bins.binOf]).toEqual([0, 0, 1, 1, -1, 10, 10, 11]);
    expect([...bins.frames]).toEqual([2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]);
    const means = new Float32Array(12);
    binMeans([1, 3, 5, Number.NaN, 99, 2, 4, 6], bins, means);
    expect([...means].map((value) => (Number.isNaN(value) ? null : value))).toEqual([
      2,
      5,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      null,
      3,
      6,
    ]);
  });

  it('are never narrower than a frame nor more than wanted', () => {
    expect(timeBins(times, 0.001, 1000).binS).toBeCloseTo(0.1);
    expect(timeBins(times, 0.1, 5).count).toBeLessThanOrEqual(5);
    expect(timeBins([Number.NaN], 1, 5).count).toBe(0);
    expect(medianInterval(times)).toBeCloseTo(0.1);
  });

  it('make standard deviations; a constant is 0', () => {
    const values = Float32Array.from([1, 3, Number.NaN, 5, 7]);
    standardise(values);
    const sd = Math.sqrt(5);
    expect([values[0], values[4]]).toEqual([Math.fround(-3 / sd), Math.fround(3 / sd)]);
    expect(values[2]).toBeNaN();
    const same = Float32Array.from([4, 4, 4]);
    standardise(same);
    expect([...same]).toEqual([0, 0, 0]);
  });

  it('are joined to fewer columns by the mean of what is known', () => {
    const wide = Float32Array.from([1, 2, 3, Number.NaN, 5, 6, 7, 8, 9, 10]);
    const slow = [0, 1].flatMap((k) =>
      [[0, 1], [2, 3, 4].slice(0, 3)].map((columns) => {
        const known = columns.map((c) => wide[k * 5 + c] ?? Number.NaN).filter((value) => !Number.isNaN(value));
        return known.reduce((sum, value) => sum + value, 0) / known.length;
      }),
    );
    expect([...narrow(wide, 2, 5, 2)]).toEqual(slow);
  });
});

describe('correlations of cells', () => {
  const random = numbers(7);
  const [n, columns] = [6, 200];
  const values = Float32Array.from({ length: n * columns }, () => random());
  // Cells 1 and 4 follow cell 0; column 13 is not known for cell 2; cell 5 is constant.
  for (let t = 0; t < columns; t += 1) {
    values[columns + t] = (values[t] ?? 0) + 0.3 * random();
    values[4 * columns + t] = (values[t] ?? 0) + 0.3 * random();
    values[5 * columns + t] = 3;
  }
  values[2 * columns + 13] = Number.NaN;
  const r = correlations(values, n, columns);

  it('are those of the book over the columns that all cells have', () => {
    const row = (k: number): number[] =>
      [...values.subarray(k * columns, (k + 1) * columns)].filter((_, t) => t !== 13);
    for (let a = 0; a < 5; a += 1)
      for (let b = 0; b < 5; b += 1) expect(r[a * n + b]).toBeCloseTo(a === b ? 1 : pearson(row(a), row(b)), 5);
    for (let b = 0; b < 5; b += 1) expect([r[5 * n + b], r[b * n + 5]]).toEqual([0, 0]);
    expect(r[5 * n + 5]).toBe(1);
  });

  it('put cells that fire together beside each other', () => {
    const order = clusterOrder(r, n);
    expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    const places = [0, 1, 4].map((cell) => order.indexOf(cell)).sort((a, b) => a - b);
    expect((places[2] ?? 0) - (places[0] ?? 0)).toBe(2);
    expect(clusterOrder(Float32Array.from([1]), 1)).toEqual([0]);
    expect(clusterOrder(new Float32Array(), 0)).toEqual([]);
  });

  it('have a first component: an eigenvector, the largest', () => {
    const { loadings, share } = firstComponent(r, n);
    const image = Array.from({ length: n }, (_, a) =>
      loadings.reduce((sum, value, b) => sum + (r[a * n + b] ?? 0) * value, 0),
    );
    for (const [a, value] of image.entries()) expect(value).toBeCloseTo(share * n * (loadings[a] ?? 0), 3);
    // No other direction carries more: of many random ones none does.
    const other = numbers(3);
    for (let round = 0; round < 200; round += 1) {
      const vector = Array.from({ length: n }, () => other() - 0.5);
      const norm = vector.reduce((sum, value) => sum + value * value, 0);
      const carried = vector.reduce(
        (sum, value, a) => sum + value * vector.reduce((s, w, b) => s + (r[a * n + b] ?? 0) * w, 0),
        0,
      );
      expect(carried / norm).toBeLessThanOrEqual(share * n + 1e-6);
    }
  });

  it('sort by a value with unknown ones last', () => {
    expect(orderBy([1, null, 3, Number.NaN, 3])).toEqual([2, 4, 0, 1, 3]);
    expect(orderBy([2, 1], false)).toEqual([1, 0]);
  });
});

describe('direction and place', () => {
  it('reads the turn about the upright axis', () => {
    const half = Math.SQRT1_2;
    expect(yawDegrees(1, 0, 0, 0)).toBe(0);
    expect(yawDegrees(half, 0, 0, half)).toBeCloseTo(90);
    expect(yawDegrees(half, 0, 0, -half)).toBeCloseTo(270);
    expect(yawDegrees(0.2, 0, 0, 0)).toBeNaN();
  });

  it('finds the nearest sample, none beyond reach', () => {
    expect([...nearestRows([0, 0.4, 0.6, 5, Number.NaN], [0, 1, 2], 0.7)]).toEqual([0, 0, 1, -1, -1]);
  });

  it('counts each direction once, however long the head was there', () => {
    // Mostly in bin 0 without activity; a short look at bin 1 with some.
    const binOf = Int32Array.from([0, 0, 0, 0, 0, 0, 1, -1]);
    const found = tuning([0, 0, 0, 0, 0, 0, 4, 100], binOf, 4);
    expect(found.means).toEqual([0, 4, null, null]);
    expect(found.length).toBeCloseTo(1);
    expect(found.preferredDeg).toBeCloseTo(135);
    expect(tuning([1, 1, 1, 1], Int32Array.from([0, 1, 2, 3]), 4).length).toBeCloseTo(0);
    expect(tuning([0], Int32Array.from([0]), 4)).toMatchObject({ length: null, preferredDeg: null });
  });

  it('maps activity over the places the animal was in, moving', () => {
    const timesS = Float64Array.from({ length: 40 }, (_, i) => i / 10);
    // From left to right in one line, 1 unit a sample, then standing still.
    const x = Float32Array.from(timesS, (_, i) => Math.min(i, 20));
    const track = { timesS, x, y: new Float32Array(40), unit: 'cm' };
    const arena = arenaBins(timesS, track, 5, 2);
    expect([arena.columns, arena.rows]).toEqual([5, 1]);
    expect(arena.binOf[3]).toBe(0);
    expect(arena.binOf[39]).toBe(-1);
    const seconds = arena.occupancyS.reduce((sum, value) => sum + value, 0);
    expect(seconds).toBeCloseTo([...arena.binOf].filter((bin) => bin >= 0).length / 10, 4);
    const map = placeMap(
      Float32Array.from(timesS, (_, i) => (i >= 5 && i < 10 ? 1 : 0)),
      arena,
    );
    expect([...map].indexOf(Math.max(...map))).toBe(1);
    expect(spatialInformation(map, arena.occupancyS) ?? 0).toBeGreaterThan(0.05);
    expect(spatialInformation(Float32Array.from([2, 2, 2, 2, 2]), arena.occupancyS)).toBeCloseTo(0);
    expect(spatialInformation(new Float32Array(5), arena.occupancyS)).toBeNull();
  });
});

describe('two runs of one field', () => {
  const footprint = (pixels: readonly number[]): { pixels: number[]; weights: Float32Array } => ({
    pixels: [...pixels],
    weights: new Float32Array(pixels.length).fill(1 / Math.sqrt(pixels.length)),
  });

  it('pair the footprints that are most alike, each once', () => {
    const a = [footprint([1, 2, 3, 4]), footprint([10, 11, 12]), footprint([20])];
    const b = [footprint([10, 11, 12]), footprint([2, 3, 4, 5]), footprint([1, 2, 3, 4]), footprint([])];
    const pairs = pairFootprints(a, b, 0.5);
    expect(pairs.map((pair) => [pair.a, pair.b])).toEqual([
      [0, 2],
      [1, 0],
    ]);
    for (const pair of pairs) expect(pair.similarity).toBeCloseTo(1, 5);
    expect(pairFootprints(a.slice(0, 1), b.slice(1, 2), 0.5)[0]?.similarity).toBeCloseTo(0.75, 5);
    expect(pairFootprints(a.slice(0, 1), b.slice(1, 2), 0.8)).toEqual([]);
  });

  it('compare traces over the frames both have', () => {
    const random = numbers(5);
    const long = Array.from({ length: 50 }, () => random());
    const late = long.slice(10).map((value) => 2 * value + 1);
    expect(traceCorrelation(late, long, 10)).toBeCloseTo(1, 10);
    expect(traceCorrelation(long, late, -10)).toBeCloseTo(1, 10);
    const noisy = long.map((value) => value + random());
    expect(traceCorrelation(long, noisy, 0)).toBeCloseTo(pearson(long, noisy), 10);
    expect(traceCorrelation([1, 1, 1], [1, 2, 3], 0)).toBeNull();
    expect(traceCorrelation([1, Number.NaN, 2], [1, 2, 3], 0)).toBeNull();
  });
});

it('averages a trace around frames, ends and gaps left out', () => {
  const trace = [0, 1, 2, 3, Number.NaN, 5];
  expect([...meanAround(trace, [1, 3], 1, 2)]).toEqual([1, 2, 2, 4]);
  expect(meanAround(trace, [0], 2, 0)[0]).toBeNaN();
});
