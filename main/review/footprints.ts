// SPDX-License-Identifier: MIT
import { setImmediate } from 'node:timers/promises';
import type { SparseRows } from '../arrays/index.ts';

/** Where one cell's values are in {@link PackedFootprints.bytes}: `height × width` of them, row-major. */
export interface FootprintWindow {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly offset: number;
}

export interface PackedFootprints {
  /** By row of the run. */
  readonly cells: readonly FootprintWindow[];
  /** 0 … 255, 255 = the cell's maximum. */
  readonly bytes: Uint8Array;
}

/** Entries worked on before other work of the loop gets its turn: 1 ms, 10 ms before the code is compiled (2 busy cores). */
const entriesAtOnce = 100_000;

/** Top, left, height and width of the pixels of row `k`; no pixels give an empty window. */
function windowOf(matrix: SparseRows, k: number, frameWidth: number): Omit<FootprintWindow, 'offset'> {
  const { indptr, indices } = matrix;
  let [top, left, bottom, right] = [Infinity, Infinity, -1, -1];
  for (let i = indptr[k] ?? 0; i < (indptr[k + 1] ?? 0); i += 1) {
    const pixel = indices[i] ?? 0;
    const y = Math.floor(pixel / frameWidth);
    const x = pixel - y * frameWidth;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
    if (x < left) left = x;
    if (x > right) right = x;
  }
  return bottom < 0
    ? { top: 0, left: 0, height: 0, width: 0 }
    : { top, left, height: bottom - top + 1, width: right - left + 1 };
}

function fill(matrix: SparseRows, k: number, frameWidth: number, window: FootprintWindow, bytes: Uint8Array): void {
  const { indptr, indices, data } = matrix;
  const [from, to] = [indptr[k] ?? 0, indptr[k + 1] ?? 0];
  let maximum = 0;
  for (let i = from; i < to; i += 1) maximum = Math.max(maximum, data[i] ?? 0);
  if (maximum === 0) return;
  for (let i = from; i < to; i += 1) {
    const pixel = indices[i] ?? 0;
    const y = Math.floor(pixel / frameWidth);
    const x = pixel - y * frameWidth;
    const at = window.offset + (y - window.top) * window.width + (x - window.left);
    bytes[at] = Math.round((255 * Math.max(0, data[i] ?? 0)) / maximum);
  }
}

/**
 * Cuts a window around each footprint and packs the values as bytes.
 *
 * @param matrix - K × (H·W), row-major
 * @param frameWidth - W
 * @throws the signal's reason when it is aborted
 */
export async function packFootprints(
  matrix: SparseRows,
  frameWidth: number,
  signal: AbortSignal,
): Promise<PackedFootprints> {
  let work = 0;
  const breathe = async (k: number): Promise<void> => {
    work += (matrix.indptr[k + 1] ?? 0) - (matrix.indptr[k] ?? 0);
    if (work < entriesAtOnce) return;
    work = 0;
    await setImmediate();
    signal.throwIfAborted();
  };
  const cells: FootprintWindow[] = [];
  let offset = 0;
  for (let k = 0; k < matrix.rows; k += 1) {
    const { top, left, height, width } = windowOf(matrix, k, frameWidth);
    cells.push({ top, left, height, width, offset });
    offset += height * width;
    await breathe(k);
  }
  const bytes = new Uint8Array(offset);
  for (const [k, window] of cells.entries()) {
    fill(matrix, k, frameWidth, window, bytes);
    await breathe(k);
  }
  return { cells, bytes };
}
