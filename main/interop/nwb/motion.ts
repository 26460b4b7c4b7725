// SPDX-License-Identifier: MIT
import { NpyFile } from '../../arrays/index.ts';
import { AppError } from '../../contract/index.ts';
import { slabRows } from '../hdf5.ts';
import type { ExportRun } from '../job.ts';
import { readWhole } from '../run-arrays.ts';
import { sampling, type Timeline } from '../timeline.ts';
import type { NwbWriter } from './nwb-writer.ts';

const ophys = '/processing/ophys';

/** Shifts of each frame, and of its blocks where these were registered one by one. @throws AppError `disk.io` */
export async function writeMotion(nwb: NwbWriter, run: ExportRun, timeline: Timeline): Promise<void> {
  const motion = await readWhole(run.arrays.motion, 'motion.npy', run.frames * 2);
  if (motion === null) return;
  const xy = new Float32Array(motion.length);
  // NWB asks for the shift that aligns the frame: the negative of where the content went, x first.
  for (let t = 0; t < run.frames; t += 1) {
    xy[2 * t] = -(motion[2 * t + 1] ?? 0);
    xy[2 * t + 1] = -(motion[2 * t] ?? 0);
  }
  const series = {
    description: 'Motion correction: shift (x, y) that aligns each frame to the template, px.',
    unit: 'pixels',
    data: xy,
    shape: [run.frames, 2],
  };
  // Not in a CorrectedImageStack: that must hold the corrected film, which follows from the original and these shifts and is not stored twice;
  // nwbinspector takes an empty one for a fault.
  nwb.series(`${ophys}/xy_translation`, 'TimeSeries', series);
  nwb.sampling(`${ophys}/xy_translation`, sampling(timeline.times));
  await writeBlocks(nwb, run, timeline);
}

/** Shifts of the blocks as T × rows × columns × (x, y), slab by slab. */
async function writeBlocks(nwb: NwbWriter, run: ExportRun, timeline: Timeline): Promise<void> {
  const blocks = run.arrays.motionBlocks;
  if (blocks === null) return;
  const { rows, columns, place } = blocks;
  const size = rows.length * columns.length;
  const series = `${ophys}/xy_translation_blocks`;
  const file = await NpyFile.open(place, 'motion_blocks.npy');
  try {
    if (file.shape.join() !== [run.frames, 2, rows.length, columns.length].join())
      throw new AppError(
        'disk.io',
        `The file motion_blocks.npy of this run is ${file.shape.join(' × ')}, which does not fit it.`,
        {
          hint: 'Process the recording again.',
        },
      );
    nwb.group(series, 'TimeSeries', {
      description: `Piecewise motion correction: shifts (x, y) that align the blocks of each frame, px: time × rows × columns × (x, y). Blocks are centred on the rows ${rows.join(', ')} and the columns ${columns.join(', ')} (px, 0 is the centre of the first); between them shifts are bilinear, beyond them held. xy_translation is their mean over the frame.`,
      comments: 'no comments',
    });
    const step = slabRows(size * 8);
    const data = nwb.seriesData(
      series,
      [run.frames, rows.length, columns.length, 2],
      [Math.min(step, 1024), rows.length, columns.length, 2],
      'pixels',
    );
    for (let t = 0; t < run.frames; t += step) {
      const count = Math.min(step, run.frames - t);
      const values = await file.read(t * 2 * size, count * 2 * size);
      const out = new Float32Array(count * 2 * size);
      for (let i = 0; i < count; i += 1) {
        for (let p = 0; p < size; p += 1) {
          out[(i * size + p) * 2] = -(values[(2 * i + 1) * size + p] ?? 0);
          out[(i * size + p) * 2 + 1] = -(values[2 * i * size + p] ?? 0);
        }
      }
      data.write_slice(
        [
          [t, t + count],
          [0, rows.length],
          [0, columns.length],
          [0, 2],
        ],
        out,
      );
    }
  } finally {
    await file.close();
  }
  nwb.sampling(series, sampling(timeline.times));
}
