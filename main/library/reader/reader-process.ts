// SPDX-License-Identifier: MIT
import { backup, constants, DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { AppError, type Rows, type Scalar, type Selection } from '../../contract/index.ts';
import { uuidText } from '../uuid.ts';
import type { DatabaseCheck, Page, ReaderCall, ReaderReply } from './protocol.ts';
import { type Ask, tableCatalogue } from '../tables/catalogue.ts';
import { readChanges, readChoices, readRows } from '../tables/rows.ts';
import { type Catalogue, layOut } from './diagram.ts';
import { compileSelection, type Relation } from './select.ts';

/**
 * The process that answers questions and can change nothing: its connection is read-only, and while somebody else's SQL runs an
 * authorizer lets through reading alone (no attach, no pragma, no temporary tables, no extensions). It is a process of its own because
 * SQLite cannot be stopped from JavaScript: a statement that takes too long ends with its process. It uses the SQLite of Node, whose
 * authorizer better-sqlite3 does not offer.
 */

/** One value, and one answer, may be so large. */
const longestValueBytes = 16 * 1024 * 1024;
const largestAnswer = 64 * 1024 * 1024;
const rowsAMessage = 500;

const send = (reply: ReaderReply): void => void process.send?.(reply);

let open: { readonly path: string; readonly database: DatabaseSync } | undefined;

/** The library's file; where nothing can be written, not even the log's index, as a file that nobody changes. */
function databaseAt(path: string): DatabaseSync {
  if (open?.path === path) return open.database;
  open?.database.close();
  open = undefined;
  const options = { readOnly: true, timeout: 5000, limits: { length: longestValueBytes } } as const;
  let database = new DatabaseSync(path, options);
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch {
    database.close();
    const address = pathToFileURL(path);
    address.searchParams.set('immutable', '1');
    database = new DatabaseSync(address, options);
  }
  open = { path, database };
  return database;
}

const allowed = new Set([
  constants.SQLITE_SELECT,
  constants.SQLITE_READ,
  constants.SQLITE_FUNCTION,
  constants.SQLITE_RECURSIVE,
]);

/** Runs `act` while the connection can do nothing but read. */
function readingOnly<T>(database: DatabaseSync, act: () => T): T {
  database.setAuthorizer((action, _first, second) =>
    allowed.has(action) && !(action === constants.SQLITE_FUNCTION && second === 'load_extension')
      ? constants.SQLITE_OK
      : constants.SQLITE_DENY,
  );
  try {
    return act();
  } finally {
    database.setAuthorizer(null);
  }
}

function relationsOf(database: DatabaseSync): readonly Relation[] {
  const rows = database
    .prepare(
      `SELECT list.name, list.type, (SELECT json_group_array(name) FROM pragma_table_info(list.name)) AS columns
      FROM pragma_table_list AS list
      WHERE list.schema = 'main' AND list.type IN ('view', 'table') AND list.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
      ORDER BY list.type = 'table', list.name`,
    )
    .all() as unknown as { readonly name: string; readonly type: string; readonly columns: string }[];
  return rows.map(({ name, type, columns }) => ({
    name: name.replace(/^dj_/, ''),
    sqlName: name,
    kind: type === 'view' ? 'view' : 'table',
    columns: JSON.parse(columns) as string[],
  }));
}

function scalar(value: SQLOutputValue): Scalar {
  if (typeof value === 'bigint') {
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : String(value);
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value === 'string') return value;
  if (value.length === 16) return uuidText(value);
  // Whole arrays are for their own readers; in a table their size is enough.
  return value.length > 256 ? `${value.length} bytes` : Buffer.from(value).toString('hex');
}

/** Sends the wanted rows in pieces. */
function answer(
  id: number,
  statement: StatementSync,
  values: readonly (string | number | bigint)[],
  page: Page,
): Omit<Rows, 'rows'> {
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  const columns = statement.columns().map(({ name }) => name);
  if (columns.length === 0) throw notReading();
  let [seen, size, truncated] = [0, 0, false];
  let rows: Scalar[][] = [];
  for (const row of statement.iterate(...values) as Iterable<unknown> as Iterable<readonly SQLOutputValue[]>) {
    seen += 1;
    if (seen <= page.offset) continue;
    if (seen > page.offset + page.limit || size > largestAnswer) {
      truncated = true;
      break;
    }
    const values = row.map(scalar);
    size += values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 8), 0);
    rows.push(values);
    if (rows.length === rowsAMessage) {
      send({ id, type: 'rows', rows });
      rows = [];
    }
  }
  send({ id, type: 'rows', rows });
  return { columns, truncated };
}

const notReading = (cause?: unknown): AppError =>
  new AppError('query.not_allowed', 'Only one SELECT can be asked here: nothing is written, attached or set.', {
    hint: 'calyx ingest, jobs and delete change the library.',
    ...(cause === undefined ? {} : { cause }),
  });

/** What follows the first statement: nothing but white space, semicolons and comments may. */
const emptyRest = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*$/;

function runSql(id: number, database: DatabaseSync, sql: string, page: Page): Omit<Rows, 'rows'> {
  if (emptyRest.test(sql)) throw notReading();
  return readingOnly(database, () => {
    const statement = database.prepare(sql);
    if (!emptyRest.test(sql.slice(statement.sourceSQL.length))) throw notReading();
    return answer(id, statement, [], page);
  });
}

