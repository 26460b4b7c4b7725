// SPDX-License-Identifier: MIT
/** The native binding. Rejections carry JSON `{ code, message, hint }` in their message; `main/media` turns them into AppErrors. */
export interface FilmFinding {
  readonly code: string;
  readonly message: string;
}
export interface FilmInfo {
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly containerFps?: number | null;
  readonly codec: string;
  readonly findings: readonly FilmFinding[];
}
export interface RecordingInfo {
  readonly handle: number;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
}
export interface Frame {
  readonly bytes: Uint8Array;
  readonly unreadable: boolean;
}
/** Looks into one film. */
export function probeFilm(path: string): Promise<FilmInfo>;
/** Opens the films of one recording, in order. */
export function openRecording(paths: readonly string[]): Promise<RecordingInfo>;
/** A frame (0-based over all films), its motion (dy, dx: displacement of the content, px) taken back. */
export function readFrame(handle: number, frame: number, dy: number, dx: number): Promise<Frame>;
/** Closes a recording; its decoders end. */
export function closeRecording(handle: number): void;
