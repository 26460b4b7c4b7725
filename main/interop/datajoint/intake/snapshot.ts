// SPDX-License-Identifier: MIT
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Scalar } from '../../../contract/index.ts';
import { serverError, type ServerColumn, type ServerSchema, type ServerTable } from '../server.ts';

/** A row of the server without its blobs: dates and decimals as text. */
export type ServerRow = Readonly<Record<string, Scalar>>;

const isBinary = ({ type }: ServerColumn): boolean => type.endsWith('blob') || type.endsWith('binary');

/** Identifier for SQL. */
const named = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Reads tables as they are at one moment. It never writes: its transaction is a reading one. */
export class Snapshot {
  readonly #connection: Connection;
  readonly schema: ServerSchema;
  /** Rows of this animal only, where a table names one. */
  readonly #subject: string | null;

  private constructor(connection: Connection, schema: ServerSchema, subject: string | null) {
    this.#connection = connection;
    this.schema = schema;
    this.#subject = subject;
  }

  /** @throws AppError `datajoint.*` */
  static async take(connection: Connection, schema: ServerSchema, subject: string | null): Promise<Snapshot> {
    try {
      await connection.query('set transaction isolation level repeatable read');
      await connection.query('start transaction with consistent snapshot, read only');
    } catch (error) {
      throw serverError(error, 'reading');
    }
    return new Snapshot(connection, schema, subject);
  }

  /** Tables of a class, `RecordingInfo_File`: mostly one. */
  named(name: string): readonly ServerTable[] {
    return [...this.schema.tables.values()].filter((table) => table.name === name);
  }

  /** The table of a class; undefined where the server has none. */
  table(name: string): ServerTable | undefined {
    return this.named(name)[0];
  }

  /** Rows whose columns have these values, in the order of their key; columns that the table lacks are passed over. @throws AppError `datajoint.*` */
  async rows(table: ServerTable | undefined, where: ServerRow = {}): Promise<readonly ServerRow[]> {
    if (table === undefined) return [];
    const columns = [...table.columns.values()].filter((column) => !isBinary(column)).map(({ name }) => named(name));
    return await this.#query(table, columns.length === 0 ? ['1'] : columns, where);
  }

  /** How many rows there are. @throws AppError `datajoint.*` */
  async count(table: ServerTable | undefined, where: ServerRow): Promise<number> {
    if (table === undefined) return 0;
    const [row] = await this.#query(table, ['count(*) as n'], where, false);
    return Number(row?.['n'] ?? 0);
  }

  /** A binary column of the first row with these values; null where there is no such column, row or value. @throws AppError `datajoint.*` */
  async blob(table: ServerTable | undefined, column: string, where: ServerRow): Promise<Buffer | null> {
    if (table?.columns.has(column) !== true) return null;
    const [row] = await this.#query(table, [named(column)], where);
    const value: unknown = row?.[column];
    return Buffer.isBuffer(value) ? value : null;
  }

  async #query(
    table: ServerTable,
    columns: readonly string[],
    where: ServerRow,
    isOrdered = true,
  ): Promise<readonly RowDataPacket[]> {
    const given = Object.entries(where).filter(([column]) => table.columns.has(column));
    if (this.#subject !== null && table.columns.has('subject') && !('subject' in where))
      given.push(['subject', this.#subject]);
    const conditions = given.map(([column]) => `${named(column)} <=> ?`).join(' and ');
    const order = isOrdered && table.key.length > 0 ? ` order by ${table.key.map(named).join(', ')}` : '';
    const sql = `select ${columns.join(', ')} from ${named(table.database)}.${named(table.table)}${conditions === '' ? '' : ` where ${conditions}`}${order}`;
    try {
      const [rows] = await this.#connection.query<RowDataPacket[]>(
        sql,
        given.map(([, value]) => value),
      );
      return rows;
    } catch (error) {
      throw serverError(error, `reading ${table.name}`);
    }
  }
}

/** Values of a row's key. */
export function keyOf(table: ServerTable, row: ServerRow): Record<string, Scalar> {
  return Object.fromEntries(table.key.map((column) => [column, row[column] ?? null]));
}
