// SPDX-License-Identifier: MIT
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '../../contract/index.ts';
import type { Clock } from '../clock.ts';
import { cameraArguments, type CameraWish } from './arguments.ts';
import { jpegSize, JpegStream } from './jpeg-stream.ts';

/** A picture of a camera, as the camera made it. */
export interface CameraPicture {
  /** A JPEG file. */
  readonly jpeg: Uint8Array;
  /** Monotonic, when its last byte was here, ns. */
  readonly atNs: bigint;
}

/** A behaviour camera that gives pictures. */
export interface Camera extends AsyncDisposable {
  readonly name: string;
  readonly size: { readonly width: number; readonly height: number };
  /** Pictures go there from now on. */
  readonly follow: (onPicture: (picture: CameraPicture) => void) => void;
  /** Resolves with why no picture comes any more. */
  readonly ended: Promise<string>;
}

/** What opening a camera needs. */
export interface CameraWorld {
  readonly clock: Clock;
  /** The program that reads cameras. */
  readonly ffmpeg: string;
  readonly platform?: NodeJS.Platform;
}

/** A camera that gives no picture within this time gives none, ms. */
const patienceMs = 10_000;
/** Bytes of what ffmpeg says that are kept for the reason. */
const mostWords = 2000;

/** Opens a camera; resolves with its first picture. @throws AppError `device.not_found` with ffmpeg's own words, `device.no_answer` */
export async function openCamera(
  wish: CameraWish,
  { clock, ffmpeg, platform = process.platform }: CameraWorld,
): Promise<Camera> {
  const films = wish.playback === null ? [] : await filmsOf(wish.playback);
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(ffmpeg, cameraArguments(wish, platform, films), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-mostWords);
  });
  let onPicture: (picture: CameraPicture) => void = () => undefined;
  let first: (jpeg: Uint8Array) => void = () => undefined;
  const begun = new Promise<Uint8Array>((resolve) => {
    first = resolve;
  });
  const stream = new JpegStream((jpeg) => {
    first(jpeg);
    onPicture({ jpeg, atNs: clock.nowNs() });
  });
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      stream.take(chunk);
    } catch (error) {
      words = error instanceof Error ? error.message : String(error);
      child.kill('SIGKILL');
    }
  });
  let isClosing = false;
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`The camera ${wish.name} cannot be read: ${error.message}`));
    child.on('close', (code) => {
      const why = words.trim().split('\n').at(-1) ?? '';
      resolve(
        code === 0 && why === ''
          ? `The camera ${wish.name} gives no more pictures.`
          : `The camera ${wish.name} stopped${why === '' ? '' : `: ${why}`}.`,
      );
    });
  });
  const close = async (): Promise<void> => {
    isClosing = true;
    child.kill('SIGKILL');
    await ended;
  };
  const waited = new AbortController();
  const opened = await Promise.race([
    begun,
    ended,
    clock.sleep(patienceMs, waited.signal).then(
      () => null,
      () => null,
    ),
  ]);
  waited.abort();
  const size = opened instanceof Uint8Array ? jpegSize(opened) : null;
  if (!(opened instanceof Uint8Array) || size === null) {
    await close();
    throw typeof opened === 'string'
      ? new AppError('device.not_found', opened, { hint: 'Is it connected, and does no other program use it?' })
      : new AppError('device.no_answer', `The camera ${wish.name} gives no pictures.`);
  }
  return {
    name: wish.name,
    size,
    follow: (handler) => {
      onPicture = handler;
    },
    ended: ended.then((why) => (isClosing ? '' : why)),
    [Symbol.asyncDispose]: close,
  };
}

/** Films of a playback in the order of their numbers. */
async function filmsOf({
  folderPath,
  filePrefix,
}: {
  folderPath: string;
  filePrefix: string;
}): Promise<readonly string[]> {
  const names = await readdir(folderPath).catch(() => [] as string[]);
  return names
    .flatMap((name) => {
      const rest = name.startsWith(filePrefix) ? name.slice(filePrefix.length) : '';
      const [, number] = /^(\d+)\.(?:avi|mkv|mp4|mov)$/i.exec(rest) ?? [];
      return number === undefined ? [] : [{ name, number: Number(number) }];
    })
    .sort((a, b) => a.number - b.number)
    .map(({ name }) => path.join(folderPath, name));
}
