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
  /** A frame anywhere costs no more than the frames from its key frame on. */
  readonly jumps: boolean;
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
/** Frames that must be decoded in vain to reach this one. */
export function frameLead(handle: number, frame: number): number;
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
export interface UsbBoard {
  readonly port: string;
  /** `board`, `high-speed`, `boot-loader`. */
  readonly kind: string;
  readonly productId: number;
  readonly speedMbps?: number | null;
  readonly serial?: string | null;
  readonly product?: string | null;
  readonly driver?: string | null;
  readonly permitted?: boolean | null;
  readonly users: readonly string[];
  /** The system's camera of it that may be used when raw access is refused. */
  readonly camera?: string | null;
}
export interface UsbBoards {
  readonly boards: readonly UsbBoard[];
  /** Why none could be looked for. */
  readonly unavailable?: string | null;
}
export interface UsbFrame {
  readonly pixels: Uint8Array;
  readonly oddBytes: Uint8Array;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  readonly controls: readonly { readonly selector: number; readonly value?: number | null }[];
}
export interface UsbStats {
  readonly payloads: number;
  readonly frames: number;
  readonly short: number;
  readonly oversize: number;
  readonly unended: number;
  readonly faulty: number;
  readonly badHeaders: number;
  readonly overrun: number;
  readonly transferErrors: number;
  readonly waiting: number;
  readonly highWater: number;
  readonly longestBurst: number;
}
/** The boards on this machine's USB ports. Where there is no USB it says so. */
export function listUsbBoards(): UsbBoards;
/** The same, on a thread of its own. */
export function lookForUsbBoards(): Promise<UsbBoards>;
/** Calls after each change at the USB ports until the handle is given to `unwatchUsbPorts`. Throws where the system gives no word. */
export function watchUsbPorts(onChange: () => void): number;
export function unwatchUsbPorts(handle: number): void;
/** Opens the board on a port (`2-1`), the one served at a socket (`redir:` and its path), or the system's camera of one (`v4l2:` and its node). `onEvent` gets null when frames wait, a sentence when the board is gone. */
export function openUsbBoard(address: string, nowNs: bigint, onEvent: (gone?: string | null) => void): Promise<number>;
/** Agrees on a frame size and lets frames come. */
export function startUsbBoard(handle: number, width: number, height: number): Promise<null>;
/** Ends the stream. */
export function stopUsbBoard(handle: number): Promise<null>;
/** Writes a control of the processing unit, 16 bits. Requests are done in the order they are asked. */
export function setUsbControl(handle: number, selector: number, value: number): Promise<null>;
/** Reads a control of the processing unit, 16 bits. */
export function getUsbControl(handle: number, selector: number): Promise<number>;
/** These controls are read right after each frame from now on. */
export function watchUsbControls(handle: number, selectors: readonly number[]): void;
/** The oldest frame that waits; null when none does. */
export function takeUsbFrame(handle: number): UsbFrame | null;
/** Counts since the stream began; null for a board that was closed. */
export function usbStats(handle: number): UsbStats | null;
/** Ends the stream and gives the board back to the system. */
export function closeUsbBoard(handle: number): Promise<null>;
/** Opens the model of a run after some edits (their folders, oldest first). */
export function openView(folder: string, layers: readonly string[]): Promise<number>;
/** The registered frame `frame` of the run taken apart: cells (half grey levels), background (grey levels), residual (quarters about 128), each of the frame's size. */
export function renderView(handle: number, frame: number, bytes: Uint8Array): Promise<Uint8Array>;
/** Closes a model. */
export function closeView(handle: number): void;
