// SPDX-License-Identifier: MIT
import { bool, instant, json, type Migration, relativePath, uuid } from './kit.ts';

/** Edits of cells: further entries of a curation's append-only log, whose arrays lie in `edits/` (architecture.md 5). */
export const curationEdit: Migration = {
  id: 1007,
  name: 'edits of cells',
  sql: `
    CREATE TABLE curation_edit (
      id INTEGER PRIMARY KEY,
      curation_id INTEGER NOT NULL REFERENCES curation (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      step INTEGER NOT NULL CHECK (step >= 1),
      kind TEXT NOT NULL CHECK (kind IN ('edit', 'undo', 'redo')),
      target_step INTEGER CHECK ((kind = 'edit') = (target_step IS NULL)),
      rater_id INTEGER NOT NULL REFERENCES rater (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      at TEXT NOT NULL ${instant('at')},
      uuid BLOB UNIQUE ${uuid('uuid')},
      request TEXT ${json('request')},
      folder TEXT ${relativePath('folder')},
      CHECK (target_step IS NULL OR target_step < step),
      CHECK ((kind = 'edit') = (uuid IS NOT NULL AND request IS NOT NULL AND folder IS NOT NULL)),
      UNIQUE (curation_id, step)
    ) STRICT;
    CREATE INDEX curation_edit_by_rater ON curation_edit (rater_id);

    CREATE TABLE curation_edit_cell (
      edit_id INTEGER NOT NULL REFERENCES curation_edit (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      cell_id INTEGER NOT NULL REFERENCES cell (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      state TEXT NOT NULL CHECK (state IN ('live', 'dark', 'gone')),
      made INTEGER NOT NULL ${bool('made')},
      array_row INTEGER CHECK (array_row >= 0),
      place TEXT ${json('place')},
      metrics TEXT ${json('metrics')},
      CHECK ((array_row IS NULL) = (place IS NULL)),
      CHECK ((array_row IS NULL) = (metrics IS NULL)),
      PRIMARY KEY (edit_id, cell_id)
    ) STRICT;
    CREATE INDEX curation_edit_cell_by_cell ON curation_edit_cell (cell_id);

    CREATE TRIGGER curation_edit_no_update BEFORE UPDATE ON curation_edit
    BEGIN SELECT RAISE(ABORT, 'curation_edit: rows are only ever added'); END;
    CREATE TRIGGER curation_edit_no_delete BEFORE DELETE ON curation_edit
    BEGIN SELECT RAISE(ABORT, 'curation_edit: rows are only ever added'); END;
    CREATE TRIGGER curation_edit_frozen BEFORE INSERT ON curation_edit
    WHEN (SELECT frozen_at FROM curation WHERE id = NEW.curation_id) IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'curation_edit: the curation is frozen'); END;
    CREATE TRIGGER curation_edit_cell_no_update BEFORE UPDATE ON curation_edit_cell
    BEGIN SELECT RAISE(ABORT, 'curation_edit_cell: rows are only ever added'); END;
    CREATE TRIGGER curation_edit_cell_no_delete BEFORE DELETE ON curation_edit_cell
    BEGIN SELECT RAISE(ABORT, 'curation_edit_cell: rows are only ever added'); END;
    CREATE TRIGGER curation_edit_cell_own_cells BEFORE INSERT ON curation_edit_cell
    WHEN (SELECT run_id FROM curation JOIN curation_edit ON curation.id = curation_edit.curation_id WHERE curation_edit.id = NEW.edit_id)
      IS NOT (SELECT run_id FROM cell WHERE id = NEW.cell_id)
    BEGIN SELECT RAISE(ABORT, 'curation_edit_cell: the cell belongs to another run'); END;
  `,
  docs: {
    'curation_edit.id': 'Key inside this file; never leaves it.',
    'curation_edit.curation_id': 'The curation.',
    'curation_edit.step': "Number of the act in the curation's log, shared with curation_log.",
    'curation_edit.kind': 'edit, undo or redo.',
    'curation_edit.target_step': 'The step an undo takes back or a redo repeats.',
    'curation_edit.rater_id': 'Who did it.',
    'curation_edit.at': 'When, UTC.',
    'curation_edit.uuid': 'Identity of the edit; null for undo and redo.',
    'curation_edit.request': 'What was asked for, JSON.',
    'curation_edit.folder': 'Folder of its arrays relative to the library, forward slashes.',
    'curation_edit_cell.edit_id': 'The edit.',
    'curation_edit_cell.cell_id': 'A cell it touched.',
    'curation_edit_cell.state':
      'live, dark (deleted, still explains its light) or gone (merged, split, replaced) after it.',
    'curation_edit_cell.made': '1 where the edit made the cell.',
    'curation_edit_cell.array_row': "Row in the edit's arrays; null when only the state changed.",
    'curation_edit_cell.place': 'Centroid and bounding box after it, JSON, px.',
    'curation_edit_cell.metrics': 'Figures after it by name as JSON.',
  },
};
