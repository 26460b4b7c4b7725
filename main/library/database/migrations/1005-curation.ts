// SPDX-License-Identifier: MIT
import { instant, json, type Migration, uuid } from './kit.ts';

const label = (column: string): string => `CHECK (${column} IN ('accepted', 'rejected', 'undecided'))`;

/** Raters, curations and the append-only log their labels are the fold of (architecture.md 5). */
export const curation: Migration = {
  id: 1005,
  name: 'raters and curations',
  sql: `
    CREATE TABLE rater (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      initials TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(trim(initials)) BETWEEN 1 AND 8),
      name TEXT,
      created_at TEXT NOT NULL ${instant('created_at')}
    ) STRICT;

    CREATE TABLE curation (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      owner_id INTEGER NOT NULL REFERENCES rater (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      parent_id INTEGER REFERENCES curation (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1),
      created_at TEXT NOT NULL ${instant('created_at')},
      frozen_at TEXT ${instant('frozen_at')},
      accepted_count INTEGER NOT NULL DEFAULT 0 CHECK (accepted_count >= 0),
      rejected_count INTEGER NOT NULL DEFAULT 0 CHECK (rejected_count >= 0)
    ) STRICT;
    CREATE INDEX curation_by_run ON curation (run_id, id);
    CREATE INDEX curation_by_owner ON curation (owner_id);
    CREATE INDEX curation_by_parent ON curation (parent_id);
    CREATE TRIGGER curation_frozen BEFORE UPDATE ON curation WHEN OLD.frozen_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'curation: a frozen version never changes'); END;

    CREATE TABLE curation_log (
      id INTEGER PRIMARY KEY,
      curation_id INTEGER NOT NULL REFERENCES curation (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      seq INTEGER NOT NULL CHECK (seq >= 1),
      step INTEGER NOT NULL CHECK (step >= 1),
      kind TEXT NOT NULL CHECK (kind IN ('decide', 'undo', 'redo')),
      target_step INTEGER CHECK ((kind = 'decide') = (target_step IS NULL)),
      rater_id INTEGER NOT NULL REFERENCES rater (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      cell_id INTEGER NOT NULL REFERENCES cell (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      from_label TEXT NOT NULL ${label('from_label')},
      to_label TEXT NOT NULL ${label('to_label')},
      at TEXT NOT NULL ${instant('at')},
      context TEXT NOT NULL ${json('context')},
      CHECK (from_label <> to_label),
      CHECK (target_step IS NULL OR target_step < step),
      UNIQUE (curation_id, seq)
    ) STRICT;
    CREATE INDEX curation_log_by_cell ON curation_log (curation_id, cell_id, seq, to_label);
    CREATE INDEX curation_log_by_step ON curation_log (curation_id, step, kind, target_step);
    CREATE INDEX curation_log_by_rater ON curation_log (rater_id);
    CREATE INDEX curation_log_of_cell ON curation_log (cell_id);
    CREATE TRIGGER curation_log_no_update BEFORE UPDATE ON curation_log
    BEGIN SELECT RAISE(ABORT, 'curation_log: rows are only ever added'); END;
    CREATE TRIGGER curation_log_no_delete BEFORE DELETE ON curation_log
    BEGIN SELECT RAISE(ABORT, 'curation_log: rows are only ever added'); END;
    CREATE TRIGGER curation_log_frozen BEFORE INSERT ON curation_log
    WHEN (SELECT frozen_at FROM curation WHERE id = NEW.curation_id) IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'curation_log: the curation is frozen'); END;
    CREATE TRIGGER curation_log_own_cells BEFORE INSERT ON curation_log
    WHEN (SELECT run_id FROM curation WHERE id = NEW.curation_id) IS NOT (SELECT run_id FROM cell WHERE id = NEW.cell_id)
    BEGIN SELECT RAISE(ABORT, 'curation_log: the cell belongs to another run'); END;
  `,
  docs: {
    'rater.id': 'Key inside this file; never leaves it.',
    'rater.uuid': 'Identity across libraries (version 7).',
    'rater.initials': 'Initials, unique without case.',
    'rater.name': 'Full name, where it was given.',
    'rater.created_at': 'When the rater was made known, UTC.',
    'curation.id': 'Key inside this file; never leaves it.',
    'curation.uuid': 'Identity across libraries (version 7).',
    'curation.run_id': 'The run that is judged.',
    'curation.owner_id': 'Rater who began it.',
    'curation.parent_id': 'Curation it continues, where it does.',
    'curation.version': 'Number of the version, from 1.',
    'curation.created_at': 'When it was begun, UTC.',
    'curation.frozen_at': 'When it became immutable, UTC; null while it is open.',
    'curation.accepted_count': "Cells accepted now: kept with the log's fold, in the same transaction.",
    'curation.rejected_count': "Cells rejected now: kept with the log's fold, in the same transaction.",
    'curation_log.id': 'Key inside this file.',
    'curation_log.curation_id': 'The curation.',
    'curation_log.seq': 'Order of the rows, from 1 without gaps.',
    'curation_log.step': 'Rows of one act share a step, from 1.',
    'curation_log.kind': 'decide, undo or redo.',
    'curation_log.target_step': 'The step an undo takes back or a redo repeats.',
    'curation_log.rater_id': 'Who did it.',
    'curation_log.cell_id': 'The cell.',
    'curation_log.from_label': 'Label before.',
    'curation_log.to_label': 'Label after.',
    'curation_log.at': 'When, UTC.',
    'curation_log.context': 'What the rater saw, JSON.',
  },
};
