// SPDX-License-Identifier: MIT

/** A table of numbers and words, with what its columns are. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: ReadonlyArray<ReadonlyArray<number | string | null>>;
}

/** One fact of a file: `run: 01a2…`. */
export type Fact = readonly [name: string, value: string];

function field(value: number | string | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : '';
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A CSV file: first lines that begin with # say where the numbers come from, then one line of names, then the numbers; empty = not known. */
export function csvText(table: Table, facts: readonly Fact[]): string {
  const notes = facts.map(([name, value]) => `# ${name}: ${value.replaceAll(/[\r\n]+/g, ' ')}`);
  return `${[...notes, table.columns.map(field).join(','), ...table.rows.map((row) => row.map(field).join(','))].join('\n')}\n`;
}
