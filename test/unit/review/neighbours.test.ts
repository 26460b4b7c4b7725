// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { cosine, neighboursOf, pearson } from '../../../main/review/neighbours.ts';
import { RunFolder } from '../../../main/review/run-folder.ts';
import { newCells, temporaryFolder } from '../../support/library.ts';
import { writeRun } from '../../support/run-folder.ts';

const { signal } = new AbortController();

it('correlation is that of the textbook, over the frames both know', () => {
  const a = Float32Array.from([1, 2, 3, Number.NaN, 4]);
  expect(
    pearson(
      a,
      a.map((v) => 3 * v - 1),
    ),
  ).toBeCloseTo(1, 6);
  expect(
    pearson(
      a,
      a.map((v) => -v),
    ),
  ).toBeCloseTo(-1, 6);
  expect(pearson(Float32Array.from([1, 2, 4]), Float32Array.from([1, 3, 2]))).toBeCloseTo(0.3273, 3);
  expect(pearson(a, new Float32Array(5))).toBeNull();
});

it('overlap is the cosine of the footprints, whatever the order of their pixels', () => {
  const matrix = {
    rows: 3,
    columns: 9,
    indptr: Float64Array.from([0, 2, 4, 5]),
    indices: Float64Array.from([1, 2, 2, 1, 7]),
    data: Float64Array.from([1, 0.5, 0.5, 1, 1]),
  };
  expect(cosine(matrix, 0, 1)).toBeCloseTo(1, 6);
  expect(cosine(matrix, 0, 2)).toBe(0);
});

it('names the cells within three diameters with their figures, and refuses a cell that is not there', async () => {
  const folder = temporaryFolder();
  writeRun(folder, { frames: 500 });
  const run = await RunFolder.open(folder);
  const at = (y: number, x: number) => ({ centroid: { y, x } });
  const places = [at(5, 30), at(20, 30), at(29, 39)];
  const cells = newCells(3).map((cell, row) =>
    Object.assign({}, cell, places[row]!, {
      uuid: `0198a000-0005-7000-8000-00000000000${row}`,
      row,
      label: 'undecided' as const,
      reasons: [...cell.reasons],
      metrics: { ...cell.metrics },
    }),
  );
  const near = await neighboursOf(run, [], cells, cells[0]!.uuid, signal);
  // 8.5 px a diameter: cell 2 is 25.6 px away, beyond three of them.
  expect(near.map(({ row, distancePx }) => [row, distancePx])).toEqual([[1, 15]]);
  expect(near[0]).toMatchObject({ overlap: 0, maybeOne: false });
  expect(Math.abs(near[0]?.correlation ?? 1)).toBeLessThan(0.3);
  await expect(neighboursOf(run, [], cells, '0198a000-0005-7000-8000-000000000009', signal)).rejects.toMatchObject({
    code: 'review.unknown_cell',
  });
});
