// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AppError } from '../../main/contract/index.ts';
import type { FilmProbe } from '../../main/media/index.ts';
import type { ProbeFilm } from '../../main/sessions/index.ts';

/** A folder that is removed with the test. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/** Makes an empty folder. */
export function temporaryFolder(): TemporaryFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-test-'));
  return { path: folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Writes files below a folder; objects become JSON. */
export function writeTree(root: string, files: Readonly<Record<string, string | object>>): void {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 4));
  }
}

/**
 * Stands for the media crate: a "film" is a text file `frames width height [containerFps]`. A film of zero frames is refused as the crate
 * refuses it.
 */
export const fakeProbe: ProbeFilm = async (file) => {
  const { readFile } = await import('node:fs/promises');
  const [frames = Number.NaN, width = 0, height = 0, containerFps = 60] = (await readFile(file, 'utf8'))
    .split(' ')
    .map(Number);
  if (Number.isNaN(frames)) throw new AppError('media.unreadable', `${path.basename(file)} is no film.`);
  if (frames === 0) throw new AppError('media.empty', `${path.basename(file)} holds no frame.`);
  const probe: FilmProbe = { frames, width, height, containerFps, codec: 'GREY', findings: [] };
  return probe;
};

/** Rows of a timeStamps.csv at whole milliseconds. */
export function timeStampsCsv(times: readonly number[], header = 'Frame Number,Time Stamp (ms),Buffer Index'): string {
  const rows = times.map((ms, frame) => `${frame},${ms},0`);
  return `${[header, ...rows].join('\n')}\n`;
}

/** `count` times `stepMs` apart from `firstMs` on. */
export const regularTimes = (count: number, stepMs: number, firstMs = 0): number[] =>
  Array.from({ length: count }, (_, frame) => firstMs + frame * stepMs);
