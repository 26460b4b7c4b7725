// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { filesWithHashes } from '../checksum/index.ts';
import { AppError, type Cell, type CellEdit, type Uuid } from '../contract/index.ts';
import type { CurationChange, EditedCell, Library, StoredEdit } from '../library/index.ts';

/** What computes edits: `main/media`'s editor. */
export interface EditCompute {
  readonly compute: (request: object) => Promise<unknown>;
}

const figure = z.number().nullish();

const EditEntry = z.looseObject({
  row: z.number().int(),
  state: z.enum(['live', 'dark', 'gone']),
  index: z.number().int().nullable(),
  made: z.boolean(),
  centroid: z.object({ y: figure, x: figure }).optional(),
  box: z
    .object({ top: z.number().int(), left: z.number().int(), height: z.number().int(), width: z.number().int() })
    .optional(),
});

const EditJson = z.object({ formatVersion: z.literal(1), cells: z.array(EditEntry) });

/** Fields of an entry that are no metrics. */
const places = new Set(['row', 'state', 'index', 'made', 'centroid', 'box', 'accepted', 'reasons']);

function toEditedCell(entry: z.infer<typeof EditEntry>): EditedCell {
  const { row, state, made, index, centroid, box } = entry;
  if (index === null || box === undefined) return { row, state, made, arrayRow: null, result: null };
  const metrics: Record<string, number | null> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (!places.has(name)) metrics[name] = typeof value === 'number' ? value : null;
  }
  const middle = { y: box.top + box.height / 2, x: box.left + box.width / 2 };
  const where = { y: centroid?.y ?? middle.y, x: centroid?.x ?? middle.x };
  return { row, state, made, arrayRow: index, result: { centroid: where, box, metrics } };
}

interface Preview {
  readonly runUuid: Uuid;
  readonly edit: CellEdit;
  readonly folder: string;
  readonly basis: readonly Uuid[];
  readonly cells: readonly EditedCell[];
}

export interface PreviewedEdit {
  readonly preview: Uuid;
  readonly cells: readonly {
    uuid: Uuid | null;
    row: number;
    state: EditedCell['state'];
    made: boolean;
    result: Pick<Cell, 'centroid' | 'box' | 'metrics'> | null;
  }[];
}

/** Previews that are kept. */
const kept = 4;

/** What layers of arrays need to know of an edit. */
export type Layer = Pick<StoredEdit, 'folder' | 'cells'>;

/** The edits of a run that hold in a version of its curation (the newest when none is named), oldest first. */
export async function activeLayers(library: Library, runUuid: Uuid, version?: number): Promise<readonly StoredEdit[]> {
  return (await library.curation.edits(runUuid, version)).filter((edit) => edit.active);
}

/** Where the engine keeps a run's registered film; it may have been removed to save space. */
async function keptFilm(library: Library, runFolder: string): Promise<string | null> {
  const Keys = z.object({ stageKeys: z.object({ motion: z.string().regex(/^[0-9a-f]+$/) }).nullish() });
  const parsed = Keys.safeParse(JSON.parse(await readFile(path.join(runFolder, 'run.json'), 'utf8')));
  const key = parsed.success ? parsed.data.stageKeys?.motion : undefined;
  return key === undefined ? null : path.join(library.folders.cache, key, 'registered.tiles');
}

/** Computes edits of cells and appends them to the curation. Arrays are written once, under a preview's name, and renamed when the edit is done. */
export class CellEdits {
  readonly #library: Library;
  readonly #engine: EditCompute;
  readonly #previews = new Map<Uuid, Preview>();
  #cleared: Promise<void> | undefined;

  constructor(library: Library, engine: EditCompute) {
    this.#library = library;
    this.#engine = engine;
  }

  get #folder(): string {
    return path.join(this.#library.folders.edits, 'previews');
  }

  /** Previews of an earlier process are of no use to anyone. */
  async #clear(): Promise<void> {
    this.#cleared ??= rm(this.#folder, { recursive: true, force: true });
    await this.#cleared;
    await mkdir(this.#folder, { recursive: true });
  }

