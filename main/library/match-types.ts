// SPDX-License-Identifier: MIT
import type { CellLabel, Rater, Uuid } from '../contract/index.ts';

/** A comparison of sessions as it is added. */
export interface NewMatch {
  readonly umPerPx: number;
  readonly allCells: boolean;
  readonly falseMatchRate: number | null;
  /** Sessions in order, each by the run whose cells stand for it. */
  readonly runs: readonly {
    readonly runUuid: Uuid;
    readonly shiftY: number;
    readonly shiftX: number;
    readonly rotation: number;
  }[];
  /** Cells, those of one session too. Sessions are counted from 0. */
  readonly groups: readonly {
    readonly score: number | null;
    readonly members: readonly { readonly session: number; readonly row: number; readonly score: number | null }[];
  }[];
}

/** A comparison as it stands. */
export interface StoredMatch extends NewMatch {
  readonly uuid: Uuid;
  readonly createdAt: string;
  /** By group. */
  readonly labels: readonly CellLabel[];
  readonly log: readonly {
    readonly at: string;
    readonly rater: Rater;
    readonly groups: readonly number[];
    readonly to: CellLabel;
  }[];
  readonly canUndo: boolean;
}

/** The same cells in several sessions. */
export interface MatchStore {
  /** One transaction. @throws AppError `run.not_found` */
  add(match: NewMatch): Promise<Uuid>;
  /** Newest first. */
  list(): Promise<readonly StoredMatch[]>;
  /** @throws AppError `explore.no_match` */
  get(matchUuid: Uuid): Promise<StoredMatch>;
  /** One step for the groups whose label changes. @throws AppError `explore.no_match`, `review.no_rater`, `usage.invalid` */
  decide(step: {
    readonly matchUuid: Uuid;
    readonly raterUuid: Uuid;
    readonly groups: readonly number[];
    readonly to: CellLabel;
  }): Promise<void>;
  /** Takes the newest step back by one more. @throws AppError `explore.no_match`, `review.no_rater`, `review.nothing_to_undo` */
  undo(step: { readonly matchUuid: Uuid; readonly raterUuid: Uuid }): Promise<void>;
}
