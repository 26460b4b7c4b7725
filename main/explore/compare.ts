// SPDX-License-Identifier: MIT
import path from 'node:path';
import { readSparseRows, type SparseRows } from '../arrays/index.ts';
import { RunTraces } from './read-run.ts';
import type { ExploreTask, RunSource, TaskAnswer } from './tasks.ts';

/** The pixels of a footprint with their weights, scaled to length 1. */
export interface UnitFootprint {
  readonly pixels: ArrayLike<number>;
  readonly weights: Float32Array;
}

/** Footprints of the cells of a run after its edits, in their order. @throws AppError `disk.io` */
export async function unitFootprints(run: RunSource): Promise<readonly UnitFootprint[]> {
  const name = 'footprints.npz';
  const own = await readSparseRows(path.join(run.folder, name), name);
  const edited = new Map<number, { readonly matrix: SparseRows; readonly index: number }>();
  for (const { folder, rows } of run.edits) {
    if (rows.length === 0) continue;
    const matrix = await readSparseRows(path.join(folder, name), name);
    for (const [row, index] of rows) edited.set(row, { matrix, index });
  }
  return run.cells.map(({ row }) => {
    const { matrix, index } = edited.get(row) ?? { matrix: own, index: row };
    const [from, to] = [matrix.indptr[index] ?? 0, matrix.indptr[index + 1] ?? 0];
    const weights = Float32Array.from(matrix.data.subarray(from, to));
    const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
    return {
      pixels: matrix.indices.subarray(from, to),
      weights: weights.map((weight) => (norm > 0 ? weight / norm : 0)),
    };
  });
}

/** A cell of each run that are taken for the same one. */
export interface Pair {
  /** Positions in the two lists. */
  readonly a: number;
  readonly b: number;
  /** Cosine of their footprints, 0 … 1. */
  readonly similarity: number;
}

/** Pairs of footprints, the most alike first, each cell in one pair at most. */
export function pairFootprints(
  a: readonly UnitFootprint[],
  b: readonly UnitFootprint[],
  least: number,
): readonly Pair[] {
  const at = new Map<number, { readonly cell: number; readonly weight: number }[]>();
  for (const [cell, { pixels, weights }] of b.entries()) {
    for (let i = 0; i < weights.length; i += 1) {
      const pixel = pixels[i] ?? -1;
      const list = at.get(pixel);
      const entry = { cell, weight: weights[i] ?? 0 };
      if (list === undefined) at.set(pixel, [entry]);
      else list.push(entry);
    }
  }
  const all: Pair[] = [];
  for (const [cell, { pixels, weights }] of a.entries()) {
    const sums = new Map<number, number>();
    for (let i = 0; i < weights.length; i += 1) {
      for (const other of at.get(pixels[i] ?? -1) ?? []) {
        sums.set(other.cell, (sums.get(other.cell) ?? 0) + (weights[i] ?? 0) * other.weight);
      }
    }
    for (const [other, similarity] of sums) if (similarity >= least) all.push({ a: cell, b: other, similarity });
  }
  all.sort((one, other) => other.similarity - one.similarity || one.a - other.a || one.b - other.b);
  const [takenA, takenB] = [new Set<number>(), new Set<number>()];
  return all.filter((pair) => {
    if (takenA.has(pair.a) || takenB.has(pair.b)) return false;
    takenA.add(pair.a);
    takenB.add(pair.b);
    return true;
  });
}

/** Pearson correlation over the frames in which both have numbers; null for fewer than three or a constant. `shift`: frame i of a is frame i + shift of b. */
export function traceCorrelation(a: ArrayLike<number>, b: ArrayLike<number>, shift: number): number | null {
  let [n, sa, sb] = [0, 0, 0];
  const each = (act: (x: number, y: number) => void): void => {
    for (let i = Math.max(0, -shift); i < a.length && i + shift < b.length; i += 1) {
      const [x, y] = [a[i] ?? Number.NaN, b[i + shift] ?? Number.NaN];
      if (Number.isFinite(x) && Number.isFinite(y)) act(x, y);
    }
  };
  each((x, y) => {
    n += 1;
    sa += x;
    sb += y;
  });
  if (n < 3) return null;
  const [ma, mb] = [sa / n, sb / n];
  let [aa, bb, ab] = [0, 0, 0];
  each((x, y) => {
    aa += (x - ma) ** 2;
    bb += (y - mb) ** 2;
    ab += (x - ma) * (y - mb);
  });
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null;
}

/** Which cells two runs of one field share, and which only one of them has. */
export async function compareRuns({ a, b, least }: Extract<ExploreTask, { type: 'compare' }>): Promise<TaskAnswer> {
  const pairs = pairFootprints(await unitFootprints(a), await unitFootprints(b), least);
  const sameFilm =
    a.recordings.join() === b.recordings.join() && (a.recordings.length === 1 || a.firstFrame === b.firstFrame);
  const matched: { rowA: number; rowB: number; similarity: number; traceR: number | null }[] = [];
  const [tracesA, tracesB] = [await RunTraces.open(a, 'denoised'), await RunTraces.open(b, 'denoised')];
  try {
    for (const pair of pairs) {
      const [rowA, rowB] = [a.cells[pair.a]?.row ?? 0, b.cells[pair.b]?.row ?? 0];
      const traceR = sameFilm
        ? traceCorrelation(await tracesA.row(rowA), await tracesB.row(rowB), a.firstFrame - b.firstFrame)
        : null;
      matched.push({ rowA, rowB, similarity: pair.similarity, traceR });
    }
  } finally {
    await tracesA.close();
    await tracesB.close();
  }
  const [inA, inB] = [new Set(pairs.map((pair) => pair.a)), new Set(pairs.map((pair) => pair.b))];
  const rest = (run: RunSource, taken: ReadonlySet<number>): number[] =>
    run.cells.flatMap(({ row }, k) => (taken.has(k) ? [] : [row]));
  return { header: { matched, onlyA: rest(a, inA), onlyB: rest(b, inB) }, bytes: new Uint8Array() };
}
