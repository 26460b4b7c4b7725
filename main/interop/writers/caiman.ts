// SPDX-License-Identifier: MIT
import { Hdf5Writer } from '../hdf5.ts';
import type { ExportJob, ExportRun, OnProgress, TraceKind, WrittenExport } from '../job.ts';
import { readBackground } from '../model.ts';
import { readFootprints, readWhole, TraceReader, type Footprint } from '../run-arrays.ts';

/** What CaImAn writes for a value that is none. */
const none = 'NoneType';

/**
 * Writes a run as CaImAn's own result file (datamodel.md 3.1): CaImAn, element-interface and roiextractors load it. Footprints are columns over
 * pixels in column-major order of (rows, columns); traces K × T; shifts are the correction (row, column), so the negative of ours.
 *
 * @throws AppError `disk.io`
 */
export async function writeCaiman(job: ExportJob, progress: OnProgress): Promise<WrittenExport> {
  const { run } = job;
  const h5 = await Hdf5Writer.create(job.temporary);
  try {
    h5.array('/dims', BigInt64Array.of(BigInt(run.height), BigInt(run.width)), [2]);
    h5.text('/mmap_file', none);
    h5.text('/remove_very_bad_comps', none);
    h5.number('/skip_refinement', 0, {}, '<B');
    writeParameters(h5, run);
    h5.group('/estimates');
    writeFootprints(h5, run, await readFootprints(run));
    await writeTraces(h5, run, progress);
    await writeQuality(h5, run);
    await writeMotion(h5, run);
  } finally {
    h5.close();
  }
  return { files: [], findings: [] };
}

function writeParameters(h5: Hdf5Writer, run: ExportRun): void {
  const groups: Readonly<Record<string, Readonly<Record<string, number | string>>>> = {
    data: { fr: run.fps ?? 1, decay_time: decayOf(run), caiman_version: '1.9.0' },
    init: {
      method_init: 'corr_pnr',
      ring_size_factor: Number(run.parameters['ringRadiusFactor'] ?? 1.5),
      gSiz: Math.round((run.diameterPx ?? 10) * 2),
      K: run.cells.length,
    },
    motion: { pw_rigid: 0, is3D: 0, max_shifts: Number(run.parameters['maxShiftPx'] ?? 20) },
    quality: {
      min_SNR: Number(run.parameters['minSnr'] ?? 3),
      rval_thr: Number(run.parameters['minRValue'] ?? 0.7),
      use_cnn: 0,
    },
    temporal: { p: 1 },
  };
  h5.group('/params');
  for (const [group, values] of Object.entries(groups)) {
    h5.group(`/params/${group}`);
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === 'string') h5.attributes(`/params/${group}`, { [name]: value });
      else h5.number(`/params/${group}/${name}`, value);
    }
  }
  h5.array('/params/data/dims', BigInt64Array.of(BigInt(run.height), BigInt(run.width)), [2]);
  const sigma = BigInt(Math.max(1, Math.round((run.diameterPx ?? 10) / 2.36)));
  h5.array('/params/init/gSig', BigInt64Array.of(sigma, sigma), [2]);
  for (const name of ['strides', 'overlaps']) h5.array(`/params/motion/${name}`, BigInt64Array.of(96n, 96n), [2]);
}

