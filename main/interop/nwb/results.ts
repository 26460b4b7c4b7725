// SPDX-License-Identifier: MIT
import { slabRows } from '../hdf5.ts';
import type { ExportCell, ExportRun, ImageName, OnProgress, TraceKind } from '../job.ts';
import { ratersOf } from '../raters.ts';
import { readFootprints, readWhole, TraceReader, type Footprint } from '../run-arrays.ts';
import { sampling, type Timeline } from '../timeline.ts';
import { writeMotion } from './motion.ts';
import { seriesData, type NwbWriter } from './nwb-writer.ts';

const ophys = '/processing/ophys';
/** Where the table of cells is; other objects refer to its rows. */
export const cellTable = `${ophys}/ImageSegmentation/PlaneSegmentation`;
const table = cellTable;

/** Frames a chunk of traces holds, and cells: half a megabyte of floats. */
const chunkFrames = 2048;
const chunkCells = 64;

const imageTexts: Readonly<Record<ImageName, string>> = {
  mean: 'Mean of the motion-corrected film.',
  max: 'Maximum of the motion-corrected film.',
  std: 'Standard deviation of the motion-corrected film.',
  correlation: 'Correlation of each pixel with its neighbours.',
  pnr: 'Peak-to-noise ratio of each pixel.',
};

/** Motion, masks with their quality, traces and summary images. Names are those the field’s extractors look for. @throws AppError `disk.io` */
export async function writeResults(
  nwb: NwbWriter,
  run: ExportRun,
  timeline: Timeline,
  progress: OnProgress,
): Promise<void> {
  nwb.module('ophys', 'Motion, cells and their activity, found by Calyx.');
  await writeMotion(nwb, run, timeline);
  await writeFlags(nwb, run, timeline);
  await writeImages(nwb, run);
  if (run.cells.length === 0) return;
  progress('masks', 0.02);
  writeSegmentation(nwb, run, await readFootprints(run));
  await writeTraces(nwb, run, timeline, progress);
}

async function writeImages(nwb: NwbWriter, run: ExportRun): Promise<void> {
  const names = Object.keys(run.arrays.images) as ImageName[];
  if (names.length === 0) return;
  nwb.group(`${ophys}/SegmentationImages`, 'Images', { description: 'Summary images, x, y (width × height).' });
  for (const name of names) {
    const image = await readWhole(run.arrays.images[name], `images/${name}.npy`, run.height * run.width);
    if (image === null) continue;
    nwb.h5.array(`${ophys}/SegmentationImages/${name}`, transposed(image, run), [run.width, run.height], {
      ...nwb.type('GrayscaleImage'),
      description: imageTexts[name],
    });
  }
}

/** An H × W image as W × H. */
function transposed(image: ArrayLike<number>, { height, width }: ExportRun): Float32Array {
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) out[x * height + y] = image[y * width + x] ?? 0;
  return out;
}

async function writeFlags(nwb: NwbWriter, run: ExportRun, timeline: Timeline): Promise<void> {
  const flags = await readWhole(run.arrays.frameFlags, 'frame_flags.npy', run.frames);
  if (flags === null) return;
  nwb.series(`${ophys}/FrameFlags`, 'TimeSeries', {
    description:
      'Bits of each frame: 1 repeated, 2 torn, 4 saturated, 8 brightness, 16 motion unsure, 32 motion at its bound, 64 time missing, 128 after a gap, 256 unreadable.',
    unit: 'n.a.',
    data: Uint32Array.from(flags),
    shape: [run.frames],
  });
  nwb.sampling(`${ophys}/FrameFlags`, sampling(timeline.times));
}

