// SPDX-License-Identifier: MIT
import { instant, json, type Migration, uuid } from './kit.ts';

/** Several parameter sets on several recordings as one entry of the queue. */
export const runBatch: Migration = {
  id: 5410,
  name: 'entries of several runs',
  sql: `
    CREATE TABLE run_batch (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      name TEXT NOT NULL CHECK (length(trim(name)) > 0),
      created_at TEXT NOT NULL ${instant('created_at')},
      set_names TEXT NOT NULL ${json('set_names')}
    ) STRICT;
    CREATE TABLE run_batch_run (
      batch_id INTEGER NOT NULL REFERENCES run_batch (id) ON UPDATE CASCADE ON DELETE CASCADE,
      run_id INTEGER NOT NULL REFERENCES run (id) ON UPDATE CASCADE ON DELETE RESTRICT,
      set_number INTEGER NOT NULL CHECK (set_number >= 0),
      PRIMARY KEY (batch_id, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_batch_run_by_run ON run_batch_run (run_id);
  `,
  docs: {
    'run_batch.id': 'Key inside this file; never leaves it.',
    'run_batch.uuid': 'Identity across libraries (version 7).',
    'run_batch.name': 'What lists show.',
    'run_batch.created_at': 'When it was queued, UTC.',
    'run_batch.set_names': 'Names of its parameter sets, JSON.',
    'run_batch_run.batch_id': 'The entry.',
    'run_batch_run.run_id': 'A run of it.',
    'run_batch_run.set_number': 'Which of its parameter sets, from 0.',
  },
  tables: {
    run_batch: {
      element: 'calyx',
      className: 'RunBatch',
      tier: 'internal',
      key: ['uuid'],
      travels: 'never',
      text: 'Several parameter sets on several recordings, queued together.',
    },
    run_batch_run: {
      element: 'calyx',
      className: 'RunBatch.Run',
      tier: 'internal',
      key: ['batch_id', 'run_id'],
      travels: 'never',
      text: 'A run of such an entry.',
    },
  },
};
