// SPDX-License-Identifier: MIT
import type { NewSession } from '../session-types.ts';
import type { CsvKind } from './kinds.ts';

/** A CSV file to be read: by its absolute path, or as text that a window sent. */
export type CsvFile =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly text: string };

/** A row of sessions.csv whose folder was looked at. */
export interface PlannedSession {
  readonly line: number;
  readonly subject: string;
  /** Relative to the root, forward slashes. */
  readonly directory: string;
  readonly sessionNumber: number | null;
  /** What to add; absent where `problem` says why it cannot be. */
  readonly session?: NewSession | undefined;
  readonly problem?: { readonly column: string; readonly message: string } | undefined;
}

export interface IngestRequest {
  readonly files: readonly CsvFile[];
  /** What stands behind the rows of each sessions.csv, by file name. */
  readonly sessions: Readonly<Record<string, readonly PlannedSession[]>>;
  /** Do everything, then take it back. */
  readonly dryRun: boolean;
  /** A file with a bad row adds nothing. */
  readonly allOrNothing: boolean;
  /** Who adds the rows, for the change log. */
  readonly who: string;
  /** Shared with the database worker, which hears nothing else while it reads; absent where nobody follows. */
  readonly control?: Int32Array<SharedArrayBuffer> | undefined;
}

/** Places of {@link IngestRequest.control}: what the caller sets to 1 to have all taken back, and how much was read, in thousandths. */
export const ingestControl = { stop: 0, thousandths: 1, length: 2 } as const;

/** A row that was left out, and why. */
export interface IngestProblem {
  readonly line: number;
  /** From 1; null when it is about the row. */
  readonly column: number | null;
  readonly name: string | null;
  readonly message: string;
}

export interface IngestedFile {
  readonly name: string;
  readonly kind: CsvKind;
  readonly rows: number;
  /** Rows that added something. */
  readonly added: number;
  /** Rows whose every value was there already. */
  readonly present: number;
  /** Rows that were left out. */
  readonly bad: number;
  /** The first of them. */
  readonly problems: readonly IngestProblem[];
  readonly warnings: readonly string[];
  /** Nothing of this file was kept. */
  readonly rolledBack: boolean;
}

export interface IngestResult {
  readonly files: readonly IngestedFile[];
  /** Rows added, by table: the length of the table after less that before. */
  readonly inserted: Readonly<Record<string, number>>;
  readonly dryRun: boolean;
}
