// SPDX-License-Identifier: MIT
import { animalSpecs } from './1010-animals.ts';
import { labSpecs } from './1009-lab.ts';
import { surgerySpecs } from './1011-surgery.ts';
import { sessionPartSpecs } from './1012-session-parts.ts';
import { eventSpecs } from './3001-events.ts';
import { resultSpecs } from './3002-results.ts';
import type { Migration } from './kit.ts';
import { localTime, naturalViews, rootKey } from './natural-views.ts';

const session = rootKey('session');
const recording = rootKey('recording');
const run = rootKey('run');
const cell = rootKey('cell');
const finished = "run.state = 'succeeded'";

/** A file of a run's folder, relative to the library; null where the run has none. */
const file = (path: string, of = 'run'): string =>
  `(SELECT ${of}.output_folder || '/' || run_array.path FROM run_array WHERE run_array.run_id = ${of}.id AND run_array.path = '${path}')`;
const metric = (name: string): string => `json_extract(cell.metrics, '$.${name}')`;

/** Cells of the run itself; those an edit made lie in `edits/`. */
const masks = `${cell.from} WHERE cell.row < cell_u.cell_count AND cell_u.state = 'succeeded'`;

/** Written by hand: what is not one table, or not as it is stored. */
const special = new Set([
  'session_directory',
  'run_motion',
  'run_motion_block',
  'trace_quality',
  'activity_alignment_condition',
  'activity_alignment_trial',
  'activity_alignment',
  'activity_extraction_method',
]);

const conditions = `activity_alignment_condition AS this JOIN alignment_event ON alignment_event.id = this.alignment_event_id
  JOIN run ON run.id = this.run_id ${run.from.slice(4)}`;
const conditionKey = `${run.key}, this.trace, alignment_event.alignment_name, this.trial_condition`;

/**
 * Read-only views with natural keys for every table of the Elements that 1006 had not (datamodel.md 1.11). Arrays are shown by the file
 * they lie in and their row there. Displacements are those of the content, `x` along columns (upstream defect 7 not repeated); `mask` is
 * row + 1, accepted cells are those that were accepted (defect 5); `variance` is a variance (defect 9).
 */