function writeSegmentation(nwb: NwbWriter, run: ExportRun, footprints: readonly Footprint[]): void {
  const { cells } = run;
  const metrics = [...new Set(cells.flatMap((cell) => Object.keys(cell.metrics)))].toSorted();
  const columns = metricColumns(cells, metrics);
  const raters = ratersOf(cells);
  nwb.group(`${ophys}/ImageSegmentation`, 'ImageSegmentation');
  nwb.table(
    table,
    'PlaneSegmentation',
    'Cells found by Calyx; id is the row of the run. Pixel (0, 0) is the top-left one, x to the right, y down.',
    cells.map((cell) => cell.row),
    [
      'image_mask',
      'pixel_mask',
      'ROICentroids',
      'Accepted',
      'Rejected',
      'decision',
      'suggested',
      'reasons',
      'cell_uuid',
      ...columns.map(([name]) => name),
      ...raters.map(({ column }) => column),
      ...(raters.length === 0 ? [] : ['settled']),
    ],
  );
  nwb.h5.softLink(`${table}/imaging_plane`, '/general/optophysiology/ImagingPlane');
  nwb.h5.group(`${table}/reference_images`);
  writeMasks(nwb, run, footprints);
  const centroids = Float64Array.from(cells.flatMap(({ centroid }) => [centroid.x, centroid.y]));
  nwb.column(`${table}/ROICentroids`, 'Centroid (x, y), px.', centroids, [cells.length, 2]);
  const flag = (of: (cell: ExportCell) => boolean): Uint8Array => Uint8Array.from(cells, (cell) => (of(cell) ? 1 : 0));
  nwb.column(
    `${table}/Accepted`,
    'Is it a cell? A person’s decision where there is one, else the engine’s suggestion.',
    flag((cell) => cell.accepted),
  );
  nwb.column(
    `${table}/Rejected`,
    'The opposite of Accepted.',
    flag((cell) => !cell.accepted),
  );
  nwb.textColumn(
    `${table}/decision`,
    'A person’s decision: accepted, rejected or undecided.',
    cells.map((cell) => cell.label),
  );
  nwb.column(
    `${table}/suggested`,
    'Does the engine take it for a cell?',
    flag((cell) => cell.suggested),
  );
  nwb.textColumn(
    `${table}/reasons`,
    'The engine’s reasons against.',
    cells.map((cell) => cell.reasons.join('; ')),
  );
  nwb.textColumn(
    `${table}/cell_uuid`,
    'Identity of the cell in the Calyx library.',
    cells.map((cell) => cell.uuid),
  );
  for (const [name, metric, values] of columns)
    nwb.column(`${table}/${name}`, `Metric ${metric} of the engine (docs/formats.md of Calyx).`, values);
  for (const { initials, column } of raters)
    nwb.textColumn(
      `${table}/${column}`,
      `What rater ${initials} said of it without knowing what the others said: accepted, rejected or undecided.`,
      cells.map((cell) => cell.said?.[initials] ?? 'undecided'),
    );
  if (raters.length > 0)
    nwb.column(
      `${table}/settled`,
      'Raters differed and agreed on the decision afterwards.',
      flag((cell) => cell.settled === true),
    );
}

/** Metrics as columns; those no cell has a number for are left out. */
function metricColumns(
  cells: readonly ExportCell[],
  metrics: readonly string[],
): readonly (readonly [name: string, metric: string, values: Float64Array])[] {
  return metrics
    .map((metric) => {
      const values = Float64Array.from(cells, (cell) => cell.metrics[metric] ?? Number.NaN);
      return [metric.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), metric, values] as const;
    })
    .filter(([, , values]) => values.some((value) => Number.isFinite(value)));
}

