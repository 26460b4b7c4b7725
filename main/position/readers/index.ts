// SPDX-License-Identifier: MIT
import type { PositionReader } from '../types.ts';
import { deeplabcutCsv } from './deeplabcut-csv.ts';
import { deeplabcutHdf5, sleapHdf5 } from './hdf5.ts';
import { mat5 } from './mat5.ts';
import { plainCsv } from './plain-csv.ts';
import { poseCsv } from './pose-csv.ts';

/** All readers; the first that recognises a file reads it. */
export const positionReaders: readonly PositionReader[] = [
  deeplabcutHdf5,
  sleapHdf5,
  mat5,
  poseCsv,
  deeplabcutCsv,
  plainCsv,
];
