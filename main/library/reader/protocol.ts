// SPDX-License-Identifier: MIT
import type { ErrorData, Scalar, Selection } from '../../contract/index.ts';
import type { ChangesRequest, RowsRequest } from '../tables/rows.ts';

/** What passes between the core and the process that only reads. */

/** How many rows are wanted of an answer. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

export type ReaderRequest =
  | { readonly type: 'views' }
  | { readonly type: 'select'; readonly selection: Selection }
  | ({ readonly type: 'sql'; readonly sql: string } & Page)
  | { readonly type: 'diagram'; readonly internal: boolean }
  | { readonly type: 'catalogue' }
  | ({ readonly type: 'rows' } & RowsRequest)
  | { readonly type: 'choices'; readonly table: string; readonly limit: number }
  | ({ readonly type: 'changes' } & ChangesRequest)
  /** `integrity_check` and `foreign_key_check`. */
  | { readonly type: 'check' }
  /** Copies the database, as of one moment, into a new file. */
  | { readonly type: 'copy'; readonly to: string };

export interface ReaderCall {
  readonly id: number;
  /** Absolute path of the database. */
  readonly database: string;
  readonly request: ReaderRequest;
}

export type ReaderReply =
  | { readonly id: number; readonly type: 'rows'; readonly rows: readonly (readonly Scalar[])[] }
  | { readonly id: number; readonly type: 'done'; readonly value: unknown }
  | { readonly id: number; readonly type: 'failed'; readonly error: ErrorData };

/** What `check` answers with. */
export interface DatabaseCheck {
  /** SQLite's words; empty when all is well. */
  readonly integrity: string[];
  readonly foreignKeys: { table: string; parent: string; rows: number }[];
}
