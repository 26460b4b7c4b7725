// SPDX-License-Identifier: MIT
import type { SparseRows } from '../arrays/index.ts';
import type { Layer } from './edits.ts';
import { RunFolder } from './run-folder.ts';
import { type TracePacket, TraceReader, type TraceRequest } from './traces.ts';

/** Where the arrays of rows lie that edits made or changed, and which rows of the run are hidden. */
export interface EditedRows {
  /** By row of the run. */
  readonly sources: ReadonlyMap<number, { readonly folder: string; readonly index: number }>;
  readonly hidden: ReadonlySet<number>;
}

/** The fold of the edits that hold, oldest first. */
export function foldLayers(layers: readonly Layer[]): EditedRows {
  const sources = new Map<number, { folder: string; index: number }>();
  const hidden = new Set<number>();
  for (const { folder, cells } of layers) {
    for (const { row, state, arrayRow } of cells) {
      if (arrayRow !== null) sources.set(row, { folder, index: arrayRow });
      if (state === 'live') hidden.delete(row);
      else hidden.add(row);
    }
  }
  return { sources, hidden };
}

/** Rows picked from several matrices with the same columns; a row nobody has is empty. */
function pick(
  columns: number,
  rows: readonly ({ readonly matrix: SparseRows; readonly row: number } | undefined)[],
): SparseRows {
  const indptr = new Float64Array(rows.length + 1);
  for (const [k, from] of rows.entries()) {
    const length =
      from === undefined ? 0 : (from.matrix.indptr[from.row + 1] ?? 0) - (from.matrix.indptr[from.row] ?? 0);
    indptr[k + 1] = (indptr[k] ?? 0) + length;
  }
  const entries = indptr[rows.length] ?? 0;
  const [indices, data] = [new Float64Array(entries), new Float64Array(entries)];
  for (const [k, from] of rows.entries()) {
    if (from === undefined) continue;
    const [start, end] = [from.matrix.indptr[from.row] ?? 0, from.matrix.indptr[from.row + 1] ?? 0];
    indices.set(from.matrix.indices.subarray(start, end), indptr[k]);
    data.set(from.matrix.data.subarray(start, end), indptr[k]);
  }
  return { rows: rows.length, columns, indptr, indices, data };
}

/** The footprints of a run after edits, by row; hidden rows are empty. @throws AppError `disk.io` */
export async function editedFootprints(run: RunFolder, layers: readonly Layer[]): Promise<SparseRows> {
  const matrix = await run.footprints();
  if (layers.length === 0) return matrix;
  const { sources, hidden } = foldLayers(layers);
  const folders = new Set([...sources.values()].map(({ folder }) => folder));
  const matrices = new Map<string, SparseRows>();
  for (const folder of folders) matrices.set(folder, await (await RunFolder.openEdit(folder, run)).footprints());
  const count = [...sources.keys()].reduce((most, row) => Math.max(most, row + 1), matrix.rows);
  const rows = Array.from({ length: count }, (_, row) => {
    if (hidden.has(row)) return undefined;
    const source = sources.get(row);
    if (source === undefined) return row < matrix.rows ? { matrix, row } : undefined;
    const own = matrices.get(source.folder);
    return own === undefined ? undefined : { matrix: own, row: source.index };
  });
  return pick(matrix.columns, rows);
}

/** Reads windows of traces from a run and the edits on it. */
export class EditedTraceReader {
  readonly #run: RunFolder;
  readonly #layers: () => Promise<readonly Layer[]>;
  readonly #readers = new Map<string, Promise<TraceReader>>();

  /** @param layers - the edits that hold, asked for with each window */
  constructor(run: RunFolder, layers: () => Promise<readonly Layer[]>) {
    this.#run = run;
    this.#layers = layers;
  }

  #reader(folder: string): Promise<TraceReader> {
    const reader =
      this.#readers.get(folder) ??
      (folder === this.#run.folder
        ? Promise.resolve(new TraceReader(this.#run))
        : RunFolder.openEdit(folder, this.#run).then((opened) => new TraceReader(opened)));
    this.#readers.set(folder, reader);
    return reader;
  }

  /** One window, as {@link TraceReader.read}. @throws AppError `disk.io`; the signal's reason when it is aborted */
  async read(wanted: TraceRequest, signal: AbortSignal): Promise<TracePacket> {
    const base = await this.#reader(this.#run.folder);
    const { sources } = foldLayers(await this.#layers());
    if (!wanted.rows.some((row) => sources.has(row))) return await base.read(wanted, signal);
    const parts: TracePacket[] = [];
    for (const row of wanted.rows) {
      const source = sources.get(row);
      const reader = source === undefined ? base : await this.#reader(source.folder);
      const part = await reader.read({ ...wanted, rows: [source?.index ?? row] }, signal);
      if (part.header.rows.length > 0) parts.push({ ...part, header: { ...part.header, rows: [row] } });
    }
    const empty = await base.read({ ...wanted, rows: [] }, signal);
    const times = 8 * empty.header.columns;
    return {
      header: { ...empty.header, rows: parts.flatMap((part) => part.header.rows) },
      bytes: Buffer.concat([empty.bytes, ...parts.map((part) => part.bytes.subarray(times))]),
    };
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#readers.values());
    this.#readers.clear();
    for (const reader of opened) if (reader.status === 'fulfilled') await reader.value.close();
  }
}
