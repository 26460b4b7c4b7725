// SPDX-License-Identifier: MIT
import type { Finding, SessionRow } from '../contract/index.ts';

/** What an import says of a session. */
export interface NewRecordingFile {
  /** Path relative to the session's folder, with forward slashes. */
  readonly path: string;
  readonly frames: number;
  readonly bytes: number;
}

/** One miniscope of a session (`miniscope.Recording` with its `RecordingInfo`). */
export interface NewRecording {
  readonly device: string;
  readonly deviceType?: string | null | undefined;
  /** `Miniscope-DAQ-V4` and the like, where it is known. */
  readonly acquisitionSoftware?: string | null | undefined;
  /** Frames of the films, all files together. */
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** Rate from the time stamps, Hz. */
  readonly fps: number | null;
  readonly durationS: number | null;
  /** ISO-8601 UTC with milliseconds, e.g. `2026-05-01T10:00:00.123Z`. */
  readonly startedAt?: string | null | undefined;
  readonly tzOffsetMin?: number | null | undefined;
  readonly codec: string;
  /** Film files in numeric order. */
  readonly files: readonly NewRecordingFile[];
  /** The device's metaData.json, as read. */
  readonly config?: unknown;
  readonly notes?: string | undefined;
}

export interface NewSession {
  readonly name: string;
  /** Name of the animal; made known when it is new. Compared without case. */
  readonly subject?: string | null | undefined;
  /** ISO-8601 UTC with milliseconds; null where nothing says so. */
  readonly startedAt?: string | null | undefined;
  readonly tzOffsetMin?: number | null | undefined;
  /** Absolute folder the files are in. Files are linked, not copied. */
  readonly folder: string;
  readonly format: string;
  /** Hex digest that identifies the content (see docs/architecture.md 5); the same digest is the same recording. */
  readonly contentDigest: string;
  readonly sample?: boolean | undefined;
  readonly recordings: readonly NewRecording[];
  /** Films of its behaviour cameras, relative to the session's folder: files of one behaviour recording. */
  readonly cameraFiles?: readonly string[] | undefined;
  readonly findings: readonly Finding[];
}

/** A session as the library knows it. Whether its files still exist is a question for the disk, see {@link Library.filesPresent}. */
export type StoredSession = Omit<SessionRow, 'filesPresent'> & {
  /** Absolute folder that {@link NewRecordingFile.path} is relative to. */
  readonly folder: string;
  /** `miniscope-daq-v4`, `film` … as the reader named it. */
  readonly format: string;
  readonly contentDigest: string;
};
