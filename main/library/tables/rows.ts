// SPDX-License-Identifier: MIT
import { AppError, type Change, type Scalar, type TableInfo, type TableRow } from '../../contract/index.ts';
import { uuidBytes } from '../uuid.ts';
import { type Ask, quoted, scalarOf, type SqlValue } from './catalogue.ts';

/** Rows of tables with the names of what they refer to: compiled from the catalogue, values bound. */

export interface RowsRequest {
  readonly table: string;
  readonly search: string;
  readonly where: Readonly<Record<string, Scalar>>;
  readonly order?: { readonly column: string; readonly descending: boolean } | undefined;
  readonly limit: number;
  readonly offset: number;
}

export interface ChangesRequest {
  readonly table?: string | undefined;
  readonly key?: Readonly<Record<string, Scalar>> | undefined;
  readonly limit: number;
}

type Bound = string | number | Uint8Array | null;

/** @throws AppError `usage.invalid` */
export function tableNamed(tables: readonly TableInfo[], name: string): TableInfo {
  const found = tables.find(({ table }) => table === name);
  if (found === undefined) throw new AppError('usage.invalid', `The library has no table “${name}”.`);
  return found;
}

/** Names that mean something to a person where the natural key is a uuid. */
const spoken: Readonly<Record<string, readonly string[]>> = {
  session: ['name'],
  run: ['name', 'created_at'],
  recording: ['session_id', 'device'],
  curation: ['run_id', 'version'],
  processing_param_set: ['description', 'params_sha256'],
};

/** Deepest chain of references that a name follows: a part of a part of a session. */
const deepest = 4;

/** SQL for the name of a row: its natural key, references by their names. */
function labelSql(tables: readonly TableInfo[], info: TableInfo, alias: string, depth = 0): string {
  const known = new Set(info.columns.map(({ name }) => name));
  const wanted = (spoken[info.table] ?? []).filter((name) => known.has(name));
  const names = wanted.length > 0 ? wanted : info.columns.filter(({ key }) => key).map(({ name }) => name);
  const parts = names.map((name) => {
    const column = info.columns.find((candidate) => candidate.name === name);
    const parent = tables.find(({ table }) => table === column?.parent);
    const own = `${alias}.${quoted(name)}`;
    if (parent === undefined || depth >= deepest)
      return column?.kind === 'uuid' || column?.kind === 'bytes' ? `lower(hex(${own}))` : `CAST(${own} AS TEXT)`;
    const inner = `p${depth}`;
    return `(SELECT ${labelSql(tables, parent, inner, depth + 1)} FROM ${quoted(parent.table)} AS ${inner} WHERE ${inner}.${quoted(parent.primary[0] ?? 'id')} = ${own})`;
  });
  return parts.length === 0
    ? `CAST(${alias}.rowid AS TEXT)`
    : parts.map((part) => `coalesce(${part}, '–')`).join(" || ', ' || ");
}

function bound(info: TableInfo, name: string, value: Scalar): Bound {
  const column = info.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new AppError('usage.invalid', `The table ${info.table} has no column “${name}”.`);
  return column.kind === 'uuid' && typeof value === 'string' ? uuidBytes(value) : value;
}

