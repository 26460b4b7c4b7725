// SPDX-License-Identifier: MIT
import path from 'node:path';
import type { WrittenFilm } from '../media/index.ts';
import type { Disk, DiskFile } from './disk.ts';

/** A file of films does not grow beyond this: its sizes are 31-bit numbers for some readers. */
const largestFile = 1 << 30;
const keyFrame = 0x10;
/** Places in the head of what is counted as the file grows. */
const places = { riffSize: 4, totalFrames: 48, streamLength: 140, moviSize: 216 } as const;

/** The head of an AVI file of one film of JPEG pictures, with nothing counted yet. */
function head(size: { readonly width: number; readonly height: number }, fps: number): Buffer {
  const bytes = Buffer.alloc(224);
  const { width, height } = size;
  const text = (at: number, word: string): void => void bytes.write(word, at, 'latin1');
  const number = (at: number, value: number): void => void bytes.writeUInt32LE(value, at);
  text(0, 'RIFF');
  text(8, 'AVI LIST');
  number(16, 192);
  text(20, 'hdrlavih');
  number(28, 56);
  number(32, Math.round(1e6 / fps));
  number(44, keyFrame);
  number(56, 1);
  number(64, width);
  number(68, height);
  text(88, 'LIST');
  number(92, 116);
  text(96, 'strlstrh');
  number(104, 56);
  text(108, 'vidsMJPG');
  number(128, 1000);
  number(132, Math.round(fps * 1000));
  number(148, 0xffff_ffff);
  bytes.writeUInt16LE(width, 160);
  bytes.writeUInt16LE(height, 162);
  text(164, 'strf');
  number(168, 40);
  number(172, 40);
  number(176, width);
  number(180, height);
  bytes.writeUInt16LE(1, 184);
  bytes.writeUInt16LE(24, 186);
  text(188, 'MJPG');
  number(192, width * height * 3);
  text(212, 'LIST');
  number(216, 4);
  text(220, 'movi');
  return bytes;
}

interface OpenFile {
  readonly name: string;
  readonly file: DiskFile;
  readonly index: { readonly at: number; readonly size: number }[];
  length: number;
  /** Its end is being written, or was. */
  closed?: Promise<void>;
}

/** What a film of JPEG pictures is. */
export interface JpegFilmOptions {
  /** A folder that exists. */
  readonly folder: string;
  readonly size: { readonly width: number; readonly height: number };
  /** Frames per second for the container; times are kept elsewhere. */
  readonly fps: number;
  readonly framesPerFile: number;
}

/** Pictures that wait for the disk; as many as a scope's ring holds. */
const ring = 128;

/**
 * A film of JPEG pictures as they came from a camera, in AVI files `0.avi`, `1.avi` … that any reader opens, whole or cut off: the head counts what is on the disk, and the index
 * comes last. Whoever brings pictures never waits.
 */
export class JpegFilm {
  readonly #options: JpegFilmOptions;
  readonly #disk: Pick<Disk, 'create' | 'syncFolder'>;
  readonly #waiting: Uint8Array[] = [];
  readonly #done: WrittenFilm[] = [];
  #file: OpenFile;
  #writing: Promise<void> | undefined;
  /** A file is closed only when nobody syncs it: neither would a sync find it gone, nor its head be counted back. */
  #syncing: Promise<void> = Promise.resolve();
  #highWater = 0;
  #failure: unknown;

  private constructor(options: JpegFilmOptions, disk: Pick<Disk, 'create' | 'syncFolder'>, file: OpenFile) {
    this.#options = options;
    this.#disk = disk;
    this.#file = file;
  }

  /** Makes the first file. @throws the system's error */
  static async create(options: JpegFilmOptions, disk: Pick<Disk, 'create' | 'syncFolder'>): Promise<JpegFilm> {
    return new JpegFilm(options, disk, await openFile(options, disk, 0));
  }

