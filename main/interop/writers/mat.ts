// SPDX-License-Identifier: MIT
import { open, rm } from 'node:fs/promises';
import { Hdf5Writer, slabRows, type Attributes, type H5Dataset } from '../hdf5.ts';
import type { ExportCell, ExportJob, OnProgress, WrittenExport } from '../job.ts';
import { ratersOf } from '../raters.ts';
import { readFootprints, readWhole, TraceReader } from '../run-arrays.ts';
import { readTimeline } from '../timeline.ts';
import { type CellLabel, traceKinds } from '../../contract/index.ts';

/** Frames a chunk of traces holds. */
const chunkFrames = 2048;

/** Bytes MATLAB keeps for itself before the HDF5 file. */
const userBlock = 512;

/**
 * Writes a run as a MAT 7.3 file: HDF5 behind MATLAB's 512-byte header. Axes are MATLAB's, so `traces_raw` is K × T and `footprints` H × W × K there
 * (HDF5 readers see them reversed).
 *
 * @throws AppError `disk.io`
 */
export async function writeMat(job: ExportJob, progress: OnProgress): Promise<WrittenExport> {
  const { run } = job;
  const { height, width, frames, cells } = run;
  const inner = `${job.temporary}.h5`;
  const h5 = await Hdf5Writer.create(inner);
  const double: Attributes = { MATLAB_class: 'double' };
  const single: Attributes = { MATLAB_class: 'single' };
  try {
    const vector = (name: string, values: Float64Array): void =>
      h5.array(`/${name}`, values, [values.length, 1], double);
    vector(
      'accepted',
      Float64Array.from(cells, (cell) => (cell.accepted ? 1 : 0)),
    );
    vector(
      'row',
      Float64Array.from(cells, (cell) => cell.row),
    );
    vector(
      'centroid_x',
      Float64Array.from(cells, (cell) => cell.centroid.x),
    );
    vector(
      'centroid_y',
      Float64Array.from(cells, (cell) => cell.centroid.y),
    );
    vector(
      'decision',
      Float64Array.from(cells, ({ label }) => codeOf(label)),
    );
    writeRaters(h5, cells);
    vector('frame_size', Float64Array.of(height, width));
    if (run.fps !== null) vector('fps', Float64Array.of(run.fps));
    const { known: time } = await readTimeline(run);
    if (time !== null) vector('time', time);
    const motion = await readWhole(run.arrays.motion, 'motion.npy', frames * 2);
    // T × 2 there, so 2 × T in the file's order.
    if (motion !== null) {
      const turned = Float64Array.from(
        { length: 2 * frames },
        (_, i) => motion[(i % frames) * 2 + Math.floor(i / frames)] ?? 0,
      );
      h5.array('/motion', turned, [2, frames], double);
    }
    for (const kind of traceKinds) {
      const reader = await TraceReader.open(run, kind);
      if (reader === undefined || cells.length === 0) continue;
      const out = h5.empty(`/traces_${kind}`, '<f', [frames, cells.length], [chunkFrames, 64], single);
      // Whole chunks a slab, so that each is compressed once.
      const step = Math.max(1, Math.floor(slabRows(cells.length * 4) / chunkFrames)) * chunkFrames;
      try {
        for (let t = 0; t < frames; t += step) {
          const count = Math.min(step, frames - t);
          out.write_slice(
            [
              [t, t + count],
              [0, cells.length],
            ],
            await reader.frames(t, count),
          );
          progress(`traces ${kind}`, (t + count) / frames);
        }
      } finally {
        await reader.close();
      }
    }
    if (cells.length > 0) {
      const masks = h5.empty('/footprints', '<f', [cells.length, width, height], [1, 64, 64], single);
      const image = new Float32Array(width * height);
      for (const [k, { pixels, weights }] of (await readFootprints(run)).entries()) {
        image.fill(0);
        for (const [i, pixel] of pixels.entries())
          image[(pixel % width) * height + Math.floor(pixel / width)] = weights[i] ?? 0;
        if (pixels.length > 0)
          masks.write_slice(
            [
              [k, k + 1],
              [0, width],
              [0, height],
            ],
            image,
          );
      }
    }
  } finally {
    h5.close();
  }
  await behindHeader(inner, job.temporary);
  await rm(inner);
  return { files: [], findings: [] };
}

/** A label as MATLAB can reckon with it: 1 accepted, 0 rejected, NaN undecided. */
function codeOf(label: CellLabel | undefined): number {
  return label === 'accepted' ? 1 : label === 'rejected' ? 0 : Number.NaN;
}

/** What each rater said by themselves (K × R), who they are (R rows of text) and what was settled afterwards; nothing where fewer than two judged the run. */
function writeRaters(h5: Hdf5Writer, cells: readonly ExportCell[]): void {
  const raters = ratersOf(cells);
  if (raters.length === 0) return;
  const said = raters.flatMap(({ initials }) => cells.map((cell) => codeOf(cell.said?.[initials])));
  h5.array('/said', Float64Array.from(said), [raters.length, cells.length], { MATLAB_class: 'double' });
  const wide = Math.max(...raters.map(({ initials }) => initials.length));
  const letters = Array.from({ length: wide }, (_, i) =>
    raters.map(({ initials }) => initials.padEnd(wide).charCodeAt(i)),
  );
  h5.array('/raters', Uint16Array.from(letters.flat()), [wide, raters.length], {
    MATLAB_class: 'char',
  });
  // Tells MATLAB that these numbers are letters.
  (h5.file.get('/raters') as H5Dataset).create_attribute('MATLAB_int_decode', 2, [], '<i');
  const settled = Float64Array.from(cells, (cell) => (cell.settled === true ? 1 : 0));
  h5.array('/settled', settled, [cells.length, 1], { MATLAB_class: 'double' });
}

/** HDF5 finds its beginning at 512 too, and its addresses count from there: the file may simply follow the header. */
async function behindHeader(inner: string, file: string): Promise<void> {
  const header = Buffer.alloc(userBlock);
  header.write('MATLAB 7.3 MAT-file, written by Calyx; HDF5 schema 1.00 .'.padEnd(116), 'latin1');
  header.writeUInt16LE(0x0200, 124);
  header.write('IM', 126, 'latin1');
  const [from, to] = [await open(inner, 'r'), await open(file, 'w')];
  try {
    await to.write(header);
    const buffer = Buffer.alloc(2 ** 22);
    for (;;) {
      const { bytesRead } = await from.read(buffer, 0, buffer.length);
      if (bytesRead === 0) break;
      await to.writeFile(buffer.subarray(0, bytesRead));
    }
  } finally {
    await from.close();
    await to.close();
  }
}
