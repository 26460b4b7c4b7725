// SPDX-License-Identifier: MIT
import { bool, digest, instant, json, type Migration, tzOffset, uuid } from './kit.ts';

/** Animals, sessions and what was noticed about them; the catalogue that explains every column (datamodel.md 1.1, 1.3, 1.4). */
export const subjectSession: Migration = {
  id: 1001,
  name: 'subjects, sessions, findings',
  sql: `
    CREATE TABLE column_doc (
      table_name TEXT NOT NULL,
      column_name TEXT NOT NULL,
      unit TEXT,
      text TEXT NOT NULL CHECK (length(text) > 0),
      PRIMARY KEY (table_name, column_name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE subject (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      subject TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(trim(subject)) > 0),
      nickname TEXT NOT NULL DEFAULT '',
      sex TEXT NOT NULL DEFAULT 'U' CHECK (sex IN ('M', 'F', 'U')),
      birth_date TEXT CHECK (birth_date IS NULL OR birth_date IS date(birth_date)),
      description TEXT NOT NULL DEFAULT '',
      created_at TEXT NOT NULL ${instant('created_at')}
    ) STRICT;

    CREATE TABLE session (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      subject_id INTEGER REFERENCES subject (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      session_datetime TEXT ${instant('session_datetime')},
      tz_offset_min INTEGER ${tzOffset('tz_offset_min')},
      name TEXT NOT NULL CHECK (length(name) > 0),
      folder TEXT NOT NULL CHECK (length(folder) > 0),
      format TEXT NOT NULL CHECK (length(format) > 0),
      content_digest TEXT NOT NULL ${digest('content_digest')},
      sample INTEGER NOT NULL DEFAULT 0 ${bool('sample')},
      imported_at TEXT NOT NULL ${instant('imported_at')}
    ) STRICT;
    CREATE INDEX session_by_digest ON session (content_digest);
    CREATE INDEX session_by_natural_key ON session (subject_id, session_datetime);
    CREATE INDEX session_by_order ON session (coalesce(session_datetime, imported_at) DESC, id DESC);
    CREATE INDEX session_sample ON session (sample) WHERE sample = 1;

    CREATE TABLE session_finding (
      session_id INTEGER NOT NULL REFERENCES session (id) ON UPDATE CASCADE ON DELETE CASCADE,
      position INTEGER NOT NULL CHECK (position >= 0),
      severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'problem')),
      code TEXT NOT NULL,
      message TEXT NOT NULL,
      place TEXT,
      PRIMARY KEY (session_id, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE session_attribute (
      session_id INTEGER NOT NULL REFERENCES session (id) ON UPDATE CASCADE ON DELETE CASCADE,
      attribute_name TEXT NOT NULL CHECK (length(attribute_name) > 0),
      attribute_value TEXT NOT NULL DEFAULT '',
      attribute_json TEXT ${json('attribute_json')},
      PRIMARY KEY (session_id, attribute_name)
    ) STRICT, WITHOUT ROWID;
  `,
  docs: {
    'column_doc.table_name': 'Table the row explains.',
    'column_doc.column_name': 'Column the row explains.',
    'column_doc.unit': 'Unit of the values, where they have one.',
    'column_doc.text': 'Meaning of the values.',
    'subject.id': 'Key inside this file; never leaves it.',
    'subject.uuid': 'Identity across libraries (version 7).',
    'subject.subject': 'Name of the animal, unique without case.',
    'subject.nickname': 'Second name, free text.',
    'subject.sex': 'M, F or U (unknown).',
    'subject.birth_date': 'Date of birth, YYYY-MM-DD.',
    'subject.description': 'Free text.',
    'subject.created_at': 'When the row was made, UTC.',
    'session.id': 'Key inside this file; never leaves it.',
    'session.uuid': 'Identity across libraries (version 7).',
    'session.subject_id': 'The animal, where it is known.',
    'session.session_datetime':
      'Start of the session, UTC with milliseconds; null where nothing says so. With the animal the natural key, not unique.',
    'session.tz_offset_min': ['min', 'Offset of local time from UTC at the start.'],
    'session.name': 'What lists show.',
    'session.folder': 'Absolute folder that paths of films are relative to.',
    'session.format': 'On-disk variant, as its reader names it.',
    'session.content_digest': 'Digest of the content, lower-case hex; with the uuid the identity of the session.',
    'session.sample': '1 for the sample session that ships with the program.',
    'session.imported_at': 'When it was imported, UTC.',
    'session_finding.session_id': 'The session the remark is about.',
    'session_finding.position': 'Order of the remarks, from 0.',
    'session_finding.severity': 'info, warning or problem.',
    'session_finding.code': 'Short name for programs.',
    'session_finding.message': 'Sentence for people.',
    'session_finding.place': 'File or device the remark is about.',
    'session_attribute.session_id': 'The session.',
    'session_attribute.attribute_name': 'Name of the attribute.',
    'session_attribute.attribute_value': 'Value as text.',
    'session_attribute.attribute_json': 'Value as JSON where text is not enough.',
  },
};
