// SPDX-License-Identifier: MIT
import { promisify } from 'node:util';
import { deflate, inflateSync } from 'node:zlib';
import { AppError } from '../../contract/index.ts';
import type { TypedJson } from '../../library/index.ts';

/**
 * DataJoint's blobs (reference: datamodel.md 3.9): numeric arrays in MATLAB's order, Python's own values, a zlib container above a kilobyte.
 */

/** Numbers an array blob may hold. */
export type BlobNumbers =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** An array of any shape, row-major. */
export interface BlobArray {
  readonly shape: readonly number[];
  readonly values: BlobNumbers;
}

/** A value as Python has it. Tuples, lists and sets become lists; a dictionary's keys are texts. */
export type BlobValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | BlobArray
  | readonly BlobValue[]
  | { readonly [key: string]: BlobValue };

/** Types of array elements by DataJoint's number: bool 3, doubles 6 … */
const kinds: Readonly<Record<number, { readonly bytes: number; readonly make: (bytes: ArrayBuffer) => BlobNumbers }>> =
  {
    3: { bytes: 1, make: (bytes) => new Uint8Array(bytes) },
    6: { bytes: 8, make: (bytes) => new Float64Array(bytes) },
    7: { bytes: 4, make: (bytes) => new Float32Array(bytes) },
    8: { bytes: 1, make: (bytes) => new Int8Array(bytes) },
    9: { bytes: 1, make: (bytes) => new Uint8Array(bytes) },
    10: { bytes: 2, make: (bytes) => new Int16Array(bytes) },
    11: { bytes: 2, make: (bytes) => new Uint16Array(bytes) },
    12: { bytes: 4, make: (bytes) => new Int32Array(bytes) },
    13: { bytes: 4, make: (bytes) => new Uint32Array(bytes) },
    14: { bytes: 8, make: (bytes) => new BigInt64Array(bytes) },
    15: { bytes: 8, make: (bytes) => new BigUint64Array(bytes) },
  };

function kindOf(values: BlobNumbers): number {
  if (values instanceof Float64Array) return 6;
  if (values instanceof Float32Array) return 7;
  if (values instanceof Int8Array) return 8;
  if (values instanceof Uint8Array) return 9;
  if (values instanceof Int16Array) return 10;
  if (values instanceof Uint16Array) return 11;
  if (values instanceof Int32Array) return 12;
  if (values instanceof Uint32Array) return 13;
  return values instanceof BigInt64Array ? 14 : 15;
}

const isBlobArray = (value: object): value is BlobArray => 'values' in value && ArrayBuffer.isView(value.values);

/** Place of each row-major element among the column-major ones. */
function columnMajor(shape: readonly number[]): Uint32Array {
  const total = shape.reduce((product, size) => product * size, 1);
  const places = new Uint32Array(total);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const at = shape.map(() => 0);
  for (let i = 0; i < total; i += 1) {
    places[i] = at.reduce((sum, index, axis) => sum + index * (strides[axis] ?? 0), 0);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      at[axis] = (at[axis] ?? 0) + 1;
      if ((at[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at[axis] = 0;
    }
  }
  return places;
}

const isLinear = (shape: readonly number[]): boolean => shape.filter((size) => size !== 1).length <= 1;

const u64 = (value: number): Buffer => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
};

const withLength = (bytes: Buffer): Buffer => Buffer.concat([u64(bytes.length), bytes]);

function packArray({ shape, values }: BlobArray): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(kindOf(values), 0);
  let ordered = values;
  if (!isLinear(shape)) {
    ordered = values.slice();
    for (const [i, place] of columnMajor(shape).entries()) ordered[place] = values[i] ?? 0;
  }
  const data = Buffer.from(ordered.buffer, ordered.byteOffset, ordered.byteLength);
  return Buffer.concat([Buffer.from('A'), u64(shape.length), ...shape.map((size) => u64(size)), head, data]);
}

