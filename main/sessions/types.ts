// SPDX-License-Identifier: MIT
import type { AppError, Finding } from '../contract/index.ts';
import type { FilmProbe } from '../media/index.ts';

/**
 * Looks into one film.
 *
 * @throws AppError `media.empty`, `media.unreadable`, `media.ffmpeg_missing`, `media.io`
 */
export type ProbeFilm = (absolutePath: string) => Promise<FilmProbe>;

/** One film file of a device. */
export interface ReadFilm {
  /** Absolute path. */
  readonly path: string;
  /** File name. */
  readonly name: string;
  readonly bytes: number;
  readonly frames: number;
}

/** Where a device's frame rate comes from, best first. */
export type FpsSource = 'time-stamps' | 'given' | 'metadata' | 'container';

/** One camera of a session as it was found on disk. */
export interface ReadDevice {
  readonly name: string;
  readonly kind: 'miniscope' | 'camera';
  readonly deviceType: string | null;
  /** Absolute folder of the films. */
  readonly folder: string;
  /** Films in recording order; those without a single frame are left out and told as findings. */
  readonly films: readonly ReadFilm[];
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly codec: string;
  readonly fps: number | null;
  readonly fpsSource: FpsSource | null;
  /** Rows of timeStamps.csv; null where there is none. */
  readonly csvRows: number | null;
  /** One value per film frame: seconds since the recording's start, NaN where unknown. Null where there is no timeStamps.csv. */
  readonly timeS: Float64Array | null;
  readonly durationS: number | null;
  readonly bytes: number;
  /** The device's metaData.json as read; null where there is none. */
  readonly config: unknown;
  readonly findings: readonly Finding[];
  /** Why this device cannot be imported; null when it can. */
  readonly error: AppError | null;
}

/** A recording folder (or a bare film) as it was found on disk. */
export interface ReadSession {
  /** Name of the reader's format, e.g. `miniscope-daq-v4`. */
  readonly format: string;
  readonly name: string;
  /** Absolute folder the films lie in or below. */
  readonly folder: string;
  readonly subject: string | null;
  /** ISO-8601 UTC with milliseconds. */
  readonly startedAt: string | null;
  /** Minutes that the local clock was ahead of UTC. */
  readonly tzOffsetMin: number | null;
  readonly notes: string;
  readonly devices: readonly ReadDevice[];
  /** Name of the device whose folder was given, when a device folder was given. */
  readonly chosenDevice: string | null;
  readonly findings: readonly Finding[];
}

/** A folder or file that somebody wants opened, looked at once. */
export interface Place {
  /** Absolute path, symbolic links resolved. */
  readonly path: string;
  readonly kind: 'folder' | 'file';
  /** Names in the folder, hidden ones left out; empty for a file. */
  readonly entries: readonly { readonly name: string; readonly kind: 'folder' | 'file' }[];
}

/** What a reader may use. */
export interface ReadContext {
  readonly probeFilm: ProbeFilm;
  /** Frame rate the user gave, Hz. */
  readonly fps?: number | undefined;
}

/** One on-disk format. */
export interface SessionReader {
  /** Stored with the session; never renamed. */
  readonly format: string;
  /** Shown to people. */
  readonly title: string;
  /** A look at names (and small metadata files) only: is this place of my format? The first reader that says yes reads it. */
  readonly recognises: (place: Place) => Promise<boolean>;
  /** @throws AppError when nothing of the place can be read; what concerns one device only is that device's `error`. */
  readonly read: (place: Place, context: ReadContext) => Promise<ReadSession>;
  /**
   * Times of the frames of a recording's films: seconds since the recording's start, one per frame, NaN where unknown; null where the
   * format has none.
   */
  readonly frameTimes: (films: readonly ReadFilm[]) => Promise<Float64Array | null>;
}
