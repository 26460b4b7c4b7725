// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { AppError } from '../../contract/index.ts';
import type { TravelRow, TravelValue } from '../travel-types.ts';
import type { Context } from './context.ts';
import { quoted, type SqlRow, type SqlValue, TravelTablesForm } from './travel-rows.ts';

/** What a column gets in this library instead of what came. */
export type Placement = (table: string, row: Record<string, SqlValue>) => void;

const damaged = (what: string): AppError =>
  new AppError('travel.damaged', `This package does not fit together: ${what}. Nothing was added.`, {
    hint: 'Pack it again.',
  });

/** Stands in the place of a row that was left out. */
const leftOut = Symbol('left out');

class MissingParent extends Error {}

/**
 * Adds rows that are not here yet. A row is known by its uuid, else by any key that must be unique here, so that an animal or a session that
 * both libraries have stays one. What is here is never changed.
 */
export class RowMerger {
  readonly #context: Context;
  readonly #forms: TravelTablesForm;
  readonly #place: Placement;
  /** Rows as they stand here, by their number in the package. */
  readonly #here: (SqlRow | typeof leftOut)[] = [];
  readonly inserted: Record<string, number> = {};
  /** Rows that were here already. */
  readonly present: Record<string, number> = {};
  readonly #leave: ((table: string, why: string) => boolean) | undefined;

  /** @param leave - asked about a row that breaks a rule of this library: true leaves it out, with what needs it */
  constructor(context: Context, place: Placement, leave?: (table: string, why: string) => boolean) {
    this.#context = context;
    this.#forms = new TravelTablesForm(context.database);
    this.#place = place;
    this.#leave = leave;
  }

  /** Row 0 is one that is here and does not come. */
  begin(row: SqlRow): void {
    this.#here.push(row);
  }

  /** @throws AppError `travel.damaged` */
  add(rows: readonly TravelRow[]): void {
    for (const { table, values } of rows) {
      if (!this.#forms.travels(table)) throw damaged(`rows of “${table}” do not travel`);
      this.#here.push(this.#kept(table, values));
    }
  }

  #kept(table: string, values: TravelRow['values']): SqlRow | typeof leftOut {
    try {
      return this.#one(table, this.#values(table, values));
    } catch (error) {
      const why =
        error instanceof MissingParent ? error.message : error instanceof Database.SqliteError ? error.message : null;
      if (why === null || this.#leave?.(table, why) !== true) throw error;
      return leftOut;
    }
  }

  #values(table: string, values: TravelRow['values']): Record<string, SqlValue> {
    const { columns, edges } = this.#forms.of(table);
    const row: Record<string, SqlValue> = {};
    for (const [column, value] of Object.entries(values)) {
      if (column === 'id' || !columns.includes(column)) throw damaged(`${table} has no column “${column}”`);
      const edge = edges.find((one) => one.column === column);
      if ((edge !== undefined && value !== null) !== isReference(value))
        throw damaged(`${table}.${column} does not name a row`);
      row[column] = isReference(value) ? this.#referred(value.row, edge?.to ?? 'id') : sqlValue(value);
    }
    return row;
  }

  #referred(number: number, column: string): SqlValue {
    const row = this.#here[number];
    if (row === leftOut) throw new MissingParent('what it belongs to was left out');
    if (row === undefined) throw damaged(`row ${number} is named before it comes`);
    return row[column] ?? null;
  }

  #one(table: string, row: Record<string, SqlValue>): SqlRow {
    const found = this.#found(table, row);
    if (found !== undefined) {
      this.present[table] = (this.present[table] ?? 0) + 1;
      return found;
    }
    this.#place(table, row);
    if ('builtin' in row) row['builtin'] = 0;
    const columns = Object.keys(row);
    const { lastInsertRowid } = this.#context.database
      .prepare(
        `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      )
      .run(...Object.values(row));
    this.inserted[table] = (this.inserted[table] ?? 0) + 1;
    return this.#forms.of(table).columns.includes('id') ? { ...row, id: lastInsertRowid } : row;
  }

  #found(table: string, row: SqlRow): SqlRow | undefined {
    const { unique, columns } = this.#forms.of(table);
    const keys = [
      ...(columns.includes('uuid') ? [['uuid']] : []),
      // The content is a session's identity beside its uuid (architecture.md 5): the same recording may have been imported here too.
      ...(table === 'session' ? [['content_digest']] : []),
      // A cell of another library never stands for one of this, also where both call it the same row.
      ...(table === 'cell' ? [] : unique),
    ];
    for (const key of keys) {
      const values = key.map((column) => row[column] ?? null);
      if (values.includes(null)) continue;
      const found = this.#context.database
        .prepare<SqlValue[], Record<string, SqlValue>>(
          `SELECT * FROM ${quoted(table)} WHERE ${key.map((column) => `${quoted(column)} = ?`).join(' AND ')} LIMIT 1`,
        )
        .get(...values);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function isReference(value: TravelValue): value is { readonly row: number } {
  return typeof value === 'object' && value !== null && 'row' in value;
}

function sqlValue(value: Exclude<TravelValue, { readonly row: number }>): SqlValue {
  if (typeof value !== 'object' || value === null) return value;
  return 'hex' in value ? Buffer.from(value.hex, 'hex') : BigInt(value.int);
}
