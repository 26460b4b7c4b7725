// SPDX-License-Identifier: MIT
import { type NpyArray, NpyFile, readSparseRows, type SparseRows } from '../arrays/index.ts';
import { AppError } from '../contract/index.ts';
import type { ExportRun, TraceKind } from './job.ts';

/** Traces of some cells of a run, read piece by piece. What it gives is overwritten by the next piece, so that a long run costs no more than one of them. */
export class TraceReader {
  readonly #file: NpyFile;
  readonly #rows: readonly number[];
  readonly #frames: number;
  #scratch = new ArrayBuffer(0);
  #block = new Float32Array();

  private constructor(file: NpyFile, rows: readonly number[], frames: number) {
    this.#file = file;
    this.#rows = rows;
    this.#frames = frames;
  }

  /** Traces of the cells of `run`, in their order; undefined where the run has none of that kind. @throws AppError `disk.io` */
  static async open(run: ExportRun, kind: TraceKind): Promise<TraceReader | undefined> {
    const place = run.arrays.traces[kind];
    if (place === undefined) return undefined;
    const file = await NpyFile.open(place, `traces/${kind}.npy`);
    const [rows = 0, frames = 0] = file.shape;
    if (frames !== run.frames || run.cells.some((cell) => cell.index >= rows)) {
      await file.close();
      throw new AppError('disk.io', `The file traces/${kind}.npy of this run does not fit its cells and frames.`, {
        hint: 'Process the recording again.',
      });
    }
    return new TraceReader(
      file,
      run.cells.map((cell) => cell.index),
      frames,
    );
  }

  /** T values of the cell at `position` of the run's cells. @throws AppError `disk.io` */
  async cell(position: number): Promise<Float32Array> {
    const values = await this.#pieces([(this.#rows[position] ?? 0) * this.#frames], this.#frames);
    return values instanceof Float32Array ? values : Float32Array.from(values);
  }

  /** `count` frames from `first`: count × K, frame after frame. @throws AppError `disk.io` */
  async frames(first: number, count: number): Promise<Float32Array> {
    const cells = this.#rows.length;
    const values = await this.#pieces(
      this.#rows.map((row) => row * this.#frames + first),
      count,
    );
    if (this.#block.length < count * cells) this.#block = new Float32Array(count * cells);
    const block = this.#block.subarray(0, count * cells);
    for (let k = 0; k < cells; k += 1)
      for (let t = 0; t < count; t += 1) block[t * cells + k] = values[k * count + t] ?? Number.NaN;
    return block;
  }

  async #pieces(firsts: readonly number[], count: number): Promise<NpyArray> {
    const bytes = firsts.length * count * Float32Array.BYTES_PER_ELEMENT;
    if (this.#scratch.byteLength < bytes) this.#scratch = new ArrayBuffer(bytes);
    return await this.#file.readPieces(firsts, count, this.#scratch);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The non-zero pixels of one footprint. */
export interface Footprint {
  /** Pixels y·W + x, ascending. */
  readonly pixels: Uint32Array;
  readonly weights: Float32Array;
}

/** Footprints of the cells of `run`, in their order. @throws AppError `disk.io` */
export async function readFootprints(run: ExportRun): Promise<readonly Footprint[]> {
  const matrix: SparseRows = await readSparseRows(run.arrays.footprints, 'footprints.npz');
  if (matrix.columns !== run.height * run.width || run.cells.some((cell) => cell.index >= matrix.rows)) {
    throw new AppError('disk.io', 'The footprints of this run do not fit its cells and frames.', {
      hint: 'Process the recording again.',
    });
  }
  return run.cells.map(({ index }) => {
    const entries: (readonly [number, number])[] = [];
    for (let i = matrix.indptr[index] ?? 0; i < (matrix.indptr[index + 1] ?? 0); i += 1) {
      const weight = matrix.data[i] ?? 0;
      if (weight !== 0) entries.push([matrix.indices[i] ?? 0, weight]);
    }
    entries.sort(([a], [b]) => a - b);
    return {
      pixels: Uint32Array.from(entries, ([pixel]) => pixel),
      weights: Float32Array.from(entries, ([, weight]) => weight),
    };
  });
}

/** A whole array of the run as doubles or floats; null where there is none. @throws AppError `disk.io` */
export async function readWhole(place: string | null | undefined, name: string, length: number) {
  if (place === null || place === undefined) return null;
  const file = await NpyFile.open(place, name);
  try {
    if (file.shape.reduce((product, axis) => product * axis, 1) !== length) {
      throw new AppError(
        'disk.io',
        `The file ${name} of this run is ${file.shape.join(' × ')}, which does not fit it.`,
        {
          hint: 'Process the recording again.',
        },
      );
    }
    return await file.read(0, length);
  } finally {
    await file.close();
  }
}
