// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import { fileError } from '../processing/index.ts';
import { isDamage } from './results/check.ts';

/** What went wrong while an export was written, as a sentence: the disk's and the system's words become ours, any other error stays what it is. */
export function exportError(thrown: unknown, destination: string): AppError {
  const doing = `exporting to ${destination}`;
  // The library that writes HDF5 says in the midst of a list of its own places what the system said.
  if (isDamage(thrown)) {
    const words = /error message = '([^']+)'/.exec(thrown.message)?.[1] ?? '';
    const code = /no space left|quota exceeded/i.test(words)
      ? 'ENOSPC'
      : /file too large/i.test(words)
        ? 'EFBIG'
        : 'EIO';
    return fileError(
      Object.assign(new Error(words || 'the file could not be written', { cause: thrown }), { code }),
      doing,
    );
  }
  if (thrown instanceof SuppressedError) return exportError(thrown.suppressed, destination);
  return thrown instanceof Error && 'syscall' in thrown ? fileError(thrown, doing) : AppError.from(thrown);
}
