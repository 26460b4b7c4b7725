// SPDX-License-Identifier: MIT
import { readFile, stat } from 'node:fs/promises';
import { fileError } from '../../processing/index.ts';
import { checkSize, unreadable } from './check.ts';
import type { RowSource } from './foreign-result.ts';
import { piece } from './piece.ts';
import { numbersOfBytes, type NumpyKind, parseDtype } from './numpy-values.ts';
import { PickledArray, PickleError, readPickle, rowMajor, type Pickled } from './pickle.ts';

/** What other programs' `.npy` files hold: numbers of any type, either order of bytes and of axes, or pickled objects. */
export interface NpyContent {
  readonly shape: readonly number[];
  /** Row-major; null for objects. */
  readonly values: Float64Array | null;
  /** Objects in their order; null for numbers. */
  readonly objects: readonly Pickled[] | null;
}

interface Header {
  readonly type: string;
  readonly isFortran: boolean;
  readonly shape: readonly number[];
  /** Bytes before the first element. */
  readonly offset: number;
}

/** @param bytes - the beginning of a file @throws AppError `interop.unreadable` */
function headerOf(bytes: Buffer, place: string): Header {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\u0093NUMPY')
    throw unreadable(place, 'it is no NumPy array.');
  const version = bytes.readUInt8(6);
  const start = version === 1 ? 10 : 12;
  const offset = start + (version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  if (offset > bytes.length) throw unreadable(place, 'it ends within its header.');
  const header = bytes.toString('latin1', start, offset);
  const shape = (/'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((axis) => axis.trim() !== '')
    .map(Number);
  checkSize(shape, 'table', place);
  return {
    type: /'descr'\s*:\s*'([^']+)'/.exec(header)?.[1] ?? '',
    isFortran: /'fortran_order'\s*:\s*True/.test(header),
    shape,
    offset,
  };
}

/** Longest beginning of a file in which its header is looked for. */
const headBytes = 64 * 1024;

/** A two-dimensional table of numbers whose rows are read when they are asked for; null for what is no such table. */
export interface NpyTable {
  readonly shape: readonly [rows: number, columns: number];
  readonly rows: RowSource;
}

/**
 * Opens a table; nothing of it stays in memory.
 *
 * @throws AppError `interop.unreadable` when it is no NumPy array or shorter than it says; `disk.io`
 */
export async function openNpyTable(place: string): Promise<NpyTable | null> {
  const head = await piece(place, 0, headBytes);
  const { type, isFortran, shape, offset } = headerOf(head, place);
  const [rows = 0, columns = 0] = shape;
  if (type === '|O' || shape.length !== 2) return null;
  if (isFortran) {
    // NumPy writes such a table only where another program turned it; it is read whole.
    const { values } = await readNpy(place);
    const all = Float32Array.from(values ?? []);
    return {
      shape: [rows, columns],
      rows: async (first, count) => await Promise.resolve(all.subarray(first * columns, (first + count) * columns)),
    };
  }
  let kind: NumpyKind;
  try {
    kind = parseDtype(type);
  } catch (error) {
    throw unreadable(place, `${error instanceof Error ? error.message : String(error)}.`, error);
  }
  const { size } = await stat(place);
  if (size < offset + rows * columns * kind.bytes) throw unreadable(place, 'it is cut off.');
  return {
    shape: [rows, columns],
    rows: async (first, count) => {
      const bytes = await piece(place, offset + first * columns * kind.bytes, count * columns * kind.bytes);
      try {
        return Float32Array.from(numbersOfBytes(kind, bytes, count * columns));
      } catch (error) {
        throw unreadable(place, 'it is cut off.', error);
      }
    },
  };
}

/** @throws AppError `interop.unreadable`, `disk.io` */
export async function readNpy(place: string): Promise<NpyContent> {
  const bytes = await readFile(place).catch((error: unknown) => {
    throw fileError(error, `opening ${place}`);
  });
  const { type, isFortran, shape, offset } = headerOf(bytes, place);
  const total = shape.reduce((product, size) => product * size, 1);
  try {
    if (type === '|O') {
      const read = readPickle(bytes, offset);
      const objects = read instanceof PickledArray ? read.objects : null;
      if (objects?.length !== total)
        throw new PickleError(`it holds ${objects?.length ?? 0} objects where its header says ${total}`);
      return { shape, values: null, objects };
    }
    const values = numbersOfBytes(parseDtype(type), bytes.subarray(offset), total);
    return { shape, values: isFortran ? rowMajor(values, shape) : values, objects: null };
  } catch (error) {
    if (error instanceof PickleError || error instanceof RangeError)
      throw unreadable(place, `${error.message}.`, error);
    throw error;
  }
}
