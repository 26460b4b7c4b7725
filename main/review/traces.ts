// SPDX-License-Identifier: MIT
import type { NpyArray, NpyFile } from '../arrays/index.ts';
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
  /** Values on their way to the columns; null while a read uses it. New memory for each window would cost more than reading it. */
  #scratch: ArrayBuffer | null = new ArrayBuffer(0);

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

  /** Exact; a window that is short is read for many rows at once. */
  async #fillWindow(
    kind: TraceKind,
    rows: readonly number[],
    { edges }: Columns,
    into: { readonly all: Float32Array; readonly at: (i: number) => number },
    signal: AbortSignal,
  ): Promise<void> {
    const { frames } = this.#run.manifest;
    const file = await this.#file(`traces/${kind}.npy`, frames);
    const first = edges[0] ?? 0;
    const length = (edges.at(-1) ?? 0) - first;
    const together = Math.max(1, Math.floor(framesAtOnce / length));
    const taken = this.#scratch;
    this.#scratch = null;
    const scratch = taken?.byteLength === 0 ? new ArrayBuffer(4 * framesAtOnce) : (taken ?? undefined);
    for (let from = 0; from < rows.length; from += together) {
      signal.throwIfAborted();
      const part = rows.slice(from, from + together);
      const values = await file.readPieces(
        part.map((row) => row * frames + first),
        length,
        scratch,
      );
      const columns = edges.length - 1;
      for (const i of part.keys()) {
        const at = into.at(from + i);
        // A view for each of hundreds of rows keeps the collector busier than the values do.
        if (columns === length) repeat(values, i * length, length, into.all, at);
        else {
          const row = values.subarray(i * length, (i + 1) * length);
          const [minima, maxima] = [
            into.all.subarray(at, at + columns),
            into.all.subarray(at + columns, at + 2 * columns),
          ];
          extremesOfValues(row, edges, minima, maxima);
        }
      }
    }
    this.#scratch ??= scratch ?? null;
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
    const all = new Float32Array(buffer, 8 * count);
    const place = (i: number, j: number): readonly [Float32Array, Float32Array] => {
      const offset = 8 * count * (1 + i * kinds.length + j);
      return [new Float32Array(buffer, offset, count), new Float32Array(buffer, offset + 4 * count, count)];
    };
    for (const [j, kind] of kinds.entries()) {
      signal.throwIfAborted();
      if (pyramid !== null && columns.level >= 0) {
        for (const [i, row] of rows.entries()) await this.#fillFromPyramid(kind, row, pyramid, columns, ...place(i, j));
      } else if ((columns.edges.at(-1) ?? 0) - (columns.edges[0] ?? 0) > framesAtOnce / 4) {
        for (const [i, row] of rows.entries()) await this.#fillFromTrace(kind, row, columns, ...place(i, j));
      } else {
        const at = (i: number): number => 2 * count * (i * kinds.length + j);
        await this.#fillWindow(kind, rows, columns, { all, at }, signal);
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

/** Where a column is one frame, it is its own minimum and maximum: `length` values, then the same again. */
function repeat(values: NpyArray, first: number, length: number, into: Float32Array, at: number): void {
  for (let t = 0; t < length; t += 1) {
    const value = values[first + t] ?? Number.NaN;
    into[at + t] = value;
    into[at + length + t] = value;
  }
}
