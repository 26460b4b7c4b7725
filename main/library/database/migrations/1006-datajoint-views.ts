// SPDX-License-Identifier: MIT
import type { Migration } from './kit.ts';

/** Wall time of the place in whole seconds, as DataJoint stores it. */
const local = (table: string, column: string): string =>
  `strftime('%Y-%m-%d %H:%M:%S', ${table}.${column}, coalesce(${table}.tz_offset_min, 0) || ' minutes')`;

const key = `subject.subject, ${local('session', 'session_datetime')} AS session_datetime`;
const fromSession = 'session LEFT JOIN subject ON subject.id = session.subject_id';
const fromRecording = `recording JOIN session ON session.id = recording.session_id
      LEFT JOIN subject ON subject.id = session.subject_id`;
const fromRun = `run JOIN run_input ON run_input.run_id = run.id AND run_input.position = 0
      JOIN recording ON recording.id = run_input.recording_id
      JOIN session ON session.id = recording.session_id
      LEFT JOIN subject ON subject.id = session.subject_id`;
const processingKey = `${key}, recording.recording_id, run.processing_param_set_id AS paramset_idx, lower(hex(run.uuid)) AS run_uuid`;

/**
 * Read-only views that show the natural keys under the names the Elements use, `dj_` before the class and `_` between master and part
 * (datamodel.md 1.11). They add `run_uuid` where upstream's key cannot tell two runs with the same parameters apart. `x` is the
 * column and `y` the row (upstream defect 6 not repeated).
 */
export const datajointViews: Migration = {
  id: 1006,
  name: 'views with natural keys',
  sql: `
    CREATE VIEW dj_Subject AS
    SELECT subject, nickname AS subject_nickname, sex, birth_date AS subject_birth_date, description AS subject_description
    FROM subject;

    CREATE VIEW dj_Session AS SELECT ${key}, NULL AS session_id FROM ${fromSession};
    CREATE VIEW dj_SessionDirectory AS SELECT ${key}, session.folder AS session_dir FROM ${fromSession};
    CREATE VIEW dj_Session_Attribute AS
    SELECT ${key}, attribute_name, attribute_value, attribute_json AS attribute_blob
    FROM session_attribute JOIN session ON session.id = session_attribute.session_id
      LEFT JOIN subject ON subject.id = session.subject_id;

    CREATE VIEW dj_AcquisitionSoftware AS SELECT acq_software FROM acquisition_software;
    CREATE VIEW dj_Recording AS
    SELECT ${key}, recording.recording_id, recording.device, acq_software, recording_notes
    FROM ${fromRecording}
      LEFT JOIN acquisition_software ON acquisition_software.id = recording.acquisition_software_id;
    CREATE VIEW dj_RecordingInfo AS
    SELECT ${key}, recording.recording_id, nchannels, nframes, ndepths, px_height, px_width, fps,
      ${local('recording_info', 'recording_datetime')} AS recording_datetime, recording_duration
    FROM recording_info JOIN ${fromRecording.replace('recording JOIN', 'recording ON recording.id = recording_info.recording_id JOIN')};
    CREATE VIEW dj_RecordingInfo_Config AS
    SELECT ${key}, recording.recording_id, config
    FROM recording_info JOIN ${fromRecording.replace('recording JOIN', 'recording ON recording.id = recording_info.recording_id JOIN')}
    WHERE config IS NOT NULL;
    CREATE VIEW dj_RecordingInfo_File AS
    SELECT ${key}, recording.recording_id, file_id, file_path
    FROM recording_file JOIN ${fromRecording.replace('recording JOIN', 'recording ON recording.id = recording_file.recording_id JOIN')};

    CREATE VIEW dj_ProcessingMethod AS SELECT processing_method, processing_method_desc FROM processing_method;
    CREATE VIEW dj_ProcessingParamSet AS
    SELECT processing_param_set.id AS paramset_idx, processing_method, paramset_desc,
      lower(hex(dj_param_hash)) AS param_set_hash, params
    FROM processing_param_set
      JOIN processing_method ON processing_method.id = processing_param_set.processing_method_id;
    CREATE VIEW dj_ProcessingTask AS
    SELECT ${processingKey}, run.output_folder AS processing_output_dir, 'trigger' AS task_mode
    FROM ${fromRun};
    CREATE VIEW dj_Processing AS
    SELECT ${processingKey}, strftime('%Y-%m-%d %H:%M:%S', run.ended_at) AS processing_time,
      coalesce(run.engine_version, '') AS package_version
    FROM ${fromRun} WHERE run.state = 'succeeded';
    CREATE VIEW dj_Segmentation AS SELECT ${processingKey} FROM ${fromRun} WHERE run.state = 'succeeded';
    CREATE VIEW dj_Segmentation_Mask AS
    SELECT ${processingKey}, cell.row + 1 AS mask, 0 AS segmentation_channel,
      round(cell.centroid_x) AS mask_center_x, round(cell.centroid_y) AS mask_center_y
    FROM ${fromRun} JOIN cell ON cell.run_id = run.id;
  `,
  docs: {},
};
