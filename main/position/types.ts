// SPDX-License-Identifier: MIT
import type { PositionPart, PositionRow } from '../library/index.ts';

/** What a tracking file holds. */
export interface ReadPosition {
  readonly program: PositionRow['program'];
  /** Unit of x and y where the file says it. */
  readonly unit: 'px' | 'cm' | null;
  readonly parts: readonly PositionPart[];
  /** S, where the file has times of its own. */
  readonly timesS: Float64Array | null;
  /** Frame of the behaviour film of each row; row numbers when absent. */
  readonly frames: Float64Array | null;
  /** What is odd, a sentence each. */
  readonly findings: readonly string[];
}

/** One form of file. */
export interface PositionReader {
  readonly title: string;
  /** A look at the name and the first bytes or lines. */
  readonly recognises: (file: { readonly path: string; readonly head: Buffer }) => boolean | Promise<boolean>;
  /**
   * @param onShare - hears how many of the rows were read, 0 to 1
   * @throws AppError `position.unreadable`
   */
  readonly read: (path: string, onShare?: (share: number) => void) => Promise<ReadPosition>;
}
