// SPDX-License-Identifier: MIT
import type { Cell } from '../../../main/contract/index.ts';
import type { ReviewOpening } from '../../client/queries.ts';

/** What the commands of Review work on; read anew at each use, so that the list of commands stays the same. */
export interface ReviewScope {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  /** Filtered and in the order of the list. */
  readonly list: readonly Cell[];
  /** While raters settle where they differ: the cells of the list that are still to be settled. */
  readonly toSettle: ReadonlySet<string> | null;
}
