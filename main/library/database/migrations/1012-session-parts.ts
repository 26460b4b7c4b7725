// SPDX-License-Identifier: MIT
import { digest, relativePath, within } from './kit.ts';
import { auditSql, freeText, keyName, master, parent, tableMigration, type TableSpec } from './table-kit.ts';

const session = { element: 'session', tier: 'manual', travels: 'parent', plain: true } as const;

/** Tables of migration 1012. */
export const sessionPartSpecs: Readonly<Record<string, TableSpec>> = {
  array_ref: {
    element: 'calyx',
    className: 'Array',
    tier: 'internal',
    travels: 'parent',
    key: ['sha256', 'dtype', 'shape'],
    text: 'An array: small ones inline, others in a file of the library. Row-major, little-endian.',
    audit: 'none',
    columns: {
      dtype: ['TEXT NOT NULL CHECK (length(dtype) > 0)', 'NumPy type string, e.g. <f4.'],
      shape: [
        "TEXT NOT NULL CHECK (json_valid(shape) AND json_type(shape) = 'array')",
        'Sizes of the axes, a JSON list.',
      ],
      bytes: ['INTEGER NOT NULL CHECK (bytes >= 0)', 'bytes', 'Size of the values.'],
      sha256: [`TEXT NOT NULL ${digest('sha256')}`, 'SHA-256 of the values, hex.'],
      path: [`TEXT ${relativePath('path')}`, 'File relative to the library (.npy); null for an inline one.'],
      inline: ['BLOB', 'The values of a small one; null for one in a file.'],
    },
    constraints: ['CHECK ((path IS NULL) <> (inline IS NULL))', 'CHECK (inline IS NULL OR length(inline) = bytes)'],
  },
  session_directory: {
    ...session,
    className: 'SessionDirectory',
    key: ['session_id'],
    text: "A session's folder relative to a root, which differs from machine to machine.",
    columns: {
      session_id: [master('session'), 'The session.'],
      session_dir: [`TEXT NOT NULL ${relativePath('session_dir')}`, 'Path relative to a root, forward slashes.'],
    },
  },
  session_experimenter: {
    ...session,
    className: 'SessionExperimenter',
    key: ['session_id', 'user_id'],
    text: 'A person who recorded a session.',
    columns: { session_id: [master('session'), 'The session.'], user_id: [parent('user'), 'The person.'] },
  },
  session_note: {
    ...session,
    className: 'SessionNote',
    key: ['session_id'],
    text: 'A note about a session.',
    columns: { session_id: [master('session'), 'The session.'], session_note: [freeText, 'The note.'] },
  },
  project_session: {
    ...session,
    className: 'ProjectSession',
    key: ['project_id', 'session_id'],
    text: 'A session of a project.',
    columns: { project_id: [parent('project'), 'The project.'], session_id: [master('session'), 'The session.'] },
  },
  anatomical_location: {
    element: 'reference',
    className: 'AnatomicalLocation',
    tier: 'manual',
    travels: 'name',
    key: ['recording_location'],
    text: 'A place in the brain that is recorded.',
    columns: {
      recording_location: [keyName('recording_location'), 'Short name (recording_location_id in DataJoint).'],
      anatomical_description: [freeText, 'What it is.'],
    },
  },
  recording_location: {
    element: 'miniscope',
    className: 'RecordingLocation',
    tier: 'manual',
    travels: 'parent',
    plain: true,
    key: ['recording_id'],
    text: 'Where in the brain a recording was made.',
    columns: {
      recording_id: [master('recording'), 'The recording.'],
      anatomical_location_id: [parent('anatomical_location'), 'The place.'],
    },
  },
  recording_timestamps: {
    element: 'miniscope',
    className: 'RecordingInfo.Timestamps',
    tier: 'part',
    travels: 'parent',
    plain: true,
    key: ['recording_id'],
    text: "The times of a recording's frames, in the file that was written while it was recorded.",
    columns: {
      recording_id: [master('recording'), 'The recording.'],
      file_path: [`TEXT NOT NULL ${relativePath('file_path')}`, "File relative to the session's folder."],
      rows: ['INTEGER NOT NULL CHECK (rows >= 0)', 'frames', 'Times in it.'],
      first_s: [`REAL ${within('first_s', '-1e9', '1e9')}`, 's', 'Time of the first frame; may be negative.'],
      last_s: [`REAL ${within('last_s', '-1e9', '1e9')}`, 's', 'Time of the last frame.'],
      sha256: [`TEXT NOT NULL ${digest('sha256')}`, 'SHA-256 of the times as little-endian float64 seconds, hex.'],
    },
  },
};

/**
 * What belongs to a session and to a recording (datamodel.md 1.4, 1.6, 1.7), and arrays by reference (1.10). Time stamps stay in the
 * session's own file, which is the truth of a recording; the row says which file, how many, and its digest.
 */
export const sessionParts = tableMigration(
  1012,
  'directories, experimenters, notes, locations, arrays',
  sessionPartSpecs,
  {
    sql: `
      INSERT INTO device (device, modality) SELECT DISTINCT device_type, 'Miniscope' FROM recording WHERE length(trim(device_type)) > 0
      ON CONFLICT DO NOTHING;
      UPDATE recording SET device_id = (SELECT id FROM device WHERE device = recording.device_type);
      ${auditSql(
        'recording',
        ['id'],
        [
          'id',
          'uuid',
          'session_id',
          'recording_id',
          'device',
          'device_type',
          'device_id',
          'acquisition_software_id',
          'recording_notes',
        ],
        'all',
      )}
    `,
  },
);
