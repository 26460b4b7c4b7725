// SPDX-License-Identifier: MIT
import path from 'node:path';
import { NpyFile, readNpz } from '../arrays/index.ts';
import type { RunSource, TraceKind } from './tasks.ts';

/** Traces of a run after its edits, one whole trace at a time. */
export class RunTraces {
  readonly #own: NpyFile;
  readonly #edited = new Map<number, { readonly file: NpyFile; readonly index: number }>();
  readonly #files: NpyFile[];
  readonly #frames: number;

  private constructor(own: NpyFile, frames: number) {
    this.#own = own;
    this.#files = [own];
    this.#frames = frames;
  }

  /** @throws AppError `disk.io` */
  static async open(run: RunSource, kind: TraceKind): Promise<RunTraces> {
    const name = `traces/${kind}.npy`;
    const traces = new RunTraces(await NpyFile.open(path.join(run.folder, name), name), run.frames);
    try {
      for (const { folder, rows } of run.edits) {
        if (rows.length === 0) continue;
        const file = await NpyFile.open(path.join(folder, name), name);
        traces.#files.push(file);
        for (const [row, index] of rows) traces.#edited.set(row, { file, index });
      }
      return traces;
    } catch (error) {
      await traces.close();
      throw error;
    }
  }

  /** T values. @throws AppError `disk.io` */
  async row(row: number): Promise<ArrayLike<number>> {
    const { file, index } = this.#edited.get(row) ?? { file: this.#own, index: row };
    return await file.read(index * this.#frames, this.#frames);
  }

  async close(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.close();
  }
}

/** T times, s since the recording's start; NaN where unknown. @throws AppError `disk.io` */
export async function runTimes(run: RunSource): Promise<Float64Array> {
  const counted = (fps: number): Float64Array => Float64Array.from({ length: run.frames }, (_, frame) => frame / fps);
  if (run.countedFps !== null) return counted(run.countedFps);
  const file = await NpyFile.open(path.join(run.folder, 'time.npy'), 'time.npy');
  try {
    return Float64Array.from(await file.read(0, run.frames));
  } finally {
    await file.close();
  }
}

/** Frames in which each cell's events begin, by row; undefined for a run without a list of events. */
export async function eventOnsets(run: RunSource): Promise<ReadonlyMap<number, readonly number[]> | undefined> {
  let columns;
  try {
    columns = await readNpz(path.join(run.folder, 'events.npz'), ['cell', 'onset', 'amplitude'], 'events.npz');
  } catch {
    return undefined;
  }
  const onsets = new Map<number, number[]>();
  for (let i = 0; i < columns.cell.length; i += 1) {
    const row = columns.cell[i] ?? -1;
    const list = onsets.get(row) ?? [];
    list.push(columns.onset[i] ?? 0);
    onsets.set(row, list);
  }
  // Rows that an edit changed have other traces: their events are not known.
  for (const { rows } of run.edits) for (const [row] of rows) onsets.delete(row);
  return onsets;
}

/** Rows whose traces an edit made or changed. */
export function editedRows(run: RunSource): ReadonlySet<number> {
  return new Set(run.edits.flatMap(({ rows }) => rows.map(([row]) => row)));
}
