// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';
import type { ExportRun } from './job.ts';
import { readWhole } from './run-arrays.ts';

const Geometry = z.object({
  bin: z.number().int().min(1),
  height: z.number().int().min(1),
  width: z.number().int().min(1),
  top: z.number().int().min(0),
  left: z.number().int().min(0),
  factor: z.number().int().min(1),
  coarseHeight: z.number().int().min(1),
  coarseWidth: z.number().int().min(1),
  courses: z.number().int().min(0),
});

/** What a run's background is made of, on the pixels of the stored frame (H × W, row-major). */
export interface BackgroundModel {
  /** Mean of the registered film without cells, grey levels. */
  readonly constant: Float32Array;
  /** White noise of a pixel, grey levels. */
  readonly noise: Float32Array;
  /** Number of shared courses. */
  readonly courses: number;
  /** Share of each pixel in the course `r`. */
  readonly shares: (r: number) => Float32Array;
  /** Courses × T. */
  readonly values: Float32Array;
}

/**
 * The background of a run on the frame’s own pixels; null where the run folder has none. Pixels outside of the working grid have the value of the nearest one
 * inside.
 *
 * @throws AppError `disk.io`
 */
export async function readBackground(run: ExportRun): Promise<BackgroundModel | null> {
  const folder = run.arrays.model;
  if (folder === null) return null;
  const geometry = Geometry.safeParse(
    await readFile(path.join(folder, 'background', 'geometry.json'), 'utf8').then(JSON.parse, () => null),
  );
  if (!geometry.success)
    throw new AppError('disk.io', 'The file background/geometry.json of this run is missing or damaged.', {
      hint: 'Restore the run folder from a backup, or process the recording again.',
    });
  const { bin, height, width, top, left, factor, coarseHeight, coarseWidth, courses } = geometry.data;
  const array = async (name: string, length: number): Promise<Float32Array> =>
    Float32Array.from((await readWhole(path.join(folder, `${name}.npy`), `${name}.npy`, length)) ?? []);
  const [constant, noise, shares, values] = await Promise.all([
    array('background/constant', height * width),
    array('statistics/noise', height * width),
    array('background/shares', coarseHeight * coarseWidth * courses),
    array('background/courses', courses * run.frames),
  ]);
  /** The pixel of a grid of so many frame pixels a side. */
  const place = (at: number, start: number, side: number, count: number): number =>
    Math.max(0, Math.min(count - 1, Math.floor((at - start) / side)));
  const onFrame = (of: (y: number, x: number) => number): Float32Array => {
    const out = new Float32Array(run.height * run.width);
    for (let y = 0; y < run.height; y += 1) for (let x = 0; x < run.width; x += 1) out[y * run.width + x] = of(y, x);
    return out;
  };
  const onGrid = (values: Float32Array): Float32Array =>
    onFrame((y, x) => values[place(y, top, bin, height) * width + place(x, left, bin, width)] ?? 0);
  const coarse = bin * factor;
  return {
    constant: onGrid(constant),
    // The mean of bin × bin pixels has 1/bin of the noise of one.
    noise: onGrid(noise.map((value) => value * bin)),
    courses,
    shares: (r) =>
      onFrame(
        (y, x) =>
          shares[
            (place(y, top, coarse, coarseHeight) * coarseWidth + place(x, left, coarse, coarseWidth)) * courses + r
          ] ?? 0,
      ),
    values,
  };
}
