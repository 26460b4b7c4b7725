// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AppError } from '../contract/index.ts';
import { binding, fromNative } from './binding.ts';
import { findFfmpeg } from './ffmpeg.ts';
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
  const ffmpeg = findFfmpeg();
  if (ffmpeg === undefined)
    throw new AppError('media.ffmpeg_missing', 'A small copy of the film needs ffmpeg, which is not installed.', {
      hint: 'Install ffmpeg, or pack with the whole film (--movie full) or without one (--movie none).',
    });
  const native = binding();
  try {
    const { handle, frames, height, width } = await native.openRecording(films);
    try {
      const source = [
        '-f',
        'rawvideo',
        '-pix_fmt',
        'gray',
        '-s',
        `${width}x${height}`,
        '-r',
        String(fps),
        '-i',
        'pipe:0',
      ];
      const form = ['-c:v', 'mjpeg', '-q:v', quality, '-pix_fmt', 'yuvj420p', '-threads', '2', '-f', 'avi'];
      const child = spawn(ffmpeg, ['-v', 'error', '-y', ...source, ...form, target], {
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      const said: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
      const ended = once(child, 'close') as Promise<[number | null]>;
      // What breaks the pipe is told by the exit code.
      child.stdin.on('error', () => undefined);
      ended.catch(() => undefined);
      try {
        for (let frame = 0; frame < frames; frame += 1) {
          signal.throwIfAborted();
          const { bytes } = await native.readFrame(handle, frame, 0, 0);
          if (child.exitCode !== null) break;
          if (!child.stdin.write(bytes)) await Promise.race([once(child.stdin, 'drain'), ended]);
          onFrame?.(frame + 1, frames);
        }
      } catch (error) {
        child.kill('SIGKILL');
        await ended;
        throw error;
      }
      child.stdin.end();
      const [code] = await ended;
      if (code !== 0)
        throw new AppError(
          'media.io',
          `ffmpeg could not write the small film: ${said.join('').trim().split('\n').at(-1) ?? ''}`,
        );
      return { frames };
    } finally {
      native.closeRecording(handle);
    }
  } catch (error) {
    if (signal.aborted) throw new AppError('rpc.cancelled', 'Packing was cancelled; nothing was written.');
    throw fromNative(error);
  }
}
