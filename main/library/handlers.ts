// SPDX-License-Identifier: MIT
import type { libraryApi } from '../contract/index.ts';
import type { Handlers } from '../rpc/index.ts';
import type { Reader } from './reader/reader.ts';

/** What the library's procedures need. */
export interface LibraryDependencies {
  readonly reader: Reader;
}

/** Serves `library.*`. */
export function createLibraryHandlers({ reader }: LibraryDependencies): Handlers<typeof libraryApi.procedures> {
  return {
    views: () => reader.views(),
    query: (selection, { signal }) => reader.select(selection, signal),
    sql: (question, { signal }) => reader.sql(question, signal),
  };
}
