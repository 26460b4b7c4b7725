// SPDX-License-Identifier: MIT
import type { RunBatch, Uuid } from '../contract/index.ts';

/** Several parameter sets on several recordings as one entry. */
export interface BatchStore {
  /** @throws AppError `run.not_found` */
  add(batch: {
    readonly name: string;
    readonly sets: readonly string[];
    readonly runs: readonly { readonly runUuid: Uuid; readonly set: number }[];
  }): Promise<Uuid>;
  /** Newest first; those whose runs were all deleted are left out. */
  list(): Promise<readonly RunBatch[]>;
}
