// SPDX-License-Identifier: MIT
import type { CellLabel, ExportFinding, ExportFormat, ExportMetadata, ExportMovie } from '../contract/index.ts';
import type { imageNames, traceKinds } from '../contract/index.ts';

/** What the exporting thread is told: plain values and absolute paths, so that it needs neither the library nor the core. */

export type TraceKind = (typeof traceKinds)[number];
export type ImageName = (typeof imageNames)[number];

/** A cell that is written. */
export interface ExportCell {
  /** Its row in the arrays of {@link ExportRun.arrays}. */
  readonly index: number;
  /** Its row in the run; names it for good. */
  readonly row: number;
  readonly uuid: string;
  readonly label: CellLabel;
  readonly suggested: boolean;
  /** The label where there is a decision, else the suggestion. */
  readonly accepted: boolean;
  readonly reasons: readonly string[];
  /** px of the stored frame. */
  readonly centroid: { readonly y: number; readonly x: number };
  readonly metrics: Readonly<Record<string, number | null>>;
  /** What each rater said of it by themselves, by initials; absent where fewer than two raters judged the run. */
  readonly said?: Readonly<Record<string, CellLabel>> | undefined;
  /** Raters differed and agreed on this label afterwards. */
  readonly settled?: boolean | undefined;
}

/** Where the arrays of a run lie, after its edits. Shapes are those of docs/formats.md. */
export interface ExportArrays {
  readonly footprints: string;
  readonly traces: Readonly<Partial<Record<TraceKind, string>>>;
  readonly images: Readonly<Partial<Record<ImageName, string>>>;
  readonly time: string | null;
  readonly frameFlags: string | null;
  readonly motion: string | null;
  /** The run folder where it holds the background and the noise (docs/formats.md); those of the run's own rows, whatever edits hold. */
  readonly model: string | null;
  /** Shifts of blocks, where they were registered one by one (docs/formats.md). */
  readonly motionBlocks: {
    readonly place: string;
    /** Centres of the blocks, px. */
    readonly rows: readonly number[];
    readonly columns: readonly number[];
  } | null;
  /** Null where edits hold: events are those of the run's own rows. */
  readonly events: string | null;
}

/** One recording of the run's input. */
export interface ExportRecording {
  readonly uuid: string;
  readonly device: string;
  readonly deviceType: string | null;
  /** Absolute, in order. */
  readonly films: readonly string[];
  readonly filmFrames: readonly number[];
  /** The films are where they were. */
  readonly filmsPresent: boolean;
  /** Where the run used a part only: seconds since the recording's start, one per frame of its films, NaN where unknown; null where it used all or nothing tells. */
  readonly filmTimes: Float64Array | null;
  /** First frame of the recording that the run used; 0 for all. */
  readonly firstFrame: number;
  /** First sample of the run that is its; its samples go on to the next recording's. */
  readonly firstSample: number;
  readonly samples: number;
  readonly fps: number | null;
  readonly height: number;
  readonly width: number;
  readonly codec: string;
  readonly config: unknown;
  /** ISO UTC with milliseconds. */
  readonly startedAt: string | null;
  readonly tzOffsetMin: number | null;
  /** What was noted and what happened in its session; only at the first recording of each session. Seconds on the recording's clock. */
  readonly happenings: Happenings | null;
}

/** What people and the behaviour's apparatus said of a session; seconds since the recording's start. */
export interface Happenings {
  readonly notes: readonly { readonly timeS: number; readonly text: string }[];
  readonly trials: readonly {
    readonly trialId: number;
    readonly type: string | null;
    readonly startS: number;
    readonly stopS: number;
    readonly attributes: Readonly<Record<string, string>>;
  }[];
  readonly events: readonly { readonly type: string; readonly timeS: number }[];
  /** How the behaviour's clock was brought onto the recording's. */
  readonly clock: string;
}

/** A finished run with all that exports tell of it. */
export interface ExportRun {
  readonly runUuid: string;
  /** Absolute run folder, and the folders of the edits that hold, oldest first. */
  readonly folder: string;
  readonly layers: readonly string[];
  readonly name: string;
  readonly createdAt: string;
  readonly engineVersion: string | null;
  readonly programVersion: string;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly fps: number | null;
  readonly diameterPx: number | null;
  readonly umPerPx: number | null;
  /** Complete parameters as the engine used them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** How F0 of ΔF/F is meant, in the engine's words. */
  readonly f0: string | null;
  readonly arrays: ExportArrays;
  /** Cells to write, ascending by row. */
  readonly cells: readonly ExportCell[];
  readonly curation: string;
  readonly recordings: readonly ExportRecording[];
  readonly session: {
    readonly uuid: string;
    readonly name: string;
    /** Names of all sessions the run's recordings are of, in the order of the run. */
    readonly names: readonly string[];
    readonly subject: string | null;
    readonly notes: string;
    /** Everybody whom the sessions of the run's recordings name. */
    readonly experimenters: readonly string[];
    readonly experiment: string | null;
  };
}

/** One export for the thread. */
export interface ExportJob {
  readonly format: ExportFormat;
  /** Absolute path that is written; renamed to {@link destination} afterwards. */
  readonly temporary: string;
  /** Absolute; what relative paths in the file are relative to. */
  readonly destination: string;
  readonly metadata: ExportMetadata;
  readonly table: 'tidy' | 'wide';
  readonly films: 'link' | 'copy';
  readonly movie: ExportMovie;
  readonly run: ExportRun;
}

/** What the thread answers. */
export interface WrittenExport {
  /** Relative to the destination; empty where that is one file. */
  readonly files: readonly string[];
  readonly findings: readonly ExportFinding[];
}

/** Tells how far a writer is. */
export type OnProgress = (step: string, fraction: number) => void;
