// SPDX-License-Identifier: MIT
import { Mat5Error, Mat5File, type Mat5Value, readMat5Names } from '../../../mat5/index.ts';
import { fileError } from '../../../processing/index.ts';
import { unreadable } from '../check.ts';
import type { MatFile, MatNames } from './mat-value.ts';

/** Names of variables and of the fields of structures, from the beginning of each: nothing is unpacked whole. @throws AppError `interop.unreadable`, `disk.io` */
export async function namesOfMat5(place: string): Promise<MatNames> {
  const found = await told(place, () => readMat5Names(place));
  return {
    names: (of) => (of === undefined ? [...found.keys()] : (found.get(of)?.fields ?? [])),
    objectClass: (name) => found.get(name)?.className ?? null,
    [Symbol.dispose]: () => undefined,
  };
}

/** Opens a MAT file of level 5. @throws AppError `interop.unreadable`, `disk.io` */
export async function openMat5(place: string): Promise<MatFile> {
  const file = await told(place, () => Mat5File.open(place));
  const variable = (name: string): Mat5Value | undefined => {
    try {
      return file.get(name);
    } catch (error) {
      throw error instanceof Mat5Error ? unreadable(place, error.message, error) : error;
    }
  };
  const find = (name: string): Mat5Value | undefined => {
    const [first = '', ...rest] = name.split('.');
    let value = variable(first);
    for (const part of rest) value = value?.kind === 'struct' ? value.fields.get(part) : undefined;
    return value;
  };
  return {
    names: (of) => {
      if (of === undefined) return file.names;
      const found = find(of);
      return found?.kind === 'struct' ? [...found.fields.keys()] : [];
    },
    get: (name) => {
      const found = find(name);
      return found?.kind === 'numbers' || found?.kind === 'sparse' ? found : null;
    },
    table: (name) => {
      const found = find(name);
      if (found?.kind !== 'numbers' || found.shape.length !== 2) return null;
      const [rows = 0, columns = 0] = found.shape;
      const { values } = found;
      return {
        shape: [rows, columns],
        rows: (first, count) => {
          const out = new Float32Array(count * columns);
          for (let t = 0; t < columns; t += 1)
            for (let k = 0; k < count; k += 1) out[k * columns + t] = Number(values[t * rows + first + k]);
          return Promise.resolve(out);
        },
        column: (index) => Array.from({ length: rows }, (_, i) => values[index * rows + i] ?? 0),
      };
    },
    pages: (name) => {
      const found = find(name);
      if (found?.kind !== 'numbers' || found.shape.length !== 3) return null;
      const [first = 0, second = 0, count = 0] = found.shape;
      const each = first * second;
      return {
        shape: [first, second, count],
        read: (from, to) => found.values.subarray(from * each, to * each),
      };
    },
    objectClass: (name) => {
      const found = find(name);
      return found?.kind === 'object' ? found.className : null;
    },
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

async function told<T>(place: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Mat5Error) throw unreadable(place, error.message, error);
    throw error instanceof Error && 'code' in error ? fileError(error, `opening ${place}`) : error;
  }
}
