// SPDX-License-Identifier: MIT
import { type ForeignResult, slabsOf } from '../../main/interop/results/foreign-result.ts';

/** All values of one kind of traces of a result, row by row; none where it has no such traces. */
export async function valuesOf(
  result: ForeignResult | undefined,
  kind: keyof ForeignResult['traces'],
): Promise<readonly number[]> {
  const table = result?.traces[kind];
  if (result === undefined || table === undefined) return [];
  const values: number[] = [];
  for await (const slab of slabsOf(table, result.footprints.length, result.frames))
    for (const value of slab.values) values.push(value);
  return values;
}
