// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import { type Dialect, dialectOf, textOf } from '../text-tables/index.ts';

/** Files larger than this are no tracking of a session; no text is longer than 2²⁹ characters in this language. */
const mostBytes = 2 ** 29 - 64;

/** The error of a file that is not what it seems. */
export function unreadable(file: string, why: string, line?: number): AppError {
  const name = path.basename(file);
  return new AppError('position.unreadable', `${name}${line === undefined ? '' : `, line ${line}`}: ${why}`, {
    hint: 'Known are CSV and HDF5 of DeepLabCut, analysis HDF5 of SLEAP, pose.csv of the Miniscope software, CSV with columns of time, x and y, and MAT 5.',
    details: { file: name, ...(line === undefined ? {} : { line }) },
  });
}

/** Lines of a text file, without its mark and without empty lines at the end. @throws AppError `position.unreadable` */
export async function linesOf(file: string): Promise<string[]> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new AppError('position.unreadable', `${path.basename(file)} cannot be read.`, { cause: error });
  });
  if (bytes.length > mostBytes) throw unreadable(file, 'it is larger than a tracking of a session is.');
  const lines = textOf(bytes).split(/\r\n|\n|\r/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines;
}

/** How a table is written whose header is one of its lines; numbers that could mean two things become `position.unreadable`. */
export function dialectIn(file: string, lines: readonly string[], header = 0): Dialect {
  return dialectOf(lines[header] ?? '', lines.slice(header + 1, header + 1001).join('\n'), (why, line) =>
    unreadable(file, why, line),
  );
}

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number; NaN for nothing, for `nan` and for `NA`; undefined for anything else. */
export function numberOf(field: string | undefined): number | undefined {
  const text = field ?? '';
  if (number.test(text)) return Number(text);
  return text === '' || /^(?:nan|na|null|inf|-inf)$/i.test(text) ? Number.NaN : undefined;
}
