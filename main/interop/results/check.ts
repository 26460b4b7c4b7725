// SPDX-License-Identifier: MIT
import path from 'node:path';
import type { z } from 'zod';
import { AppError } from '../../contract/index.ts';

/** More values than any result of this field has; a file that claims more lies. */
const mostValues = 4e9;

/** The error of a file that is not what it says it is. */
export function unreadable(place: string, why: string, cause?: unknown): AppError {
  return new AppError('interop.unreadable', `${path.basename(place)} cannot be read: ${why}`, {
    hint: 'Give the file as the other program wrote it, whole.',
    details: { file: path.basename(place) },
    cause,
  });
}

/** Which value of a description is not what it must be, as the end of a sentence: `spacingInfo.numPixels.x is "wide"`. */
export function oddValue(error: z.ZodError, description: unknown): string {
  const [issue] = error.issues;
  const path = issue?.path ?? [];
  if (path.length === 0) return 'it is no list of names and values';
  let found = description;
  for (const key of path)
    found =
      typeof found === 'object' && found !== null ? (found as Readonly<Record<PropertyKey, unknown>>)[key] : undefined;
  const name = path.map(String).join('.');
  if (found === undefined) return `${name} is missing`;
  const text = JSON.stringify(found);
  return `${name} is ${text.length > 40 ? `${text.slice(0, 40)}…` : text}, which it cannot be`;
}

/** Is that what the library of HDF5 says of a file whose contents are damaged? */
export function isDamage(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith('HDF5-DIAG');
}

/** What a library says of a file whose contents are damaged, as a sentence of ours; any other error is a bug and stays what it is. */
export function asUnreadable(place: string, error: unknown): unknown {
  // HDF5 tells the place in its own sources, line by line; the last words say what is wrong.
  if (!isDamage(error)) return error;
  const [, words = ''] = /in \w+\(\): ([^\n]+)\n(?![\s\S]*in \w+\(\): )/.exec(error.message) ?? [];
  return unreadable(place, `it is damaged${words === '' ? '' : ` (${words})`}.`, error);
}

/**
 * A count taken from a file.
 *
 * @throws AppError `interop.unreadable` unless it is a whole number of a possible size
 */
export function count(value: unknown, what: string, place: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 1e8) {
    throw unreadable(place, `its ${what} is ${String(value)}.`);
  }
  return number;
}

/** Frames of a recording of 100 hours at 50 per second; a file that claims more lies. */
const mostFrames = 18_000_000;

/**
 * How many frames a file says there were.
 *
 * @throws AppError `interop.unreadable` where no recording is so long: tables of time would be allocated for them
 */
export function frameCount(value: number, place: string): number {
  if (!(value <= mostFrames))
    throw unreadable(place, `it would be of ${value.toExponential(1)} frames; no recording is so long.`);
  return value;
}

/** @throws AppError `interop.unreadable` when the product of the sizes is absurd: nothing is allocated before this was asked */
export function checkSize(sizes: readonly number[], what: string, place: string): void {
  const values = sizes.reduce((product, size) => product * size, 1);
  if (!(values <= mostValues)) throw unreadable(place, `its ${what} would have ${values.toExponential(1)} values.`);
}
