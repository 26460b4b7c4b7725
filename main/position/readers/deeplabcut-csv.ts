// SPDX-License-Identifier: MIT
import { type Dialect, textOf, whyNoNumber } from '../../text-tables/index.ts';
import { dialectIn, linesOf, numberOf, unreadable } from '../text.ts';
import type { PositionReader } from '../types.ts';
import { partsOf } from './columns.ts';

/**
 * DeepLabCut's CSV: three header rows (scorer, body parts, coordinates; four with individuals), then a row a frame with its number first.
 * Programs that imitate it leave the first field of the headers empty.
 */
export const deeplabcutCsv: PositionReader = {
  title: 'DeepLabCut CSV',
  recognises: ({ path, head }) => {
    const lines = textOf(head).split(/\r\n|\n|\r/);
    return headerOf(lines, dialectIn(path, lines)) !== null;
  },
  read: async (file, onShare) => {
    const lines = await linesOf(file);
    const dialect = dialectIn(file, lines);
    const header = headerOf(lines, dialect);
    if (header === null) throw unreadable(file, 'its first rows are not scorer, bodyparts and coords.');
    const body = lines.slice(header.rows);
    const table = header.names.map(() => new Float32Array(body.length));
    const frames = new Float64Array(body.length);
    for (const [row, line] of body.entries()) {
      onShare?.(row / body.length);
      const fields = dialect.fields(line, row + header.rows + 1);
      if (fields.length !== header.names.length + 1) {
        // A program that was ended while it wrote leaves a last row cut off.
        throw unreadable(
          file,
          `it has ${fields.length} fields, its header ${header.names.length + 1}.`,
          row + header.rows + 1,
        );
      }
      const frame = /(\d+)\D*$/.exec(fields[0] ?? '')?.[1];
      frames[row] = frame === undefined ? row : Number(frame);
      for (const [column, values] of table.entries()) {
        const value = numberOf(fields[column + 1]);
        if (value === undefined)
          throw unreadable(
            file,
            `“${(fields[column + 1] ?? '').slice(0, 40)}” in column ${column + 2} is no number${whyNoNumber(fields[column + 1] ?? '')}.`,
            row + header.rows + 1,
          );
        values[row] = value;
      }
    }
    return { program: 'deeplabcut', unit: 'px', ...partsOf(header.names, table, file), timesS: null, frames };
  },
};

/** Names of the columns, `[part, coordinate]`, and how many rows they take. */
function headerOf(
  lines: readonly string[],
  dialect: Dialect,
): { readonly names: (readonly [string, string])[]; readonly rows: number } | null {
  const rows = lines.slice(0, 4).map((line, i) => dialect.fields(line, i + 1));
  const at = rows.findIndex((row) => row.length > 1 && row.slice(1).every((name) => /^(x|y|z|likelihood)/i.test(name)));
  if (at < 1) return null;
  const coordinates = (rows[at] ?? []).slice(1);
  const parts = (rows[at - 1] ?? []).slice(1);
  // Of several animals the individual's name goes before the part's.
  const individuals = at === 3 ? (rows[1] ?? []).slice(1) : [];
  if (parts.length !== coordinates.length || parts.some((part) => part === '')) return null;
  const names = coordinates.map((coordinate, i): readonly [string, string] => [
    individuals[i] === undefined ? (parts[i] ?? '') : `${individuals[i]} ${parts[i] ?? ''}`,
    coordinate.toLowerCase(),
  ]);
  return { names, rows: at + 1 };
}
