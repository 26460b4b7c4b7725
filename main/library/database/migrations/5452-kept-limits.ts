// SPDX-License-Identifier: MIT
import { instant, json, type Migration } from './kit.ts';

/** Limits of the cells' figures that a rater kept with a run. They suggest and decide nothing. */
export const keptLimits: Migration = {
  id: 5452,
  name: 'limits kept with a run',
  sql: `
    CREATE TABLE kept_limits (
      id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      rater_id INTEGER NOT NULL REFERENCES rater (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      at TEXT NOT NULL ${instant('at')},
      limits TEXT NOT NULL ${json('limits')}
    ) STRICT;
    CREATE INDEX kept_limits_by_run ON kept_limits (run_id, id);
    CREATE INDEX kept_limits_by_rater ON kept_limits (rater_id);
    CREATE TRIGGER kept_limits_no_update BEFORE UPDATE ON kept_limits
    BEGIN SELECT RAISE(ABORT, 'kept_limits: rows are only ever added'); END;
  `,
  docs: {
    'kept_limits.id': 'Key inside this file; the highest of a run holds.',
    'kept_limits.run_id': 'The run.',
    'kept_limits.rater_id': 'Who kept them.',
    'kept_limits.at': 'When, UTC.',
    'kept_limits.limits': 'Limit of each figure by its name, JSON; empty takes them back.',
  },
  tables: {
    kept_limits: {
      element: 'calyx',
      className: 'KeptLimits',
      tier: 'internal',
      key: ['id'],
      travels: 'never',
      text: 'Limits of the cells’ figures that a rater kept with a run.',
    },
  },
};
