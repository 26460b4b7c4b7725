// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import { AppError } from '../../contract/index.ts';
import type { CurationVersion } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import type { Context } from './context.ts';
import { activeEdits, foldedCells } from './edit-fold.ts';

/** The row of a version. @throws AppError `review.no_version` */
export function versionKey(database: Database.Database, runId: number, version: number): number {
  const row = database
    .prepare<[number, number], { id: number }>(
      'SELECT max(id) AS id FROM curation WHERE run_id = ? AND version = ? AND received_at IS NULL AND second = 0',
    )
    .get(runId, version);
  // An aggregate always gives a row; without a match it is null.
  const id = row?.id as number | null | undefined;
  if (id === null || id === undefined) {
    throw new AppError('review.no_version', `This run has no version ${version} of its curation.`, {
      hint: 'calyx curate <run> lists the versions.',
    });
  }
  return id;
}

/** All versions of a run, oldest first. */
export function versionsOf(database: Database.Database, runId: number): readonly CurationVersion[] {
  return database
    .prepare<[number], Omit<CurationVersion, 'uuid' | 'edits'> & { id: number; uuid: Uint8Array }>(
      `SELECT curation.id, curation.uuid, curation.version, rater.initials AS owner, curation.created_at AS createdAt,
        curation.frozen_at AS frozenAt, earlier.version AS parent, curation.accepted_count AS accepted,
        curation.rejected_count AS rejected
      FROM curation JOIN rater ON rater.id = curation.owner_id LEFT JOIN curation AS earlier ON earlier.id = curation.parent_id
      WHERE curation.run_id = ? AND curation.received_at IS NULL AND curation.second = 0 ORDER BY curation.id`,
    )
    .all(runId)
    .map(({ id, uuid, ...row }) => {
      const edits = activeEdits(database, id).length;
      const counts = { accepted: 0, rejected: 0, undecided: 0 };
      // The stored sums count the cells that an edit hid, too.
      if (edits > 0) for (const { label } of foldedCells(database, runId, id)) counts[label] += 1;
      const { accepted, rejected } = edits > 0 ? counts : row;
      return Object.assign(row, { accepted, rejected, uuid: uuidText(uuid), edits });
    });
}

/**
 * Begins the version after a frozen one. Its first acts take over what holds there: the edits, one step each, whose arrays stay in their
 * folders, then all labels in one step. Who made them is kept; when, is in the parent.
 */
export function continueVersion(
  { database, newUuid, now }: Context,
  {
    before,
    runId,
    ownerId,
  }: {
    readonly before: {
      readonly id: number;
      readonly version: number;
      readonly accepted: number;
      readonly rejected: number;
    };
    readonly runId: number;
    readonly ownerId: number;
  },
): void {
  const { lastInsertRowid: next } = database
    .prepare('INSERT INTO curation (uuid, run_id, owner_id, parent_id, version, created_at) VALUES (?, ?, ?, ?, ?, ?)')
    .run(uuidBytes(newUuid()), runId, ownerId, before.id, before.version + 1, now());
  const edits = activeEdits(database, before.id);
  for (const [i, edit] of edits.entries()) {
    const { lastInsertRowid: copy } = database
      .prepare(
        `INSERT INTO curation_edit (curation_id, step, kind, rater_id, at, uuid, request, folder)
        VALUES (?, ?, 'edit', ?, ?, ?, ?, ?)`,
      )
      .run(next, i + 1, edit.raterId, now(), uuidBytes(newUuid()), edit.request, edit.folder);
    database
      .prepare(
        `INSERT INTO curation_edit_cell (edit_id, cell_id, state, made, array_row, place, metrics)
        SELECT ?, cell_id, state, made, array_row, place, metrics FROM curation_edit_cell WHERE edit_id = ?`,
      )
      .run(copy, edit.id);
  }
  database
    .prepare(
      `INSERT INTO curation_log (curation_id, seq, step, kind, target_step, rater_id, cell_id, from_label, to_label, at, context)
      SELECT ?, row_number() OVER (ORDER BY cell_id), ?, 'decide', NULL, rater_id, cell_id, 'undecided', to_label, ?, '{"from":"parent"}'
      FROM curation_log AS label WHERE curation_id = ? AND to_label <> 'undecided'
        AND seq = (SELECT max(seq) FROM curation_log AS later WHERE later.curation_id = label.curation_id AND later.cell_id = label.cell_id)`,
    )
    .run(next, edits.length + 1, now(), before.id);
  database
    .prepare('UPDATE curation SET accepted_count = ?, rejected_count = ? WHERE id = ?')
    .run(before.accepted, before.rejected, next);
}
