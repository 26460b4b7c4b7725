// SPDX-License-Identifier: MIT
import { readFile, rename, stat, truncate } from 'node:fs/promises';
import path from 'node:path';
import { inspectAvi, repairAvi, type WrittenFilm } from '../media/index.ts';
import { filmNames } from './recovery.ts';

/**
 * What is left of a device's recording after the disk refused to take more: frames that waited are gone, the last film may be torn, and rows may stand for frames that never came.
 * Films are closed as well as it goes, and frames and rows end together, since other programs expect a row for each. Nothing here needs room on the disk but an index, for
 * which a torn last frame makes way.
 *
 * @param rows rows of timeStamps.csv that are whole
 */
export async function fitFilms(folder: string, rows: number): Promise<readonly WrittenFilm[]> {
  const films: WrittenFilm[] = [];
  let left = rows;
  for (const name of await filmNames(folder)) {
    const file = path.join(folder, name);
    const frames = await closedWith(file, left);
    left -= frames;
    // As a recovery does: it would trip other programs' readers.
    if (frames === 0) await rename(file, `${file}.empty`);
    else films.push({ name, frames, bytes: (await stat(file)).size });
  }
  const frames = rows - left;
  const last = await cutTable(path.join(folder, 'timeStamps.csv'), (_row, n) => n < frames);
  await cutTable(path.join(folder, 'calyxFrames.csv'), (_row, n) => n < frames);
  const lastMs = Number(last?.split(',')[1] ?? Number.NEGATIVE_INFINITY);
  await cutTable(path.join(folder, 'headOrientation.csv'), (row) => Number(row.split(',')[0]) <= lastMs);
  return films;
}

/** Frames of a film once it is closed; of one that has no room for its index as many as can be read. */
async function closedWith(file: string, most: number): Promise<number> {
  try {
    return (await repairAvi(file, most)).frames;
  } catch {
    const state = await inspectAvi(file).catch(() => null);
    return Math.min(most, state?.frames ?? 0);
  }
}

/** Cuts a table behind its last row that is kept, in place; gives that row. */
async function cutTable(file: string, isKept: (row: string, n: number) => boolean): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return undefined;
  const [header = '', ...rows] = text.split('\n').slice(0, -1);
  const first = rows.findIndex((row, n) => !isKept(row, n));
  const kept = first === -1 ? rows : rows.slice(0, first);
  const whole = [header, ...kept, ''].join('\n');
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
  return kept.at(-1);
}