function packInteger(value: bigint): Buffer {
  const bits = (value < 0n ? -value : value).toString(2).length;
  const length = value === 0n ? 1 : Math.floor(bits / 8) + 1;
  const out = Buffer.alloc(3 + length);
  out[0] = 0x0a;
  out.writeUInt16LE(length, 1);
  let rest = BigInt.asUintN(8 * length, value);
  for (let i = 0; i < length; i += 1) {
    out[3 + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

function pack(value: BlobValue): Buffer {
  if (value === null) return Buffer.of(0xff);
  if (typeof value === 'boolean') return Buffer.of(0x0b, value ? 1 : 0);
  if (typeof value === 'bigint') return packInteger(value);
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return packInteger(BigInt(value));
    const out = Buffer.alloc(9);
    out[0] = 0x0d;
    out.writeDoubleLE(value, 1);
    return out;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value, 'utf8');
    return Buffer.concat([Buffer.of(5), u64(text.length), text]);
  }
  if (value instanceof Date) {
    const date = value.getUTCFullYear() * 10_000 + (value.getUTCMonth() + 1) * 100 + value.getUTCDate();
    const clock =
      (value.getUTCHours() * 10_000 + value.getUTCMinutes() * 100 + value.getUTCSeconds()) * 1e6 +
      value.getUTCMilliseconds() * 1000;
    const out = Buffer.alloc(13);
    out.write('t', 'latin1');
    out.writeInt32LE(date, 1);
    out.writeBigInt64LE(BigInt(clock), 5);
    return out;
  }
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.of(2), u64(value.length), ...value.map((each: BlobValue) => withLength(pack(each)))]);
  }
  if (isBlobArray(value)) return packArray(value);
  const entries = Object.entries(value as Readonly<Record<string, BlobValue>>);
  return Buffer.concat([
    Buffer.of(4),
    u64(entries.length),
    ...entries.flatMap(([key, each]) => [withLength(pack(key)), withLength(pack(each))]),
  ]);
}

/** Smaller blobs are not compressed. */
const compressAbove = 1000;
const deflateAside = promisify(deflate);

/** A value as DataJoint writes it: arrays as `mYm`, everything else as `dj0`. */
export async function packBlob(value: BlobValue): Promise<Buffer> {
  const isArray = typeof value === 'object' && value !== null && !(value instanceof Date) && isBlobArray(value);
  const plain = Buffer.concat([Buffer.from(isArray ? 'mYm\0' : 'dj0\0', 'latin1'), pack(value)]);
  if (plain.length <= compressAbove) return plain;
  const packed = Buffer.concat([Buffer.from('ZL123\0', 'latin1'), u64(plain.length), await deflateAside(plain)]);
  return packed.length < plain.length ? packed : plain;
}

/** No blob of this field is larger. */
const largestBlob = 2 ** 31;

const damaged = (why: string): AppError =>
  new AppError('interop.unreadable', `A blob of the database cannot be read: ${why}.`, {
    hint: 'It may be damaged, or written by a program other than DataJoint.',
  });

/** Reads bytes in order; never beyond their end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(length: number): Buffer {
    if (!(length >= 0) || this.#at + length > this.#bytes.length) throw damaged('it is cut off');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  size(): number {
    const value = this.take(8).readBigUInt64LE();
    if (value > BigInt(largestBlob)) throw damaged('it speaks of an impossible size');
    return Number(value);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }
}

const deepest = 50;

/** A number as a double where it is one without loss. */
const asNumber = (value: bigint): number | bigint =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : value;

function unpackInteger(cursor: Cursor): number | bigint {
  const bytes = cursor.take(cursor.take(2).readUInt16LE());
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return asNumber(BigInt.asIntN(8 * bytes.length, value));
}

function unpackArray(cursor: Cursor): BlobValue {
  const axes = cursor.size();
  if (axes > 32) throw damaged(`an array has ${axes} axes`);
  const shape = Array.from({ length: axes }, () => cursor.size());
  const number = cursor.take(4).readUInt32LE();
  const isComplex = cursor.take(4).readUInt32LE() !== 0;
  const kind = kinds[number];
  if (kind === undefined || isComplex)
    throw damaged(
      `an array holds ${isComplex ? 'complex numbers' : `elements of kind ${number}`}, which Calyx does not read`,
    );
  const total = shape.reduce((product, size) => product * size, 1);
  if (total * kind.bytes > cursor.left) throw damaged('it is cut off');
  const values = kind.make(Uint8Array.from(cursor.take(total * kind.bytes)).buffer);
  if (shape.length === 0) return asPlain(values[0]);
  if (isLinear(shape)) return { shape, values };
  const ordered = values.slice();
  for (const [i, place] of columnMajor(shape).entries()) ordered[i] = values[place] ?? 0;
  return { shape, values: ordered };
}