  /** Most pictures that ever waited; 128 fit. */
  get highWater(): number {
    return this.#highWater;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** The system's error that ended it; undefined while it works. */
  get failure(): unknown {
    return this.#failure;
  }

  push(jpeg: Uint8Array): 'taken' | 'full' | 'failed' {
    if (this.#failure !== undefined) return 'failed';
    if (this.#waiting.length >= ring) return 'full';
    this.#waiting.push(jpeg);
    this.#highWater = Math.max(this.#highWater, this.#waiting.length);
    this.#writing ??= this.#writeAll();
    return 'taken';
  }

  /** What was written is on the disk, and counted, when it resolves. @throws the system's error */
  async sync(): Promise<void> {
    const open = this.#file;
    // Closing it puts it on the disk.
    if (open.closed !== undefined) return await open.closed;
    const syncing = syncOpen(open);
    this.#syncing = syncing.catch(() => undefined);
    await syncing;
  }

  /** Writes what waits, adds the index. @throws the system's error; what was written before is readable */
  async finish(): Promise<readonly WrittenFilm[]> {
    await this.#writing;
    await this.#close();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#done;
  }

  async #writeAll(): Promise<void> {
    try {
      for (let jpeg = this.#waiting[0]; jpeg !== undefined; jpeg = this.#waiting[0]) {
        if (this.#file.index.length >= this.#options.framesPerFile || this.#file.length + jpeg.length > largestFile) {
          const next = await openFile(this.#options, this.#disk, this.#done.length + 1);
          await this.#close();
          this.#file = next;
        }
        await this.#append(jpeg);
        this.#waiting.shift();
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#writing = undefined;
    }
  }

  async #append(jpeg: Uint8Array): Promise<void> {
    const { file, index, length } = this.#file;
    const chunk = Buffer.alloc(8 + jpeg.length + (jpeg.length & 1));
    chunk.write('00dc', 0, 'latin1');
    chunk.writeUInt32LE(jpeg.length, 4);
    chunk.set(jpeg, 8);
    try {
      await file.write(chunk, length);
    } catch (error) {
      // Half a picture would stand where the index is looked for.
      await file.truncate(length).catch(() => undefined);
      throw error;
    }
    index.push({ at: length, size: jpeg.length });
    this.#file.length += chunk.length;
  }

  #close(): Promise<void> {
    this.#file.closed = this.#end(this.#file);
    return this.#file.closed;
  }

  async #end({ file, index, length, name }: OpenFile): Promise<void> {
    await this.#syncing;
    try {
      const bytes = Buffer.alloc(8 + 16 * index.length);
      bytes.write('idx1', 0, 'latin1');
      bytes.writeUInt32LE(16 * index.length, 4);
      for (const [n, { at, size }] of index.entries()) {
        bytes.write('00dc', 8 + 16 * n, 'latin1');
        bytes.writeUInt32LE(keyFrame, 12 + 16 * n);
        bytes.writeUInt32LE(at - places.moviSize - 4, 16 + 16 * n);
        bytes.writeUInt32LE(size, 20 + 16 * n);
      }
      await file.write(bytes, length);
      await file.sync();
      await count(file, { frames: index.length, length, end: length + bytes.length });
      await file.sync();
      this.#done.push({ name, frames: index.length, bytes: length + bytes.length });
    } catch (error) {
      this.#failure ??= error;
      await file.truncate(length).catch(() => undefined);
      this.#done.push({ name, frames: index.length, bytes: length });
    } finally {
      await file.close();
    }
  }
}

async function syncOpen({ file, index, length }: OpenFile): Promise<void> {
  // Pictures that come meanwhile are not on the disk yet.
  const frames = index.length;
  await file.sync();
  await count(file, { frames, length });
  await file.sync();
}

async function openFile(
  {
    folder,
    size,
    fps,
  }: {
    readonly folder: string;
    readonly size: { readonly width: number; readonly height: number };
    readonly fps: number;
  },
  disk: Pick<Disk, 'create' | 'syncFolder'>,
  number: number,
): Promise<OpenFile> {
  const name = `${number}.avi`;
  const file = await disk.create(path.join(folder, name));
  const bytes = head(size, fps);
  try {
    await file.write(bytes, 0);
    await count(file, { frames: 0, length: bytes.length });
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  return { name, file, index: [], length: bytes.length };
}

/** Writes counts and sizes into the head. */
async function count(
  file: DiskFile,
  { frames, length, end = length }: { readonly frames: number; readonly length: number; readonly end?: number },
): Promise<void> {
  for (const [at, value] of [
    [places.riffSize, end - 8],
    [places.totalFrames, frames],
    [places.streamLength, frames],
    [places.moviSize, length - places.moviSize - 4],
  ] as const) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    await file.write(bytes, at);
  }
}
