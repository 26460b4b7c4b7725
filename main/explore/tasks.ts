// SPDX-License-Identifier: MIT
import type { CameraWindow } from '../workflow/index.ts';

/** What the thread is told: plain values and absolute paths, so that it needs neither the library nor the core. */

export type TraceKind = 'raw' | 'denoised' | 'deconvolved' | 'dff';

/** A run as the thread reads it. */
export interface RunSource {
  /** Absolute run folder. */
  readonly folder: string;
  /** Absolute folders of the edits that hold, oldest first, with the rows they made or changed. */
  readonly edits: readonly {
    readonly folder: string;
    readonly rows: readonly (readonly [row: number, arrayRow: number])[];
  }[];
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Times of several recordings begin again: their frames are counted out by this rate instead; null for one recording. */
  readonly countedFps: number | null;
  /** Uuids of its recordings; two runs over the same ones can be compared frame by frame. */
  readonly recordings: readonly string[];
  /** First frame of the first recording that was used. */
  readonly firstFrame: number;
  /** Cells asked about, by row. */
  readonly cells: readonly { readonly row: number; readonly y: number; readonly x: number }[];
}

/** A trial's window with the condition it belongs to. */
export interface TrialOf {
  readonly window: CameraWindow;
  /** Index into the conditions. */
  readonly condition: number;
}

export interface AroundTask {
  readonly type: 'around';
  readonly run: RunSource;
  readonly trace: TraceKind;
  readonly trials: readonly TrialOf[];
  readonly conditions: readonly string[];
  /** Null: a frame's interval. */
  readonly binS: number | null;
  readonly scale: 'z' | 'own';
  /** Only this cell, with every trial. */
  readonly row: number | null;
}

export type ExploreTask =
  | {
      readonly type: 'population';
      readonly run: RunSource;
      readonly trace: TraceKind;
      readonly binS: number;
    }
  | AroundTask
  | {
      readonly type: 'tuning';
      readonly run: RunSource;
      readonly trace: TraceKind;
      /** Absolute path of the film that the head orientations lie beside. */
      readonly orientation: string;
      readonly bins: number;
    }
  | {
      readonly type: 'place';
      readonly run: RunSource;
      readonly trace: TraceKind;
      readonly position: PositionTrack;
      /** Width of a square bin, in the track's unit. */
      readonly bin: number;
      readonly leastSpeed: number;
    }
  | { readonly type: 'profiles'; readonly run: RunSource; readonly beforeS: number; readonly afterS: number }
  | { readonly type: 'compare'; readonly a: RunSource; readonly b: RunSource; readonly least: number };

/** Where the animal was, on the miniscope's clock. */
export interface PositionTrack {
  readonly timesS: Float64Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly unit: string;
}

/** What the thread answers: the header of a packet or a whole answer, and bytes where there are many numbers. */
export interface TaskAnswer {
  readonly header: unknown;
  readonly bytes: Uint8Array;
}
