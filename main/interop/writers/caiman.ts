// SPDX-License-Identifier: MIT
import { Hdf5Writer } from '../hdf5.ts';
import type { ExportJob, ExportRun, OnProgress, TraceKind, WrittenExport } from '../job.ts';
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
    data: { fr: run.fps ?? 1, decay_time: 0.4, caiman_version: '1.9.0' },
    init: {
      method_init: 'corr_pnr',
      ring_size_factor: Number(run.parameters['ringRadiusFactor'] ?? 1.5),
      gSiz: Math.round((run.diameterPx ?? 10) * 2),
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
  for (const name of ['strides', 'overlaps']) h5.array(`/params/motion/${name}`, BigInt64Array.of(96n, 96n), [2]);
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
  for (const name of ['cnn_preds', 'b', 'f', 'W', 'b0', 'sn']) h5.text(`/estimates/${name}`, none);
  h5.number('/estimates/nr', cells.length, {}, '<q');
  h5.array('/estimates/dims', BigInt64Array.of(BigInt(height), BigInt(width)), [2]);
  const correlation = await readWhole(run.arrays.images.correlation, 'images/correlation.npy', height * width);
  if (correlation === null) h5.text('/estimates/Cn', none);
  else h5.array('/estimates/Cn', Float32Array.from(correlation), [height, width]);
}

async function writeMotion(h5: Hdf5Writer, run: ExportRun): Promise<void> {
  const { height, width, frames } = run;
  h5.group('/motion_correction');
  const motion = await readWhole(run.arrays.motion, 'motion.npy', frames * 2);
  const shifts =
    motion === null ? new Float64Array(frames * 2) : Float64Array.from(motion, (value) => (value === 0 ? 0 : -value));
  h5.array('/motion_correction/shifts_rig', shifts, [frames, 2]);
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
