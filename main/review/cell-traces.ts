// SPDX-License-Identifier: MIT
import { AppError, type Cell, type Uuid } from '../contract/index.ts';
import type { NpyFile } from '../arrays/index.ts';
import type { Library, RunDetail, TraceName } from '../library/index.ts';
import { foldLayers } from './layers.ts';
import { RunFolder } from './run-folder.ts';

/** Which cells of a run are asked for. */
export interface CellChoice {
  /** Version of the curation; the newest when absent. */
  readonly version?: number | undefined;
  /** Only cells that count as neurons: accepted by a person, or suggested and not rejected. */
  readonly accepted?: boolean | undefined;
  /** Only these rows of the run, in this order. */
  readonly rows?: readonly number[] | undefined;
}

/** Does a cell count as a neuron? A person's word before the engine's. */
export const countsAsNeuron = ({ label, suggested }: Pick<Cell, 'label' | 'suggested'>): boolean =>
  label === 'accepted' || (label === 'undecided' && suggested);

/** Whole traces of the cells of a run as a version of its curation leaves them: those of edited cells come from the edits' folders. */
export class CellTraces {
  readonly detail: RunDetail;
  readonly cells: readonly Cell[];
  /** T */
  readonly frames: number;
  readonly #run: RunFolder;
  readonly #sources: ReturnType<typeof foldLayers>['sources'];
  readonly #files = new Map<string, Promise<NpyFile>>();

  private constructor(
    detail: RunDetail,
    cells: readonly Cell[],
    run: RunFolder,
    sources: ReturnType<typeof foldLayers>['sources'],
  ) {
    this.detail = detail;
    this.cells = cells;
    this.frames = run.manifest.frames;
    this.#run = run;
    this.#sources = sources;
  }

  /** @throws AppError `run.not_found`, `run.not_ready`, `review.no_version`, `review.unknown_cell`, `disk.io` */
  static async open(library: Library, runUuid: Uuid, choice: CellChoice = {}): Promise<CellTraces> {
    const { version, accepted = false, rows } = choice;
    const detail = await library.runs.get(runUuid);
    if (detail.run.state !== 'succeeded') throw new AppError('run.not_ready', 'This run has no result.');
    const all = await library.runs.cells(runUuid, version);
    const layers = (await library.curation.edits(runUuid, version)).filter((edit) => edit.active);
    const byRow = new Map(all.map((cell) => [cell.row, cell]));
    const named = rows?.map((row) => {
      const cell = byRow.get(row);
      if (cell !== undefined) return cell;
      const known = all.map((each) => each.row);
      throw new AppError(
        'review.unknown_cell',
        `This run has no cell ${row}; its rows are ${known[0] ?? 'none'} to ${known.at(-1) ?? 'none'}.`,
      );
    });
    const cells = (named ?? all).filter((cell) => !accepted || countsAsNeuron(cell));
    return new CellTraces(detail, cells, await RunFolder.open(detail.folder), foldLayers(layers).sources);
  }

  /** Has the run traces of this kind? */
  has(kind: TraceName): boolean {
    return this.#run.manifest.traces.includes(kind);
  }

  /** T seconds since the recording's start, NaN where unknown. */
  async times(): Promise<Float64Array> {
    return await this.#run.times();
  }

  /** T values of a cell. @throws AppError `run.no_trace`, `disk.io` */
  async read(row: number, kind: TraceName): Promise<Float32Array> {
    if (!this.has(kind)) {
      throw new AppError('run.no_trace', `This run has no ${kind} traces.`, {
        hint: `It has: ${this.#run.manifest.traces.join(', ') || 'none'}.`,
      });
    }
    const source = this.#sources.get(row);
    const file = await this.#file(source?.folder ?? this.#run.folder, kind);
    const index = source?.index ?? row;
    return Float32Array.from(await file.read(index * this.frames, this.frames));
  }

  #file(folder: string, kind: TraceName): Promise<NpyFile> {
    const key = `${folder}\n${kind}`;
    const open = async (): Promise<NpyFile> => {
      const place = folder === this.#run.folder ? this.#run : await RunFolder.openEdit(folder, this.#run);
      return await place.array(`traces/${kind}.npy`, [place.manifest.components, this.frames]);
    };
    const file = this.#files.get(key) ?? open();
    this.#files.set(key, file);
    return file;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#files.values());
    this.#files.clear();
    for (const file of opened) if (file.status === 'fulfilled') await file.value.close();
  }
}
