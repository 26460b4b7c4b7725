// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { Library, OpenLibraryOptions } from './types.ts';

/** Opens the library of a folder the caller owns ({@link acquireOwnership}). */
export function openLibrary(options: OpenLibraryOptions): Promise<Library> {
  return Promise.reject(new AppError('library.io', `${options.directory}: the database worker is on its way.`));
}
