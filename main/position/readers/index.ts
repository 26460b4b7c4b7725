// SPDX-License-Identifier: MIT
import { isDamage } from '../../interop/index.ts';
import { unreadable } from '../text.ts';
import type { PositionReader } from '../types.ts';
import { deeplabcutCsv } from './deeplabcut-csv.ts';
import { deeplabcutHdf5, sleapHdf5 } from './hdf5.ts';
import { mat5 } from './mat5.ts';
import { plainCsv } from './plain-csv.ts';
import { poseCsv } from './pose-csv.ts';

const readers: readonly PositionReader[] = [deeplabcutHdf5, sleapHdf5, mat5, poseCsv, deeplabcutCsv, plainCsv];

/** All readers; the first that recognises a file reads it. What the library of HDF5 says of damage becomes a sentence. */
export const positionReaders: readonly PositionReader[] = readers.map(({ title, recognises, read }) => ({
  title,
  recognises: (file) => sentence(file.path, () => recognises(file)),
  read: (file, onShare) => sentence(file, () => read(file, onShare)),
}));

async function sentence<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDamage(error)) throw unreadable(file, 'it is damaged.');
    throw error;
  }
}
