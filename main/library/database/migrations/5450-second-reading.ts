// SPDX-License-Identifier: MIT
import { bool, type Migration } from './kit.ts';
import { localTime, rootKey } from './natural-views.ts';

const [run, cell] = [rootKey('run'), rootKey('cell')];
const own = (runId: string): string =>
  `(SELECT max(curation.id) FROM curation WHERE curation.run_id = ${runId} AND curation.received_at IS NULL AND curation.second = 0)`;

/**
 * A second rater's reading of a run: a log of its own beside the curation, whose labels nobody sees until it is finished. It is no version and
 * nothing goes on from it; what counts as the curation, here and on a DataJoint server, leaves it out.
 */
export const secondReading: Migration = {
  id: 5450,
  name: 'second readings',
  sql: `
    ALTER TABLE curation ADD COLUMN second INTEGER NOT NULL DEFAULT 0 ${bool('second')};
    DROP INDEX curation_own;
    CREATE INDEX curation_own ON curation (run_id, id) WHERE received_at IS NULL AND second = 0;
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
    FROM ${run.from} JOIN curation ON curation.run_id = run.id AND curation.received_at IS NULL AND curation.second = 0
      JOIN rater ON rater.id = curation.owner_id
      LEFT JOIN curation AS earlier ON earlier.id = curation.parent_id;
  `,
  docs: {
    'curation.second':
      "1 for a second rater's own reading, which is no version of the curation; finished when it is frozen.",
  },
};
