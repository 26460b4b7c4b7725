// SPDX-License-Identifier: MIT
import { bool, protectBuiltin, uuid, type ColumnDoc, type Migration, type TableDoc } from './kit.ts';

/** A column: its SQL after the name, then its meaning, with a unit before it where it has one. */
export type Column = readonly [sql: string, text: string] | readonly [sql: string, unit: string, text: string];

/** A table with its catalogue entry, from which SQL, indexes, audit triggers and explanations are made. */
export interface TableSpec extends TableDoc {
  readonly columns: Readonly<Record<string, Column>>;
  /** Further CHECK clauses. */
  readonly constraints?: readonly string[];
  /** No surrogate: the natural key is the primary key (parts that nothing refers to). */
  readonly plain?: boolean;
  /** Rows that ship with the program: column `builtin` and the triggers that protect them. */
  readonly seeds?: { readonly columns: string; readonly rows: readonly string[] };
  /** What the change log notes: everything, or (for rows that come by the thousand) corrections only. */
  readonly audit?: 'all' | 'updates' | 'none';
}

/** A foreign key that must be set; deleting the parent is refused. */
export const parent = (table: string): string => `INTEGER NOT NULL ${references(table)}`;
/** A foreign key that may be empty. */
export const optional = (table: string): string => `INTEGER ${references(table)}`;
/** A part's foreign key to its master, with which it goes. */
export const master = (table: string, key = 'id'): string =>
  `INTEGER NOT NULL REFERENCES ${table} (${key}) ON UPDATE CASCADE ON DELETE CASCADE`;
const references = (table: string): string => `REFERENCES ${table} (id) ON UPDATE CASCADE ON DELETE RESTRICT`;

/** A name that is a key: not empty, compared without case, since MySQL's collation does so. */
export const keyName = (column: string): string => `TEXT NOT NULL COLLATE NOCASE CHECK (length(trim(${column})) > 0)`;
/** Free text. */
export const freeText = "TEXT NOT NULL DEFAULT ''";
/** CHECK: `YYYY-MM-DD`, a day that exists. */
export const day = (column: string): string => `CHECK (${column} IS NULL OR ${column} IS date(${column}))`;

function columnsOf(spec: TableSpec): Record<string, Column> {
  return {
    ...(spec.plain === true ? {} : { id: ['INTEGER PRIMARY KEY', 'Key inside this file; never leaves it.'] as const }),
    ...(spec.travels === 'uuid'
      ? { uuid: [`BLOB NOT NULL UNIQUE ${uuid('uuid')}`, 'Identity across libraries (version 7).'] as const }
      : {}),
    ...spec.columns,
    ...(spec.seeds === undefined
      ? {}
      : {
          builtin: [
            `INTEGER NOT NULL DEFAULT 0 ${bool('builtin')}`,
            '1 for a row that ships with the program.',
          ] as const,
        }),
  };
}

function tableSql(name: string, spec: TableSpec): string {
  const columns = columnsOf(spec);
  const lines = [
    ...Object.entries(columns).map(([column, [sql]]) => `${column} ${sql}`),
    ...(spec.constraints ?? []),
    `${spec.plain === true ? 'PRIMARY KEY' : 'UNIQUE'} (${spec.key.join(', ')})`,
  ];
  const indexed = Object.entries(columns)
    .filter(([column, [sql]]) => sql.includes('REFERENCES') && spec.key[0] !== column)
    .map(([column]) => `CREATE INDEX ${name}_by_${column} ON ${name} (${column});`);
  const seeds =
    spec.seeds === undefined
      ? []
      : [
          `INSERT INTO ${name} (${spec.seeds.columns}, builtin) VALUES ${spec.seeds.rows.map((row) => `(${row}, 1)`).join(', ')};`,
          protectBuiltin(name),
        ];
  return [
    `CREATE TABLE ${name} (\n${lines.join(',\n')}\n) STRICT${spec.plain === true ? ', WITHOUT ROWID' : ''};`,
    ...indexed,
    ...seeds,
    auditSql(name, spec.plain === true ? spec.key : ['id'], Object.keys(columns), spec.audit ?? 'all'),
  ].join('\n');
}

function jsonOf(row: 'NEW' | 'OLD', columns: readonly string[]): string {
  const value = (column: string): string => (column === 'uuid' ? `lower(hex(${row}.uuid))` : `${row}.${column}`);
  return `json_object(${columns.map((column) => `'${column}', ${value(column)}`).join(', ')})`;
}

/** Triggers that append to `change_log`: who, when, old and new values (datamodel.md 7.3). */
export function auditSql(
  table: string,
  key: readonly string[],
  columns: readonly string[],
  audit: NonNullable<TableSpec['audit']>,
): string {
  if (audit === 'none') return '';
  const log = (event: string, row: 'NEW' | 'OLD', before: string, after: string, when = ''): string => `
    CREATE TRIGGER ${table}_log_${event.toLowerCase()} AFTER ${event} ON ${table} ${when}
    BEGIN INSERT INTO change_log (at, who, table_name, row_key, action, old, new)
    SELECT coalesce(max(change_actor.at), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), coalesce(max(change_actor.who), ''),
      '${table}', ${jsonOf(row, key)}, '${event.toLowerCase()}', ${before}, ${after} FROM change_actor; END;`;
  const [before, after] = [jsonOf('OLD', columns), jsonOf('NEW', columns)];
  const update = log('UPDATE', 'NEW', before, after, `WHEN ${before} IS NOT ${after}`);
  if (audit === 'updates') return update;
  return log('INSERT', 'NEW', 'NULL', after) + update + log('DELETE', 'OLD', before, 'NULL');
}

/** A migration that makes tables; `sql` runs after them. */
export function tableMigration(
  id: number,
  name: string,
  specs: Readonly<Record<string, TableSpec>>,
  extra: { readonly sql?: string; readonly docs?: Migration['docs']; readonly tables?: Migration['tables'] } = {},
): Migration {
  const docs: Record<string, ColumnDoc> = {};
  const tables: Record<string, TableDoc> = {};
  for (const [table, spec] of Object.entries(specs)) {
    const { element, className, tier, key, travels, text } = spec;
    tables[table] = { element, className, tier, key, travels, text };
    for (const [column, value] of Object.entries(columnsOf(spec))) {
      docs[`${table}.${column}`] = value.length === 2 ? value[1] : [value[1], value[2]];
    }
  }
  const sql = [...Object.entries(specs).map(([table, spec]) => tableSql(table, spec)), extra.sql ?? ''].join('\n');
  return { id, name, sql, docs: { ...docs, ...extra.docs }, tables: { ...tables, ...extra.tables } };
}
