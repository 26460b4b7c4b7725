// SPDX-License-Identifier: MIT
import { bool, digest, instant, within } from './kit.ts';
import { freeText, keyName, master, parent, tableMigration, type TableSpec } from './table-kit.ts';

/** Tables of migration 5100. */
export const positionSpecs: Readonly<Record<string, TableSpec>> = {
  position: {
    element: 'calyx',
    className: 'Position',
    tier: 'imported',
    travels: 'uuid',
    audit: 'none',
    key: ['behavior_recording_id', 'position_name'],
    text: 'Where the animal or parts of it were in a behaviour recording, as a tracking program wrote it.',
    columns: {
      behavior_recording_id: [parent('behavior_recording'), 'The behaviour recording.'],
      position_name: [keyName('position_name'), 'Short name, unique in the recording.'],
      program: [
        "TEXT NOT NULL CHECK (program IN ('deeplabcut', 'sleap', 'behavior-tracker', 'csv', 'mat'))",
        'What wrote it.',
      ],
      source_name: [freeText, 'Name of the file it was read from.'],
      source_sha256: [`TEXT NOT NULL ${digest('source_sha256')}`, 'SHA-256 of that file.'],
      added_at: [`TEXT NOT NULL ${instant('added_at')}`, 'When it was read, UTC.'],
      samples: ['INTEGER NOT NULL CHECK (samples >= 1)', 'samples', 'Samples of each part.'],
      unit: ["TEXT NOT NULL CHECK (unit IN ('px', 'cm'))", 'Unit of x and y as they are kept.'],
      px_per_cm: [
        `REAL ${within('px_per_cm', '1e-6', '1e6')}`,
        'px/cm',
        'Scale: centimetres = pixels / this; null where nobody said it.',
      ],
      on_miniscope_clock: [
        `INTEGER NOT NULL ${bool('on_miniscope_clock')}`,
        "1: times are the miniscope recording's; 0: the behaviour's, mapped by its clock.",
      ],
      main_part: [freeText, 'Part that stands for the animal.'],
      times: [
        'BLOB NOT NULL CHECK (length(times) = 8 * samples)',
        's',
        'Time of each sample, float64 little-endian, rising; NaN where unknown.',
      ],
    },
    constraints: ["CHECK (unit = 'px' OR px_per_cm IS NULL)"],
  },
  position_part: {
    element: 'calyx',
    className: 'Position.Part',
    tier: 'part',
    travels: 'parent',
    plain: true,
    audit: 'none',
    key: ['position_id', 'part'],
    text: 'A tracked part: float32 little-endian, one value a sample, NaN where it was not seen.',
    columns: {
      position_id: [master('position'), 'The tracking.'],
      part: [keyName('part'), 'Name of the part.'],
      x: ['BLOB NOT NULL CHECK (length(x) % 4 = 0)', 'px or cm', 'To the right.'],
      y: ['BLOB NOT NULL CHECK (length(y) = length(x))', 'px or cm', 'Down, as in the film.'],
      likelihood: [
        'BLOB CHECK (likelihood IS NULL OR length(likelihood) = length(x))',
        'How sure the program was, 0 to 1; null where it does not say.',
      ],
    },
  },
};

/** Pose and position as time series, linked to behaviour recordings. */
export const positionTables = tableMigration(5100, 'pose and position', positionSpecs, {
  sql: `
    CREATE TRIGGER position_part_length BEFORE INSERT ON position_part
    WHEN length(NEW.x) <> 4 * (SELECT samples FROM position WHERE id = NEW.position_id)
    BEGIN SELECT RAISE(ABORT, 'position_part: as many values as the position has samples'); END;
    CREATE TRIGGER position_fixed BEFORE UPDATE OF times, samples, unit, source_sha256 ON position
    BEGIN SELECT RAISE(ABORT, 'position: what was read never changes'); END;
    CREATE TRIGGER position_part_fixed BEFORE UPDATE OF x, y, likelihood ON position_part
    BEGIN SELECT RAISE(ABORT, 'position_part: what was read never changes'); END;
    CREATE VIEW dj_Position AS
    SELECT subject.subject, strftime('%Y-%m-%d %H:%M:%S', session_datetime, coalesce(session.tz_offset_min, 0) || ' minutes')
        AS session_datetime, position_name, program, samples, unit, px_per_cm, on_miniscope_clock, main_part, source_name
    FROM position JOIN behavior_recording ON behavior_recording.id = behavior_recording_id JOIN session ON session.id = session_id
      LEFT JOIN subject ON subject.id = session.subject_id;
    CREATE VIEW dj_Position_Part AS
    SELECT subject.subject, strftime('%Y-%m-%d %H:%M:%S', session_datetime, coalesce(session.tz_offset_min, 0) || ' minutes')
        AS session_datetime, position_name, part, samples, likelihood IS NOT NULL AS has_likelihood
    FROM position_part JOIN position ON position.id = position_id
      JOIN behavior_recording ON behavior_recording.id = behavior_recording_id JOIN session ON session.id = session_id
      LEFT JOIN subject ON subject.id = session.subject_id;
  `,
});
