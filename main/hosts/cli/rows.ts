// SPDX-License-Identifier: MIT
import { AppError, mostRows, type Rows, type Scalar } from '../../contract/index.ts';
import { text, type Answer, type Flag, type FlagValues, type Invocation } from './command.ts';
import { exitCodes } from '../exit-codes.ts';
import { writeWhole } from './whole-file.ts';

/** Flags of commands that answer with rows. */
export const rowFlags: readonly Flag[] = [
  { name: 'limit', value: 'n', help: 'Most rows (1000 when absent).' },
  { name: 'offset', value: 'n', help: 'Rows left out at the beginning.' },
  { name: 'timeout', value: 's', help: 'End the query after so many seconds (10 when absent, at most 300).' },
  { name: 'csv', help: 'Print rows as CSV (UTF-8, RFC 4180).' },
  { name: 'out', value: 'file', help: 'Write the CSV there instead.' },
];

/** Which rows a command asks for. */
export interface Wanted {
  readonly limit: number;
  readonly offset: number;
  readonly timeoutMs: number;
}

/** Reads `--limit`, `--offset` and `--timeout`. @throws AppError `usage.invalid` */
export function wantedRows(flags: FlagValues): Wanted {
  const number = (name: string, low: number, high: number, kind: string): number | undefined => {
    const given = text(flags, name);
    if (given === undefined) return undefined;
    const value = Number(given);
    const isWhole = kind === 'number' || Number.isInteger(value);
    if (given.trim() !== '' && isWhole && value >= low && value <= high) return value;
    throw new AppError('usage.invalid', `--${name} must be a ${kind} from ${low} to ${high}; it is “${given}”.`);
  };
  return {
    limit: number('limit', 1, 10_000_000, 'whole number') ?? 1000,
    offset: number('offset', 0, Number.MAX_SAFE_INTEGER, 'whole number') ?? 0,
    timeoutMs: Math.round((number('timeout', 0.01, 300, 'number') ?? 10) * 1000),
  };
}

/** All wanted rows, asked for in pieces the core can send. */
export async function allRows(wanted: Wanted, ask: (page: Wanted) => Promise<Rows>): Promise<Rows> {
  const rows: Scalar[][] = [];
  for (;;) {
    const limit = Math.min(mostRows, wanted.limit - rows.length);
    const page = await ask({ ...wanted, limit, offset: wanted.offset + rows.length });
    for (const row of page.rows) rows.push(row);
    if (!page.truncated || page.rows.length === 0 || rows.length >= wanted.limit) {
      return { columns: page.columns, rows, truncated: page.truncated };
    }
  }
}

/** Rows as CSV with a line of names. Null is an empty field; an empty text is `""`. */
export function csvOf({ columns, rows }: Pick<Rows, 'columns' | 'rows'>): string {
  const field = (value: Scalar): string => {
    if (value === null) return '';
    const plain = String(value);
    return plain === '' || /[",\r\n]|^\s|\s$/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

const widest = 60;

function tableOf({ columns, rows }: Rows): string {
  const cells = [columns, ...rows.map((row) => row.map((value) => (value === null ? '' : String(value))))].map((row) =>
    row.map((value) => {
      const line = value.replaceAll(/\s+/g, ' ');
      return line.length > widest ? `${line.slice(0, widest - 1)}…` : line;
    }),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  return cells
    .map(
      (row) =>
        `${row
          .map((value, i) => value.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** The answer of a command with rows: JSON objects by column, CSV, a file or a table to read. */
export async function rowsAnswer(invocation: Invocation, answer: Rows, head: object): Promise<Answer> {
  const { flags, terminal, absolute, json } = invocation;
  const { columns, rows, truncated } = answer;
  const out = text(flags, 'out');
  if (out !== undefined) await writeWhole(absolute(out), csvOf(answer));
  if (truncated && !json) terminal.err(`calyx: more rows follow; --limit ${rows.length} was reached.\n`);
  const body =
    out === undefined
      ? { rows: rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? null]))) }
      : { file: absolute(out) };
  const isCsv = flags['csv'] === true;
  return {
    exitCode: exitCodes.ok,
    json: {
      ...head,
      columns,
      count: rows.length,
      truncated,
      ...body,
      ...(json && isCsv ? { csv: csvOf(answer) } : {}),
    },
    text:
      out !== undefined ? `${rows.length} rows written to ${absolute(out)}\n` : isCsv ? csvOf(answer) : tableOf(answer),
  };
}
