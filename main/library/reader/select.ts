// SPDX-License-Identifier: MIT
import { AppError, aggregates, type Condition, type Selection, type ViewInfo } from '../../contract/index.ts';
import { parseCondition } from './condition.ts';

/** SQL with its bound values, in order. */
export interface Compiled {
  readonly sql: string;
  readonly values: readonly (string | number | bigint)[];
}

/** A view as the schema has it. */
export interface Relation extends ViewInfo {
  /** Its name in the schema. */
  readonly sqlName: string;
}

/** A name as SQL, whatever is in it. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** SQLite compares 101.0 with a text column as '101.0': whole numbers are bound as integers. */
const bound = (value: string | number): string | number | bigint =>
  typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;

/** Views are found with or without the schema's prefix, parts with `.` or `_`, capitals or not; a table by its own name. */
export function findRelation(relations: readonly Relation[], given: string): Relation {
  const plain = given.replaceAll('.', '_').toLowerCase();
  const views = relations.filter((relation) => relation.kind === 'view');
  const found =
    relations.find((relation) => relation.sqlName === given) ??
    views.find((relation) => [plain, `dj_${plain}`].includes(relation.sqlName.toLowerCase())) ??
    relations.find((relation) => relation.sqlName.toLowerCase() === given.toLowerCase());
  if (found !== undefined) return found;
  const near = views.filter(({ name }) => name.toLowerCase().includes(plain.slice(0, 4))).map(({ name }) => name);
  throw new AppError('usage.invalid', `There is no view “${given}”.`, {
    hint:
      near.length === 0
        ? 'calyx query without a view lists them.'
        : `Did you mean ${near.slice(0, 5).join(', ')}? calyx query without a view lists all.`,
  });
}

/** Columns by name, without case, with the SQL that reads each. */
class Columns {
  readonly #sql = new Map<string, { readonly name: string; readonly sql: string }>();
  readonly #where: string;

  constructor(where: string) {
    this.#where = where;
  }

