// SPDX-License-Identifier: MIT
import type { Selection } from '../../main/contract/index.ts';

/** A question put together by hand, computed without React. */

export const operators = ['=', '<>', '<', '<=', '>', '>=', 'like', 'is empty', 'is not empty'] as const;

export interface BuiltCondition {
  readonly id: number;
  readonly column: string;
  readonly is: (typeof operators)[number];
  readonly value: string;
}

export interface BuiltQuery {
  readonly view: string;
  readonly join: string;
  readonly columns: readonly string[];
  readonly conditions: readonly BuiltCondition[];
  readonly order: string;
  readonly descending: boolean;
  readonly limit: number;
}

export const emptyQuery: BuiltQuery = {
  view: 'Session',
  join: '',
  columns: [],
  conditions: [],
  order: '',
  descending: false,
  limit: 1000,
};

const numeric = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));

/** The question as the library takes it. */
export function selectionOf(query: BuiltQuery): Selection {
  return {
    view: query.view,
    join: query.join === '' ? [] : [{ view: query.join, kind: 'inner' }],
    where: query.conditions.flatMap(({ column, is, value }): Selection['where'] => {
      if (column === '') return [];
      if (is === 'is empty' || is === 'is not empty') return [{ column, isNull: is === 'is empty' }];
      if (is === 'like') return [{ column, like: value }];
      return [{ column, is, value: numeric(value) ? Number(value) : value }];
    }),
    partners: [],
    columns: [...query.columns],
    order: query.order === '' ? [] : [query.descending ? `-${query.order}` : query.order],
    distinct: false,
    limit: query.limit,
    offset: 0,
    timeoutMs: 10_000,
  };
}

const shell = (text: string): string => (/^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const literal = (text: string): string => (numeric(text) ? text.trim() : `'${text.replaceAll("'", "''")}'`);

/** The same question for the command line. */
export function commandLine(query: BuiltQuery): string {
  const parts = ['calyx', 'query', shell(query.view)];
  if (query.join !== '') parts.push('--join', shell(query.join));
  for (const { column, is, value } of query.conditions) {
    if (column === '') continue;
    const condition =
      is === 'is empty'
        ? `${column} is null`
        : is === 'is not empty'
          ? `${column} is not null`
          : `${column} ${is} ${is === 'like' ? `'${value.replaceAll("'", "''")}'` : literal(value)}`;
    parts.push('--where', shell(condition));
  }
  if (query.columns.length > 0) parts.push('--columns', shell(query.columns.join(',')));
  if (query.order !== '') parts.push('--order', query.descending ? `-${query.order}` : query.order);
  if (query.limit !== 1000) parts.push('--limit', String(query.limit));
  return parts.join(' ');
}

/** Columns of a view, with those of what it is joined with. */
export function columnsOf(
  views: readonly { readonly name: string; readonly columns: readonly string[] }[],
  query: Pick<BuiltQuery, 'view' | 'join'>,
): readonly string[] {
  const named = (name: string): readonly string[] => views.find((view) => view.name === name)?.columns ?? [];
  return [...new Set([...named(query.view), ...(query.join === '' ? [] : named(query.join))])];
}