const pattern = (word: string): string => `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;

/** @throws AppError `usage.invalid` */
export function readRows(
  ask: Ask,
  tables: readonly TableInfo[],
  request: RowsRequest,
): { total: number; rows: TableRow[] } {
  const info = tableNamed(tables, request.table);
  const references = info.columns.flatMap(({ name, parent }) => {
    const target = tables.find(({ table }) => table === parent);
    if (target === undefined) return [];
    const label = labelSql(tables, target, 'r');
    return [
      {
        name,
        sql: `(SELECT ${label} FROM ${quoted(target.table)} AS r WHERE r.${quoted(target.primary[0] ?? 'id')} = t.${quoted(name)})`,
      },
    ];
  });
  const values: Bound[] = [];
  const conditions = Object.entries(request.where).map(([name, value]) => {
    values.push(bound(info, name, value));
    return `t.${quoted(name)} IS ?`;
  });
  const texts = [
    ...info.columns
      .filter(({ kind, parent }) => parent === null && kind !== 'uuid' && kind !== 'bytes')
      .map(({ name }) => `CAST(t.${quoted(name)} AS TEXT)`),
    ...references.map(({ sql }) => sql),
  ];
  for (const word of request.search.split(/\s+/).filter((part) => part !== '')) {
    conditions.push(`(${texts.map((text) => `${text} LIKE ? ESCAPE '\\'`).join(' OR ')})`);
    values.push(...texts.map(() => pattern(word)));
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const from = `FROM ${quoted(info.table)} AS t ${where}`;
  const { order } = request;
  if (order !== undefined) bound(info, order.column, null);
  const sortBy = references.find(({ name }) => name === order?.column)?.sql;
  const sorted = [
    ...(order === undefined
      ? []
      : [`${sortBy ?? `t.${quoted(order.column)}`}${order.descending ? ' DESC' : ''} NULLS LAST`]),
    ...info.primary.map((name) => `t.${quoted(name)}`),
  ].join(', ');
  const labels = references.map(({ sql }, i) => `, ${sql} AS "label ${i}"`).join('');
  const rows = ask(
    `SELECT ${info.columns.map(({ name }) => `t.${quoted(name)}`).join(', ')}${labels} ${from} ORDER BY ${sorted} LIMIT ? OFFSET ?`,
    ...values,
    request.limit,
    request.offset,
  );
  return {
    total: Number(ask(`SELECT count(*) AS n ${from}`, ...values)[0]?.['n'] ?? 0),
    rows: rows.map((row) => ({
      key: Object.fromEntries(info.primary.map((name) => [name, scalarOf(row[name])])),
      values: info.columns.map(({ name }) => scalarOf(row[name])),
      labels: Object.fromEntries(
        references.flatMap(({ name }, i) => {
          const label = row[`label ${i}`];
          return typeof label === 'string' ? [[name, label]] : [];
        }),
      ),
      builtin: Number(row['builtin'] ?? 0) === 1,
    })),
  };
}

/** @throws AppError `usage.invalid` */
export function readChoices(
  ask: Ask,
  tables: readonly TableInfo[],
  request: { readonly table: string; readonly limit: number },
): { rows: { value: Scalar; label: string }[]; truncated: boolean } {
  const info = tableNamed(tables, request.table);
  const rows = ask(
    `SELECT t.${quoted(info.primary[0] ?? 'id')} AS value, ${labelSql(tables, info, 't')} AS label
    FROM ${quoted(info.table)} AS t ORDER BY label COLLATE NOCASE LIMIT ?`,
    request.limit + 1,
  );
  return {
    rows: rows
      .slice(0, request.limit)
      .map((row) => ({ value: scalarOf(row['value']), label: typeof row['label'] === 'string' ? row['label'] : '–' })),
    truncated: rows.length > request.limit,
  };
}

type Json = Change['values'][number]['before'];

function parsed(value: SqlValue | undefined): Record<string, Json> {
  return typeof value === 'string' ? (JSON.parse(value) as Record<string, Json>) : {};
}

/** The change log, newest first. */
export function readChanges(ask: Ask, tables: readonly TableInfo[], request: ChangesRequest): Change[] {
  const conditions: string[] = [];
  const values: Bound[] = [];
  if (request.table !== undefined) {
    const info = tableNamed(tables, request.table);
    conditions.push('table_name = ?');
    values.push(info.table);
    for (const [name, value] of Object.entries(request.key ?? {})) {
      bound(info, name, value);
      conditions.push(`json_extract(row_key, '$."' || ? || '"') IS ?`);
      values.push(name, value);
    }
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return ask(
    `SELECT at, who, table_name, action, row_key, old, new FROM change_log ${where} ORDER BY id DESC LIMIT ?`,
    ...values,
    request.limit,
  ).map((row) => {
    const [before, after] = [parsed(row['old']), parsed(row['new'])];
    const action = String(row['action']) as Change['action'];
    const empty = (value: Json | undefined): boolean => value === undefined || value === null || value === '';
    return {
      at: String(row['at']),
      who: String(row['who']),
      table: String(row['table_name']),
      action,
      key: parsed(row['row_key']),
      values: [...new Set([...Object.keys(before), ...Object.keys(after)])]
        .filter((name) => name !== 'id' && name !== 'uuid')
        .filter((name) =>
          action === 'update' ? before[name] !== after[name] : !empty(before[name]) || !empty(after[name]),
        )
        .map((column) => ({ column, before: before[column] ?? null, after: after[column] ?? null })),
    };
  });
}
