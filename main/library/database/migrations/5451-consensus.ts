// SPDX-License-Identifier: MIT
import { instant, json, type Migration } from './kit.ts';

/** What raters who differed on a cell agreed on afterwards. The label itself goes to the curation; here stands who had said what. */
export const consensus: Migration = {
  id: 5451,
  name: 'consensus of raters',
  sql: `
    CREATE TABLE consensus (
      id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      cell_id INTEGER NOT NULL REFERENCES cell (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      label TEXT NOT NULL CHECK (label IN ('accepted', 'rejected')),
      rater_id INTEGER NOT NULL REFERENCES rater (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      at TEXT NOT NULL ${instant('at')},
      said TEXT NOT NULL ${json('said')}
    ) STRICT;
    CREATE INDEX consensus_by_run ON consensus (run_id, cell_id, id);
    CREATE INDEX consensus_by_cell ON consensus (cell_id);
    CREATE INDEX consensus_by_rater ON consensus (rater_id);
    CREATE TRIGGER consensus_no_update BEFORE UPDATE ON consensus
    BEGIN SELECT RAISE(ABORT, 'consensus: rows are only ever added'); END;
    CREATE TRIGGER consensus_own_cells BEFORE INSERT ON consensus
    WHEN NEW.run_id IS NOT (SELECT run_id FROM cell WHERE id = NEW.cell_id)
    BEGIN SELECT RAISE(ABORT, 'consensus: the cell belongs to another run'); END;
  `,
  docs: {
    'consensus.id': 'Key inside this file; the highest of a cell holds.',
    'consensus.run_id': 'The run.',
    'consensus.cell_id': 'The cell on which raters differed.',
    'consensus.label': 'What they agreed on.',
    'consensus.rater_id': 'Who wrote it down.',
    'consensus.at': 'When, UTC.',
    'consensus.said': 'Label of each rater before, by initials, JSON.',
  },
  tables: {
    consensus: {
      element: 'calyx',
      className: 'Consensus',
      tier: 'internal',
      key: ['id'],
      travels: 'never',
      text: 'What raters who differed on a cell agreed on.',
    },
  },
};
