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
/** The field of one frame: where its nodes lie (px), and 2 × rows × columns displacements (all dy, then all dx), row-major. */
export interface MotionField {
  readonly rows: Float32Array;
  readonly columns: Float32Array;
  readonly values: Float32Array;
}
/** A frame (0-based over all films), its motion (dy, dx: displacement of the content, px), or the field where given, taken back. */
export function readFrame(handle: number, frame: number, dy: number, dx: number, field?: MotionField): Promise<Frame>;
/** Closes a recording; its decoders end. */
export function closeRecording(handle: number): void;
export interface FilmOptions {
  readonly folder: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly ffv1: boolean;
  readonly framesPerFile: number;
}
export interface FilmStats {
  readonly taken: number;
  readonly written: number;
  readonly synced: number;
  readonly bytes: number;
  readonly waiting: number;
  readonly highWater: number;
  readonly failure?: string | null;
}
export interface WrittenFilm {
  readonly name: string;
  readonly frames: number;
  readonly bytes: number;
}
/** Begins a film, `0.avi` in a folder that exists. */
export function startFilm(options: FilmOptions): Promise<number>;
/** Takes a frame without waiting; a frame that is not taken is lost. */
export function pushFrame(handle: number, frame: Uint8Array): 'taken' | 'full' | 'failed';
/** Counts so far; null for a film that has ended. */
export function filmStats(handle: number): FilmStats | null;
/** Writes what waits and closes the files. */
export function finishFilm(handle: number): Promise<readonly WrittenFilm[]>;
/** Opens a scene by the name of its preset. Throws for a name that is none. */
export function openScene(preset: string, seed: number, width: number, height: number): { readonly handle: number };
/** Draws frame `t` of a scene as a scope sees it into `out`. */
export function drawScene(handle: number, t: number, light: number, gain: number, blur: number, out: Uint8Array): void;
/** Closes a scene. */
export function closeScene(handle: number): void;
/** Computes an edit of a run's cells and writes its folder; JSON in (`Request` of the engine's `edit`) and out (`edit.json`). */
export function computeEdit(request: string): Promise<string>;
/** Writes the cells that hold after some edits as flat arrays; JSON in (`Collection` of the engine's `edit`) and out (the files written). */
export function collectCells(request: string): Promise<string>;
