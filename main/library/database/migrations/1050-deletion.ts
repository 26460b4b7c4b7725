// SPDX-License-Identifier: MIT
import { instant, json, type Migration, uuid } from './kit.ts';

/** What was deleted and can still be brought back (datamodel.md 7.3: rows first, files after a grace time). */
export const deletion: Migration = {
  id: 1050,
  name: 'deletions that can be undone',
  sql: `
    CREATE TABLE deletion (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      what TEXT NOT NULL CHECK (length(what) > 0),
      at TEXT NOT NULL ${instant('at')},
      purge_after TEXT NOT NULL ${instant('purge_after')},
      state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'undone', 'purged')),
      counts TEXT NOT NULL ${json('counts')},
      folders TEXT NOT NULL ${json('folders')}
    ) STRICT;
    CREATE TABLE deletion_row (
      deletion_id INTEGER NOT NULL REFERENCES deletion (id) ON UPDATE CASCADE ON DELETE CASCADE,
      position INTEGER NOT NULL CHECK (position >= 0),
      table_name TEXT NOT NULL,
      column_names TEXT NOT NULL,
      row_values TEXT NOT NULL,
      PRIMARY KEY (deletion_id, position)
    ) STRICT, WITHOUT ROWID;
  `,
  docs: {
    'deletion.id': 'Key inside this file; never leaves it.',
    'deletion.uuid': 'Names the deletion for undo.',
    'deletion.what': 'What was asked for.',
    'deletion.at': 'When, UTC.',
    'deletion.purge_after': 'From then on files and rows are gone for good, UTC.',
    'deletion.state': 'held (can be undone), undone or purged.',
    'deletion.counts': 'Rows by table, JSON.',
    'deletion.folders': 'Folders that go with it, relative to the library, JSON.',
    'deletion_row.deletion_id': 'The deletion.',
    'deletion_row.position': 'Order, from 0.',
    'deletion_row.table_name': 'Table the row was in.',
    'deletion_row.column_names': 'Its columns, quoted, with commas.',
    'deletion_row.row_values': 'Its values as SQL literals, with commas.',
  },
  tables: {
    deletion: {
      element: 'calyx',
      className: 'Deletion',
      tier: 'internal',
      key: ['uuid'],
      travels: 'never',
      text: 'A deletion and what it took.',
    },
    deletion_row: {
      element: 'calyx',
      className: 'Deletion.Row',
      tier: 'internal',
      key: ['deletion_id', 'position'],
      travels: 'never',
      text: 'A row that was deleted and can be brought back.',
    },
  },
};
