// SPDX-License-Identifier: MIT
import { bool, instant, json, type Migration, relativePath, uuid, within } from './kit.ts';

const coordinate = (column: string): string => within(column, '-1e6', '1e6');

/** Runs (= jobs) with attempts, inputs, arrays and cells (datamodel.md 2.5 to 2.8, 7.4). */
export const run: Migration = {
  id: 1004,
  name: 'runs and cells',
  sql: `
    CREATE TABLE run (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      session_id INTEGER NOT NULL REFERENCES session (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      processing_param_set_id INTEGER NOT NULL
        REFERENCES processing_param_set (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      name TEXT NOT NULL CHECK (length(name) > 0),
      state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
      created_at TEXT NOT NULL ${instant('created_at')},
      started_at TEXT ${instant('started_at')},
      ended_at TEXT ${instant('ended_at')},
      engine_version TEXT,
      output_folder TEXT NOT NULL UNIQUE ${relativePath('output_folder')},
      budget_threads INTEGER CHECK (budget_threads IS NULL OR budget_threads BETWEEN 1 AND 4096),
      budget_memory_bytes INTEGER CHECK (budget_memory_bytes IS NULL OR budget_memory_bytes > 0),
      command_line TEXT NOT NULL DEFAULT '',
      error_code TEXT,
      error_message TEXT,
      error_hint TEXT,
      cell_count INTEGER CHECK (cell_count IS NULL OR cell_count >= 0),
      suggested_count INTEGER CHECK (suggested_count IS NULL OR suggested_count BETWEEN 0 AND cell_count),
      CHECK ((state = 'succeeded') = (cell_count IS NOT NULL AND suggested_count IS NOT NULL)),
      CHECK ((state = 'failed') = (error_code IS NOT NULL AND error_message IS NOT NULL)),
      CHECK ((state IN ('queued', 'running')) = (ended_at IS NULL)),
      CHECK (state <> 'running' OR started_at IS NOT NULL)
    ) STRICT;
    CREATE INDEX run_by_session ON run (session_id, state, id);
    CREATE INDEX run_by_param_set ON run (processing_param_set_id);
    CREATE INDEX run_queued ON run (id) WHERE state = 'queued';
    CREATE INDEX run_running ON run (id) WHERE state = 'running';
    CREATE TRIGGER run_ended BEFORE UPDATE OF state ON run
    WHEN OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state
    BEGIN SELECT RAISE(ABORT, 'run: an ended run keeps its state'); END;

    CREATE TABLE run_input (
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE CASCADE,
      position INTEGER NOT NULL CHECK (position >= 0),
      recording_id INTEGER NOT NULL REFERENCES recording (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      first_frame INTEGER NOT NULL CHECK (first_frame >= 0),
      last_frame INTEGER CHECK (last_frame IS NULL OR last_frame >= first_frame),
      PRIMARY KEY (run_id, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_input_by_recording ON run_input (recording_id);

    CREATE TABLE run_attempt (
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE CASCADE,
      number INTEGER NOT NULL CHECK (number >= 1),
      host TEXT NOT NULL,
      owner_pid INTEGER NOT NULL CHECK (owner_pid > 0),
      owner_boot_id TEXT NOT NULL,
      owner_start_ticks TEXT,
      engine_pid INTEGER CHECK (engine_pid IS NULL OR engine_pid > 0),
      engine_boot_id TEXT,
      engine_start_ticks TEXT,
      started_at TEXT NOT NULL ${instant('started_at')},
      heartbeat_at TEXT NOT NULL ${instant('heartbeat_at')},
      ended_at TEXT ${instant('ended_at')},
      exit_code INTEGER,
      error_class TEXT,
      log_file TEXT ${relativePath('log_file')},
      progress TEXT ${json('progress')},
      PRIMARY KEY (run_id, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE run_array (
      id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE CASCADE,
      path TEXT NOT NULL ${relativePath('path')},
      dtype TEXT NOT NULL CHECK (length(dtype) > 0),
      shape TEXT NOT NULL CHECK (json_valid(shape) AND json_type(shape) = 'array'),
      bytes INTEGER NOT NULL CHECK (bytes >= 0),
      sha256 TEXT NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
      state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('writing', 'ready', 'missing', 'quarantined')),
      UNIQUE (run_id, path)
    ) STRICT;

    CREATE TABLE cell (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      row INTEGER NOT NULL CHECK (row >= 0),
      centroid_y REAL NOT NULL ${coordinate('centroid_y')},
      centroid_x REAL NOT NULL ${coordinate('centroid_x')},
      box_top INTEGER NOT NULL CHECK (box_top >= 0),
      box_left INTEGER NOT NULL CHECK (box_left >= 0),
      box_height INTEGER NOT NULL CHECK (box_height >= 0),
      box_width INTEGER NOT NULL CHECK (box_width >= 0),
      suggested INTEGER NOT NULL ${bool('suggested')},
      reasons TEXT NOT NULL CHECK (json_valid(reasons) AND json_type(reasons) = 'array'),
      metrics TEXT NOT NULL CHECK (json_valid(metrics) AND json_type(metrics) = 'object'),
      UNIQUE (run_id, row)
    ) STRICT;
  `,
  docs: {
    'run.id': 'Key inside this file; never leaves it.',
    'run.uuid': 'Identity across libraries (version 7); names the run folder.',
    'run.session_id': 'Session of the first input.',
    'run.processing_param_set_id': 'The parameters it runs with.',
    'run.name': 'What lists show.',
    'run.state': 'queued, running, succeeded, failed or cancelled; the last three are final.',
    'run.created_at': 'When it was queued, UTC.',
    'run.started_at': 'When the newest attempt began, UTC.',
    'run.ended_at': 'When it reached a final state, UTC.',
    'run.engine_version': 'Version of the engine that ran.',
    'run.output_folder': 'Folder of the result relative to the library, forward slashes.',
    'run.budget_threads': 'Threads it may use.',
    'run.budget_memory_bytes': ['bytes', 'Memory it may use.'],
    'run.command_line': 'The command that does the same.',
    'run.error_code': 'Code of the failure.',
    'run.error_message': 'The failure as a sentence.',
    'run.error_hint': 'What to do about it.',
    'run.cell_count': 'Components found, rejected suggestions too.',
    'run.suggested_count': 'Components the engine suggests to accept.',
    'run_input.run_id': 'The run.',
    'run_input.position': 'Order of the recordings, from 0.',
    'run_input.recording_id': 'The recording.',
    'run_input.first_frame': ['frames', 'First frame, 0-based.'],
    'run_input.last_frame': ['frames', 'Last frame, inclusive; null to the end.'],
    'run_attempt.run_id': 'The run.',
    'run_attempt.number': 'From 1.',
    'run_attempt.host': 'Name of the machine.',
    'run_attempt.owner_pid': 'Process that answers for the attempt.',
    'run_attempt.owner_boot_id': 'Boot of the machine that process belongs to.',
    'run_attempt.owner_start_ticks': ['ticks', 'Start of that process since boot; tells a reused number.'],
    'run_attempt.engine_pid': "The engine's process.",
    'run_attempt.engine_boot_id': 'Boot of the machine that process belongs to.',
    'run_attempt.engine_start_ticks': ['ticks', 'Start of that process since boot.'],
    'run_attempt.started_at': 'When it was claimed, UTC.',
    'run_attempt.heartbeat_at': 'Last sign of life, UTC.',
    'run_attempt.ended_at': 'When it ended, UTC.',
    'run_attempt.exit_code': "The engine's exit code.",
    'run_attempt.error_class': 'Kind of failure, for a retry policy.',
    'run_attempt.log_file': 'Log relative to the library, forward slashes.',
    'run_attempt.progress': 'Last progress as JSON.',
    'run_array.id': 'Key inside this file.',
    'run_array.run_id': 'The run.',
    'run_array.path': 'File relative to the run folder, forward slashes.',
    'run_array.dtype': 'NumPy type string, or npz or json.',
    'run_array.shape': 'Sizes of the axes as a JSON list; row-major.',
    'run_array.bytes': ['bytes', 'Size of the file.'],
    'run_array.sha256': 'SHA-256 of the file, hex.',
    'run_array.state': 'writing, ready, missing or quarantined.',
    'cell.id': 'Key inside this file; never leaves it.',
    'cell.uuid': 'Identity across libraries (version 7).',
    'cell.run_id': 'The run.',
    'cell.row': "Row in the run's arrays, from 0; mask = row + 1 in DataJoint-shaped views.",
    'cell.centroid_y': ['px', 'Centre of mass, down; the centre of the top-left pixel is 0.'],
    'cell.centroid_x': ['px', 'Centre of mass, right; the centre of the top-left pixel is 0.'],
    'cell.box_top': ['px', 'First row of the bounding box.'],
    'cell.box_left': ['px', 'First column of the bounding box.'],
    'cell.box_height': ['px', 'Rows of the bounding box.'],
    'cell.box_width': ['px', 'Columns of the bounding box.'],
    'cell.suggested': '1 where the engine suggests to accept it.',
    'cell.reasons': "The engine's reasons against it, a JSON list.",
    'cell.metrics': 'Figures by name as JSON; what is not finite is null.',
  },
};
