// SPDX-License-Identifier: MIT
import { open, readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import type { PositionReader } from '../types.ts';
import { unreadable } from '../text.ts';

/** Does a file begin as MATLAB's level 5 does? */
export async function isMat5(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return false;
  try {
    const head = Buffer.alloc(128);
    const { bytesRead } = await handle.read(head, 0, 128, 0).catch(() => ({ bytesRead: 0 }));
    return (
      bytesRead === 128 &&
      head.toString('latin1', 0, 19) === 'MATLAB 5.0 MAT-file' &&
      head.toString('latin1', 126) === 'IM'
    );
  } finally {
    await handle.close();
  }
}

/** The one real matrix of a file, rows × columns in column order as MATLAB has it. */
export interface MatMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

interface Element {
  readonly type: number;
  readonly bytes: Buffer;
  readonly next: number;
}

const compressed = 15;
const matrix = 14;

function elementAt(data: Buffer, at: number): Element {
  const word = data.readUInt32LE(at);
  // Up to four bytes are packed into the tag.
  if (word >>> 16 !== 0)
    return { type: word & 0xffff, bytes: data.subarray(at + 4, at + 4 + (word >>> 16)), next: at + 8 };
  const size = data.readUInt32LE(at + 4);
  if (at + 8 + size > data.length) throw new RangeError('an element reaches beyond the end');
  const padded = word === compressed ? size : Math.ceil(size / 8) * 8;
  return { type: word, bytes: data.subarray(at + 8, at + 8 + size), next: at + 8 + padded };
}

/** Values by MATLAB's type of storage, which may be smaller than the class of the matrix. */
function numbersOf({ type, bytes }: Element): Float64Array {
  const of = (size: number, read: (at: number) => number): Float64Array =>
    Float64Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => read(i * size));
  if (type === 9) return of(8, (at) => bytes.readDoubleLE(at));
  if (type === 7) return of(4, (at) => bytes.readFloatLE(at));
  if (type === 1) return of(1, (at) => bytes.readInt8(at));
  if (type === 2) return of(1, (at) => bytes.readUInt8(at));
  if (type === 3) return of(2, (at) => bytes.readInt16LE(at));
  if (type === 4) return of(2, (at) => bytes.readUInt16LE(at));
  if (type === 5) return of(4, (at) => bytes.readInt32LE(at));
  if (type === 6) return of(4, (at) => bytes.readUInt32LE(at));
  throw new RangeError(`values of type ${type} are not read`);
}

function matrixOf(data: Buffer): MatMatrix | null {
  const flags = elementAt(data, 0);
  const kind = flags.bytes.readUInt8(0);
  // Doubles, singles and whole numbers; no cells, structures or text.
  if (kind < 6 || kind > 15) return null;
  const sizes = elementAt(data, flags.next);
  const name = elementAt(data, sizes.next);
  const values = numbersOf(elementAt(data, name.next));
  const [rows = 0, columns = 0, ...more] = numbersOf(sizes);
  if (more.length > 0 || rows * columns !== values.length) return null;
  return { name: name.bytes.toString('latin1'), rows, columns, values };
}

/** Reads a file that holds one matrix of real numbers. @throws AppError `position.unreadable` */
export async function readMat5(file: string): Promise<MatMatrix> {
  const data = await readFile(file);
  const found: MatMatrix[] = [];
  try {
    for (let at = 128; at + 8 <= data.length;) {
      let element = elementAt(data, at);
      at = element.next;
      if (element.type === compressed) {
        // A bound, so that a small file cannot ask for all memory.
        const inflated = inflateSync(element.bytes, { maxOutputLength: 2 ** 30 });
        element = elementAt(inflated, 0);
      }
      const one = element.type === matrix ? matrixOf(element.bytes) : null;
      if (one !== null) found.push(one);
    }
  } catch (error) {
    throw unreadable(file, `it is damaged: ${error instanceof Error ? error.message : ''}.`);
  }
  const [one, other] = found;
  if (one !== undefined && other === undefined) return one;
  throw unreadable(
    file,
    one === undefined
      ? 'it holds no matrix of numbers.'
      : `it holds several matrices: ${found.map(({ name }) => name).join(', ')}. Save the one of positions alone.`,
  );
}

/** A matrix of positions: a row a sample; one column is x alone (a track), two are x and y, three are time, x and y. */
export const mat5: PositionReader = {
  title: 'MAT file of positions',
  recognises: ({ path }) => isMat5(path),
  read: async (file) => {
    const { name, rows, columns, values } = await readMat5(file);
    // A row vector is a track, too.
    const [samples, width] = rows === 1 ? [columns, 1] : [rows, columns];
    if (width > 3) throw unreadable(file, `${name} has ${width} columns; known are x; x and y; time, x and y.`);
    const column = (at: number): Float64Array => values.slice(at * samples, (at + 1) * samples);
    const first = width === 3 ? 1 : 0;
    return {
      program: 'mat',
      unit: null,
      parts: [
        {
          part: 'animal',
          x: Float32Array.from(column(first)),
          y: width === 1 ? new Float32Array(samples) : Float32Array.from(column(first + 1)),
          likelihood: null,
        },
      ],
      timesS: width === 3 ? column(0) : null,
      frames: null,
      findings: width === 1 ? [`${name} has one column: positions along a track, y is 0.`] : [],
    };
  },
};