/** Median decay of the cells, s; CaImAn's own default where none was measured. */
function decayOf({ cells }: ExportRun): number {
  const known = cells
    .flatMap(({ metrics }) => metrics['decayS'] ?? [])
    .filter((value) => value > 0)
    .toSorted((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? 0.4;
}

/** Compressed sparse columns: each cell's pixels x·H + y, ascending. */
function writeFootprints(h5: Hdf5Writer, run: ExportRun, footprints: readonly Footprint[]): void {
  const { height, width } = run;
  const total = footprints.reduce((sum, { pixels }) => sum + pixels.length, 0);
  const [data, indices, indptr] = [
    new Float64Array(total),
    new Int32Array(total),
    new Int32Array(footprints.length + 1),
  ];
  let at = 0;
  for (const [k, { pixels, weights }] of footprints.entries()) {
    const entries = [...pixels].map(
      (pixel, i) => [(pixel % width) * height + Math.floor(pixel / width), weights[i] ?? 0] as const,
    );
    for (const [pixel, weight] of entries.toSorted(([a], [b]) => a - b)) {
      indices[at] = pixel;
      data[at] = weight;
      at += 1;
    }
    indptr[k + 1] = at;
  }
  h5.group('/estimates/A');
  h5.array('/estimates/A/data', data, [total]);
  h5.array('/estimates/A/indices', indices, [total]);
  h5.array('/estimates/A/indptr', indptr, [indptr.length]);
  h5.array('/estimates/A/shape', BigInt64Array.of(BigInt(height * width), BigInt(footprints.length)), [2]);
  h5.attributes('/estimates/A', { format: 'csc' });
}

async function writeTraces(h5: Hdf5Writer, run: ExportRun, progress: OnProgress): Promise<void> {
  const cells = run.cells.length;
  const wanted: readonly (readonly [name: string, kind: TraceKind, minus?: TraceKind])[] = [
    ['C', 'denoised'],
    ['YrA', 'raw', 'denoised'],
    ['S', 'deconvolved'],
    ['F_dff', 'dff'],
  ];
  for (const [i, [name, kind, minus]] of wanted.entries()) {
    const reader = await TraceReader.open(run, kind);
    const other = minus === undefined ? undefined : await TraceReader.open(run, minus);
    try {
      if (reader === undefined || cells === 0) {
        h5.text(`/estimates/${name}`, none);
        continue;
      }
      const out = h5.empty(`/estimates/${name}`, '<f', [cells, run.frames], [1, Math.min(run.frames, 2 ** 18)]);
      for (let k = 0; k < cells; k += 1) {
        const trace = await reader.cell(k);
        const base = await other?.cell(k);
        if (base !== undefined) for (let t = 0; t < trace.length; t += 1) trace[t] = (trace[t] ?? 0) - (base[t] ?? 0);
        out.write_slice(
          [
            [k, k + 1],
            [0, run.frames],
          ],
          trace,
        );
        progress(`traces ${name}`, (i + (k + 1) / cells) / wanted.length);
      }
    } finally {
      await reader?.close();
      await other?.close();
    }
  }
}

async function writeQuality(h5: Hdf5Writer, run: ExportRun): Promise<void> {
  const { cells, height, width } = run;
  const metric = (name: string): Float64Array => Float64Array.from(cells, (cell) => cell.metrics[name] ?? Number.NaN);
  const rows = (accepted: boolean): BigInt64Array =>
    BigInt64Array.from(cells.flatMap((cell, k) => (cell.accepted === accepted ? [BigInt(k)] : [])));
  const list = (name: string, values: BigInt64Array | Float64Array): void =>
    h5.array(`/estimates/${name}`, values, [values.length]);
  list('idx_components', rows(true));
  list('idx_components_bad', rows(false));
  list('r_values', metric('rValue'));
  list('SNR_comp', metric('snr'));
  list('bl', metric('baseline'));
  list('neurons_sn', metric('noise'));
  h5.array('/estimates/g', metric('gamma'), [cells.length, 1]);
  const centres = Float64Array.from(cells.flatMap(({ centroid }) => [centroid.y, centroid.x]));
  h5.array('/estimates/center', centres, [cells.length, 2]);
  for (const name of ['cnn_preds', 'W']) h5.text(`/estimates/${name}`, none);
  await writeBackground(h5, run);
  h5.number('/estimates/nr', cells.length, {}, '<q');
  h5.array('/estimates/dims', BigInt64Array.of(BigInt(height), BigInt(width)), [2]);
  const correlation = await readWhole(run.arrays.images.correlation, 'images/correlation.npy', height * width);
  if (correlation === null) h5.text('/estimates/Cn', none);
  else h5.array('/estimates/Cn', Float32Array.from(correlation), [height, width]);
}

/** The part of the background that all pixels share (b, f: its images and their courses), the constant one and the noise of each pixel. */
async function writeBackground(h5: Hdf5Writer, run: ExportRun): Promise<void> {
  const model = await readBackground(run);
  if (model === null) {
    for (const name of ['b', 'f', 'b0', 'sn']) h5.text(`/estimates/${name}`, none);
    return;
  }
  const pixels = run.height * run.width;
  h5.array('/estimates/b0', Float64Array.from(byColumns(model.constant, run)), [pixels]);
  h5.array('/estimates/sn', Float64Array.from(byColumns(model.noise, run)), [pixels]);
  if (model.courses === 0) {
    for (const name of ['b', 'f']) h5.text(`/estimates/${name}`, none);
    return;
  }
  h5.array('/estimates/f', model.values, [model.courses, run.frames]);
  const b = h5.empty('/estimates/b', '<f', [pixels, model.courses], [pixels, 1]);
  for (let r = 0; r < model.courses; r += 1)
    b.write_slice(
      [
        [0, pixels],
        [r, r + 1],
      ],
      byColumns(model.shares(r), run),
    );
}

/** An H × W image with its columns one after the other, as CaImAn counts pixels. */
function byColumns(image: Float32Array, { height, width }: ExportRun): Float32Array {
  return image.map((_, i) => image[(i % height) * width + Math.floor(i / height)] ?? 0);
}

/** Corrections of the blocks (row, column) of each frame, and the pixels each block stands for. */
async function writeBlocks(h5: Hdf5Writer, run: ExportRun): Promise<void> {
  const blocks = run.arrays.motionBlocks;
  if (blocks === null) return;
  const { rows, columns, place } = blocks;
  const size = rows.length * columns.length;
  const values = await readWhole(place, 'motion_blocks.npy', run.frames * 2 * size);
  for (const [axis, name] of ['x_shifts_els', 'y_shifts_els'].entries()) {
    const shifts = Float32Array.from({ length: run.frames * size }, (_, i) => {
      const value = values?.[(2 * Math.floor(i / size) + axis) * size + (i % size)] ?? 0;
      return value === 0 ? 0 : -value;
    });
    h5.array(`/motion_correction/${name}`, shifts, [run.frames, size]);
  }
  /** From half-way to the block before to half-way to the next. */
  const edges = (centres: readonly number[], end: number): readonly number[] => [
    0,
    ...centres.slice(1).map((centre, i) => Math.round((centre + (centres[i] ?? 0)) / 2)),
    end,
  ];
  const [top, left] = [edges(rows, run.height), edges(columns, run.width)];
  const places = rows.flatMap((_, y) =>
    columns.flatMap((__, x) => [top[y] ?? 0, top[y + 1] ?? 0, left[x] ?? 0, left[x + 1] ?? 0].map(BigInt)),
  );
  h5.array('/motion_correction/coord_shifts_els', BigInt64Array.from(places), [size, 4]);
}

async function writeMotion(h5: Hdf5Writer, run: ExportRun): Promise<void> {
  const { height, width, frames } = run;
  h5.group('/motion_correction');
  const motion = await readWhole(run.arrays.motion, 'motion.npy', frames * 2);
  const shifts =
    motion === null ? new Float64Array(frames * 2) : Float64Array.from(motion, (value) => (value === 0 ? 0 : -value));
  h5.array('/motion_correction/shifts_rig', shifts, [frames, 2]);
  await writeBlocks(h5, run);
  // element-interface takes only files that have all four images; the mean stands for one that a run lacks.
  const mean = await readWhole(run.arrays.images.mean, 'images/mean.npy', height * width);
  const images = {
    reference_image: 'mean',
    average_image: 'mean',
    correlation_image: 'correlation',
    max_image: 'max',
  } as const;
  for (const [name, source] of Object.entries(images)) {
    const image = (await readWhole(run.arrays.images[source], `images/${source}.npy`, height * width)) ?? mean;
    h5.array(
      `/motion_correction/${name}`,
      image === null ? new Float32Array(height * width) : Float32Array.from(image),
      [height, width],
    );
  }
}
