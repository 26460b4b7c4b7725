// SPDX-License-Identifier: MIT
import type { CellLabel, Rater, Uuid } from '../contract/index.ts';

/** A second rater's reading of a run: labels of its own beside the curation, on the same cells. */
export interface Reading {
  readonly uuid: Uuid;
  readonly rater: Rater;
  readonly startedAt: string;
  /** Null while it goes on; its labels are shown to nobody else until then. */
  readonly finishedAt: string | null;
  readonly accepted: number;
  readonly rejected: number;
}

/** A label that raters who differed agreed on. */
export interface Settled {
  readonly cellUuid: Uuid;
  readonly label: Exclude<CellLabel, 'undecided'>;
  readonly at: string;
  /** Initials of who wrote it down. */
  readonly by: string;
  /** What each had said, by initials. */
  readonly said: Readonly<Record<string, CellLabel>>;
}

/** Limits of the cells' figures kept with a run. */
export interface KeptLimits {
  readonly limits: Readonly<Record<string, number>>;
  readonly at: string;
  /** Initials. */
  readonly by: string;
}

/** Limits that are kept with runs. */
export interface LimitStore {
  /** Null where nobody kept any, or took them back. */
  limits(runUuid: Uuid): Promise<KeptLimits | null>;
  /** @throws AppError `review.no_rater`, `run.not_found` */
  keepLimits(kept: {
    readonly runUuid: Uuid;
    readonly raterUuid: Uuid;
    readonly limits: KeptLimits['limits'];
  }): Promise<void>;
}

/** Second readings of runs. */
export interface ReadingStore {
  /** All readings of a run made in this library, oldest first. */
  readings(runUuid: Uuid): Promise<readonly Reading[]>;
  /**
   * Begins a rater's reading, or goes on with the one that is open.
   * @throws AppError `review.reading_refused` when nobody judged the run yet or the rater did, `review.no_rater`, `run.not_ready`
   */
  beginReading(step: { readonly runUuid: Uuid; readonly raterUuid: Uuid }): Promise<Reading>;
  /** The newest of each cell of a run, by row. */
  settled(runUuid: Uuid): Promise<readonly Settled[]>;
  /** Ends a reading: its labels stay as they are. @throws AppError `review.reading_refused`, `review.frozen` */
  finishReading(step: { readonly runUuid: Uuid; readonly raterUuid: Uuid; readonly reading: Uuid }): Promise<Reading>;
}

/** Who takes a step back or repeats it, and where: in the curation, or in a reading. */
export interface CurationStep {
  readonly runUuid: Uuid;
  readonly raterUuid: Uuid;
  readonly reading?: Uuid | undefined;
}

/** What raters agreed on one cell, and what each had said. */
export interface ConsensusStep {
  readonly runUuid: Uuid;
  readonly raterUuid: Uuid;
  readonly cellUuid: Uuid;
  readonly to: Settled['label'];
  readonly said: Settled['said'];
}
