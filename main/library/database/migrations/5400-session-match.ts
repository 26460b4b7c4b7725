// SPDX-License-Identifier: MIT
import { bool, instant, type Migration, uuid, within } from './kit.ts';

/** The same cells in several sessions: what the engine found, and what people say of it. */
export const sessionMatch: Migration = {
  id: 5400,
  name: 'matched cells of sessions',
  sql: `
    CREATE TABLE session_match (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      created_at TEXT NOT NULL ${instant('created_at')},
      um_per_px REAL NOT NULL ${within('um_per_px', '0.05', '50')},
      all_cells INTEGER NOT NULL ${bool('all_cells')},
      false_match_rate REAL ${within('false_match_rate', '0', '1e6')}
    ) STRICT;

    CREATE TABLE session_match_run (
      match_id INTEGER NOT NULL REFERENCES session_match (id) ON UPDATE CASCADE ON DELETE CASCADE,
      position INTEGER NOT NULL CHECK (position >= 0),
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      shift_y REAL NOT NULL ${within('shift_y', '-1e6', '1e6')},
      shift_x REAL NOT NULL ${within('shift_x', '-1e6', '1e6')},
      rotation REAL NOT NULL ${within('rotation', '-360', '360')},
      PRIMARY KEY (match_id, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_match_run_by_run ON session_match_run (run_id);

    CREATE TABLE session_match_group (
      id INTEGER PRIMARY KEY,
      match_id INTEGER NOT NULL REFERENCES session_match (id) ON UPDATE CASCADE ON DELETE CASCADE,
      number INTEGER NOT NULL CHECK (number >= 0),
      score REAL ${within('score', '-1e6', '1e6')},
      UNIQUE (match_id, number)
    ) STRICT;

    CREATE TABLE session_match_member (
      group_id INTEGER NOT NULL REFERENCES session_match_group (id) ON UPDATE CASCADE ON DELETE CASCADE,
      position INTEGER NOT NULL CHECK (position >= 0),
      cell_row INTEGER NOT NULL CHECK (cell_row >= 0),
      score REAL ${within('score', '-1e6', '1e6')},
      PRIMARY KEY (group_id, position, cell_row)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE session_match_decision (
      match_id INTEGER NOT NULL REFERENCES session_match (id) ON UPDATE CASCADE ON DELETE CASCADE,
      step INTEGER NOT NULL CHECK (step >= 1),
      number INTEGER NOT NULL CHECK (number >= 0),
      at TEXT NOT NULL ${instant('at')},
      rater_id INTEGER NOT NULL REFERENCES rater (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      from_label TEXT NOT NULL CHECK (from_label IN ('accepted', 'rejected', 'undecided')),
      to_label TEXT NOT NULL CHECK (to_label IN ('accepted', 'rejected', 'undecided')),
      undoes INTEGER CHECK (undoes IS NULL OR undoes < step),
      PRIMARY KEY (match_id, step, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_match_decision_by_rater ON session_match_decision (rater_id);
  `,
  docs: {
    'session_match.id': 'Key inside this file; never leaves it.',
    'session_match.uuid': 'Identity across libraries (version 7).',
    'session_match.created_at': 'When it was made, UTC.',
    'session_match.um_per_px': ['µm/px', 'Width of a pixel in all its sessions.'],
    'session_match.all_cells': '1 where rejected cells took part too.',
    'session_match.false_match_rate': 'Share of matches that chance would make; null where it cannot be told.',
    'session_match_run.match_id': 'The comparison.',
    'session_match_run.position': 'Place of the session, from 0; the others lie against the first.',
    'session_match_run.run_id': 'The run whose cells stand for the session.',
    'session_match_run.shift_y': ['px', 'How far its content lies below that of the first.'],
    'session_match_run.shift_x': ['px', 'How far its content lies right of that of the first.'],
    'session_match_run.rotation': ['degrees', 'How far it is turned against the first.'],
    'session_match_group.id': 'Key inside this file; never leaves it.',
    'session_match_group.match_id': 'The comparison.',
    'session_match_group.number': 'Number of the cell in it, from 0.',
    'session_match_group.score': 'Lowest score of its members; null for a cell of one session.',
    'session_match_member.group_id': 'The cell.',
    'session_match_member.position': 'The session.',
    'session_match_member.cell_row': 'Row of the cell in the run of that session.',
    'session_match_member.score': 'How surely it belongs to the cell, 0 to 1.',
    'session_match_decision.match_id': 'The comparison.',
    'session_match_decision.step': 'Count of the steps, from 1; one step may judge several cells.',
    'session_match_decision.number': 'The cell.',
    'session_match_decision.at': 'When, UTC.',
    'session_match_decision.rater_id': 'Who.',
    'session_match_decision.from_label': 'What it was before.',
    'session_match_decision.to_label': 'What it is from then on.',
    'session_match_decision.undoes': 'The step that this one takes back.',
  },
  tables: {
    session_match: {
      element: 'calyx',
      className: 'SessionMatch',
      tier: 'internal',
      key: ['uuid'],
      travels: 'never',
      text: 'A comparison of sessions: which of their cells are the same.',
    },
    session_match_run: {
      element: 'calyx',
      className: 'SessionMatch.Run',
      tier: 'internal',
      key: ['match_id', 'position'],
      travels: 'never',
      text: 'A session of a comparison and how it lies against the first.',
    },
    session_match_group: {
      element: 'calyx',
      className: 'SessionMatch.Group',
      tier: 'internal',
      key: ['match_id', 'number'],
      travels: 'never',
      text: 'A cell that was found in one or more sessions.',
    },
    session_match_member: {
      element: 'calyx',
      className: 'SessionMatch.Member',
      tier: 'internal',
      key: ['group_id', 'position', 'cell_row'],
      travels: 'never',
      text: 'A cell of a session that is taken for that cell.',
    },
    session_match_decision: {
      element: 'calyx',
      className: 'SessionMatch.Decision',
      tier: 'internal',
      key: ['match_id', 'step', 'number'],
      travels: 'never',
      text: 'What a person says of a match: an append-only log.',
    },
  },
};