  async #drop(preview: Uuid): Promise<void> {
    const found = this.#previews.get(preview);
    this.#previews.delete(preview);
    if (found !== undefined) await rm(found.folder, { recursive: true, force: true });
  }

  /** Rows of cells by uuid, deleted ones too. */
  async #rows(runUuid: Uuid, layers: readonly StoredEdit[]): Promise<ReadonlyMap<Uuid, number>> {
    const rows = new Map<Uuid, number>();
    for (const { cells } of layers) for (const { uuid, row } of cells) rows.set(uuid, row);
    for (const { uuid, row } of await this.#library.runs.cells(runUuid)) rows.set(uuid, row);
    return rows;
  }

  /** @throws AppError `review.edit_…`, `review.unknown_cell`, `library.read_only`, `disk.…` */
  async preview(runUuid: Uuid, edit: CellEdit): Promise<PreviewedEdit> {
    const { curation, readOnly } = this.#library;
    if (readOnly !== null) throw new AppError('library.read_only', readOnly);
    await this.#clear();
    const layers = await activeLayers(this.#library, runUuid);
    const rows = await this.#rows(runUuid, layers);
    const detail = await this.#library.runs.get(runUuid);
    const preview = randomUUID();
    const folder = path.join(this.#folder, preview);
    const value = await this.#engine.compute({
      runFolder: detail.folder,
      film: await keptFilm(this.#library, detail.folder),
      layers: layers.map((layer) => layer.folder),
      nextRow: await curation.nextRow(runUuid),
      edit: toEngine(edit, rows),
      output: folder,
    });
    const cells = EditJson.parse(value).cells.map(toEditedCell);
    this.#previews.set(preview, { runUuid, edit, folder, basis: layers.map((layer) => layer.uuid), cells });
    for (const oldest of [...this.#previews.keys()].slice(0, -kept)) await this.#drop(oldest);
    const uuids = new Map([...rows].map(([uuid, row]) => [row, uuid]));
    return {
      preview,
      cells: cells.map(({ row, state, made, result }) => ({
        uuid: uuids.get(row) ?? null,
        row,
        state,
        made,
        result: result === null ? null : { ...result, metrics: { ...result.metrics } },
      })),
    };
  }

  /** The layers that hold, and a preview over them: the cells as they would be. @throws AppError `review.edit_stale` */
  async layersWith(runUuid: Uuid, preview: Uuid | undefined, version?: number): Promise<readonly Layer[]> {
    const layers = await activeLayers(this.#library, runUuid, version);
    if (preview === undefined) return layers;
    const { folder, cells } = this.#found(runUuid, preview);
    // A cell that is only made in the preview has no uuid yet; arrays are found by row.
    const made = cells.map(({ row, state, made, arrayRow }) => ({ row, state, made, arrayRow, uuid: preview }));
    return [...layers, { folder, cells: made }];
  }

  #found(runUuid: Uuid, preview: Uuid): Preview {
    const found = this.#previews.get(preview);
    if (found?.runUuid === runUuid) return found;
    throw new AppError('review.edit_stale', 'This preview is no longer kept.', { hint: 'Make it again.' });
  }

  /** @throws AppError `review.edit_stale` when the preview is gone or the cells changed meanwhile, `review.frozen`, `review.no_rater`, `disk.…` */
  async commit(runUuid: Uuid, raterUuid: Uuid, preview: Uuid): Promise<CurationChange> {
    const { curation, folders } = this.#library;
    const found = this.#found(runUuid, preview);
    const { uuid: curationUuid } = await curation.begin({ runUuid, raterUuid });
    const folder = path.join(folders.edits, curationUuid, preview);
    try {
      await mkdir(path.dirname(folder), { recursive: true });
      await rename(found.folder, folder);
    } catch (error) {
      throw new AppError('disk.io', `The edit could not be kept: ${String(error)}`, { cause: error });
    }
    this.#previews.delete(preview);
    const { edit, basis, cells } = found;
    try {
      const files = await filesWithHashes(folder);
      return await curation.addEdit({ runUuid, raterUuid, uuid: preview, request: edit, folder, files, basis, cells });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

/** The edit in the engine's words: cells by row. */
function toEngine(edit: CellEdit, rows: ReadonlyMap<Uuid, number>): object {
  const rowOf = (uuid: Uuid): number => {
    const row = rows.get(uuid);
    if (row === undefined) throw new AppError('review.unknown_cell', `Cell ${uuid} does not belong to this run.`);
    return row;
  };
  if ('cellUuids' in edit) {
    const { cellUuids, ...rest } = edit;
    return { ...rest, rows: cellUuids.map(rowOf) };
  }
  if ('cellUuid' in edit) {
    const { cellUuid, ...rest } = edit;
    return { ...rest, row: rowOf(cellUuid) };
  }
  return edit;
}
