// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { writeWholeFile } from './whole-file.ts';

/** The rows of a CSV file that are whole. */
export interface RowState {
  readonly hasHeader: boolean;
  /** Names of the columns, as the file's own header has them. */
  readonly columns: readonly string[];
  /** Without the header. */
  readonly rows: readonly string[];
  /** Something stands behind the last whole row. */
  readonly isCut: boolean;
}

/**
 * Reads the rows of a file that grew by rows, up to the first one that is not whole: cut, or zeros that stand where a power cut kept the content from the disk.
 *
 * @param isFree rows hold free text, so that their number of fields says nothing
 * @returns null when there is no such file
 */
export async function readRows(
  file: string,
  { header, isFree }: { readonly header: string; readonly isFree: boolean },
): Promise<RowState | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return null;
  }
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  const [first = '', ...others] = lines.map((line) => line.replace(/\r$/, ''));
  const hasHeader = /^[A-Za-z]/.test(first) && first.includes(',');
  const fields = (hasHeader ? first : header).split(',').length;
  const isWhole = (line: string): boolean =>
    !line.includes('\0') && !line.includes('\uFFFD') && line !== '' && (isFree || line.split(',').length === fields);
  const firstBad = others.findIndex((line) => !isWhole(line));
  const rows = hasHeader ? (firstBad === -1 ? others : others.slice(0, firstBad)) : [];
  const columns = (hasHeader ? first : header).split(',');
  return { hasHeader, columns, rows, isCut: rest !== '' || firstBad !== -1 || (!hasHeader && text !== '') };
}

/** Writes the rows back; whole or as it was. */
export async function cutRows(file: string, { rows }: RowState, header: string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const kept = /^[A-Za-z][^\n]*,[^\n]*\n/.exec(before)?.[0].trimEnd() ?? header;
  await writeWholeFile(file, [kept, ...rows, ''].join('\n'));
}
