// SPDX-License-Identifier: MIT
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { AppError } from '../contract/index.ts';
import { findFfmpeg } from './ffmpeg.ts';

/** Pictures on their way into a film file. */
export interface Encoding {
  /** Absolute path of the file to be. */
  readonly target: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** What a pixel of a given picture is: a grey level, or red, green and blue. */
  readonly pixels: 'gray' | 'rgb24';
  /** ffmpeg's options for the coding and the container. */
  readonly form: readonly string[];
  /** What the film is for, where ffmpeg is missing: “A small copy of the film needs ffmpeg”. */
  readonly what: string;
  readonly hint: string;
}

/** A film being written by ffmpeg. One of `finish` and `abandon` ends it. */
export interface Encoder {
  /** Takes a picture; waits while ffmpeg is behind. @throws AppError `media.io` */
  readonly write: (picture: Uint8Array) => Promise<void>;
  /** Writes what is left and closes the file. @throws AppError `media.io`, `disk.full` */
  readonly finish: () => Promise<void>;
  /** Ends ffmpeg; an unfinished file stays at the target for the caller to remove. */
  readonly abandon: () => Promise<void>;
}

/** The ffmpeg that encodes. @throws AppError `media.ffmpeg_missing` */
export function encodingFfmpeg(what: string, hint: string): string {
  const ffmpeg = findFfmpeg();
  if (ffmpeg === undefined)
    throw new AppError('media.ffmpeg_missing', `${what} needs ffmpeg, which is not installed.`, { hint });
  return ffmpeg;
}

/** The first of some codecs that this ffmpeg can write; undefined where it has none of them. */
export function firstEncoder(ffmpeg: string, names: readonly string[]): string | undefined {
  const { stdout } = spawnSync(ffmpeg, ['-hide_banner', '-encoders'], { encoding: 'utf8' });
  const known = new Set([...(stdout ?? '').matchAll(/^ V\S+ (\S+)/gm)].map(([, name]) => name));
  return names.find((name) => known.has(name));
}

/** Begins a film. @throws AppError `media.ffmpeg_missing` */
export function startEncoder({ target, width, height, fps, pixels, form, what, hint }: Encoding): Encoder {
  const ffmpeg = encodingFfmpeg(what, hint);
  const source = ['-f', 'rawvideo', '-pix_fmt', pixels, '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0'];
  const child = spawn(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...source, ...form, target], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const ended = once(child, 'close') as Promise<[number | null]>;
  // What breaks the pipe is told by the exit code.
  child.stdin.on('error', () => undefined);
  ended.catch(() => undefined);
  const failure = (): AppError => {
    const words = said.join('').trim();
    if (/no space left/i.test(words))
      return new AppError('disk.full', 'The disk became full while the film was written; nothing was kept.');
    return new AppError('media.io', `ffmpeg could not write the film: ${words.split('\n').at(-1) ?? ''}`);
  };
  return {
    write: async (picture) => {
      if (child.exitCode !== null || child.signalCode !== null) throw failure();
      if (!child.stdin.write(picture)) await Promise.race([once(child.stdin, 'drain'), ended]);
    },
    finish: async () => {
      child.stdin.end();
      const [code] = await ended;
      if (code !== 0) throw failure();
    },
    abandon: async () => {
      child.kill('SIGKILL');
      await ended.catch(() => undefined);
    },
  };
}
