// SPDX-License-Identifier: MIT
import { isMat5 } from '../../../mat5/index.ts';
import { isHdf5 } from '../hdf5.ts';
import { namesOfMat5, openMat5 } from './mat5.ts';
import { openMat73 } from './mat73.ts';
import type { MatFile, MatNames } from './mat-value.ts';

export type { MatFile, MatNames, MatNumbers, MatPages, MatSparse, MatTable } from './mat-value.ts';

/** A MAT file of level 5 or 7.3; null for anything else. @throws AppError `interop.unreadable` */
export async function openMat(place: string): Promise<MatFile | null> {
  if (!/\.mat$/i.test(place)) return null;
  if (await isHdf5(place)) return await openMat73(place);
  return (await isMat5(place)) ? await openMat5(place) : null;
}

/** The single numbers of a structure, by name. */
export function scalarsOf(file: MatFile, structure: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of file.names(structure)) {
    const field = file.get(`${structure}.${name}`);
    const value = field?.kind === 'numbers' && field.values.length === 1 ? Number(field.values[0]) : undefined;
    if (value !== undefined && Number.isFinite(value)) found[name] = value;
  }
  return found;
}

/** Names in a MAT file, without reading its values; null for anything else. @throws AppError `interop.unreadable` */
export async function namesOfMat(place: string): Promise<MatNames | null> {
  if (!/\.mat$/i.test(place)) return null;
  if (await isHdf5(place)) return await openMat73(place);
  return (await isMat5(place)) ? await namesOfMat5(place) : null;
}
