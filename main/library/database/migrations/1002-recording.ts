// SPDX-License-Identifier: MIT
import {
  bool,
  digest,
  instant,
  json,
  type Migration,
  protectBuiltin,
  relativePath,
  tzOffset,
  uuid,
  within,
} from './kit.ts';

/** One recording per miniscope of a session, its facts and its films (datamodel.md 1.7, 2.3; upstream defects 1 to 4 not repeated). */
export const recording: Migration = {
  id: 1002,
  name: 'recordings',
  sql: `
    CREATE TABLE acquisition_software (
      id INTEGER PRIMARY KEY,
      acq_software TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(acq_software) > 0),
      builtin INTEGER NOT NULL DEFAULT 0 ${bool('builtin')}
    ) STRICT;
    INSERT INTO acquisition_software (acq_software, builtin)
    VALUES ('Miniscope-DAQ-V3', 1), ('Miniscope-DAQ-V4', 1), ('Inscopix', 1);
    ${protectBuiltin('acquisition_software')}

    CREATE TABLE recording (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      session_id INTEGER NOT NULL REFERENCES session (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      recording_id INTEGER NOT NULL CHECK (recording_id >= 0),
      device TEXT NOT NULL,
      device_type TEXT,
      acquisition_software_id INTEGER REFERENCES acquisition_software (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      recording_notes TEXT NOT NULL DEFAULT '',
      UNIQUE (session_id, recording_id)
    ) STRICT;
    CREATE INDEX recording_by_software ON recording (acquisition_software_id);

    CREATE TABLE recording_info (
      recording_id INTEGER PRIMARY KEY REFERENCES recording (id) ON UPDATE CASCADE ON DELETE CASCADE,
      nchannels INTEGER NOT NULL DEFAULT 1 CHECK (nchannels >= 1),
      ndepths INTEGER NOT NULL DEFAULT 1 CHECK (ndepths >= 1),
      nframes INTEGER NOT NULL CHECK (nframes >= 0),
      px_height INTEGER NOT NULL CHECK (px_height BETWEEN 1 AND 65535),
      px_width INTEGER NOT NULL CHECK (px_width BETWEEN 1 AND 65535),
      fps REAL CHECK (fps IS NULL OR (fps > 0 AND fps < 1e6)),
      recording_datetime TEXT ${instant('recording_datetime')},
      tz_offset_min INTEGER ${tzOffset('tz_offset_min')},
      recording_duration REAL ${within('recording_duration', '0', '1e9')},
      codec TEXT NOT NULL,
      pixel_digest TEXT ${digest('pixel_digest')},
      config TEXT ${json('config')}
    ) STRICT;

    CREATE TABLE recording_file (
      recording_id INTEGER NOT NULL REFERENCES recording (id) ON UPDATE CASCADE ON DELETE CASCADE,
      file_id INTEGER NOT NULL CHECK (file_id >= 0),
      file_path TEXT NOT NULL ${relativePath('file_path')},
      frames INTEGER NOT NULL CHECK (frames >= 0),
      bytes INTEGER NOT NULL CHECK (bytes >= 0),
      PRIMARY KEY (recording_id, file_id)
    ) STRICT, WITHOUT ROWID;
  `,
  docs: {
    'acquisition_software.id': 'Key inside this file.',
    'acquisition_software.acq_software': 'Name of the program that recorded.',
    'acquisition_software.builtin': '1 for a row that ships with the program.',
    'recording.id': 'Key inside this file; never leaves it.',
    'recording.uuid': 'Identity across libraries (version 7).',
    'recording.session_id': 'The session it belongs to.',
    'recording.recording_id': 'Order within the session, from 0.',
    'recording.device': 'Name of the miniscope in the session.',
    'recording.device_type': 'Model, as the metadata say.',
    'recording.acquisition_software_id': 'Program that recorded it, where known.',
    'recording.recording_notes': 'Free text.',
    'recording_info.recording_id': 'The recording.',
    'recording_info.nchannels': 'Colour channels.',
    'recording_info.ndepths': 'Focal planes.',
    'recording_info.nframes': ['frames', 'Frames of the films, all files together.'],
    'recording_info.px_height': ['px', 'Rows of a stored frame.'],
    'recording_info.px_width': ['px', 'Columns of a stored frame.'],
    'recording_info.fps': ['Hz', 'Rate from the time stamps, not the nominal one; null where nothing tells.'],
    'recording_info.recording_datetime': 'Start of the recording, UTC with milliseconds.',
    'recording_info.tz_offset_min': ['min', 'Offset of local time from UTC at the start.'],
    'recording_info.recording_duration': ['s', 'First to last frame by the time stamps.'],
    'recording_info.codec': 'How the films are coded.',
    'recording_info.pixel_digest': 'Digest of the decoded pixels, hex, once they were decoded whole.',
    'recording_info.config': "The device's metadata as JSON.",
    'recording_file.recording_id': 'The recording.',
    'recording_file.file_id': 'Numeric order of the films, from 0.',
    'recording_file.file_path': "Path relative to the session's folder, forward slashes.",
    'recording_file.frames': ['frames', 'Whole frames in this film.'],
    'recording_file.bytes': ['bytes', 'Size at import.'],
  },
};
