// SPDX-License-Identifier: MIT
import type { TypedJson } from '../../library/index.ts';

/** One cell's footprint: pixels counted along rows (y · width + x), ascending, with their values (any scale). */
export interface ForeignFootprint {
  readonly pixels: Uint32Array;
  readonly values: Float32Array;
}

/** Reads `count` rows of a table from `first`: count × T, row-major. @throws AppError `interop.unreadable` */
export type RowSource = (first: number, count: number) => Promise<Float32Array>;

/** A `K × T` table: row-major in memory, or read some rows at a time, so that those of a long recording never lie in memory whole. */
export type Table = Float32Array | RowSource;

/** Values of a table that are in memory at a time. */
const slabValues = 2 ** 20;

/** A table of `rows × columns` from its beginning to its end, some rows at a time. @throws AppError `interop.unreadable` */
export async function* slabsOf(
  table: Table,
  rows: number,
  columns: number,
): AsyncGenerator<{ readonly first: number; readonly values: Float32Array }> {
  const step = Math.max(1, Math.floor(slabValues / Math.max(1, columns)));
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const values =
      typeof table === 'function'
        ? await table(first, count)
        : table.subarray(first * columns, (first + count) * columns);
    yield { first, values };
  }
}

/** A result of another program in our terms: cells by row, images row-major, motion of the content. What a file does not hold is left out. */
export interface ForeignResult {
  /** Name of the processing method in the library: `caiman`, `minian` … */
  readonly program: string;
  /** The program's version where the file says so. */
  readonly version: string | null;
  readonly height: number;
  readonly width: number;
  /** T */
  readonly frames: number;
  /** Frames per second; null where nothing says so. */
  readonly fps: number | null;
  /** K footprints. */
  readonly footprints: readonly ForeignFootprint[];
  /** By the names of a run folder; grey levels (or whatever unit the program has). */
  readonly traces: Partial<Readonly<Record<'raw' | 'denoised' | 'deconvolved' | 'dff', Table>>>;
  /** What the program suggests for each cell; null: it says nothing of it (undecided there). */
  readonly accepted: readonly (boolean | null)[];
  /** Figures of each cell by our names. */
  readonly metrics: Readonly<Record<string, readonly (number | null)[]>>;
  /** `H × W` each. */
  readonly images: Partial<Readonly<Record<'mean' | 'max' | 'correlation', Float32Array>>>;
  /** `T × 2` (dy, dx) px of the content. */
  readonly motion: Float32Array | null;
  /** Seconds since the recording's start, one for each frame. */
  readonly timeS: Float64Array | null;
  readonly parameters: Readonly<Record<string, TypedJson>>;
  /** What was left out or is odd, a sentence each. */
  readonly findings: readonly string[];
}

/** The film a result is of, where it is in the library. */
export interface Field {
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  readonly fps: number | null;
}

/** Hears how much of a result's cells was read, 0 to 1. */
export type OnShare = (share: number) => void;

/** One kind of result. */
export interface ResultReader {
  readonly program: string;
  /** Shown to people. */
  readonly title: string;
  /** A look at names and heads only. */
  readonly recognises: (place: string) => Promise<boolean>;
  /** Reads the cells; their traces are read when they are asked for. @throws AppError `interop.unreadable` */
  readonly read: (place: string, field: Field | null, onShare?: OnShare) => Promise<ForeignResult>;
}
