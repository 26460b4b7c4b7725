// SPDX-License-Identifier: MIT
import type { NewCell, RunArray } from '../types.ts';
import { uuidBytes } from '../uuid.ts';
import type { Context } from './context.ts';

/** References to a run's arrays. */
export function addArrays(context: Context, runId: number, arrays: readonly RunArray[]): void {
  const add = context.database.prepare(
    'INSERT INTO run_array (run_id, path, dtype, shape, bytes, sha256) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const array of arrays) {
    add.run(runId, array.path, array.dtype, JSON.stringify(array.shape), array.bytes, array.sha256);
  }
}

/** A run's cells, each with a new uuid. */
export function addCells(context: Context, runId: number, cells: readonly NewCell[]): void {
  const { database, newUuid } = context;
  const add = database.prepare(
    `INSERT INTO cell (uuid, run_id, row, centroid_y, centroid_x, box_top, box_left, box_height, box_width, suggested, reasons, metrics)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const cell of cells) {
    const metrics = Object.fromEntries(
      Object.entries(cell.metrics).map(([name, value]) => [
        name,
        value !== null && Number.isFinite(value) ? value : null,
      ]),
    );
    add.run(
      uuidBytes(newUuid()),
      runId,
      cell.row,
      // A component without a pixel has no centre; it is listed at its (empty) box.
      Number.isFinite(cell.centroid.y) ? cell.centroid.y : cell.box.top,
      Number.isFinite(cell.centroid.x) ? cell.centroid.x : cell.box.left,
      cell.box.top,
      cell.box.left,
      cell.box.height,
      cell.box.width,
      cell.suggested ? 1 : 0,
      JSON.stringify(cell.reasons),
      JSON.stringify(metrics),
    );
  }
}
