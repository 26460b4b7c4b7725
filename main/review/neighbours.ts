// SPDX-License-Identifier: MIT
import { setImmediate } from 'node:timers/promises';
import type { SparseRows } from '../arrays/index.ts';
import { AppError, type Cell, type Uuid } from '../contract/index.ts';
import type { Layer } from './edits.ts';
import { editedFootprints, EditedTraceReader } from './layers.ts';
import type { RunFolder } from './run-folder.ts';

/** A cell beside another. */
export interface Neighbour {
  readonly cellUuid: Uuid;
  readonly row: number;
  readonly distancePx: number;
  /** Cosine of the footprints. */
  readonly overlap: number;
  /** Pearson, of the denoised traces; null where one of them does not change. */
  readonly correlation: number | null;
  readonly maybeOne: boolean;
}

/** Neighbours that are told. */
const most = 12;
/** Centroids farther apart than this many diameters are no neighbours. */
const reachDiameters = 3;
/** A pair is called perhaps one cell from here on. It is a remark: nothing is merged by it. */
const leastOverlap = 0.15;
const leastCorrelation = 0.7;

/** Cosine of two rows. Indices of a row may come in any order. */
export function cosine(matrix: SparseRows, a: number, b: number): number {
  const values = new Map<number, number>();
  const range = (row: number): readonly [number, number] => [matrix.indptr[row] ?? 0, matrix.indptr[row + 1] ?? 0];
  let [dot, one, two] = [0, 0, 0];
  const [fromA, toA] = range(a);
  for (let i = fromA; i < toA; i += 1) {
    const value = matrix.data[i] ?? 0;
    values.set(matrix.indices[i] ?? -1, value);
    one += value * value;
  }
  const [fromB, toB] = range(b);
  for (let i = fromB; i < toB; i += 1) {
    const value = matrix.data[i] ?? 0;
    two += value * value;
    dot += value * (values.get(matrix.indices[i] ?? -1) ?? 0);
  }
  return one > 0 && two > 0 ? dot / Math.sqrt(one * two) : 0;
}

/** Pearson correlation over the frames both know; null where one of them does not change. */
export function pearson(a: Float32Array, b: Float32Array): number | null {
  let [n, sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] ?? Number.NaN, b[i] ?? Number.NaN];
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    n += 1;
    sumA += x;
    sumB += y;
    squareA += x * x;
    squareB += y * y;
    product += x * y;
  }
  const [varianceA, varianceB] = [n * squareA - sumA * sumA, n * squareB - sumB * sumB];
  if (n < 2 || varianceA <= 0 || varianceB <= 0) return null;
  return Math.max(-1, Math.min(1, (n * product - sumA * sumB) / Math.sqrt(varianceA * varianceB)));
}

/** The cells around a cell. @throws AppError `review.unknown_cell`, `disk.io`; the signal's reason when it is aborted */
export async function neighboursOf(
  folder: RunFolder,
  layers: readonly Layer[],
  cells: readonly Cell[],
  cellUuid: Uuid,
  signal: AbortSignal,
): Promise<readonly Neighbour[]> {
  const cell = cells.find(({ uuid }) => uuid === cellUuid);
  if (cell === undefined) {
    throw new AppError('review.unknown_cell', `Cell ${cellUuid} is not among the cells of this run.`);
  }
  const apart = (other: Cell): number =>
    Math.hypot(other.centroid.y - cell.centroid.y, other.centroid.x - cell.centroid.x);
  const reach = reachDiameters * (folder.manifest.diameterPx ?? Math.max(cell.box.height, cell.box.width));
  const near = cells
    .filter((other) => other.uuid !== cellUuid && apart(other) <= reach)
    .toSorted((a, b) => apart(a) - apart(b))
    .slice(0, most);
  if (near.length === 0) return [];
  const matrix = await editedFootprints(folder, layers);
  const reader = new EditedTraceReader(folder, () => Promise.resolve(layers));
  const { frames } = folder.manifest;
  const trace = async (row: number): Promise<Float32Array> => {
    const wanted = { request: 0, rows: [row], kinds: ['denoised' as const], firstFrame: 0, lastFrame: frames - 1 };
    const { header, bytes } = await reader.read({ ...wanted, columns: frames }, signal);
    // One column a frame: minimum and maximum are the value.
    if (header.rows.length === 0 || header.kinds.length === 0) return new Float32Array(0);
    return new Float32Array(Uint8Array.from(bytes.subarray(8 * header.columns, 12 * header.columns)).buffer);
  };
  try {
    const own = await trace(cell.row);
    const found: Neighbour[] = [];
    for (const other of near) {
      // A trace of an hour takes a millisecond: others get their turn between two.
      await setImmediate();
      signal.throwIfAborted();
      const correlation = pearson(own, await trace(other.row));
      const overlap = cosine(matrix, cell.row, other.row);
      const maybeOne = overlap >= leastOverlap && (correlation ?? 0) >= leastCorrelation;
      found.push({
        cellUuid: other.uuid,
        row: other.row,
        distancePx: apart(other),
        overlap,
        correlation,
        maybeOne,
      });
    }
    return found.toSorted(
      (a, b) => Number(b.maybeOne) - Number(a.maybeOne) || b.overlap - a.overlap || a.distancePx - b.distancePx,
    );
  } finally {
    await reader.close();
  }
}
