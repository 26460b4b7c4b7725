// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import { binding, fromNative } from './binding.ts';
import { encodingFfmpeg, startEncoder } from './encoder.ts';
import { useFoundFfmpeg } from './probe.ts';

/** A small film to be made from the films of a recording. */
export interface ProxyJob {
  /** Absolute, in order. */
  readonly films: readonly string[];
  readonly fps: number;
  /** Absolute path of the AVI to be. */
  readonly target: string;
  readonly signal: AbortSignal;
  /** Told how many frames are done. */
  readonly onFrame?: (done: number, frames: number) => void;
}

/**
 * Quality of the pictures, ffmpeg's scale (2 best, 31 worst): at 8 a noisy film keeps a tenth of its bytes and a mean error below 3 grey
 * levels.
 */
const quality = '8';

/**
 * Writes the frames of a recording as Motion JPEG: frame n of one is frame n of the other, in the same size, so that everything drawn on it
 * fits; grey levels are near, not equal. An unreadable frame is as it is shown.
 *
 * @throws AppError `media.*`, `rpc.cancelled`; an unfinished film stays at `target` for the caller to remove
 */
export async function writeProxy({
  films,
  fps,
  target,
  signal,
  onFrame,
}: ProxyJob): Promise<{ readonly frames: number }> {
  useFoundFfmpeg();
  const what = 'A small copy of the film';
  const hint = 'Install ffmpeg, or pack with the whole film (--movie full) or without one (--movie none).';
  encodingFfmpeg(what, hint);
  const native = binding();
  try {
    const { handle, frames, height, width } = await native.openRecording(films);
    try {
      const form = ['-c:v', 'mjpeg', '-q:v', quality, '-pix_fmt', 'yuvj420p', '-threads', '2', '-f', 'avi'];
      const encoder = startEncoder({ target, width, height, fps, pixels: 'gray', form, what, hint });
      try {
        for (let frame = 0; frame < frames; frame += 1) {
          signal.throwIfAborted();
          const { bytes } = await native.readFrame(handle, frame, 0, 0);
          await encoder.write(bytes);
          onFrame?.(frame + 1, frames);
        }
      } catch (error) {
        await encoder.abandon();
        throw error;
      }
      await encoder.finish();
      return { frames };
    } finally {
      native.closeRecording(handle);
    }
  } catch (error) {
    if (signal.aborted) throw new AppError('rpc.cancelled', 'Packing was cancelled; nothing was written.');
    throw fromNative(error);
  }
}
