// SPDX-License-Identifier: MIT
import { setImmediate } from 'node:timers/promises';

/** Rows read in one go, a millisecond or two: in between the others of this process get their turn (a recording of ten hours has a million rows). */
export const rowsAtOnce = 2048;

/** Does something with each row of a table, from 0 on. */
export async function forEachRow(rows: number, act: (row: number) => void): Promise<void> {
  for (let row = 0; row < rows; row += 1) {
    act(row);
    if (row % rowsAtOnce === rowsAtOnce - 1) await setImmediate();
  }
}

/** Does something with each line of a text, counted from 0. A text that ends with the end of a line has an empty one behind it. */
export async function forEachLine(text: string, act: (line: string, index: number) => void): Promise<void> {
  let index = 0;
  for (let start = 0; start <= text.length; index += 1) {
    const [line, next] = lineAt(text, start);
    act(line, index);
    start = next;
    if (index % rowsAtOnce === rowsAtOnce - 1) await setImmediate();
  }
}

/** The line that begins at a place of a text, and where the next one begins: behind the text's end after the last. */
export function lineAt(text: string, start: number): readonly [line: string, next: number] {
  const found = text.indexOf('\n', start);
  const end = found < 0 ? text.length : found;
  return [text.slice(start, end > start && text[end - 1] === '\r' ? end - 1 : end), end + 1];
}
