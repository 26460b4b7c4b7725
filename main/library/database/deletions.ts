// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { AppError, type Deletion, type DeletionPreview, type Uuid } from '../../contract/index.ts';
import { compileSelection } from '../reader/select.ts';
import type { DeletionStore, DeletionTarget } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, mustBeWritable, type Sync } from './context.ts';

interface Edge {
  readonly child: string;
  readonly parent: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly onDelete: string;
}

/** Parts without which their master means nothing else: a run never loses one of its inputs, it goes with it. */
const mastersOfParts: Readonly<Record<string, { readonly master: string; readonly column: string }>> = {
  run_input: { master: 'run', column: 'run_id' },
  session_match_run: { master: 'session_match', column: 'match_id' },
};

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const list = (names: readonly string[]): string => names.map(quoted).join(', ');

/**
 * Deletes rows with everything that depends on them, by the foreign keys of the schema, whatever tables there are. What is deleted is
 * kept as SQL literals until its grace time is over; files stay where they are until then.
 */
export class DeletionTables implements Sync<DeletionStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  get #database(): Database.Database {
    return this.#context.database;
  }

  preview(target: DeletionTarget): DeletionPreview {
    return this.#collected(target, (doomed, what) => ({
      what,
      counts: this.#counts(doomed),
      folders: [...this.#folders(doomed)],
    }));
  }

  remove(target: DeletionTarget & { readonly graceMs: number }): Deletion {
    mustBeWritable(this.#context);
    return this.#withoutKeys(() =>
      this.#collected(target, (doomed, what) => {
        this.#refuseRunning(doomed);
        const { now, newUuid } = this.#context;
        const at = now();
        const uuid = newUuid();
        const purgeAfter = new Date(Date.parse(at) + target.graceMs).toISOString();
        const { lastInsertRowid } = this.#database
          .prepare('INSERT INTO deletion (uuid, what, at, purge_after, counts, folders) VALUES (?, ?, ?, ?, ?, ?)')
          .run(
            uuidBytes(uuid),
            what,
            at,
            purgeAfter,
            JSON.stringify(this.#counts(doomed)),
            JSON.stringify(this.#folders(doomed)),
          );
        this.#keep(Number(lastInsertRowid), doomed);
        this.#withoutTriggers(doomed, 'no_delete', () => this.#drop(doomed));
        this.#check(doomed, true);
        return this.#deletion(uuid);
      }),
    );
  }

  undo(uuid: Uuid): Deletion {
    mustBeWritable(this.#context);
    const { id, state } = this.#row(uuid);
    if (state !== 'held') throw new AppError('delete.refused', `This deletion cannot be undone: it is ${state}.`);
    const rows = this.#database
      .prepare<[number], { table: string; columns: string; values: string }>(
        'SELECT table_name AS "table", column_names AS columns, row_values AS "values" FROM deletion_row WHERE deletion_id = ? ORDER BY position',
      )
      .all(id);
    const tables = [...new Set(rows.map((row) => row.table))];
    return this.#withoutKeys(() => {
      try {
        for (const table of tables)
          this.#database.exec(`CREATE TEMP TABLE ${back(table)} AS SELECT * FROM main.${quoted(table)} WHERE 0`);
        for (const { table, columns, values } of rows)
          this.#database.exec(`INSERT INTO ${back(table)} (${columns}) VALUES (${values})`);
        this.#renumber(tables);
        this.#withoutTriggers(tables, 'insert', () => {
          for (const table of tables) {
            const columns = list(this.#columns(table));
            this.#database.exec(`INSERT INTO main.${quoted(table)} (${columns}) SELECT ${columns} FROM ${back(table)}`);
          }
        });
      } catch (error) {
        throw conflictOf(error);
      } finally {
        for (const table of tables) this.#database.exec(`DROP TABLE IF EXISTS ${back(table)}`);
      }
      this.#check(tables, false);
      this.#database.prepare('DELETE FROM deletion_row WHERE deletion_id = ?').run(id);
      this.#database.prepare("UPDATE deletion SET state = 'undone' WHERE id = ?").run(id);
      return this.#deletion(uuid);
    });
  }

  list(): readonly Deletion[] {
    return this.#database
      .prepare<[], { uuid: Uint8Array }>('SELECT uuid FROM deletion ORDER BY id DESC')
      .all()
      .map(({ uuid }) => this.#deletion(uuidText(uuid)));
  }

  /** Those whose grace time is over. */
  due(): readonly Deletion[] {
    const at = this.#context.now();
    return this.list().filter(({ state, purgeAfter }) => state === 'held' && purgeAfter <= at);
  }

  purge(uuid: Uuid): Deletion {
    mustBeWritable(this.#context);
    const { id, state } = this.#row(uuid);
    if (state !== 'held') throw new AppError('delete.refused', `This deletion is ${state} already.`);
    return this.#database
      .transaction(() => {
        this.#database.prepare('DELETE FROM deletion_row WHERE deletion_id = ?').run(id);
        this.#database.prepare("UPDATE deletion SET state = 'purged' WHERE id = ?").run(id);
        return this.#deletion(uuid);
      })
      .immediate();
  }

  #row(uuid: Uuid): { readonly id: number; readonly state: Deletion['state'] } {
    const row = this.#database
      .prepare<[Uint8Array], { id: number; state: Deletion['state'] }>('SELECT id, state FROM deletion WHERE uuid = ?')
      .get(uuidBytes(uuid));
    if (row === undefined)
      throw new AppError('delete.not_found', `No deletion ${uuid} is in this library.`, {
        hint: 'calyx delete --list lists them.',
      });
    return row;
  }

  #deletion(uuid: Uuid): Deletion {
    const row = this.#database
      .prepare<[Uint8Array], Omit<Deletion, 'uuid' | 'counts' | 'folders'> & { counts: string; folders: string }>(
        'SELECT what, at, purge_after AS purgeAfter, state, counts, folders FROM deletion WHERE uuid = ?',
      )
      .get(uuidBytes(uuid));
    if (row === undefined) throw new AppError('delete.not_found', `No deletion ${uuid} is in this library.`);
    return {
      ...row,
      uuid,
      counts: JSON.parse(row.counts) as Deletion['counts'],
      folders: JSON.parse(row.folders) as string[],
    };
  }

  /** Runs `act` with the doomed rows gathered in temporary tables; what it writes is one transaction. */
  #collected<T>(target: DeletionTarget, act: (doomed: readonly string[], what: string) => T): T {
    const doomed: string[] = [];
    const run = (): T => {
      const { table, sql, values, what } = this.#find(target);
      this.#mark(doomed, table, sql, values);
      this.#spread(doomed);
      return act(doomed, what);
    };
    try {
      return this.#context.readOnly === null ? this.#database.transaction(run).immediate() : run();
    } catch (error) {
      if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT'))
        throw new AppError('delete.refused', `Nothing was deleted: ${error.message}.`, { cause: error });
      throw error;
    } finally {
      for (const table of doomed) this.#database.exec(`DROP TABLE IF EXISTS ${mark(table)}`);
    }
  }

  #find({ key, table, where }: DeletionTarget): {
    readonly table: string;
    readonly sql: string;
    readonly values: readonly (string | number | bigint | Uint8Array)[];
    readonly what: string;
  } {
    if (table !== undefined) {
      const columns = this.#columns(table);
      if (columns.length === 0)
        throw new AppError('usage.invalid', `There is no table “${table}”.`, {
          hint: 'calyx query without a view lists tables.',
        });
      const selection = compileSelection(
        {
          view: table,
          where: [...(where ?? [])],
          join: [],
          partners: [],
          order: [],
          distinct: false,
          columns: [...this.#key(table)],
          limit: 1,
          offset: 0,
          timeoutMs: 10_000,
        },
        [{ name: table, sqlName: table, kind: 'table', columns: [...columns] }],
      );
      const what = [table, ...(where ?? []).map((item) => (typeof item === 'string' ? item : JSON.stringify(item)))];
      return { table, sql: selection.sql, values: selection.values, what: what.join(' where ') };
    }
    const [kind, name] = split(key ?? '');
    for (const candidate of this.#tables().filter((known) => kind === undefined || known === kind)) {
      for (const [column, value] of this.#names(candidate, name)) {
        const sql = `SELECT ${list(this.#key(candidate))} FROM ${quoted(candidate)} WHERE ${quoted(column)} = ?`;
        if (this.#database.prepare(sql).get(value) !== undefined)
          return { table: candidate, sql, values: [value], what: `${candidate} ${name}` };
      }
    }
    throw new AppError('delete.not_found', `Nothing in this library is called “${key ?? ''}”.`, {
      hint: 'Give the id of a session or run, a name as in subject:m1, or a table with --where.',
    });
  }

  /** Columns that may name a row by what was given: its uuid, or (when the table was named) a name of its own. */
  #names(table: string, name: string): readonly (readonly [string, string | Uint8Array])[] {
    const columns = this.#columns(table);
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name))
      return columns.includes('uuid') ? [['uuid', uuidBytes(name)]] : [];
    return this.#database
      .prepare<[string], { column: string }>(
        `SELECT max(info.name) AS column FROM pragma_index_list(?) AS i JOIN pragma_index_info(i.name) AS info
        WHERE i."unique" = 1 AND i.partial = 0 GROUP BY i.name HAVING count(*) = 1`,
      )
      .all(table)
      .filter(({ column }) => column !== 'uuid')
      .map(({ column }) => [column, name] as const);
  }

  /** Tables whose rows can be asked for, those of the workflow first. */
  #tables(): readonly string[] {
    const first = ['run', 'session', 'subject', 'recording'];
    const names = this.#database
      .prepare<[], { name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
      )
      .all()
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('deletion') && name !== 'migration');
    return [...first, ...names.filter((name) => !first.includes(name))];
  }

  #columns(table: string): readonly string[] {
    return this.#database
      .prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?)')
      .all(table)
      .map(({ name }) => name);
  }

  #key(table: string): readonly string[] {
    return this.#database
      .prepare<[string], { name: string }>('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk')
      .all(table)
      .map(({ name }) => name);
  }

  #edges(): readonly Edge[] {
    const rows = this.#database
      .prepare<[], { child: string; id: number; parent: string; from: string; to: string | null; onDelete: string }>(
        `SELECT child.name AS child, edge.id, edge."table" AS parent, edge."from", edge."to", edge.on_delete AS onDelete
        FROM sqlite_schema AS child JOIN pragma_foreign_key_list(child.name) AS edge
        WHERE child.type = 'table' ORDER BY child.name, edge.id, edge.seq`,
      )
      .all();
    const edges = new Map<string, { -readonly [K in keyof Edge]: Edge[K] }>();
    for (const { child, id, parent, from, to, onDelete } of rows) {
      const name = `${child}/${id}`;
      const edge = edges.get(name) ?? { child, parent, from: [], to: [], onDelete };
      edge.to = [...edge.to, to ?? this.#key(parent)[edge.from.length] ?? 'id'];
      edge.from = [...edge.from, from];
      edges.set(name, edge);
    }
    return [...edges.values()];
  }

  /** Adds rows to the doomed ones of a table; how many were new. */
  #mark(doomed: string[], table: string, sql: string, values: readonly unknown[] = []): number {
    if (!doomed.includes(table)) {
      const key = this.#key(table);
      this.#database.exec(`CREATE TEMP TABLE ${mark(table)} (${list(key)}, PRIMARY KEY (${list(key)})) WITHOUT ROWID`);
      doomed.push(table);
    }
    return this.#database.prepare(`INSERT OR IGNORE INTO ${mark(table)} ${sql}`).run(...values).changes;
  }

  /** All that depends on doomed rows is doomed, until nothing new is found. */
  #spread(doomed: string[]): void {
    const edges = this.#edges().filter(({ onDelete }) => onDelete !== 'SET NULL');
    for (let found = 1; found > 0;) {
      found = 0;
      for (const { child, parent, from, to } of edges) {
        if (!doomed.includes(parent)) continue;
        const parents = `SELECT ${list(to)} FROM ${quoted(parent)} WHERE (${list(this.#key(parent))}) IN (SELECT * FROM ${mark(parent)})`;
        const sql = `SELECT ${list(this.#key(child))} FROM ${quoted(child)} WHERE (${list(from)}) IN (${parents})`;
        if (!doomed.includes(child) && this.#database.prepare(`${sql} LIMIT 1`).get() === undefined) continue;
        found += this.#mark(doomed, child, sql);
      }
      for (const [part, { master, column }] of Object.entries(mastersOfParts)) {
        if (!doomed.includes(part)) continue;
        const sql = `SELECT ${quoted(column)} FROM ${quoted(part)} WHERE (${list(this.#key(part))}) IN (SELECT * FROM ${mark(part)})`;
        found += this.#mark(doomed, master, sql);
      }
    }
  }

  #counts(doomed: readonly string[]): Deletion['counts'] {
    return doomed
      .map((table) => ({
        table,
        rows: this.#database.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${mark(table)}`).get()?.n ?? 0,
      }))
      .filter(({ rows }) => rows > 0);
  }

  /** Folders of the library that belong to doomed rows alone. Recordings are never among them. */
  #folders(doomed: readonly string[]): string[] {
    const of = (table: string, column: string): string[] =>
      doomed.includes(table)
        ? this.#database
            .prepare<[], { folder: string }>(
              `SELECT ${quoted(column)} AS folder FROM ${quoted(table)} WHERE id IN (SELECT id FROM ${mark(table)}) AND ${quoted(column)} IS NOT NULL`,
            )
            .all()
            .map(({ folder }) => folder)
        : [];
    return [...of('run', 'output_folder'), ...of('curation_edit', 'folder')];
  }

  #refuseRunning(doomed: readonly string[]): void {
    if (!doomed.includes('run')) return;
    const running = this.#database
      .prepare<[], { n: number }>(
        `SELECT count(*) AS n FROM run WHERE state = 'running' AND id IN (SELECT id FROM ${mark('run')})`,
      )
      .get();
    if ((running?.n ?? 0) > 0)
      throw new AppError('delete.refused', 'A run that would be deleted is under way.', {
        hint: 'Cancel it first (calyx runs <id> --cancel), or wait until it has ended.',
      });
  }

  #keep(deletion: number, doomed: readonly string[]): void {
    let position = 0;
    for (const table of doomed) {
      const columns = this.#columns(table);
      const values = columns.map((column) => `quote(${quoted(column)})`).join(" || ', ' || ");
      const { changes } = this.#database
        .prepare(
          `INSERT INTO deletion_row (deletion_id, position, table_name, column_names, row_values)
          SELECT ?, ? + row_number() OVER () - 1, ?, ?, ${values} FROM ${quoted(table)}
          WHERE (${list(this.#key(table))}) IN (SELECT * FROM ${mark(table)})`,
        )
        .run(deletion, position, table, list(columns));
      position += changes;
    }
  }

  #drop(doomed: readonly string[]): void {
    for (const { child, parent, from, to, onDelete } of this.#edges()) {
      if (onDelete !== 'SET NULL' || !doomed.includes(parent)) continue;
      const parents = `SELECT ${list(to)} FROM ${quoted(parent)} WHERE (${list(this.#key(parent))}) IN (SELECT * FROM ${mark(parent)})`;
      const set = from.map((column) => `${quoted(column)} = NULL`).join(', ');
      this.#database.exec(`UPDATE ${quoted(child)} SET ${set} WHERE (${list(from)}) IN (${parents})`);
    }
    for (const table of doomed)
      this.#database.exec(
        `DELETE FROM ${quoted(table)} WHERE (${list(this.#key(table))}) IN (SELECT * FROM ${mark(table)})`,
      );
  }

  /** Ids that were given to other rows meanwhile: all rows of that table move behind the last one, and what refers to them with them. */
  #renumber(tables: readonly string[]): void {
    const edges = this.#edges();
    for (const table of tables) {
      const key = this.#key(table);
      const [id] = key;
      const isOwn = !edges.some(({ child, from }) => child === table && id !== undefined && from.includes(id));
      if (key.length !== 1 || id !== 'id' || !isOwn) continue;
      const taken = this.#database
        .prepare<[], { n: number }>(
          `SELECT count(*) AS n FROM main.${quoted(table)} WHERE id IN (SELECT id FROM ${back(table)})`,
        )
        .get();
      if ((taken?.n ?? 0) === 0) continue;
      const last = this.#database
        .prepare<[], { last: number }>(
          `SELECT max((SELECT max(id) FROM main.${quoted(table)}), (SELECT max(id) FROM ${back(table)})) AS last`,
        )
        .get();
      const shift = last?.last ?? 0;
      for (const { child, parent, from, to } of edges) {
        const at = to.indexOf('id');
        const column = from[at];
        if (parent !== table || column === undefined || !tables.includes(child)) continue;
        this.#database
          .prepare(
            `UPDATE ${back(child)} SET ${quoted(column)} = ${quoted(column)} + ? WHERE ${quoted(column)} IN (SELECT id FROM ${back(table)})`,
          )
          .run(shift);
      }
      this.#database.prepare(`UPDATE ${back(table)} SET id = id + ?`).run(shift);
    }
  }

  /** Puts triggers aside that guard append-only tables: deleting and undoing are the only acts that may pass them. */
  #withoutTriggers(tables: readonly string[], kind: 'no_delete' | 'insert', act: () => void): void {
    const triggers = tables.flatMap((table) =>
      this.#database
        .prepare<[string], { name: string; sql: string }>(
          "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?",
        )
        .all(table)
        .filter(({ name, sql }) =>
          kind === 'no_delete' ? name === `${table}_no_delete` : /\bBEFORE\s+INSERT\b/i.test(sql),
        ),
    );
    for (const { name } of triggers) this.#database.exec(`DROP TRIGGER ${quoted(name)}`);
    act();
    for (const { sql } of triggers) this.#database.exec(sql);
  }

  /** Foreign keys rest while rows go in any order; what is left is checked before it counts. */
  #withoutKeys<T>(act: () => T): T {
    this.#database.pragma('foreign_keys = OFF');
    try {
      return this.#database.inTransaction ? act() : this.#database.transaction(act).immediate();
    } finally {
      this.#database.pragma('foreign_keys = ON');
    }
  }

  #check(tables: readonly string[], andChildren: boolean): void {
    const children = andChildren ? this.#edges().filter(({ parent }) => tables.includes(parent)) : [];
    for (const table of new Set([...tables, ...children.map(({ child }) => child)])) {
      const broken = this.#database.pragma(`foreign_key_check(${quoted(table)})`);
      if (Array.isArray(broken) && broken.length > 0)
        throw new AppError('delete.conflict', `Rows of ${table} would be left without what they belong to.`, {
          hint: 'Nothing was changed.',
        });
    }
  }
}

const mark = (table: string): string => `temp.${quoted(`doomed_${table}`)}`;
const back = (table: string): string => `temp.${quoted(`back_${table}`)}`;

/** `subject:m1`; a name may hold a colon itself. */
function split(key: string): readonly [string | undefined, string] {
  const parsed = /^([a-z][a-z_]*)[:=](.+)$/s.exec(key);
  return parsed === null ? [undefined, key] : [parsed[1], parsed[2] ?? ''];
}

function conflictOf(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_CONSTRAINT')) return error;
  return new AppError(
    'delete.conflict',
    `It cannot be undone: a row like one of those exists again (${error.message}).`,
    {
      hint: 'Rename or delete that one first. Nothing was changed.',
      cause: error,
    },
  );
}
