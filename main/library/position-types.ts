// SPDX-License-Identifier: MIT
import type { Uuid } from '../contract/index.ts';
import type { BehaviorClock } from './event-types.ts';

/** A tracking, as lists show it. */
export interface PositionRow {
  readonly uuid: Uuid;
  readonly sessionUuid: Uuid;
  readonly name: string;
  readonly program: 'deeplabcut' | 'sleap' | 'behavior-tracker' | 'csv' | 'mat';
  /** Name of the file it was read from. */
  readonly source: string;
  readonly addedAt: string;
  readonly samples: number;
  /** Unit of x and y as they are kept. */
  readonly unit: 'px' | 'cm';
  readonly pxPerCm: number | null;
  /** Times are the miniscope's; else the behaviour's. */
  readonly onMiniscopeClock: boolean;
  readonly parts: readonly string[];
  /** Part that stands for the animal. */
  readonly mainPart: string;
}

/** One tracked part: a value a sample, NaN where it was not seen. */
export interface PositionPart {
  readonly part: string;
  readonly x: Float32Array;
  /** Down, as in the film. */
  readonly y: Float32Array;
  readonly likelihood: Float32Array | null;
}

export interface NewPosition extends Pick<
  PositionRow,
  'name' | 'program' | 'source' | 'unit' | 'pxPerCm' | 'onMiniscopeClock' | 'mainPart'
> {
  readonly sessionUuid: Uuid;
  readonly sha256: string;
  /** S, rising; NaN where unknown. */
  readonly timesS: Float64Array;
  readonly parts: readonly PositionPart[];
}

/** A tracking's numbers as they are kept: times on its own clock, places in its unit. */
export interface PositionTrackRow {
  readonly position: PositionRow;
  readonly timesS: Float64Array;
  readonly part: PositionPart;
  /** Of the behaviour, on the miniscope's. */
  readonly clock: BehaviorClock;
}

export interface PositionStore {
  /** A file that was read for this session and name before adds nothing. @throws AppError `position.exists`, `session.not_imported` */
  add(position: NewPosition): Promise<{ readonly position: PositionRow; readonly added: boolean }>;
  /** Newest first. */
  list(filter: { readonly sessionUuid?: Uuid | undefined }): Promise<readonly PositionRow[]>;
  /** The main part when absent. @throws AppError `position.not_found` */
  track(uuid: Uuid, part?: string): Promise<PositionTrackRow>;
  /** Scale and the part that stands for the animal. @throws AppError `position.not_found`, `usage.invalid` */
  set(
    uuid: Uuid,
    change: { readonly pxPerCm?: number | undefined; readonly mainPart?: string | undefined },
  ): Promise<PositionRow>;
}
