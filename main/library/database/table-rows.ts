// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { AppError, type Scalar, type TableColumn, type TableInfo } from '../../contract/index.ts';
import { type Ask, quoted, scalarOf, tableCatalogue } from '../tables/catalogue.ts';
import { tableNamed } from '../tables/rows.ts';
import type { RowStore, SaveRow } from '../types.ts';
import { uuidBytes } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';

type Value = string | number | Buffer | null;

/** What is wrong with a row, by column. */
class Refusal {
  readonly columns: Record<string, string> = {};
}

const numberText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Writes rows that a person typed: what cannot be is told at its column, before anything is written. */
export class RowTables implements Sync<RowStore> {
  readonly #context: Context;
  readonly #ask: Ask;

  constructor(context: Context) {
    this.#context = context;
    this.#ask = (sql, ...values) => context.database.prepare<unknown[], Record<string, Value>>(sql).all(...values);
  }

  /** @throws AppError `table.refused` with `details.columns`, `usage.invalid`, `library.read_only` */
  save({ table, key, values, who }: SaveRow): { readonly key: Record<string, Scalar> } {
    return writing(this.#context, () => {
      const info = tableNamed(tableCatalogue(this.#ask), table);
      const reason = key === null ? info.noInsert : info.noUpdate;
      if (reason !== null) throw new AppError('table.refused', reason, { details: { columns: {} } });
      const refusal = new Refusal();
      const written = this.#values(info, values, key === null, refusal);
      if (Object.keys(refusal.columns).length > 0) throw refused(refusal.columns);
      this.#context.database
        .prepare('INSERT OR REPLACE INTO change_actor VALUES (1, ?, ?)')
        .run(who, this.#context.now());
      try {
        return { key: key === null ? this.#insert(info, written) : this.#update(info, key, written) };
      } catch (error) {
        throw error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')
          ? this.#explained(info, written, error)
          : error;
      } finally {
        this.#context.database.prepare('DELETE FROM change_actor').run();
      }
    });
  }

  #values(
    info: TableInfo,
    given: Readonly<Record<string, Scalar>>,
    isNew: boolean,
    refusal: Refusal,
  ): Record<string, Value> {
    const written: Record<string, Value> = {};
    for (const name of Object.keys(given))
      if (!info.columns.some((column) => column.name === name))
        throw new AppError('usage.invalid', `The table ${info.table} has no column “${name}”.`);
    for (const column of info.columns) {
      const raw = given[column.name];
      if (column.own) {
        if (raw !== undefined) refusal.columns[column.name] = 'The program fills this in.';
        continue;
      }
      if (raw === undefined) {
        if (isNew && column.required) refusal.columns[column.name] = emptySentence(column);
        continue;
      }
      const judged = judge(column, raw);
      if ('problem' in judged) refusal.columns[column.name] = judged.problem;
      else written[column.name] = judged.value;
    }
    return written;
  }

  #insert(info: TableInfo, values: Record<string, Value>): Record<string, Scalar> {
    const { database, newUuid, now } = this.#context;
    const all: Record<string, Value> = { ...values };
    for (const { name } of info.columns) {
      if (name === 'uuid') all['uuid'] = uuidBytes(newUuid());
      if (name === 'created_at') all['created_at'] = now();
    }
    const names = Object.keys(all);
    const { lastInsertRowid } = database
      .prepare(
        names.length === 0
          ? `INSERT INTO ${quoted(info.table)} DEFAULT VALUES`
          : `INSERT INTO ${quoted(info.table)} (${names.map(quoted).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      )
      .run(...Object.values(all));
    return Object.fromEntries(
      info.primary.map((name) => [name, name === 'id' ? Number(lastInsertRowid) : scalarOf(all[name])]),
    );
  }

  #update(
    info: TableInfo,
    key: Readonly<Record<string, Scalar>>,
    values: Record<string, Value>,
  ): Record<string, Scalar> {
    const names = Object.keys(values);
    const now = {
      ...key,
      ...Object.fromEntries(info.primary.map((name) => [name, scalarOf(values[name] ?? key[name])])),
    };
    if (names.length === 0) return now;
    const { changes } = this.#context.database
      .prepare(
        `UPDATE ${quoted(info.table)} SET ${names.map((name) => `${quoted(name)} = ?`).join(', ')}
        WHERE ${info.primary.map((name) => `${quoted(name)} IS ?`).join(' AND ')}`,
      )
      .run(...Object.values(values), ...info.primary.map((name) => key[name] ?? null));
    if (changes === 0)
      throw new AppError('table.refused', 'This row is not there any more: somebody deleted it.', {
        hint: 'Ask for the rows again.',
        details: { columns: {} },
      });
    return now;
  }

  /** SQLite's refusal in words, at the columns it is about. */
  #explained(
    info: TableInfo,
    values: Record<string, Value>,
    error: InstanceType<typeof Database.SqliteError>,
  ): AppError {
    const { message } = error;
    const columns: Record<string, string> = {};
    const unique = /^UNIQUE constraint failed: (.*)$/.exec(message)?.[1];
    if (unique !== undefined) {
      for (const name of unique.split(', ').map((part) => part.split('.')[1] ?? ''))
        columns[name] = 'A row with this key is there already.';
    } else if (message.startsWith('FOREIGN KEY')) {
      for (const { name, parent } of info.columns) {
        const value = values[name];
        if (parent === null || value === undefined || value === null) continue;
        if (this.#ask(`SELECT 1 AS one FROM ${quoted(parent)} WHERE id = ?`, value).length === 0)
          columns[name] = `No row of ${parent} has this key.`;
      }
    } else if (message.startsWith('CHECK')) {
      const rule = message.slice(message.indexOf(':') + 1).trim();
      for (const { name } of info.columns)
        if (new RegExp(`\\b${name}\\b`).test(rule)) columns[name] = ruleSentence(rule);
    } else if (message.includes('ships with the program')) {
      return new AppError('table.refused', 'A row that ships with the program stays as it is.', {
        hint: 'Add a row of your own.',
        details: { columns },
      });
    }
    return refused(columns, Object.keys(columns).length === 0 ? message : undefined);
  }
}

function refused(columns: Record<string, string>, message?: string): AppError {
  const names = Object.keys(columns);
  const [first] = names;
  return new AppError(
    'table.refused',
    message ??
      (names.length === 1 && first !== undefined
        ? `${first}: ${columns[first] ?? ''}`
        : `${names.length} values cannot be: ${names.join(', ')}.`),
    { hint: 'Nothing was changed.', details: { columns } },
  );
}

const emptySentence = ({ key }: TableColumn): string =>
  key ? 'Needed: it is part of the key.' : 'Needed: it may not be empty.';

function ruleSentence(rule: string): string {
  const range = /BETWEEN (\S+) AND ([^\s)]+)/.exec(rule);
  if (range !== null) return `Must lie between ${range[1] ?? ''} and ${range[2] ?? ''}.`;
  if (/length\(trim/.test(rule)) return 'May not be empty.';
  const least = /(?:>=|>)\s*(-?\d+)/.exec(rule);
  if (least !== null && !rule.includes('instr')) return `Must fit ${rule}.`;
  if (rule.includes('instr')) return 'Must be a relative path with forward slashes.';
  return `Does not fit the rule ${rule}.`;
}

function judge(column: TableColumn, raw: Scalar): { readonly value: Value } | { readonly problem: string } {
  const text = typeof raw === 'string' ? raw.trim() : raw;
  if (text === null || text === '') {
    // An empty text stays one where nothing else is said.
    if (column.preset === '') return { value: '' };
    if (column.nullable) return { value: null };
    if (column.preset !== null) return { value: column.preset };
    return { problem: emptySentence(column) };
  }
  const wholeOrNot = column.kind === 'integer' || column.kind === 'reference' || column.kind === 'flag';
  if (wholeOrNot || column.kind === 'real') {
    const number = typeof text === 'number' ? text : numberText.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(number)) return { problem: `“${String(text)}” is not a number.` };
    if (wholeOrNot && !Number.isSafeInteger(number)) return { problem: 'Must be a whole number.' };
    if (column.kind === 'flag' && number !== 0 && number !== 1) return { problem: 'Must be 0 or 1.' };
    return { value: number };
  }
  const value = String(text);
  if (column.kind === 'choice' && !column.choices.includes(value))
    return { problem: `Must be one of ${column.choices.join(', ')}.` };
  if (column.kind === 'day' && !isDay(value)) return { problem: 'Must be a day that exists, as in 2026-11-20.' };
  if (column.kind === 'instant') {
    const at = Date.parse(value);
    if (!Number.isFinite(at)) return { problem: 'Must be a time, as in 2026-11-20T12:03:20Z.' };
    return { value: new Date(at).toISOString() };
  }
  if (column.kind === 'json') {
    try {
      JSON.parse(value);
    } catch (error) {
      return { problem: `Is not JSON: ${error instanceof Error ? error.message : ''}` };
    }
  }
  if (column.kind === 'uuid' || column.kind === 'bytes') return { problem: 'The program fills this in.' };
  return { value };
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
