// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import type { ErrorCode, Uuid } from '../../contract/index.ts';
import { AppError } from '../../contract/index.ts';
import type { ProcessRef } from '../process-ref.ts';
import type { LibraryFolders } from '../types.ts';

/** A store's methods without the promise: what runs inside the worker. */
export type Sync<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : never;
};

/** What every group of tables works with. */
export interface Context {
  readonly database: Database.Database;
  readonly folders: LibraryFolders;
  readonly readOnly: { readonly reason: string; readonly code: ErrorCode } | null;
  readonly owner: ProcessRef;
  readonly host: string;
  /** The time, ISO-8601 UTC with milliseconds. */
  readonly now: () => string;
  readonly newUuid: () => Uuid;
}

/** @throws AppError `library.read_only` or `library.from_future` */
export function mustBeWritable(context: Context): void {
  if (context.readOnly !== null) {
    throw new AppError(context.readOnly.code, context.readOnly.reason, { hint: 'Nothing was changed.' });
  }
}

/** Runs `act` in one transaction that takes the write lock at once; rolled back whole when it throws. */
export function writing<T>(context: Context, act: () => T): T {
  mustBeWritable(context);
  return context.database.transaction(act).immediate();
}
