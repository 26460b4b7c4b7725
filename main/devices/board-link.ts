// SPDX-License-Identifier: MIT
import type { AssemblyCounts, RawFrame } from './miniscope/frame-assembler.ts';
import type { Selector } from './miniscope/uvc.ts';

/**
 * A way to a Miniscope DAQ board: simulated, or on USB; `open-link.ts` chooses, and Media Foundation and AVFoundation fit there. Above it everything is the same.
 */
export interface BoardLink extends AsyncDisposable {
  /** Agrees on a frame size and lets frames come. @throws AppError `device.bad_setting` for a size the board does not have, `device.no_answer` */
  readonly start: (
    size: { readonly width: number; readonly height: number },
    onFrame: (frame: RawFrame) => void,
  ) => Promise<void>;
  /** Ends the stream; no frame comes after it has resolved. */
  readonly stop: () => Promise<void>;
  /** Writes a control of the processing unit, 16 bits. @throws AppError `device.no_answer` */
  readonly setControl: (control: Selector, value: number) => Promise<void>;
  /** Reads a control, 16 bits. @throws AppError `device.no_answer` */
  readonly getControl: (control: Selector) => Promise<number>;
  /** Where the link can: these are read with each frame from now on and come with it, however late it is taken. */
  readonly readWithFrames?: (controls: readonly Selector[]) => void;
  /** It may answer with what it read before: only controls that it was told to read anew are believed. */
  readonly remembersReads?: boolean;
  /** Payloads that made no frame. */
  readonly counts: () => AssemblyCounts;
  /** The USB port it is on, where the back-end knows it. */
  readonly port?: string;
  /** Resolves with a sentence when the board is gone. */
  readonly gone: Promise<string>;
}
