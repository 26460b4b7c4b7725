// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import type { Cell } from '../../contract/index.ts';
import type { EditState } from '../types.ts';
import { foldSteps, type Step } from './curation-fold.ts';
import { cellsSql, type CellSql, toCell } from './run-detail.ts';

/** All acts of a curation, decisions and edits, in order. */
export function stepsOf(database: Database.Database, curationId: number): readonly Step[] {
  return database
    .prepare<[number, number], Step>(
      `SELECT DISTINCT step, kind, target_step AS target FROM curation_log WHERE curation_id = ?
      UNION ALL
      SELECT step, CASE kind WHEN 'edit' THEN 'decide' ELSE kind END, target_step FROM curation_edit WHERE curation_id = ?
      ORDER BY step`,
    )
    .all(curationId, curationId);
}

/** One edit of a curation's log. */
export interface EditSql {
  readonly id: number;
  readonly step: number;
  readonly uuid: Uint8Array;
  readonly at: string;
  readonly request: string;
  readonly folder: string;
  readonly raterId: number;
}

/** The edits of a curation in order, those taken back too. */
export function editsOf(database: Database.Database, curationId: number): readonly EditSql[] {
  return database
    .prepare<[number], EditSql>(
      `SELECT id, step, uuid, at, request, folder, rater_id AS raterId FROM curation_edit
      WHERE curation_id = ? AND kind = 'edit' ORDER BY step`,
    )
    .all(curationId);
}

/** The edits that hold now, oldest first. */
export function activeEdits(database: Database.Database, curationId: number): readonly EditSql[] {
  const edits = editsOf(database, curationId);
  if (edits.length === 0) return edits;
  const done = new Set(foldSteps(stepsOf(database, curationId)).done);
  return edits.filter((edit) => done.has(edit.step));
}

/** A cell an edit touched, as the database holds it. */
export interface EditCellSql {
  readonly uuid: Uint8Array;
  readonly row: number;
  readonly state: EditState;
  readonly made: number;
  readonly arrayRow: number | null;
  readonly place: string | null;
  readonly metrics: string | null;
}

/** The cells an edit touched. */
export function editCellsOf(database: Database.Database, editId: number): readonly EditCellSql[] {
  return database
    .prepare<[number], EditCellSql>(
      `SELECT cell.uuid, cell.row, touched.state, touched.made, touched.array_row AS arrayRow, touched.place, touched.metrics
      FROM curation_edit_cell AS touched JOIN cell ON cell.id = touched.cell_id WHERE touched.edit_id = ? ORDER BY cell.row`,
    )
    .all(editId);
}

/** Where a cell lies, as `curation_edit_cell.place` holds it. */
type Place = Pick<Cell, 'centroid' | 'box'>;

/**
 * The cells of a run that are there after the edits of its newest curation (or of the given one), by row, with its labels, or those of
 * another log on the same cells.
 */
export function foldedCells(
  database: Database.Database,
  runId: number,
  curationId?: number,
  labelsOf?: number,
): readonly Cell[] {
  const run = database
    .prepare<[number, number], { cells: number | null; curation: number | null }>(
      'SELECT cell_count AS cells, (SELECT max(id) FROM curation WHERE run_id = ? AND received_at IS NULL AND second = 0) AS curation FROM run WHERE id = ?',
    )
    .get(runId, runId);
  const curation = curationId ?? run?.curation ?? null;
  const all = database
    .prepare<[{ run: number; curation: number | null }], CellSql>(cellsSql)
    .all({ run: runId, curation: labelsOf ?? curation })
    .map(toCell);
  const count = run?.cells ?? all.length;
  const edits = curation === null ? [] : activeEdits(database, curation);
  if (edits.length === 0) return all.length === count ? all : all.filter((cell) => cell.row < count);
  const live = new Map(all.filter((cell) => cell.row < count).map((cell) => [cell.row, cell]));
  const known = new Map(all.map((cell) => [cell.row, cell]));
  for (const edit of edits) {
    for (const { row, state, place, metrics } of editCellsOf(database, edit.id)) {
      const cell = known.get(row);
      if (cell === undefined) continue;
      const changed: Cell =
        place === null || metrics === null
          ? cell
          : {
              ...cell,
              ...(JSON.parse(place) as Place),
              metrics: JSON.parse(metrics) as Cell['metrics'],
            };
      known.set(row, changed);
      if (state === 'live') live.set(row, changed);
      else live.delete(row);
    }
  }
  return [...live.values()].toSorted((a, b) => a.row - b.row);
}
