// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MotionReport, type recordedApi } from '../contract/index.ts';
import type { Handlers } from '../rpc/index.ts';
import type { RunFolder } from './run-folder.ts';

type Motion = NonNullable<Awaited<ReturnType<Handlers<typeof recordedApi.procedures>['motion']>>>;

/** Each part is read by itself: what an older or newer engine says otherwise is left out, not the rest. */
function toReport(value: unknown): MotionReport | null {
  const raw = z.record(z.string(), z.unknown()).safeParse(value);
  if (!raw.success) return null;
  const part = <K extends keyof MotionReport>(name: K): MotionReport[K] | null => {
    const read = MotionReport.shape[name].safeParse(raw.data[name] ?? null);
    return read.success ? (read.data as MotionReport[K]) : null;
  };
  return {
    shiftPx: part('shiftPx'),
    stepPx: part('stepPx'),
    quality: part('quality'),
    unsureShare: part('unsureShare'),
    boundShare: part('boundShare'),
    crispness: part('crispness'),
    piecewise: part('piecewise'),
    rotation: part('rotation'),
    residualFlow: part('residualFlow'),
  };
}

async function readReport(run: RunFolder): Promise<MotionReport | null> {
  try {
    return toReport(JSON.parse(await readFile(path.join(run.folder, 'motion_report.json'), 'utf8')));
  } catch {
    // The displacements are there without it.
    return null;
  }
}

/** All of a small array. @throws AppError `disk.io` */
async function readWhole(run: RunFolder, file: string, shape: readonly number[]): Promise<Float32Array> {
  const array = await run.array(file, shape);
  try {
    return Float32Array.from(
      await array.read(
        0,
        shape.reduce((product, length) => product * length, 1),
      ),
    );
  } finally {
    await array.close();
  }
}

/** The least and the most of every `step`-th value in columns of frames; null where none is known. */
export function columnExtremes(
  values: ArrayLike<number>,
  frames: number,
  columns: number,
  { step = 1, offset = 0 } = {},
): { readonly low: (number | null)[]; readonly high: (number | null)[] } {
  const low: (number | null)[] = [];
  const high: (number | null)[] = [];
  for (let column = 0; column < columns; column += 1) {
    const first = Math.floor((column * frames) / columns);
    const end = Math.max(first + 1, Math.floor(((column + 1) * frames) / columns));
    let [least, most] = [Infinity, -Infinity];
    for (let frame = first; frame < end; frame += 1) {
      const value = values[frame * step + offset] ?? Number.NaN;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    low.push(least <= most ? least : null);
    high.push(least <= most ? most : null);
  }
  return { low, high };
}

/** How the picture moved; null where the run has no displacements. @throws AppError `disk.io` */
export async function motionOf(run: RunFolder, wanted: number): Promise<Motion | null> {
  const { frames, files } = run.manifest;
  if (!files.has('motion.npy') || frames === 0) return null;
  const columns = Math.min(wanted, frames);
  const motion = await readWhole(run, 'motion.npy', [frames, 2]);
  const quality = files.has('motion_quality.npy') ? await readWhole(run, 'motion_quality.npy', [frames]) : null;
  return {
    frames: Array.from({ length: columns }, (_, column) => ((column + 0.5) * frames) / columns - 0.5),
    dy: columnExtremes(motion, frames, columns, { step: 2 }),
    dx: columnExtremes(motion, frames, columns, { step: 2, offset: 1 }),
    quality: quality === null ? null : columnExtremes(quality, frames, columns).low,
    report: await readReport(run),
  };
}