const asPlain = (value: number | bigint | undefined): BlobValue =>
  typeof value === 'bigint' ? asNumber(value) : (value ?? null);

/** Tuples and floats that are whole keep their kind as typed JSON has it, where that is asked for: the hash of a parameter set hangs on it. */
function unpack(cursor: Cursor, depth: number, typed: boolean): BlobValue {
  if (depth > deepest) throw damaged('its values are nested too deeply');
  const inside = (): BlobValue => unpack(new Cursor(cursor.take(cursor.size())), depth + 1, typed);
  const kind = cursor.take(1)[0] ?? 0;
  switch (kind) {
    case 0xff:
      return null;
    case 0x01: {
      const items = Array.from({ length: counted(cursor) }, inside);
      return typed ? { $tuple: items } : items;
    }
    case 0x02:
    case 0x03:
      return Array.from({ length: counted(cursor) }, inside);
    case 0x04:
      return Object.fromEntries(Array.from({ length: counted(cursor) }, () => [textOf(inside()), inside()]));
    case 0x05:
      return cursor.take(cursor.size()).toString('utf8');
    case 0x06:
      return bytesOf(cursor.take(cursor.size()));
    case 0x0a:
      return unpackInteger(cursor);
    case 0x0b:
      return cursor.take(1)[0] !== 0;
    case 0x0d: {
      const value = cursor.take(8).readDoubleLE();
      return typed && Number.isInteger(value) ? { $float: value } : value;
    }
    case 0x41:
      return unpackArray(cursor);
    case 0x64:
      return cursor.take(cursor.size()).toString('latin1');
    case 0x74:
      return unpackDate(cursor);
    case 0x75: {
      const hex = cursor.take(16).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    }
    default:
      throw damaged(`it holds a value of kind 0x${kind.toString(16)}, which Calyx does not read`);
  }
}

const bytesOf = (bytes: Buffer): BlobArray => ({ shape: [bytes.length], values: Uint8Array.from(bytes) });

/** Each element takes at least nine bytes: a count beyond that lies. */
function counted(cursor: Cursor): number {
  const count = cursor.size();
  if (count * 9 > cursor.left) throw damaged('it speaks of more elements than it holds');
  return count;
}

const textOf = (value: BlobValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

function unpackDate(cursor: Cursor): Date {
  const date = cursor.take(4).readInt32LE();
  const clock = Number(cursor.take(8).readBigInt64LE());
  const seconds = Math.floor(clock / 1e6);
  return new Date(
    Date.UTC(
      Math.floor(date / 10_000),
      (Math.floor(date / 100) % 100) - 1,
      date % 100,
      Math.floor(seconds / 10_000),
      Math.floor(seconds / 100) % 100,
      seconds % 100,
      Math.floor((clock % 1e6) / 1000),
    ),
  );
}

/** What a blob holds. @throws AppError `interop.unreadable` */
export function unpackBlob(bytes: Buffer): BlobValue {
  return unpackWhole(bytes, false);
}

/**
 * A dictionary of parameters or settings as typed JSON: tuples stay tuples, arrays become lists, what JSON has no word for its text.
 *
 * @throws AppError `interop.unreadable`
 */
export function unpackTyped(bytes: Buffer): TypedJson {
  return typedOf(unpackWhole(bytes, true));
}

function typedOf(value: BlobValue): TypedJson {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((each: BlobValue) => typedOf(each));
  if (isBlobArray(value)) return Array.from<number | bigint, TypedJson>(value.values, (each) => typedOf(asPlain(each)));
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, BlobValue>>).map(([key, each]) => [key, typedOf(each)]),
  );
}

function unpackWhole(bytes: Buffer, typed: boolean): BlobValue {
  let plain = bytes;
  if (bytes.subarray(0, 6).equals(Buffer.from('ZL123\0', 'latin1'))) {
    const size = new Cursor(bytes.subarray(6)).size();
    try {
      plain = inflateSync(bytes.subarray(14), { maxOutputLength: Math.max(1, size) });
    } catch (error) {
      throw Object.assign(damaged('its packed bytes are damaged'), { cause: error });
    }
    if (plain.length !== size) throw damaged('it is cut off');
  }
  const protocol = plain.subarray(0, 4).toString('latin1');
  if (protocol !== 'mYm\0' && protocol !== 'dj0\0') throw damaged('it does not begin as one');
  return unpack(new Cursor(plain.subarray(4)), 0, typed);
}
