// SPDX-License-Identifier: MIT
import type { EditedCell } from '../types.ts';
import { uuidBytes } from '../uuid.ts';
import type { Context } from './context.ts';

/** Stores what an edit did to one cell, and the cell itself where the edit made it. */
export function addEditCell(
  { database, newUuid }: Context,
  runId: number,
  editId: number | bigint,
  cell: EditedCell,
): void {
  const { result } = cell;
  if (cell.made && result !== null) {
    const { centroid, box, metrics } = result;
    database
      .prepare(
        `INSERT INTO cell (uuid, run_id, row, centroid_y, centroid_x, box_top, box_left, box_height, box_width, suggested, reasons, metrics)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, '[]', ?)`,
      )
      .run(
        uuidBytes(newUuid()),
        runId,
        cell.row,
        centroid.y,
        centroid.x,
        box.top,
        box.left,
        box.height,
        box.width,
        JSON.stringify(metrics),
      );
  }
  const place = result === null ? null : JSON.stringify({ centroid: result.centroid, box: result.box });
  database
    .prepare(
      `INSERT INTO curation_edit_cell (edit_id, cell_id, state, made, array_row, place, metrics)
      VALUES (?, (SELECT id FROM cell WHERE run_id = ? AND row = ?), ?, ?, ?, ?, ?)`,
    )
    .run(
      editId,
      runId,
      cell.row,
      cell.state,
      cell.made ? 1 : 0,
      cell.arrayRow,
      place,
      result === null ? null : JSON.stringify(result.metrics),
    );
}
