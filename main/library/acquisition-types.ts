// SPDX-License-Identifier: MIT
import type { Uuid } from '../contract/index.ts';
import type { ProcessRef } from './process-ref.ts';
import type { NewSession, StoredSession } from './session-types.ts';

/** A recording that is about to begin. */
export interface NewAcquisition {
  /** What lists show. */
  readonly name: string;
  readonly animal: string;
  readonly experimenter: string;
  readonly experiment: string;
  /** ISO-8601 UTC with milliseconds. */
  readonly startedAt: string;
  readonly tzOffsetMin: number;
  /** Absolute folder that is recorded into. */
  readonly folder: string;
  /** The rig as a Miniscope-DAQ configuration. */
  readonly rig: unknown;
  /** The process that writes the files. */
  readonly process: ProcessRef;
}

/** A recording that the library takes to be under way. */
export interface UnderWay {
  readonly sessionUuid: Uuid;
  readonly name: string;
  readonly folder: string;
  readonly startedAt: string;
  readonly host: string;
  readonly process: ProcessRef;
}

/** Recordings under way: a row from before the first frame to the last word. */
export interface AcquisitionStore {
  /** Adds the session in state `recording`. */
  begin(acquisition: NewAcquisition): Promise<{ readonly sessionUuid: Uuid }>;
  /**
   * The recording is over and its files are whole: the session gets its recordings. One of the same content that was imported meanwhile takes its place.
   *
   * @throws AppError `session.not_imported` when it was deleted meanwhile
   */
  complete(sessionUuid: Uuid, session: NewSession, state: 'ended' | 'recovered'): Promise<StoredSession>;
  /** Nothing of it can be shown; the row stays and says why. @throws AppError `session.not_imported` */
  lost(sessionUuid: Uuid, why: string): Promise<void>;
  /** It never began: the row goes. */
  discard(sessionUuid: Uuid): Promise<void>;
  /** Those in state `recording`, oldest first. */
  underWay(): Promise<readonly UnderWay[]>;
}
