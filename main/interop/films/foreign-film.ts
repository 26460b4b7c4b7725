// SPDX-License-Identifier: MIT

/** Grey values of one frame, row-major, `height × width`. */
export type Frame = Uint8Array | Uint16Array | Int16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** A film that another program wrote in a form the engine does not decode, opened for reading. Frames are read one at a time, in order. */
export interface ForeignFilm extends AsyncDisposable {
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  /** Whole numbers, and so perhaps without loss in 8 bits. */
  readonly isInteger: boolean;
  /** Hz; null where the file does not say. */
  readonly fps: number | null;
  /** Seconds of each frame since the first; null where the file says none and frames follow one another. */
  readonly timeS: Float64Array | null;
  /** ISO-8601 UTC with milliseconds; null where the file does not say. */
  readonly startedAt: string | null;
  /** What is in the file beside what was asked for, in sentences. */
  readonly findings: readonly string[];
  readonly read: (frame: number) => Promise<Frame>;
}

/** What a reader may be told. */
export interface OpenChoice {
  /** Path of the array inside the file, where a file holds several. */
  readonly dataset: string | null;
}

/** Films that lie elsewhere: an NWB file may only name them. */
export interface LinkedFilm {
  /** Absolute. */
  readonly film: string;
}

/** One file format. */
export interface FilmReader {
  readonly format: string;
  /** By name and first bytes only. */
  readonly recognises: (place: string) => Promise<boolean>;
  /** @throws AppError `interop.unreadable`, `interop.several_films`, `disk.io` */
  readonly open: (place: string, choice: OpenChoice) => Promise<ForeignFilm | LinkedFilm>;
}
