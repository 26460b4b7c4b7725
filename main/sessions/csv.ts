// SPDX-License-Identifier: MIT
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../contract/index.ts';
import { type Dialect, dialectOf, whyNoNumber } from '../text-tables/index.ts';
import { lineAt, rowsAtOnce } from './lines.ts';

/** Which columns a table is asked for, by header name (compared without case and outer spaces). */
export interface WantedColumns {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  /** Accept `nan` and `inf` (head orientation holds them); otherwise they are errors like any other word. */
  readonly allowNonFinite?: boolean;
}

/** How a table of a session is written, by its header and first rows; numbers that could mean two things become `session.bad_csv`. */
export function dialectIn(file: string, header: string, sample: string): Dialect {
  return dialectOf(
    header,
    sample,
    (why, line) =>
      new AppError('session.bad_csv', `${file}, line ${line}: ${why}`, {
        hint: 'Correct the numbers, or bring back the file that was recorded.',
        details: { file, line },
      }),
  );
}

/** Columns of numbers read from a CSV file. */
export interface NumberTable {
  readonly rows: number;
  /** Wanted columns that are there, by the name they were asked for with. */
  readonly columns: ReadonlyMap<string, Float64Array>;
  /** The last row ended in the middle (a crash while writing) and was left out. */
  readonly cut: boolean;
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const nonFinite = /^[+-]?(?:nan|inf|infinity)(?:\(ind\))?$/i;

function parseNumber(text: string, allowNonFinite: boolean): number | undefined {
  if (decimal.test(text)) return Number(text);
  if (allowNonFinite && nonFinite.test(text)) return Number.NaN;
  return undefined;
}

const normal = (name: string): string => name.trim().toLowerCase();

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

interface Column {
  readonly name: string;
  readonly index: number;
  readonly values: Float64Array;
}

function locate(
  header: string,
  fields: readonly string[],
  file: string,
  wanted: WantedColumns,
  rows: number,
): Column[] {
  const names = fields.map(normal);
  const columns: Column[] = [];
  for (const name of [...wanted.required, ...(wanted.optional ?? [])]) {
    const index = names.indexOf(normal(name));
    if (index >= 0) columns.push({ name, index, values: new Float64Array(rows) });
    else if (wanted.required.includes(name)) {
      const headless = names.every((field) => parseNumber(field, true) !== undefined);
      throw new AppError(
        'session.bad_csv',
        headless
          ? `${file}, line 1: there is no header line; the first line must name the columns (“${wanted.required.join(',')}”).`
          : `${file}, line 1: the column “${name}” is missing; found “${shorten(header)}”.`,
        { details: { file, line: 1 } },
      );
    }
  }
  return columns;
}

/** Characters of the first rows that tell how numbers are written. */
export const sampleLength = 64 * 1024;

/**
 * Reads columns of numbers by header name. Spaces around fields, CR LF, a byte-order mark and empty lines at the end are accepted, and what a
 * spreadsheet made of the file: semicolons or tabs between the columns, commas before the decimals. Further columns are ignored.
 *
 * @throws AppError `session.bad_csv` with file, line (from 1) and column
 */
export async function readNumberTable(text: string, file: string, wanted: WantedColumns): Promise<NumberTable> {
  const whole = text.replace(/^\uFEFF/, '');
  const complete = whole.endsWith('\n');
  const body = whole.trimEnd();
  if (body === '') throw new AppError('session.bad_csv', `${file}: the file is empty.`, { details: { file } });
  const [header, first] = lineAt(body, 0);
  const dialect = dialectIn(file, header, body.slice(first, first + sampleLength));
  const names = dialect.fields(header, 1);
  const columns = locate(header, names, file, wanted, linesFrom(body, first));
  let rows = 0;
  let cut = false;
  for (let start = first; start <= body.length;) {
    const [line, next] = lineAt(body, start);
    start = next;
    const problem = readRow(dialect.fields(line, rows + 2), rows, { columns, width: names.length }, wanted);
    if (problem === undefined) {
      rows += 1;
      if (rows % rowsAtOnce === 0) await setImmediate();
      continue;
    }
    if (next > body.length && !complete) {
      cut = true;
      break;
    }
    const place = `${file}, line ${rows + 2}, column ${problem.column.index + 1} (“${problem.column.name}”)`;
    throw new AppError('session.bad_csv', `${place}: ${problem.text}`, {
      hint: 'Correct that line, or move the file away to read the film without it.',
      details: { file, line: rows + 2, column: problem.column.index + 1 },
    });
  }
  return { rows, columns: new Map(columns.map(({ name, values }) => [name, values.subarray(0, rows)])), cut };
}

function linesFrom(text: string, start: number): number {
  let count = 0;
  for (let at = start; at <= text.length; count += 1) {
    const found = text.indexOf('\n', at);
    at = found < 0 ? text.length + 1 : found + 1;
  }
  return count;
}

function readRow(
  fields: readonly string[],
  row: number,
  table: { readonly columns: readonly Column[]; readonly width: number },
  { allowNonFinite = false }: WantedColumns,
): { readonly column: Column; readonly text: string } | undefined {
  const [column] = table.columns;
  // Commas in the numbers of a table whose columns are parted by commas: which belong together cannot be told.
  if (column !== undefined && fields.length > table.width && fields.at(-1) !== '')
    return { column, text: `the row has ${fields.length} fields, the header ${table.width}.` };
  for (const column of table.columns) {
    const field = fields[column.index];
    if (field === undefined) return { column, text: `the row has only ${fields.length} fields.` };
    const value = parseNumber(field, allowNonFinite);
    if (value === undefined) return { column, text: `“${shorten(field)}” is not a number${whyNoNumber(field)}.` };
    column.values[row] = value;
  }
  return undefined;
}
