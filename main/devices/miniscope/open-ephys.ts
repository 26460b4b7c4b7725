// SPDX-License-Identifier: MIT
import { orientationOf, type Orientation } from './quaternion.ts';

/** What Open Ephys' firmware from 1.1 on writes into the odd bytes of a frame's first 20 pixels (acquisition.md 2.8). */
export interface FrameMetadata {
  /** Frames since the stream was asked for, from 0. */
  readonly frame: number;
  /** The board's clock, ms. */
  readonly timeMs: number;
  /** Levels at the two inputs. */
  readonly inputs: readonly [boolean, boolean];
  readonly orientation: Orientation;
}

/** The board's own metadata of a frame; null with stock firmware, whose odd bytes are 0x80 throughout. */
export function frameMetadata(oddBytes: Uint8Array): FrameMetadata | null {
  if (oddBytes.length < 20 || oddBytes.every((byte) => byte === 0x80)) return null;
  const word = (n: number): number =>
    [3, 2, 1, 0].reduce((value, byte) => ((value << 8) | (oddBytes[4 * n + byte] ?? 0)) >>> 0, 0);
  const [wx, yz, state] = [word(3), word(4), word(2)];
  return {
    frame: word(0),
    timeMs: word(1),
    inputs: [(state & 1) === 1, (state & 2) === 2],
    orientation: orientationOf([wx & 0xffff, wx >>> 16, yz & 0xffff, yz >>> 16]),
  };
}
