// SPDX-License-Identifier: MIT
import path from 'node:path';
import { readSparseRows } from '../../../arrays/index.ts';
import type { Library } from '../../../library/index.ts';
import { countsAsNeuron } from '../../../review/index.ts';
import { type Area, areaOfPixels, areasOf } from './agreement.ts';
import { readOutlines } from './read-outlines.ts';

/** Cells that somebody, or a run, marked on a field. */
export interface Marked {
  readonly names: readonly string[];
  /** One each; null for one without a pixel. */
  readonly areas: readonly (Area | null)[];
  readonly findings: readonly string[];
}

/** Outlines that a person drew. @throws AppError `interop.unreadable`, `disk.io` */
export async function markedInFile(place: string): Promise<Marked> {
  const { outlines, findings } = await readOutlines(place);
  return { names: outlines.map(({ name }) => name), areas: areasOf(outlines), findings };
}

/**
 * Cells of a run that count as such (accepted, or suggested where nobody decided), where they have at least half of their maximum. Cells that edits
 * changed are those of before.
 *
 * @throws AppError `run.not_found`, `disk.io`
 */
export async function markedByRun(library: Library, runUuid: string): Promise<Marked> {
  const { folder, inputs } = await library.runs.get(runUuid);
  const recording = await library.sessions.recording(inputs[0]?.recordingUuid ?? '');
  const { data, indices, indptr } = await readSparseRows(path.join(folder, 'footprints.npz'), 'footprints.npz');
  const rows = (await library.runs.cells(runUuid)).filter(
    (cell) => countsAsNeuron(cell) && cell.row < indptr.length - 1,
  );
  const areas = rows.map(({ row }) => {
    const [from, to] = [Number(indptr[row]), Number(indptr[row + 1])];
    let most = 0;
    for (let i = from; i < to; i += 1) most = Math.max(most, data[i] ?? 0);
    const pixels: number[] = [];
    for (let i = from; i < to; i += 1) if ((data[i] ?? 0) >= most / 2 && most > 0) pixels.push(Number(indices[i]));
    return areaOfPixels(pixels, recording.width);
  });
  return { names: rows.map(({ row }) => `cell ${row}`), areas, findings: [] };
}
