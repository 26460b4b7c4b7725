// SPDX-License-Identifier: MIT
import { inflateSync } from 'node:zlib';
import { Mat5Error } from './error.ts';

/** Level 5 cannot hold larger variables; a file that claims more is not what it says. */
const largestVariable = 2 ** 31;
/** Deflate never packs tighter: a variable that claims more than this times its packed size lies. */
const tightest = 1100;
/** Types of elements that hold others. */
export const [compressed, matrix] = [15, 14];

/** Bytes of one value by the type of storage. */
const sizes: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 2,
  5: 4,
  6: 4,
  7: 4,
  9: 8,
  12: 8,
  13: 8,
  16: 1,
  17: 2,
  18: 4,
};

/** One element: its type, its bytes and where the next one begins. */
export interface Element {
  readonly type: number;
  readonly bytes: Buffer;
  readonly next: number;
}

/** Reads elements of one order of bytes. */
export class Elements {
  readonly #isLittle: boolean;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  cut(): Mat5Error {
    return new Mat5Error('it is cut off, or its parts contradict each other.');
  }

  u32(data: Buffer, at: number): number {
    if (at < 0 || at + 4 > data.length) throw this.cut();
    return this.#isLittle ? data.readUInt32LE(at) : data.readUInt32BE(at);
  }

  at(data: Buffer, at: number): Element {
    const word = this.u32(data, at);
    const packed = word >>> 16;
    // Up to four bytes are packed into the tag.
    if (packed !== 0) {
      if (packed > 4 || at + 8 > data.length) throw this.cut();
      return { type: word & 0xffff, bytes: data.subarray(at + 4, at + 4 + packed), next: at + 8 };
    }
    const size = this.u32(data, at + 4);
    if (at + 8 + size > data.length) throw this.cut();
    const padded = word === compressed ? size : Math.ceil(size / 8) * 8;
    return { type: word, bytes: data.subarray(at + 8, at + 8 + size), next: at + 8 + padded };
  }

  numbers({ type, bytes }: Element): Float64Array {
    const size = sizes[type];
    if (size === undefined) throw new Mat5Error(`values of type ${type} are not read.`);
    const count = Math.floor(bytes.length / size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const little = this.#isLittle;
    const read: Readonly<Record<number, (at: number) => number>> = {
      1: (at) => view.getInt8(at),
      2: (at) => view.getUint8(at),
      3: (at) => view.getInt16(at, little),
      4: (at) => view.getUint16(at, little),
      5: (at) => view.getInt32(at, little),
      6: (at) => view.getUint32(at, little),
      7: (at) => view.getFloat32(at, little),
      9: (at) => view.getFloat64(at, little),
      12: (at) => Number(view.getBigInt64(at, little)),
      13: (at) => Number(view.getBigUint64(at, little)),
      16: (at) => view.getUint8(at),
      17: (at) => view.getUint16(at, little),
      18: (at) => view.getUint32(at, little),
    };
    const one = read[type] ?? (() => Number.NaN);
    const out = new Float64Array(count);
    for (let i = 0; i < count; i += 1) out[i] = one(i * size);
    return out;
  }

  /** The beginning of a packed variable; empty where it is damaged. */
  beginning(bytes: Buffer): Buffer {
    try {
      return inflateSync(bytes, { maxOutputLength: 32 * 2 ** 20, finishFlush: 2 });
    } catch {
      return Buffer.alloc(0);
    }
  }

  /**
   * Bytes that a packed variable says it has.
   *
   * @param bytes - its beginning, or all of it
   * @param packed - bytes of all of it
   * @throws Mat5Error for one that cannot be
   */
  unpackedBytes(bytes: Buffer, packed: number): number {
    const head = this.beginning(bytes.subarray(0, 4096));
    if (head.length < 8) throw new Mat5Error('a packed variable is damaged.');
    const claimed = this.u32(head, 4) + 8;
    if (claimed > largestVariable || claimed > (packed + 64) * tightest)
      throw new Mat5Error(`a packed variable of ${packed} bytes says it has ${claimed}.`);
    return claimed;
  }

  /** A packed variable whole. Its own size is looked at before it is unpacked. */
  inflate(bytes: Buffer): Buffer {
    const claimed = this.unpackedBytes(bytes, bytes.length);
    try {
      return inflateSync(bytes, { maxOutputLength: claimed + 8 });
    } catch (error) {
      throw new Mat5Error('a packed variable is damaged, cut off or longer than it says.', { cause: error });
    }
  }
}