  add(name: string, sql: string): void {
    if (!this.#sql.has(name.toLowerCase())) this.#sql.set(name.toLowerCase(), { name, sql });
  }

  has(name: string): boolean {
    return this.#sql.has(name.toLowerCase());
  }

  /** @throws AppError `usage.invalid` for a column that is not there */
  find(name: string): { readonly name: string; readonly sql: string } {
    const found = this.#sql.get(name.toLowerCase());
    if (found !== undefined) return found;
    const names = this.all().map((column) => column.name);
    throw new AppError('usage.invalid', `${this.#where} has no column “${name}”.`, {
      hint: `Its columns are ${names.join(', ')}.`,
    });
  }

  all(): readonly { readonly name: string; readonly sql: string }[] {
    return [...this.#sql.values()];
  }
}

class Compiler {
  readonly #relations: readonly Relation[];
  readonly #values: (string | number | bigint)[] = [];
  #count = 0;

  constructor(relations: readonly Relation[]) {
    this.#relations = relations;
  }

  compile(selection: Selection): Compiled {
    const base = findRelation(this.#relations, selection.view);
    const { columns, from, head } = this.#join(base, selection);
    const output = this.#project(columns, selection);
    const restriction = [
      ...this.#restrictions(selection.where, columns),
      ...selection.partners.map((partner) => this.#partner(partner, columns)),
    ];
    const order = selection.order.map((item) => orderSql(item, output.names, columns));
    const sql = [
      head,
      `SELECT ${selection.distinct ? 'DISTINCT ' : ''}${output.sql}`,
      `FROM ${from}`,
      restriction.length === 0 ? '' : `WHERE ${restriction.join(' AND ')}`,
      output.groupBy.length === 0 ? '' : `GROUP BY ${output.groupBy.join(', ')}`,
      order.length === 0 ? '' : `ORDER BY ${order.join(', ')}`,
    ];
    return { sql: sql.filter((line) => line !== '').join('\n'), values: this.#values };
  }

  /** Joined views are read once each: their keys are expressions, which no index helps. */
  #join(base: Relation, { join }: Selection): { columns: Columns; from: string; head: string } {
    const columns = new Columns([base.name, ...join.map(({ view }) => view)].join(' * '));
    const alias = this.#alias();
    for (const name of base.columns) columns.add(name, `${alias}.${quoted(name)}`);
    if (join.length === 0) return { columns, from: `${quoted(base.sqlName)} AS ${alias}`, head: '' };
    const heads = [`${alias} AS MATERIALIZED (SELECT * FROM ${quoted(base.sqlName)})`];
    let from = alias;
    for (const { view, kind } of join) {
      const next = findRelation(this.#relations, view);
      const nextAlias = this.#alias();
      const shared = sharedColumns(columns, next, base.name);
      heads.push(`${nextAlias} AS MATERIALIZED (SELECT * FROM ${quoted(next.sqlName)})`);
      // IS, not =: a session without an animal or a date still belongs to its recordings.
      const on = shared.map((name) => `${columns.find(name).sql} IS ${nextAlias}.${quoted(name)}`);
      from += ` ${kind === 'left' ? 'LEFT JOIN' : 'JOIN'} ${nextAlias} ON ${on.join(' AND ')}`;
      for (const name of next.columns) columns.add(name, `${nextAlias}.${quoted(name)}`);
    }
    return { columns, from, head: `WITH ${heads.join(', ')}` };
  }

  /** A list that is read once: null equals null here, as in joins. */
  #partner({ view, where, absent }: Selection['partners'][number], columns: Columns): string {
    const other = findRelation(this.#relations, view);
    const shared = sharedColumns(columns, other, 'the query');
    const alias = this.#alias();
    const own = new Columns(other.name);
    for (const name of other.columns) own.add(name, `${alias}.${quoted(name)}`);
    const tuple = (from: Columns): string =>
      shared.map((name) => `${from.find(name).sql} IS NULL, coalesce(${from.find(name).sql}, 0)`).join(', ');
    const restriction = this.#restrictions(where, own);
    const whereSql = restriction.length === 0 ? '' : ` WHERE ${restriction.join(' AND ')}`;
    return `(${tuple(columns)}) ${absent ? 'NOT IN' : 'IN'} (SELECT ${tuple(own)} FROM ${quoted(other.sqlName)} AS ${alias}${whereSql})`;
  }

  #alias(): string {
    this.#count += 1;
    return `r${this.#count}`;
  }

  #restrictions(where: Selection['where'], columns: Columns): readonly string[] {
    return where.map((item) => {
      const condition = typeof item === 'string' ? parseCondition(item, (name) => columns.has(name)) : item;
      return this.#condition(condition, columns);
    });
  }

  #bind(value: string | number): string {
    this.#values.push(bound(value));
    return '?';
  }

  #condition(condition: Condition, columns: Columns): string {
    if ('all' in condition) return this.#list(condition.all, columns, ' AND ', '1');
    if ('any' in condition) return this.#list(condition.any, columns, ' OR ', '0');
    if ('not' in condition) return `NOT (${this.#condition(condition.not, columns)})`;
    const left = columns.find(condition.column).sql;
    if ('isNull' in condition) return `${left} IS ${condition.isNull ? '' : 'NOT '}NULL`;
    if ('like' in condition) return `${left} LIKE ${this.#bind(condition.like)}`;
    if ('oneOf' in condition) return `${left} IN (${condition.oneOf.map((value) => this.#bind(value)).join(', ')})`;
    if ('other' in condition) return `${left} ${condition.is} ${columns.find(condition.other).sql}`;
    return `${left} ${condition.is} ${this.#bind(condition.value)}`;
  }

  #list(conditions: readonly Condition[], columns: Columns, word: string, empty: string): string {
    return conditions.length === 0
      ? empty
      : `(${conditions.map((condition) => this.#condition(condition, columns)).join(word)})`;
  }

