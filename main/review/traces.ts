// SPDX-License-Identifier: MIT
import type { NpyFile } from '../arrays/index.ts';
import type { RunFolder, TraceKind } from './run-folder.ts';
import {
  columnTimes,
  cutColumns,
  extremesOfBuckets,
  extremesOfValues,
  levelStart,
  type Columns,
  type Pyramid,
} from './trace-window.ts';

export interface TraceRequest {
  readonly request: number;
  readonly rows: readonly number[];
  readonly kinds: readonly TraceKind[];
  readonly firstFrame: number;
  /** Inclusive. */
  readonly lastFrame: number;
  readonly columns: number;
}

export interface TracePacket {
  /** What is in the packet: rows and kinds the run has, frames it covers. */
  readonly header: {
    request: number;
    rows: number[];
    kinds: TraceKind[];
    firstFrame: number;
    lastFrame: number;
    columns: number;
  };
  /** C float64 times, then for each row, for each kind, C float32 minima and C float32 maxima. */
  readonly bytes: Uint8Array;
}

/** Frames read at once where a run has no pyramid: 1 MB. */
const framesAtOnce = 2 ** 18;

/** Reads windows of a run's traces; keeps the files open until it is closed. */
export class TraceReader {
  readonly #run: RunFolder;
  readonly #files = new Map<string, Promise<NpyFile>>();
  #times: Promise<Float64Array> | undefined;

  constructor(run: RunFolder) {
    this.#run = run;
  }

  #pyramid(): Pyramid | null {
    const { pyramid, traces, files } = this.#run.manifest;
    const complete = traces.every((kind) => files.has(`traces/${kind}.pyramid.npy`));
    return pyramid !== null && pyramid.levels.length > 0 && complete ? pyramid : null;
  }

  #file(path: string, columns: number): Promise<NpyFile> {
    const file = this.#files.get(path) ?? this.#run.array(path, [this.#run.manifest.components, columns]);
    this.#files.set(path, file);
    return file;
  }

  async #fillFromPyramid(
    kind: TraceKind,
    row: number,
    pyramid: Pyramid,
    columns: Columns,
    minima: Float32Array,
    maxima: Float32Array,
  ): Promise<void> {
    const perRow = 2 * levelStart(pyramid, pyramid.levels.length);
    const file = await this.#file(`traces/${kind}.pyramid.npy`, perRow);
    const from = Math.floor((columns.edges[0] ?? 0) / columns.bucket);
    const to = Math.ceil((columns.edges.at(-1) ?? 0) / columns.bucket);
    const start = levelStart(pyramid, columns.level) + from;
    const pairs = await file.read(row * perRow + 2 * start, 2 * (to - from));
    extremesOfBuckets(pairs, columns, minima, maxima);
  }

  /** Exact; reads as many whole columns at a time as fit, so that a long trace is never in memory whole. */
  async #fillFromTrace(
    kind: TraceKind,
    row: number,
    { edges }: Columns,
    minima: Float32Array,
    maxima: Float32Array,
  ): Promise<void> {
    const { frames } = this.#run.manifest;
    const file = await this.#file(`traces/${kind}.npy`, frames);
    let column = 0;
    while (column + 1 < edges.length) {
      let end = column + 1;
      while (end + 1 < edges.length && (edges[end + 1] ?? 0) - (edges[column] ?? 0) <= framesAtOnce) end += 1;
      const part = edges.slice(column, end + 1);
      const first = part[0] ?? 0;
      const values = await file.read(row * frames + first, (part.at(-1) ?? 0) - first);
      extremesOfValues(values, part, minima.subarray(column, end), maxima.subarray(column, end));
      column = end;
    }
  }

  /**
   * One window. Rows and kinds the run does not have are left out, frames beyond the film are cut off; the header says what is there.
   *
   * @throws AppError `disk.io`; the signal's reason when it is aborted
   */
  async read(wanted: TraceRequest, signal: AbortSignal): Promise<TracePacket> {
    const { components, frames, traces } = this.#run.manifest;
    const rows = wanted.rows.filter((row) => row >= 0 && row < components);
    const kinds = wanted.kinds.filter((kind) => traces.includes(kind));
    const firstFrame = Math.max(0, wanted.firstFrame);
    const lastFrame = Math.min(frames - 1, wanted.lastFrame);
    const { request } = wanted;
    if (lastFrame < firstFrame) {
      return { header: { request, rows, kinds, firstFrame, lastFrame, columns: 0 }, bytes: new Uint8Array() };
    }
    const pyramid = this.#pyramid();
    const columns = cutColumns(firstFrame, lastFrame, wanted.columns, frames, pyramid);
    const count = columns.edges.length - 1;
    this.#times ??= this.#run.times();
    const buffer = new ArrayBuffer(8 * count * (1 + rows.length * kinds.length));
    new Float64Array(buffer, 0, count).set(columnTimes(await this.#times, columns.edges));
    let offset = 8 * count;
    for (const row of rows) {
      for (const kind of kinds) {
        signal.throwIfAborted();
        const minima = new Float32Array(buffer, offset, count);
        const maxima = new Float32Array(buffer, offset + 4 * count, count);
        if (pyramid !== null && columns.level >= 0) {
          await this.#fillFromPyramid(kind, row, pyramid, columns, minima, maxima);
        } else {
          await this.#fillFromTrace(kind, row, columns, minima, maxima);
        }
        offset += 8 * count;
      }
    }
    return {
      header: { request, rows, kinds, firstFrame, lastFrame, columns: count },
      bytes: new Uint8Array(buffer),
    };
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#files.values());
    this.#files.clear();
    for (const file of opened) if (file.status === 'fulfilled') await file.value.close();
  }
}
