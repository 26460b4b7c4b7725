// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/index.ts';
import { migrationChecksum, type Migration } from './migrations/index.ts';

/** `Caly`, in the header of every library, so that another program's database is not taken for one. */
export const applicationId = 0x43_61_6c_79;

export interface SchemaState {
  /** Ids of this program's migrations the file has not seen yet, in order. */
  readonly pending: readonly Migration[];
  /** Ids in the file that this program does not know: the file is newer. */
  readonly unknown: readonly number[];
}

interface MigrationRow {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
}

function hasMigrationTable(database: Database.Database): boolean {
  return (
    database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'").get() !== undefined
  );
}

/**
 * Compares a file's schema with the program's.
 *
 * @throws AppError `library.corrupt` when the file belongs to another program or a migration in it is not the one this program knows
 */
export function schemaState(database: Database.Database, known: readonly Migration[]): SchemaState {
  const objects = database.prepare<[], { n: number }>('SELECT count(*) AS n FROM sqlite_schema').get();
  if ((objects?.n ?? 0) === 0) return { pending: known, unknown: [] };
  if (database.pragma('application_id', { simple: true }) !== applicationId || !hasMigrationTable(database)) {
    throw new AppError('library.corrupt', 'library.sqlite is the database of another program.', {
      hint: 'Choose another library folder; the file was not changed.',
    });
  }
  const applied = new Map(
    database
      .prepare<[], MigrationRow>('SELECT id, name, checksum FROM migration ORDER BY id')
      .all()
      .map((row) => [row.id, row]),
  );
  for (const migration of known) {
    const row = applied.get(migration.id);
    if (row !== undefined && row.checksum !== migrationChecksum(migration)) {
      throw new AppError(
        'library.corrupt',
        `The library's schema differs from this program's at step ${row.id} (${row.name}).`,
        {
          hint: 'It was made by a development version. Open it with the program that made it, or start a new library.',
        },
      );
    }
  }
  const ids = new Set(known.map((migration) => migration.id));
  return {
    pending: known.filter((migration) => !applied.has(migration.id)),
    unknown: [...applied.keys()].filter((id) => !ids.has(id)),
  };
}

/** Copies the whole database, as of now, into the backups' folder; returns the copy's path. Never leaves half a copy under its name. */
export function backup(database: Database.Database, folder: string, label: string): string {
  mkdirSync(folder, { recursive: true });
  let path = join(folder, `library-${label}.sqlite`);
  for (let n = 2; existsSync(path); n += 1) path = join(folder, `library-${label}-${n}.sqlite`);
  const temporary = `${path}.partial`;
  rmSync(temporary, { force: true });
  database.prepare('VACUUM INTO ?').run(temporary);
  renameSync(temporary, path);
  return path;
}

/** Deletes all but the newest `keep` copies that {@link backup} made; their names begin with their time. Other files, backups made otherwise among them, stay. */
export function pruneBackups(folder: string, keep: number): void {
  const copies = existsSync(folder)
    ? readdirSync(folder).filter((name) => /^library-.+-before-\d+(-\d+)?\.sqlite$/.test(name))
    : [];
  for (const name of copies.sort().slice(0, -keep)) rmSync(join(folder, name), { force: true });
}

function describeTables(database: Database.Database, { tables }: Migration): void {
  if (tables === undefined) return;
  const table = database.prepare(
    'INSERT INTO table_doc (table_name, element, class_name, tier, travels, text) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const key = database.prepare('INSERT INTO table_key (table_name, position, column_name) VALUES (?, ?, ?)');
  for (const [name, doc] of Object.entries(tables)) {
    table.run(name, doc.element, doc.className, doc.tier, doc.travels, doc.text);
    for (const [position, column] of doc.key.entries()) key.run(name, position, column);
  }
}

/** Foreign keys of the finished schema as rows, where programs that only read can join them with the catalogue. */
function describeEdges(database: Database.Database): void {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'table_edge'").get() === undefined) return;
  database.exec(`DELETE FROM table_edge;
    INSERT INTO table_edge (child_table, child_column, parent_table, kind)
    SELECT child.name, edge."from", edge."table",
      CASE WHEN edge.on_delete = 'CASCADE' THEN 'part' WHEN table_key.position IS NOT NULL THEN 'key' ELSE 'secondary' END
    FROM sqlite_schema AS child JOIN pragma_foreign_key_list(child.name) AS edge
      LEFT JOIN table_key ON table_key.table_name = child.name AND table_key.column_name = edge."from"
    WHERE child.type = 'table';`);
}

function apply(database: Database.Database, migration: Migration, now: string, program: string): void {
  database.exec(migration.sql);
  const doc = database.prepare('INSERT INTO column_doc (table_name, column_name, unit, text) VALUES (?, ?, ?, ?)');
  for (const [column, meaning] of Object.entries(migration.docs)) {
    const [table = '', name = ''] = column.split('.');
    const [unit, text] = typeof meaning === 'string' ? [null, meaning] : meaning;
    doc.run(table, name, unit, text);
  }
  describeTables(database, migration);
  database
    .prepare('INSERT INTO migration (id, name, checksum, applied_at, program) VALUES (?, ?, ?, ?, ?)')
    .run(migration.id, migration.name, migrationChecksum(migration), now, program);
  const broken = database.pragma('foreign_key_check');
  if (Array.isArray(broken) && broken.length > 0) {
    throw new AppError('library.corrupt', `Step ${migration.id} (${migration.name}) left rows without their parents.`);
  }
}

/**
 * Brings a file to this program's schema: each step in its own transaction, in id order. A step that fails leaves the file as the step
 * before left it. A new file gets all steps in one transaction, so that it is whole or empty, and waits for the disk once.
 *
 * @param database - open for writing
 * @param pending - from {@link schemaState}
 */
export function migrate(
  database: Database.Database,
  pending: readonly Migration[],
  now: () => string,
  program: string,
  isNew = false,
): void {
  if (pending.length === 0) return;
  // A step that rebuilds a table must not set off cascades; foreign_key_check above stands in for them.
  database.pragma('foreign_keys = OFF');
  // A power cut may take back whole steps, which run again; waiting for the disk after each buys nothing.
  database.pragma('synchronous = NORMAL');
  const steps = (): void => {
    for (const migration of pending) {
      database
        .transaction(() => {
          database.exec(`CREATE TABLE IF NOT EXISTS migration (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            checksum TEXT NOT NULL CHECK (length(checksum) = 64),
            applied_at TEXT NOT NULL,
            program TEXT NOT NULL
          ) STRICT`);
          apply(database, migration, now(), program);
          if (migration === pending.at(-1)) describeEdges(database);
        })
        .immediate();
    }
  };
  try {
    if (isNew) database.transaction(steps).immediate();
    else steps();
  } finally {
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
  }
}
