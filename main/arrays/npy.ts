// SPDX-License-Identifier: MIT
import { read } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { unopened, unreadable } from './unreadable.ts';

/** NumPy's NPY format, as far as run folders use it: little-endian, C order, versions 1 to 3. */

const readers = {
  '<f4': { bytes: 4, view: (buffer: ArrayBuffer) => new Float32Array(buffer) },
  '<f8': { bytes: 8, view: (buffer: ArrayBuffer) => new Float64Array(buffer) },
  '|u1': { bytes: 1, view: (buffer: ArrayBuffer) => new Uint8Array(buffer) },
  '<u4': { bytes: 4, view: (buffer: ArrayBuffer) => new Uint32Array(buffer) },
  '<i4': { bytes: 4, view: (buffer: ArrayBuffer) => new Int32Array(buffer) },
  '<i8': { bytes: 8, view: (buffer: ArrayBuffer) => Float64Array.from(new BigInt64Array(buffer), Number) },
} as const;

/** Element types that can be read. */
export type NpyType = keyof typeof readers;
/** 64-bit integers come as doubles. */
export type NpyArray = Float32Array | Float64Array | Uint8Array | Uint32Array | Int32Array;

export interface NpyHeader {
  readonly type: NpyType;
  readonly shape: readonly number[];
  /** Bytes before the first element. */
  readonly offset: number;
}

function isNpyType(text: string): text is NpyType {
  return Object.hasOwn(readers, text);
}

/**
 * Reads a header.
 *
 * @param bytes - the beginning of a file, at least 12 bytes
 * @returns null when the header goes on beyond `bytes`
 * @throws AppError `disk.io`
 */
export function parseNpyHeader(bytes: Buffer, name: string): NpyHeader | null {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\u0093NUMPY')
    throw unreadable(name, 'it is not an array');
  const version = bytes.readUInt8(6);
  const start = version === 1 ? 10 : 12;
  const offset = start + (version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  if (offset > bytes.length) return null;
  const text = bytes.toString('utf8', start, offset);
  const type = /'descr'\s*:\s*'([^']+)'/.exec(text)?.[1] ?? '';
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const axes = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (!isNpyType(type)) throw unreadable(name, `its element type “${type}” is not one this program reads`);
  if (order !== 'False' || axes === undefined) throw unreadable(name, 'it is not kept row by row');
  const shape = axes
    .split(',')
    .map((axis) => axis.trim())
    .filter((axis) => axis !== '')
    .map(Number);
  return { type, shape, offset };
}

/** The number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Elements that lie in memory. @param bytes - exactly the elements */
function toArray(type: NpyType, bytes: Uint8Array): NpyArray {
  // A copy of its own starts at an address that suits every element size.
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return readers[type].view(copy);
}

/** A whole array from the bytes of a file. @throws AppError `disk.io` */
export function decodeNpy(bytes: Buffer, name: string): { readonly shape: readonly number[]; readonly data: NpyArray } {
  const header = parseNpyHeader(bytes, name);
  if (header === null) throw unreadable(name, 'it ends within its header');
  const length = elements(header.shape) * readers[header.type].bytes;
  if (bytes.length < header.offset + length) throw unreadable(name, 'it is shorter than its header says');
  return {
    shape: header.shape,
    data: toArray(header.type, bytes.subarray(header.offset, header.offset + length)),
  };
}

const headerGuess = 256;

/** Pieces that are read at once: enough to keep the system's threads busy. */
const piecesAtOnce = 16;

/** An array on disk of which pieces are read when they are needed. */
export class NpyFile {
  readonly name: string;
  readonly shape: readonly number[];
  readonly #handle: FileHandle;
  readonly #header: NpyHeader;

  private constructor(name: string, handle: FileHandle, header: NpyHeader) {
    this.name = name;
    this.shape = header.shape;
    this.#handle = handle;
    this.#header = header;
  }

  /** @throws AppError `disk.io` when the file is missing, torn or not an array this program reads */
  static async open(path: string, name: string = basename(path)): Promise<NpyFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (error) {
      throw unopened(name, error);
    }
    try {
      const header = await readHeader(handle, name);
      const { size } = await handle.stat();
      if (size < header.offset + elements(header.shape) * readers[header.type].bytes) {
        throw unreadable(name, 'it is shorter than its header says');
      }
      return new NpyFile(name, handle, header);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Elements `first … first + count − 1` in the order of the file.
   *
   * @throws AppError `disk.io`
   */
  async read(first: number, count: number): Promise<NpyArray> {
    const { type, offset } = this.#header;
    const { bytes, view } = readers[type];
    const buffer = new ArrayBuffer(count * bytes);
    const into = new Uint8Array(buffer);
    let done = 0;
    while (done < into.length) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, offset + first * bytes + done);
      if (bytesRead === 0) throw unreadable(this.name, 'it ends too early');
      done += bytesRead;
    }
    return view(buffer);
  }

  /**
   * Pieces of equal length from several places, one after another in one array: rows of a window. Several are under way at once, and no
   * promise is made for each, which would cost more than reading it.
   *
   * @param scratch - memory of the caller's that is read into where it is large enough; the array lies in it
   * @throws AppError `disk.io`
   */
  async readPieces(firsts: readonly number[], count: number, scratch?: ArrayBuffer): Promise<NpyArray> {
    const { type, offset } = this.#header;
    const { bytes, view } = readers[type];
    const length = count * bytes;
    const total = firsts.length * length;
    const buffer = scratch !== undefined && scratch.byteLength >= total ? scratch : new ArrayBuffer(total);
    const into = new Uint8Array(buffer, 0, total);
    const { fd } = this.#handle;
    await new Promise<void>((resolve, reject) => {
      const state = { next: 0, open: 0, failure: undefined as Error | undefined };
      const start = (piece: number, done: number): void => {
        state.open += 1;
        const position = offset + (firsts[piece] ?? 0) * bytes + done;
        read(fd, into, piece * length + done, length - done, position, (error, bytesRead) => {
          state.open -= 1;
          if (error !== null || bytesRead === 0) state.failure ??= error ?? unreadable(this.name, 'it ends too early');
          else if (done + bytesRead < length) start(piece, done + bytesRead);
          more();
        });
      };
      const more = (): void => {
        while (state.failure === undefined && state.next < firsts.length && state.open < piecesAtOnce) {
          start(state.next, 0);
          state.next += 1;
        }
        if (state.open > 0) return;
        if (state.failure === undefined) resolve();
        else reject(state.failure);
      };
      if (length === 0) resolve();
      else more();
    });
    return view(buffer).subarray(0, firsts.length * count);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function readHeader(handle: FileHandle, name: string): Promise<NpyHeader> {
  for (let length = headerGuess; length <= 2 ** 20; length *= 16) {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await handle.read(bytes, 0, length, 0);
    const header = parseNpyHeader(bytes.subarray(0, bytesRead), name);
    if (header !== null) return header;
    if (bytesRead < length) break;
  }
  throw unreadable(name, 'it ends within its header');
}
