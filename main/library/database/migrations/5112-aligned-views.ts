// SPDX-License-Identifier: MIT
import type { Migration } from './kit.ts';
import { rootKey } from './natural-views.ts';

const run = rootKey('run');

const conditionKey = `${run.key}, this.trace, alignment_event.alignment_name, this.trial_condition`;
const conditions = `activity_alignment_condition AS this JOIN alignment_event ON alignment_event.id = this.alignment_event_id
  JOIN run ON run.id = this.run_id ${run.from.slice('run '.length)}`;
/** Arrays of a condition lie in the database: their row is named. */
const place = (array: string): string => `coalesce(${array}.path, 'array_ref ' || ${array}.id)`;

/** Views of aligned activity name the rows that hold it, and count bins. */
export const alignedViews: Migration = {
  id: 5112,
  name: 'views of aligned activity name its arrays',
  sql: `
    DROP VIEW dj_ActivityAlignment; DROP VIEW dj_ActivityAlignment_AlignedTrialActivity;
    CREATE VIEW dj_ActivityAlignment AS
    SELECT ${conditionKey}, ${place('times')} AS aligned_timestamps, json_extract(times.shape, '$[0]') AS bins, activity_alignment.computed_at
    FROM ${conditions} JOIN activity_alignment ON activity_alignment.condition_id = this.id
      JOIN array_ref AS times ON times.id = activity_alignment.time_array_id;
    CREATE VIEW dj_ActivityAlignment_AlignedTrialActivity AS
    SELECT ${conditionKey}, cell.row + 1 AS mask, trial.trial_id, ${place('activity')} AS aligned_trace, cell.row AS array_row,
      (SELECT count(*) FROM activity_alignment_trial AS earlier JOIN trial AS other ON other.id = earlier.trial_id
        WHERE earlier.condition_id = this.id AND other.trial_id < trial.trial_id) AS array_column
    FROM ${conditions}
      JOIN activity_alignment ON activity_alignment.condition_id = this.id
      JOIN array_ref AS activity ON activity.id = activity_alignment.activity_array_id
      JOIN activity_alignment_trial ON activity_alignment_trial.condition_id = this.id JOIN trial ON trial.id = activity_alignment_trial.trial_id
      JOIN cell ON cell.run_id = run.id AND cell.row < run.cell_count;
  `,
  docs: {},
};
