// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';

/** The error of an array that is there but is not what it should be. @param why - goes on after “cannot be read:” */
export function unreadable(name: string, why: string): AppError {
  return new AppError('disk.io', `The file ${name} of this run cannot be read: ${why}.`, {
    hint: 'Restore the run folder from a backup, or process the recording again.',
    details: { file: name },
  });
}

/** The error of an array whose file could not be opened. */
export function unopened(name: string, error: unknown): AppError {
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return unreadable(name, missing ? 'it is missing' : String(error));
}
