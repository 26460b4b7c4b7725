// SPDX-License-Identifier: MIT
import { instant, relativePath } from './kit.ts';
import { localTime, rootKey } from './natural-views.ts';
import { master, tableMigration, type TableSpec } from './table-kit.ts';

const sha256 = (column: string): string =>
  `TEXT NOT NULL CHECK (length(${column}) = 64 AND ${column} NOT GLOB '*[^0-9a-f]*')`;
const bytes = 'INTEGER NOT NULL CHECK (bytes >= 0)';
const state = "TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('writing', 'ready', 'missing', 'quarantined'))";

/** Tables of migration 5200. */
export const travelSpecs: Readonly<Record<string, TableSpec>> = {
  recording_proxy: {
    element: 'calyx',
    className: 'RecordingProxy',
    tier: 'internal',
    travels: 'never',
    plain: true,
    audit: 'none',
    key: ['recording_id'],
    text: 'A small film that stands in for the films of a recording.',
    columns: {
      recording_id: [master('recording'), 'The recording.'],
      path: [`TEXT NOT NULL ${relativePath('path')}`, 'File relative to the library, forward slashes.'],
      frames: ['INTEGER NOT NULL CHECK (frames >= 0)', 'frames', 'As many as the films have.'],
      bytes: [bytes, 'bytes', 'Size of the file.'],
      sha256: [sha256('sha256'), 'SHA-256 of the file, hex.'],
      state: [state, 'writing, ready, missing or quarantined.'],
    },
  },
  edit_file: {
    element: 'calyx',
    className: 'CurationEdit.File',
    tier: 'internal',
    travels: 'never',
    plain: true,
    audit: 'none',
    key: ['edit_id', 'path'],
    text: 'A file of an edit of cells.',
    columns: {
      edit_id: [master('curation_edit'), 'The edit.'],
      path: [`TEXT NOT NULL ${relativePath('path')}`, "File relative to the edit's folder, forward slashes."],
      bytes: [bytes, 'bytes', 'Size of the file.'],
      sha256: [sha256('sha256'), 'SHA-256 of the file, hex.'],
      state: [state, 'writing, ready, missing or quarantined.'],
    },
  },
};

const [run, cell] = [rootKey('run'), rootKey('cell')];
const own = (runId: string): string =>
  `(SELECT max(curation.id) FROM curation WHERE curation.run_id = ${runId} AND curation.received_at IS NULL)`;

/**
 * What travel between libraries needs: judgements that came from another library stand beside those of this one and are never written here;
 * a small film may stand in for one that stayed behind; files of edits are known by their hashes, as those of runs are.
 */
export const travel = tableMigration(5200, 'travel between libraries', travelSpecs, {
  sql: `
    ALTER TABLE curation ADD COLUMN received_at TEXT ${instant('received_at')};
    CREATE INDEX curation_own ON curation (run_id, id) WHERE received_at IS NULL;
    DROP VIEW dj_MaskClassification_MaskType;
    CREATE VIEW dj_MaskClassification_MaskType AS
    SELECT ${cell.key}, 'calyx_rules' AS mask_classification_method, 'soma' AS mask_type, cell.metrics ->> '$.probability' AS confidence
    FROM ${cell.from} WHERE cell.row < cell_u.cell_count AND cell_u.state = 'succeeded' AND cell.suggested = 1
    UNION ALL
    SELECT ${cell.key}, 'calyx_curation', CASE label.to_label WHEN 'accepted' THEN 'soma' ELSE 'artefact' END, NULL
    FROM curation_log AS label JOIN cell ON cell.id = label.cell_id ${cell.from.slice(5)}
    WHERE label.to_label <> 'undecided' AND label.curation_id = ${own('cell.run_id')}
      AND label.seq = (SELECT max(later.seq) FROM curation_log AS later WHERE later.curation_id = label.curation_id AND later.cell_id = label.cell_id);
    DROP VIEW dj_Curation;
    CREATE VIEW dj_Curation AS
    SELECT ${run.key}, curation.version AS curation_id, ${localTime('curation.created_at', '0')} AS curation_time,
      run.output_folder AS curation_output_dir, 1 AS manual_curation, rater.initials AS curator, curation.accepted_count, curation.rejected_count,
      curation.frozen_at, lower(hex(curation.uuid)) AS curation_uuid, lower(hex(earlier.uuid)) AS parent_uuid
    FROM ${run.from} JOIN curation ON curation.run_id = run.id AND curation.received_at IS NULL
      JOIN rater ON rater.id = curation.owner_id
      LEFT JOIN curation AS earlier ON earlier.id = curation.parent_id;
  `,
  docs: {
    'curation.received_at':
      'When it came from another library, UTC; null for judgements of this one. Only the latter are gone on with here.',
  },
});
