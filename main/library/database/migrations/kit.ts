// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';

/** Meaning of a column, with its unit first where it has one. */
export type ColumnDoc = string | readonly [unit: string, text: string];

/**
 * One forward step of the schema. A released one never changes: its checksum is stored in every library. Ids are in blocks by domain
 * (1000 library, 2000 recording, 3000 workflow …); a step depends only on its own block or on 1000.
 */
export interface Migration {
  readonly id: number;
  readonly name: string;
  readonly sql: string;
  /** Rows of `column_doc` by `table.column`. */
  readonly docs: Readonly<Record<string, ColumnDoc>>;
  /** Rows of the catalogue of tables by table; from 1008 on every new table has one. */
  readonly tables?: Readonly<Record<string, TableDoc>>;
}

/** DataJoint's tiers; `internal` is what its server or its files would hold. */
export type Tier = 'lookup' | 'manual' | 'imported' | 'computed' | 'part' | 'internal';

/** What the catalogue says of a table (datamodel.md 1.1). */
export interface TableDoc {
  /** Element it belongs to: `lab`, `subject`, `session`, `event`, `trial`, `miniscope` …; `calyx` for what no Element has. */
  readonly element: string;
  /** Name of the class there, `Master.Part` for parts. */
  readonly className: string;
  readonly tier: Tier;
  /** Columns of the natural key in order; a foreign key stands for its parent's natural key. */
  readonly key: readonly string[];
  /** How rows are known in another library: by their uuid, by their unique name, with their parent, or not at all. */
  readonly travels: 'uuid' | 'name' | 'parent' | 'never';
  readonly text: string;
}

/** SHA-256 of what a migration does. White space at line ends and indentation do not count. */
export function migrationChecksum(migration: Migration): string {
  const sql = migration.sql
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
  return createHash('sha256')
    .update(
      JSON.stringify([
        migration.id,
        sql,
        Object.entries(migration.docs),
        ...(migration.tables === undefined ? [] : [Object.entries(migration.tables)]),
      ]),
    )
    .digest('hex');
}

/** CHECK: 16 bytes. */
export function uuid(column: string): string {
  return `CHECK (length(${column}) = 16)`;
}

/** CHECK: `YYYY-MM-DDTHH:MM:SS.mmmZ`, a date and time that exist. `IS` so that a text SQLite cannot read (null) is refused. */
export function instant(column: string): string {
  return `CHECK (${column} IS NULL OR ${column} IS strftime('%Y-%m-%dT%H:%M:%fZ', ${column}))`;
}

/** CHECK: minutes between the zones that exist. */
export function tzOffset(column: string): string {
  return `CHECK (${column} IS NULL OR ${column} BETWEEN -840 AND 840)`;
}

/** CHECK: 0 or 1. */
export function bool(column: string): string {
  return `CHECK (${column} IN (0, 1))`;
}

/** CHECK: lower-case hex of at least 128 bits. */
export function digest(column: string): string {
  return `CHECK (${column} IS NULL OR (length(${column}) BETWEEN 32 AND 128 AND ${column} NOT GLOB '*[^0-9a-f]*'))`;
}

/** CHECK: a finite number within the range (REAL would take infinity). */
export function within(column: string, low: string, high: string): string {
  return `CHECK (${column} IS NULL OR ${column} BETWEEN ${low} AND ${high})`;
}

/** CHECK: text that is JSON. */
export function json(column: string): string {
  return `CHECK (${column} IS NULL OR json_valid(${column}))`;
}

/** CHECK: a relative path with forward slashes that stays inside. */
export function relativePath(column: string): string {
  return `CHECK (${column} IS NULL OR (length(${column}) > 0 AND substr(${column}, 1, 1) <> '/' AND instr(${column}, '\\') = 0 AND instr('/' || ${column} || '/', '/../') = 0))`;
}

/** Two triggers that refuse to change or delete the rows a program shipped. */
export function protectBuiltin(table: string): string {
  return `
    CREATE TRIGGER ${table}_builtin_delete BEFORE DELETE ON ${table} WHEN OLD.builtin = 1
    BEGIN SELECT RAISE(ABORT, '${table}: a row that ships with the program cannot be deleted'); END;
    CREATE TRIGGER ${table}_builtin_update BEFORE UPDATE ON ${table} WHEN OLD.builtin = 1
    BEGIN SELECT RAISE(ABORT, '${table}: a row that ships with the program cannot be changed'); END;
  `;
}
