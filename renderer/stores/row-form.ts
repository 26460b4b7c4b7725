// SPDX-License-Identifier: MIT
import type { Scalar, TableColumn, TableInfo, TableRow } from '../../main/contract/index.ts';

/** The form of a row, computed without React: made from the catalogue alone. */

/** What was typed, by column; absent: untouched. */
export type Draft = Readonly<Record<string, string>>;

/** Columns a person fills, key first. */
export function formColumns(info: TableInfo): readonly TableColumn[] {
  const own = info.columns.filter((column) => !column.own);
  return [...own.filter(({ key }) => key), ...own.filter(({ key }) => !key)];
}

const text = (value: Scalar | undefined): string => (value === null || value === undefined ? '' : String(value));

/** What a field shows: what was typed, else what the row holds, else what a new row gets by itself. */
export function shownIn(info: TableInfo, column: TableColumn, row: TableRow | null, draft: Draft): string {
  const typed = draft[column.name];
  if (typed !== undefined) return typed;
  if (row === null) return text(column.preset);
  return text(row.values[info.columns.indexOf(column)]);
}

/** Columns whose value differs from the row's. */
export function changedColumns(info: TableInfo, row: TableRow | null, draft: Draft): readonly string[] {
  return formColumns(info)
    .filter((column) => {
      const typed = draft[column.name];
      return typed !== undefined && typed !== shownIn(info, column, row, {});
    })
    .map(({ name }) => name);
}

const dayLike = /^\d{4}-\d{2}-\d{2}$/;

/** What can be said about a value before the library is asked; undefined where nothing is wrong. */
export function problemOf(column: TableColumn, value: string): string | undefined {
  const trimmed = value.trim();
  if (trimmed === '') return column.required ? 'Needed.' : undefined;
  if (column.kind === 'integer' && !/^[+-]?\d+$/.test(trimmed)) return 'Must be a whole number.';
  if (column.kind === 'real' && !Number.isFinite(Number(trimmed))) return 'Must be a number.';
  if (column.kind === 'day' && (!dayLike.test(trimmed) || Number.isNaN(Date.parse(`${trimmed}T00:00:00Z`))))
    return 'Must be a day, as in 2026-11-20.';
  if (column.kind === 'instant' && Number.isNaN(Date.parse(trimmed)))
    return 'Must be a time, as in 2026-11-20T12:03:20Z.';
  if (column.kind === 'json') {
    try {
      JSON.parse(trimmed);
    } catch {
      return 'Is not JSON.';
    }
  }
  return undefined;
}

/** Values to save: what changed, or for a new row all that is filled in. */
export function valuesToSave(info: TableInfo, row: TableRow | null, draft: Draft): Record<string, Scalar> {
  const changed = new Set(changedColumns(info, row, draft));
  const values: Record<string, Scalar> = {};
  for (const column of formColumns(info)) {
    const value = shownIn(info, column, row, draft).trim();
    if (row === null ? value === '' && !column.required : !changed.has(column.name)) continue;
    values[column.name] =
      value === ''
        ? null
        : (column.kind === 'integer' || column.kind === 'reference' || column.kind === 'flag') &&
            Number.isSafeInteger(Number(value))
          ? Number(value)
          : value;
  }
  return values;
}

/** `subject_birth_date` → `Subject birth date`; a reference without its `_id`. */
export function columnTitle(column: Pick<TableColumn, 'name' | 'kind'>): string {
  const name = column.kind === 'reference' ? column.name.replace(/_id$/, '') : column.name;
  const words = name.replaceAll('_', ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A key as text that tells rows apart. */
export const keyText = (key: Readonly<Record<string, Scalar>>): string => JSON.stringify(key);
