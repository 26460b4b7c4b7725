// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';

/** Files larger than this are no tracking of a session. */
const mostBytes = 2 ** 30;

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
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const lines = bytes
    .toString(isUtf16 ? 'utf16le' : 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  return lines;
}

/** Fields of a line. Tracking programs quote nothing but names. */
export function fieldsOf(line: string, separator = ','): string[] {
  return line.split(separator).map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number; NaN for nothing, for `nan` and for `NA`; undefined for anything else. */
export function numberOf(field: string | undefined): number | undefined {
  const text = field ?? '';
  if (number.test(text)) return Number(text);
  return text === '' || /^(?:nan|na|null|inf|-inf)$/i.test(text) ? Number.NaN : undefined;
}
