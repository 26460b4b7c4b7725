// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import type { TravelRow, TravelValue } from '../travel-types.ts';

/** A value as the driver gives and takes it. */
export type SqlValue = string | number | bigint | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A foreign key of a table; every one is of one column. */
interface Edge {
  readonly column: string;
  readonly parent: string;
  readonly to: string;
}

/** What is known of a table that travels. */
export interface TableForm {
  readonly name: string;
  readonly columns: readonly string[];
  readonly edges: readonly Edge[];
  /** Sets of columns that make a row unique, the primary key among them unless it is the surrogate. */
  readonly unique: readonly (readonly string[])[];
  readonly primary: readonly string[];
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Carried by code of their own (judgements), or of no use on another machine. */
const apart = new Set([
  'curation',
  'curation_log',
  'curation_edit',
  'curation_edit_cell',
  'rater',
  'array_ref',
  'session_acquisition',
]);

/** Parts of these go with their master; what others have below them stays. `run` and `recording` are entered by name only. */
const entered = new Set(['session', 'run', 'recording']);

/** The tables that travel, with their keys, as the catalogue and SQLite have them. */
export class TravelTablesForm {
  readonly #database: Database.Database;
  readonly #forms = new Map<string, TableForm>();
  readonly #travels: ReadonlyMap<string, string>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#travels = new Map(
      database
        .prepare<[], { name: string; travels: string }>('SELECT table_name AS name, travels FROM table_doc')
        .all()
        .map(({ name, travels }) => [name, travels]),
    );
  }

  /** May rows of this table come in a package? */
  travels(table: string): boolean {
    return !apart.has(table) && (this.#travels.get(table) ?? 'never') !== 'never';
  }

  of(table: string): TableForm {
    const known = this.#forms.get(table);
    if (known !== undefined) return known;
    const database = this.#database;
    const info = database
      .prepare<[string], { name: string; pk: number }>('SELECT name, pk FROM pragma_table_info(?) ORDER BY cid')
      .all(table);
    const edges = database
      .prepare<[string], Edge>(
        `SELECT "from" AS "column", "table" AS parent, coalesce("to", 'id') AS "to" FROM pragma_foreign_key_list(?)`,
      )
      .all(table);
    const primary = info
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map(({ name }) => name);
    const indexes = database
      .prepare<[string], { name: string }>(
        'SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0 ORDER BY seq DESC',
      )
      .all(table)
      .map(({ name }) =>
        database
          .prepare<[string], { name: string }>('SELECT name FROM pragma_index_info(?) ORDER BY seqno')
          .all(name)
          .map((column) => column.name),
      );
    const unique = [...(primary.join() === 'id' ? [] : [primary]), ...indexes];
    const form = { name: table, columns: info.map(({ name }) => name), edges, unique, primary };
    this.#forms.set(table, form);
    return form;
  }

  /** Tables whose rows go with a row of `table`: its parts and what is keyed by it. */
  below(table: string): readonly { readonly table: string; readonly column: string; readonly to: string }[] {
    return this.#database
      .prepare<[string], { table: string; column: string }>(
        "SELECT child_table AS 'table', child_column AS 'column' FROM table_edge WHERE parent_table = ? AND kind <> 'secondary' ORDER BY child_table",
      )
      .all(table)
      .filter((edge) => this.travels(edge.table) && !entered.has(edge.table))
      .map((edge) =>
        Object.assign(edge, {
          to: this.of(edge.table).edges.find(({ column }) => column === edge.column)?.to ?? 'id',
        }),
      );
  }
}

/** Gathers rows that travel, parents first. */
export class RowGatherer {
  readonly #database: Database.Database;
  readonly #forms: TravelTablesForm;
  readonly #numbers = new Map<string, number>();
  readonly rows: TravelRow[] = [];

  constructor(database: Database.Database) {
    this.#database = database;
    this.#forms = new TravelTablesForm(database);
  }

  /** Adds rows of a table with what they refer to; with `below` everything that belongs to them too. */
  add(table: string, where: string, value: SqlValue, below: boolean): void {
    const rows = this.#database
      .prepare<[SqlValue], Record<string, SqlValue>>(`SELECT * FROM ${quoted(table)} WHERE ${where}`)
      .safeIntegers()
      .all(value);
    for (const row of rows) {
      if (this.#one(table, row) === null || !below) continue;
      for (const child of this.#forms.below(table))
        this.add(child.table, `${quoted(child.column)} = ?`, row[child.to] ?? null, true);
    }
  }

  /** The row's number; null for one that cannot travel because of what it refers to. */
  #one(table: string, row: SqlRow): number | null {
    const form = this.#forms.of(table);
    const key = JSON.stringify([table, ...form.primary.map((column) => plain(row[column] ?? null))]);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const references = new Map<string, number>();
    for (const { column, parent, to } of form.edges) {
      const value = row[column] ?? null;
      if (value === null) continue;
      if (!this.#forms.travels(parent)) return null;
      const found = this.#database
        .prepare<[SqlValue], Record<string, SqlValue>>(`SELECT * FROM ${quoted(parent)} WHERE ${quoted(to)} = ?`)
        .safeIntegers()
        .get(value);
      const number = found === undefined ? null : this.#one(parent, found);
      if (number === null) return null;
      references.set(column, number);
    }
    const values: Record<string, TravelValue> = {};
    for (const column of form.columns) {
      if (column === 'id') continue;
      const reference = references.get(column);
      values[column] = reference === undefined ? plain(row[column] ?? null) : { row: reference };
    }
    const number = this.rows.push({ table, values }) - 1;
    this.#numbers.set(key, number);
    return number;
  }
}

function plain(value: SqlValue): Exclude<TravelValue, { readonly row: number }> {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : { int: String(value) };
}
