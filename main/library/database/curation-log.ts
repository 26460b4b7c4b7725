// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import type { CellLabel, LogEntry } from '../../contract/index.ts';
import { uuidText } from '../uuid.ts';

/** The rows of a log from a number on, in order. */
export function entriesOf(database: Database.Database, curationId: number, fromSeq: number): readonly LogEntry[] {
  return database
    .prepare<
      [number, number],
      {
        seq: number;
        at: string;
        kind: LogEntry['kind'];
        from: CellLabel;
        to: CellLabel;
        row: number;
        cellUuid: Uint8Array;
        raterUuid: Uint8Array;
        initials: string;
        name: string | null;
      }
    >(
      `SELECT log.seq, log.at, log.kind, log.from_label AS "from", log.to_label AS "to", cell.row, cell.uuid AS cellUuid,
        rater.uuid AS raterUuid, rater.initials, rater.name
      FROM curation_log AS log JOIN cell ON cell.id = log.cell_id JOIN rater ON rater.id = log.rater_id
      WHERE log.curation_id = ? AND log.seq >= ? ORDER BY log.seq`,
    )
    .all(curationId, fromSeq)
    .map((row) => ({
      seq: row.seq,
      at: row.at,
      rater: { uuid: uuidText(row.raterUuid), initials: row.initials, name: row.name },
      cellUuid: uuidText(row.cellUuid),
      row: row.row,
      from: row.from,
      to: row.to,
      kind: row.kind,
    }));
}