export const workflowViews: Migration = {
  id: 3003,
  name: 'views with natural keys, all tables',
  sql: `
    DROP VIEW dj_Session; DROP VIEW dj_SessionDirectory; DROP VIEW dj_Recording; DROP VIEW dj_ProcessingTask;
    DROP VIEW dj_Segmentation_Mask; DROP VIEW dj_ProcessingParamSet;
    ${naturalViews({ ...labSpecs, ...animalSpecs, ...surgerySpecs, ...sessionPartSpecs, ...eventSpecs, ...resultSpecs }, special)}
    CREATE VIEW dj_Session AS SELECT ${session.key}, session.session_number AS session_id FROM ${session.from};
    CREATE VIEW dj_SessionDirectory AS SELECT ${session.key}, coalesce(session_directory.session_dir, session.folder) AS session_dir
    FROM ${session.from} LEFT JOIN session_directory ON session_directory.session_id = session.id;
    CREATE VIEW dj_Recording AS SELECT ${recording.key}, device.device, acq_software, recording_notes
    FROM ${recording.from} LEFT JOIN device ON device.id = recording.device_id
      LEFT JOIN acquisition_software ON acquisition_software.id = recording.acquisition_software_id;
    CREATE VIEW dj_ProcessingParamSet AS
    SELECT processing_param_set.id AS paramset_idx, processing_method, paramset_desc,
      lower(substr(hex(dj_param_hash), 1, 8) || '-' || substr(hex(dj_param_hash), 9, 4) || '-' || substr(hex(dj_param_hash), 13, 4)
        || '-' || substr(hex(dj_param_hash), 17, 4) || '-' || substr(hex(dj_param_hash), 21)) AS param_set_hash,
      params_sha256, params
    FROM processing_param_set JOIN processing_method ON processing_method.id = processing_param_set.processing_method_id;
    CREATE VIEW dj_ProcessingTask AS SELECT ${run.key},
      CASE task_mode WHEN 'load' THEN run.processing_output_dir ELSE run.output_folder END AS processing_output_dir, task_mode, run.state
    FROM ${run.from};

    CREATE VIEW dj_MotionCorrection AS SELECT ${run.key}, 0 AS motion_correct_channel FROM ${run.from} WHERE ${finished};
    CREATE VIEW dj_MotionCorrection_RigidMotionCorrection AS
    SELECT ${run.key}, ${file('motion.npy')} AS shifts, 0 AS y_shifts_column, 1 AS x_shifts_column, ${file('frame_flags.npy')} AS outlier_frames,
      run_motion.y_std, run_motion.x_std
    FROM ${run.from} LEFT JOIN run_motion ON run_motion.run_id = run.id WHERE ${finished} AND ${file('motion.npy')} IS NOT NULL;
    CREATE VIEW dj_MotionCorrection_NonRigidMotionCorrection AS
    SELECT ${run.key}, ${file('motion_blocks.npy')} AS shifts, ${file('frame_flags.npy')} AS outlier_frames,
      count(run_motion_block.block_id) AS block_count
    FROM ${run.from} LEFT JOIN run_motion_block ON run_motion_block.run_id = run.id
    WHERE ${finished} AND ${file('motion_blocks.npy')} IS NOT NULL GROUP BY run.id;
    CREATE VIEW dj_MotionCorrection_Block AS
    SELECT ${run.key}, run_motion_block.block_id, centre_y AS block_y, centre_x AS block_x, run_motion_block.y_std, run_motion_block.x_std
    FROM ${run.from} JOIN run_motion_block ON run_motion_block.run_id = run.id;
    CREATE VIEW dj_MotionCorrection_Summary AS
    SELECT ${run.key}, ${file('images/mean.npy')} AS average_image, ${file('images/correlation.npy')} AS correlation_image,
      ${file('images/max.npy')} AS max_proj_image, ${file('images/std.npy')} AS std_image, ${file('images/pnr.npy')} AS pnr_image
    FROM ${run.from} WHERE ${finished};

    CREATE VIEW dj_Segmentation_Mask AS
    SELECT ${cell.key}, 0 AS segmentation_channel, round(cell.centroid_x) AS mask_center_x, round(cell.centroid_y) AS mask_center_y,
      cell.centroid_x, cell.centroid_y, cell.box_top, cell.box_left, cell.box_height, cell.box_width, ${metric('areaPx')} AS mask_area_px,
      ${file('footprints.npz', 'cell_u')} AS mask_weights, cell.row AS array_row
    FROM ${cell.from};
    CREATE VIEW dj_MaskClassification AS
    SELECT ${run.key}, mask_classification_method
    FROM ${run.from} JOIN mask_classification_method ON mask_classification_method.mask_classification_method = 'calyx_rules'
      OR (mask_classification_method.mask_classification_method = 'calyx_curation' AND EXISTS (SELECT 1 FROM curation WHERE curation.run_id = run.id))
    WHERE ${finished};
    CREATE VIEW dj_MaskClassification_MaskType AS
    SELECT ${cell.key}, 'calyx_rules' AS mask_classification_method, 'soma' AS mask_type, ${metric('probability')} AS confidence
    FROM ${masks} AND cell.suggested = 1
    UNION ALL
    SELECT ${cell.key}, 'calyx_curation', CASE label.to_label WHEN 'accepted' THEN 'soma' ELSE 'artefact' END, NULL
    FROM curation_log AS label JOIN cell ON cell.id = label.cell_id ${cell.from.slice(5)}
    WHERE label.to_label <> 'undecided'
      AND label.curation_id = (SELECT max(curation.id) FROM curation WHERE curation.run_id = cell.run_id)
      AND label.seq = (SELECT max(later.seq) FROM curation_log AS later WHERE later.curation_id = label.curation_id AND later.cell_id = label.cell_id);
    CREATE VIEW dj_Curation AS
    SELECT ${run.key}, curation.version AS curation_id, ${localTime('curation.created_at', '0')} AS curation_time,
      run.output_folder AS curation_output_dir, 1 AS manual_curation, rater.initials AS curator, curation.accepted_count, curation.rejected_count,
      curation.frozen_at, lower(hex(curation.uuid)) AS curation_uuid, lower(hex(earlier.uuid)) AS parent_uuid
    FROM ${run.from} JOIN curation ON curation.run_id = run.id JOIN rater ON rater.id = curation.owner_id
      LEFT JOIN curation AS earlier ON earlier.id = curation.parent_id;

    CREATE VIEW dj_Fluorescence AS SELECT ${run.key} FROM ${run.from} WHERE ${finished};
    CREATE VIEW dj_Fluorescence_Trace AS
    SELECT ${cell.key}, 0 AS fluorescence_channel, ${file('traces/raw.npy', 'cell_u')} AS fluorescence,
      ${file('traces/denoised.npy', 'cell_u')} AS denoised_fluorescence, NULL AS neuropil_fluorescence, cell.row AS array_row
    FROM ${masks};
    CREATE VIEW dj_ActivityExtractionMethod AS SELECT extraction_method FROM activity_extraction_method;
    CREATE VIEW dj_Activity AS
    SELECT ${run.key}, extraction_method FROM ${run.from}
      JOIN processing_param_set AS used ON used.id = run.processing_param_set_id
      JOIN processing_method ON processing_method.id = used.processing_method_id
      JOIN activity_extraction_method ON extraction_method LIKE processing_method || '~_%' ESCAPE '~'
    WHERE ${finished};
    CREATE VIEW dj_Activity_Trace AS
    SELECT ${cell.key}, extraction_method, 0 AS fluorescence_channel,
      cell_u.output_folder || '/traces/' || activity_extraction_method.trace || '.npy' AS activity_trace, cell.row AS array_row
    FROM ${cell.from}
      JOIN processing_param_set AS used ON used.id = cell_u.processing_param_set_id
      JOIN processing_method ON processing_method.id = used.processing_method_id
      JOIN activity_extraction_method ON extraction_method LIKE processing_method || '~_%' ESCAPE '~'
    WHERE cell.row < cell_u.cell_count AND cell_u.state = 'succeeded';
    CREATE VIEW dj_ProcessingQualityMetrics AS
    SELECT ${run.key} FROM ${run.from}
    WHERE EXISTS (SELECT 1 FROM trace_quality JOIN cell ON cell.id = trace_quality.cell_id WHERE cell.run_id = run.id);
    CREATE VIEW dj_ProcessingQualityMetrics_Trace AS
    SELECT ${cell.key}, 0 AS fluorescence_channel, trace_quality.trace, trace_quality.skewness, trace_quality.variance, trace_quality.samples
    FROM trace_quality JOIN cell ON cell.id = trace_quality.cell_id ${cell.from.slice(5)};
    CREATE VIEW dj_QualityMetrics AS
    SELECT ${cell.key}, ${metric('rValue')} AS r_value, ${metric('snr')} AS snr, ${metric('probability')} AS cnn_pred FROM ${masks};

    CREATE VIEW dj_ActivityAlignmentCondition AS SELECT ${conditionKey}, this.condition_description, this.bin_size FROM ${conditions};
    CREATE VIEW dj_ActivityAlignmentCondition_Trial AS
    SELECT ${conditionKey}, trial.trial_id FROM ${conditions}
      JOIN activity_alignment_trial ON activity_alignment_trial.condition_id = this.id JOIN trial ON trial.id = activity_alignment_trial.trial_id;
    CREATE VIEW dj_ActivityAlignment AS
    SELECT ${conditionKey}, array_ref.path AS aligned_timestamps, array_ref.shape FROM ${conditions}
      JOIN activity_alignment ON activity_alignment.condition_id = this.id JOIN array_ref ON array_ref.id = activity_alignment.time_array_id;
    CREATE VIEW dj_ActivityAlignment_AlignedTrialActivity AS
    SELECT ${conditionKey}, cell.row + 1 AS mask, trial.trial_id, array_ref.path AS aligned_trace, cell.row AS array_row
    FROM ${conditions}
      JOIN activity_alignment ON activity_alignment.condition_id = this.id JOIN array_ref ON array_ref.id = activity_alignment.activity_array_id
      JOIN activity_alignment_trial ON activity_alignment_trial.condition_id = this.id JOIN trial ON trial.id = activity_alignment_trial.trial_id
      JOIN cell ON cell.run_id = run.id AND cell.row < run.cell_count;
  `,
  docs: {},
};