function runSelection(id: number, database: DatabaseSync, selection: Selection): Omit<Rows, 'rows'> {
  const { sql, values } = compileSelection(selection, relationsOf(database));
  const { limit, offset } = selection;
  // One row more than wanted tells whether others follow.
  const bound = [...values, BigInt(limit + 1), BigInt(offset)];
  return readingOnly(database, () =>
    answer(id, database.prepare(`${sql}\nLIMIT ? OFFSET ?`), bound, { limit, offset: 0 }),
  );
}

function check(database: DatabaseSync): DatabaseCheck {
  const integrity = database
    .prepare('PRAGMA integrity_check(100)')
    .all()
    .map((row) => String(row['integrity_check']))
    .filter((line) => line !== 'ok');
  const foreignKeys = database
    .prepare('SELECT "table", parent, count(*) AS rows FROM pragma_foreign_key_check GROUP BY "table", parent')
    .all()
    .map((row) => ({ table: String(row['table']), parent: String(row['parent']), rows: Number(row['rows']) }));
  return { integrity, foreignKeys };
}

/** Tables of the catalogue with their rows counted; a table only for the program's own use is left out unless asked for. */
function catalogueOf(database: DatabaseSync, internal: boolean): Catalogue {
  const tables = database
    .prepare('SELECT table_name AS "table", class_name AS name, element, tier FROM table_doc ORDER BY table_name')
    .all()
    .map((row) => ({
      table: String(row['table']),
      name: String(row['name']),
      element: String(row['element']),
      tier: String(row['tier']),
    }))
    .filter(({ tier }) => internal || tier !== 'internal');
  const nodes = tables.map((node) => {
    const counted = database.prepare(`SELECT count(*) AS n FROM "${node.table.replaceAll('"', '""')}"`).get();
    return { ...node, rows: Number(counted?.['n'] ?? 0) };
  });
  const known = new Set(tables.map(({ table }) => table));
  const edges = database
    .prepare(
      'SELECT child_table AS child, parent_table AS parent, kind FROM table_edge ORDER BY child_table, child_column',
    )
    .all()
    .map((row) => ({
      child: String(row['child']),
      parent: String(row['parent']),
      kind: String(row['kind']) as Catalogue['edges'][number]['kind'],
    }))
    .filter(({ child, parent }) => known.has(child) && known.has(parent));
  return { nodes, edges };
}

/** SQL of this program, which needs no authorizer; values are bound. */
function asker(database: DatabaseSync): Ask {
  return (sql, ...values) => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values);
  };
}

async function perform({ id, database: path, request }: ReaderCall): Promise<unknown> {
  const database = databaseAt(path);
  switch (request.type) {
    case 'views':
      return relationsOf(database).map(({ name, kind, columns }) => ({ name, kind, columns }));
    case 'select':
      return runSelection(id, database, request.selection);
    case 'sql':
      return runSql(id, database, request.sql, request);
    case 'diagram':
      return await layOut(catalogueOf(database, request.internal));
    case 'catalogue':
      return tableCatalogue(asker(database));
    case 'rows':
      return readRows(asker(database), tableCatalogue(asker(database)), request);
    case 'choices':
      return readChoices(asker(database), tableCatalogue(asker(database)), request);
    case 'changes':
      return readChanges(asker(database), tableCatalogue(asker(database)), request);
    case 'check':
      return check(database);
    default:
      // All pages in one step: one moment of the library, however much is written meanwhile.
      return await backup(database, request.to, { rate: 2 ** 30 });
  }
}

/** SQLite's result codes that mean the question, and those that mean the file. */
const [authorization, readOnly, generic, corrupt, notADatabase, tooBig] = [23, 8, 1, 11, 26, 18] as const;

function toError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const code =
    typeof thrown === 'object' && thrown !== null && 'errcode' in thrown ? Number(thrown.errcode) & 0xff : undefined;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === authorization || code === readOnly || /not authorized|prohibited/.test(message))
    return notReading(thrown);
  if (code === generic)
    return new AppError('query.failed', `The query cannot be run: ${message}.`, {
      hint: 'calyx query without a view lists views, tables and their columns.',
      cause: thrown,
    });
  if (code === tooBig)
    return new AppError('query.failed', `A value of the answer is longer than ${longestValueBytes / 2 ** 20} MB.`, {
      cause: thrown,
    });
  if (code === corrupt || code === notADatabase)
    return new AppError('library.corrupt', `The library file is damaged: ${message}.`, {
      hint: 'calyx verify says what; calyx backup --restore brings a backup back.',
      cause: thrown,
    });
  if (code === undefined) return AppError.from(thrown);
  return new AppError('library.io', `The library could not be read: ${message}.`, { cause: thrown });
}

process.on('message', (call: ReaderCall) => {
  perform(call).then(
    (value) => send({ id: call.id, type: 'done', value }),
    (thrown: unknown) => send({ id: call.id, type: 'failed', error: toError(thrown).toData() }),
  );
});
// The core is gone: nobody waits for an answer any more.
process.on('disconnect', () => process.exit(0));