function writeMasks(nwb: NwbWriter, run: ExportRun, footprints: readonly Footprint[]): void {
  const { height, width } = run;
  const total = footprints.reduce((sum, { pixels }) => sum + pixels.length, 0);
  const [x, y, weight] = [new Uint32Array(total), new Uint32Array(total), new Float32Array(total)];
  const ends: number[] = [];
  let at = 0;
  // Small chunks: only those a footprint touches are ever written.
  const masks = nwb.h5.empty(`${table}/image_mask`, '<f', [footprints.length, width, height], [1, 64, 64], {
    ...nwb.type('VectorData'),
    description: 'Footprint of each cell as an image (x, y), maximum 1.',
  });
  for (const [k, { pixels, weights }] of footprints.entries()) {
    let [left, right, top, bottom] = [width, -1, height, -1];
    for (const [i, pixel] of pixels.entries()) {
      const column = pixel % width;
      const row = Math.floor(pixel / width);
      [left, right, top, bottom] = [
        Math.min(left, column),
        Math.max(right, column),
        Math.min(top, row),
        Math.max(bottom, row),
      ];
      x[at] = column;
      y[at] = row;
      weight[at] = weights[i] ?? 0;
      at += 1;
    }
    ends.push(at);
    if (right < left) continue;
    const [w, h] = [right - left + 1, bottom - top + 1];
    const box = new Float32Array(w * h);
    for (const [i, pixel] of pixels.entries())
      box[((pixel % width) - left) * h + Math.floor(pixel / width) - top] = weights[i] ?? 0;
    masks.write_slice(
      [
        [k, k + 1],
        [left, right + 1],
        [top, bottom + 1],
      ],
      box,
    );
  }
  nwb.h5.compound(
    `${table}/pixel_mask`,
    new Map<string, Uint32Array | Float32Array>([
      ['x', x],
      ['y', y],
      ['weight', weight],
    ]),
    { ...nwb.type('VectorData'), description: 'Pixels of each footprint: x is the column, y the row.' },
  );
  nwb.index(`${table}/pixel_mask_index`, `${table}/pixel_mask`, ends);
}

async function writeTraces(nwb: NwbWriter, run: ExportRun, timeline: Timeline, progress: OnProgress): Promise<void> {
  const times = sampling(timeline.times);
  const series: readonly (readonly [kind: TraceKind, path: string, unit: string, description: string])[] = [
    [
      'raw',
      'Fluorescence/RoiResponseSeries',
      'grey levels',
      'Background-free trace at the pixel where the footprint is 1, constant baseline taken off.',
    ],
    ['denoised', 'Fluorescence/Denoised', 'grey levels', 'Calcium by the model, at rest 0.'],
    [
      'deconvolved',
      'Fluorescence/Deconvolved',
      'grey levels',
      'Activity: a spike at the frame in which it happened, as high as the transient it makes.',
    ],
    ['dff', 'DfOverF/RoiResponseSeries', 'ratio', run.f0 ?? 'ΔF/F.'],
  ];
  const present = series.filter(([kind]) => run.arrays.traces[kind] !== undefined);
  for (const container of ['Fluorescence', 'DfOverF'])
    if (present.some(([, path]) => path.startsWith(container))) nwb.group(`${ophys}/${container}`, container);
  let first: string | null = null;
  for (const [i, [kind, path, unit, description]] of present.entries()) {
    const name = `${ophys}/${path}`;
    nwb.group(name, 'RoiResponseSeries', { description, comments: 'no comments' });
    await writeMatrix(nwb, run, kind, name, unit, (fraction) =>
      progress(`traces ${kind}`, 0.05 + (0.95 * (i + fraction)) / present.length),
    );
    if (first === null) {
      nwb.sampling(name, times);
      nwb.region(
        `${name}/rois`,
        table,
        run.cells.map((_, k) => k),
        'All cells, in the order of the table.',
      );
      first = name;
    } else {
      nwb.sharedSampling(name, first, times);
      nwb.h5.softLink(`${name}/rois`, `${first}/rois`);
    }
  }
}

/** Traces as T × K, slab by slab. */
async function writeMatrix(
  nwb: NwbWriter,
  run: ExportRun,
  kind: TraceKind,
  series: string,
  unit: string,
  progress: (fraction: number) => void,
): Promise<void> {
  const cells = run.cells.length;
  const data = nwb.h5.empty(`${series}/data`, '<f', [run.frames, cells], [chunkFrames, chunkCells], seriesData(unit));
  const reader = await TraceReader.open(run, kind);
  if (reader === undefined) return;
  try {
    // Whole chunks a slab, so that each is compressed once.
    const step = Math.max(1, Math.floor(slabRows(cells * 4) / chunkFrames)) * chunkFrames;
    for (let t = 0; t < run.frames; t += step) {
      const count = Math.min(step, run.frames - t);
      data.write_slice(
        [
          [t, t + count],
          [0, cells],
        ],
        await reader.frames(t, count),
      );
      progress((t + count) / run.frames);
    }
  } finally {
    await reader.close();
  }
}