  #project(
    columns: Columns,
    { columns: wanted }: Selection,
  ): { readonly sql: string; readonly names: readonly string[]; readonly groupBy: readonly string[] } {
    const items =
      wanted.length === 0
        ? columns.all().map(({ name, sql }) => ({ name, sql, isAggregate: false }))
        : wanted.map((item) => projection(typeof item === 'string' ? parseProjection(item) : item, columns));
    const names = items.map(({ name }) => name);
    const twice = names.find((name, i) => names.findIndex((n) => n.toLowerCase() === name.toLowerCase()) !== i);
    if (twice !== undefined)
      throw new AppError('usage.invalid', `Two columns of the answer are called “${twice}”.`, {
        hint: `Name one of them otherwise: other=${twice}.`,
      });
    const hasAggregate = items.some(({ isAggregate }) => isAggregate);
    return {
      sql: items.map(({ name, sql }) => `${sql} AS ${quoted(name)}`).join(', '),
      names,
      groupBy: hasAggregate ? items.filter(({ isAggregate }) => !isAggregate).map(({ sql }) => sql) : [],
    };
  }
}

function sharedColumns(columns: Columns, other: Relation, name: string): readonly string[] {
  const shared = other.columns.filter((column) => columns.has(column));
  if (shared.length > 0) return shared;
  throw new AppError('usage.invalid', `${other.name} has no column in common with ${name}.`, {
    hint: 'Join over a view that has columns of both.',
  });
}

interface ProjectionValue {
  readonly column: string;
  readonly as?: string | undefined;
  readonly aggregate?: (typeof aggregates)[number] | undefined;
  readonly distinct?: boolean | undefined;
}

/**
 * `name`, `new=name`, `count(*)`, `n=count(distinct name)`.
 *
 * @throws AppError `usage.invalid`
 */
export function parseProjection(text: string): ProjectionValue {
  const parsed = /^\s*(?:([^=()]+?)\s*=\s*)?(?:(\w+)\s*\(\s*(distinct\s+)?(\*|[^()*]+?)\s*\)|([^=()]+?))\s*$/i.exec(
    text,
  );
  if (parsed === null)
    throw new AppError('usage.invalid', `The column “${text}” cannot be read.`, {
      hint: 'Written as in: subject, rate=fps, n=count(*), max(nframes).',
    });
  const [, as, call, distinct, argument, plain] = parsed;
  if (call === undefined) return { column: plain ?? '', ...(as === undefined ? {} : { as }) };
  const aggregate = aggregates.find((known) => known === call.toLowerCase());
  if (aggregate === undefined)
    throw new AppError('usage.invalid', `“${call}” is no way to sum up a column.`, {
      hint: `Ways are ${aggregates.join(', ')}.`,
    });
  return { column: argument ?? '*', aggregate, distinct: distinct !== undefined, ...(as === undefined ? {} : { as }) };
}

function projection(
  { column, as, aggregate, distinct = false }: ProjectionValue,
  columns: Columns,
): { readonly name: string; readonly sql: string; readonly isAggregate: boolean } {
  if (aggregate === undefined) {
    const { name, sql } = columns.find(column);
    return { name: as ?? name, sql, isAggregate: false };
  }
  const isStar = column === '*';
  if (isStar && (aggregate !== 'count' || distinct))
    throw new AppError('usage.invalid', `${aggregate}(${distinct ? 'distinct ' : ''}*) has no meaning.`, {
      hint: 'Name a column; only count takes *.',
    });
  const inner = isStar ? '*' : columns.find(column).sql;
  const word = distinct ? 'DISTINCT ' : '';
  const name = isStar ? 'count' : `${aggregate}_${columns.find(column).name}`;
  return { name: as ?? name, sql: `${aggregate}(${word}${inner})`, isAggregate: true };
}

function orderSql(item: string, names: readonly string[], columns: Columns): string {
  const parsed = /^\s*(-)?\s*(.*?)(?:\s+(asc|desc))?\s*$/i.exec(item);
  const [, minus, name = '', word] = parsed ?? [];
  const output = names.find((known) => known.toLowerCase() === name.toLowerCase());
  const sql = output === undefined ? columns.find(name).sql : quoted(output);
  return `${sql}${minus !== undefined || word?.toLowerCase() === 'desc' ? ' DESC' : ''}`;
}

/**
 * Makes SQL of a selection. Names come out of the schema only, values are bound.
 *
 * @throws AppError `usage.invalid` naming the view, column or place that is wrong
 */
export function compileSelection(selection: Selection, relations: readonly Relation[]): Compiled {
  return new Compiler(relations).compile(selection);
}
