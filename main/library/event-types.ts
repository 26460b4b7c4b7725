// SPDX-License-Identifier: MIT
import type { Uuid } from '../contract/index.ts';
import type { CsvFile, IngestRequest, IngestResult } from './ingest/types.ts';
import type { CsvKind } from './ingest/kinds.ts';

/** Reading CSV files into tables; the work is done in the database worker. */
export interface IngestStore {
  /** Kinds by header. @throws AppError `ingest.*` */
  kinds(files: readonly CsvFile[]): Promise<readonly { readonly name: string; readonly kind: CsvKind }[]>;
  /** The rows of a sessions.csv as they stand. @throws AppError `ingest.*` */
  sessionRows(
    file: CsvFile,
  ): Promise<readonly { readonly line: number; readonly values: Readonly<Record<string, string>> }[]>;
  /** @throws AppError `ingest.*` when a file as a whole cannot be read */
  ingest(request: IngestRequest): Promise<IngestResult>;
}

/** How windows are cut out of trials (`event.AlignmentEvent`). */
export interface AlignmentRow {
  readonly name: string;
  readonly align: { readonly type: string; readonly shiftS: number };
  readonly start: { readonly type: string; readonly shiftS: number };
  readonly end: { readonly type: string; readonly shiftS: number };
}

/** Miniscope time = offset + rate · behaviour time. */
export interface BehaviorClock {
  readonly offsetS: number;
  readonly rate: number;
  /** `assumed` when nothing tells: both clocks are taken to begin together. */
  readonly method: 'given' | 'start-times' | 'pulses' | 'assumed';
}

export interface BehaviorTrial {
  readonly trialId: number;
  readonly type: string | null;
  /** On the behaviour's clock. */
  readonly startS: number;
  readonly stopS: number;
  /** Attributes of the trial, those of its blocks as `block.<name>`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Behaviour of a session. */
export interface Behavior {
  readonly clock: BehaviorClock;
  readonly trials: readonly BehaviorTrial[];
  /** In order of time, on the behaviour's clock. */
  readonly events: readonly { readonly type: string; readonly timeS: number }[];
}

export type TraceName = 'raw' | 'denoised' | 'deconvolved' | 'dff';

/** Figures of a run's traces and motion. */
export interface RunQuality {
  readonly traces: readonly {
    readonly row: number;
    readonly trace: TraceName;
    readonly samples: number;
    /** Null where the trace is constant. */
    readonly skewness: number | null;
    /** Second central moment; null without samples. */
    readonly variance: number | null;
  }[];
  /** Px; null where nothing was registered. */
  readonly motion: {
    readonly frames: number;
    readonly yStd: number;
    readonly xStd: number;
    readonly yMax: number;
    readonly xMax: number;
  } | null;
}

/** A choice of a run's trials whose activity is aligned (`analysis.ActivityAlignmentCondition`). */
export interface ConditionRow {
  readonly uuid: Uuid;
  readonly runUuid: Uuid;
  readonly trace: TraceName;
  readonly alignment: string;
  /** Short name of the choice. */
  readonly condition: string;
  readonly description: string;
  readonly binS: number;
  readonly createdAt: string;
  readonly trialIds: readonly number[];
  /** When the activity was computed; null before. */
  readonly computedAt: string | null;
}

/** Activity around the events of a condition. */
export interface ConditionActivity {
  /** Centres of the bins, s from the event. */
  readonly timesS: Float64Array;
  /** Rows of the run × trials of the condition × bins; NaN where nothing was recorded. */
  readonly activity: Float32Array;
  readonly rows: number;
}

export interface ConditionStore {
  /** @throws AppError `align.exists` when the run has one of that name, trace and alignment, `run.not_found`, `align.not_found` */
  add(condition: Omit<ConditionRow, 'uuid' | 'createdAt' | 'computedAt'>): Promise<ConditionRow>;
  list(filter: { readonly runUuid?: Uuid | undefined }): Promise<readonly ConditionRow[]>;
  /** @throws AppError `align.not_found` */
  get(uuid: Uuid): Promise<ConditionRow>;
  /** Keeps activity; what is there stays. @throws AppError `align.not_found` */
  save(uuid: Uuid, activity: ConditionActivity): Promise<ConditionRow>;
  /** Null before it was computed. @throws AppError `align.not_found` */
  activity(uuid: Uuid): Promise<ConditionActivity | null>;
}

export interface EventStore {
  alignments(): Promise<readonly AlignmentRow[]>;
  /** @throws AppError `align.not_found` where nothing was recorded of the behaviour */
  behavior(sessionUuid: Uuid): Promise<Behavior>;
  /** @throws AppError `align.not_found` */
  setClock(
    sessionUuid: Uuid,
    clock: {
      readonly offsetS: number;
      readonly rate: number;
      /** With these it was fitted to pulses. */
      readonly pairs?: number | undefined;
      readonly residualS?: number | undefined;
    },
  ): Promise<void>;
  /** What was saved; empty before. */
  quality(runUuid: Uuid): Promise<RunQuality>;
  /** Keeps figures; those that are there stay. @throws AppError `run.not_found` */
  saveQuality(runUuid: Uuid, quality: RunQuality): Promise<void>;
}
