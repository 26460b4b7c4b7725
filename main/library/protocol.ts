// SPDX-License-Identifier: MIT
import type { ErrorData, ErrorCode } from '../contract/index.ts';
import type { OpenLibraryOptions, RecoveredRun } from './types.ts';

/** What passes between the facade and the database worker. */

export const storeNames = [
  'sessions',
  'runs',
  'curation',
  'ingest',
  'events',
  'deletions',
  'jobs',
  'files',
  'rows',
  'acquisitions',
  'travel',
  'parameterSets',
  'conditions',
  'matches',
  'positions',
  'batches',
] as const;
export type StoreName = (typeof storeNames)[number];

export type ToWorker =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly store: StoreName;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  /** Asks for the next piece of a long list. */
  | { readonly type: 'more'; readonly id: number }
  | { readonly type: 'close' };

export type FromWorker =
  | {
      readonly type: 'opened';
      readonly readOnly: { readonly reason: string; readonly code: ErrorCode } | null;
      readonly recovered: readonly RecoveredRun[];
    }
  | { readonly type: 'refused'; readonly error: ErrorData }
  | { readonly type: 'value'; readonly id: number; readonly value: unknown }
  /** A piece of a list; the facade asks for the next. */
  | { readonly type: 'part'; readonly id: number; readonly items: readonly unknown[]; readonly last: boolean }
  | { readonly type: 'error'; readonly id: number; readonly error: ErrorData }
  | { readonly type: 'closed' };

/** Items of a list in one message: about 1 ms of copying on the receiving side, so that a long list never blocks its loop. */
export const partSize = 250;

export type WorkerSettings = OpenLibraryOptions;
