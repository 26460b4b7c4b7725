// SPDX-License-Identifier: MIT
import { binding, fromNative } from './binding.ts';
import { useFoundFfmpeg } from './probe.ts';

/** One frame of a film as bytes, row-major. */
export interface Still {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
}

/**
 * An early frame of a film, read on the native threads; the film is closed again.
 *
 * @throws AppError `media.empty`, `media.unreadable`, `media.ffmpeg_missing`, `media.io`, `engine.missing`
 */
export async function readStill(film: string): Promise<Still> {
  useFoundFfmpeg();
  try {
    const { handle, width, height, frames } = await binding().openRecording([film]);
    try {
      // The light comes on with the first frames.
      const { bytes } = await binding().readFrame(handle, Math.min(10, frames - 1), 0, 0);
      return { width, height, bytes };
    } finally {
      binding().closeRecording(handle);
    }
  } catch (error) {
    throw fromNative(error);
  }
}
