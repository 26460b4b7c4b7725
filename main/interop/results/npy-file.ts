// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { fileError } from '../../processing/index.ts';
import { checkSize, unreadable } from './check.ts';
import { numbersOfBytes, parseDtype } from './numpy-values.ts';
import { PickledArray, PickleError, readPickle, rowMajor, type Pickled } from './pickle.ts';

/** What other programs' `.npy` files hold: numbers of any type, either order of bytes and of axes, or pickled objects. */
export interface NpyContent {
  readonly shape: readonly number[];
  /** Row-major; null for objects. */
  readonly values: Float64Array | null;
  /** Objects in their order; null for numbers. */
  readonly objects: readonly Pickled[] | null;
}

/** @throws AppError `interop.unreadable`, `disk.io` */
export async function readNpy(place: string): Promise<NpyContent> {
  const bytes = await readFile(place).catch((error: unknown) => {
    throw fileError(error, `opening ${place}`);
  });
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\u0093NUMPY')
    throw unreadable(place, 'it is no NumPy array.');
  const version = bytes.readUInt8(6);
  const start = version === 1 ? 10 : 12;
  const offset = start + (version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  if (offset > bytes.length) throw unreadable(place, 'it ends within its header.');
  const header = bytes.toString('latin1', start, offset);
  const type = /'descr'\s*:\s*'([^']+)'/.exec(header)?.[1] ?? '';
  const isFortran = /'fortran_order'\s*:\s*True/.test(header);
  const shape = (/'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((axis) => axis.trim() !== '')
    .map(Number);
  checkSize(shape, 'table', place);
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
