// SPDX-License-Identifier: MIT
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { greyPng } from '../../arrays/index.ts';
import type { ExportJob, ExportRun, ImageName, OnProgress, TraceKind, WrittenExport } from '../job.ts';
import { readFootprints, readWhole, TraceReader } from '../run-arrays.ts';
import { readTimeline } from '../timeline.ts';
import { outlineOf } from './roi-zip.ts';

/** Figures of a run: `cells` (outlines on a summary image) and `traces` (one under the other). */
const figures = { cells: cellsSvg, traces: tracesSvg } as const;

/** Okabe and Ito's bluish green and vermilion: told apart with any colour vision. */
const colourOf = (accepted: boolean): string => (accepted ? '#009e73' : '#d55e00');

/**
 * Writes figures as SVG, whose lines and words can be edited: `cells.svg` and `traces.svg` in a folder. A file is the map of the cells, or the traces where its name
 * ends in `traces.svg`.
 *
 * @throws AppError `disk.io`
 */
export async function writeSvg(job: ExportJob, progress: OnProgress): Promise<WrittenExport> {
  const { run, temporary, destination } = job;
  if (destination.toLowerCase().endsWith('.svg')) {
    const figure = /traces\.svg$/i.test(destination) ? figures.traces : figures.cells;
    await writeFile(temporary, await figure(run, progress));
    return { files: [], findings: [] };
  }
  await mkdir(temporary);
  for (const [name, figure] of Object.entries(figures))
    await writeFile(path.join(temporary, `${name}.svg`), await figure(run, progress));
  return { files: Object.keys(figures).map((name) => `${name}.svg`), findings: [] };
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const short = (value: number): string => String(Number(value.toFixed(2)));

function svg(width: number, height: number, title: string, body: readonly string[]): string {
  const size = `width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="#fff"/>
${body.join('\n')}
</svg>
`;
}

/** 1, 2 or 5 times a power of ten, at most `most`. */
function niceLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return ([5, 2, 1].find((digit) => digit * power <= most) ?? 1) * power;
}

/** Images in the order in which they serve as a ground for outlines. */
const grounds: readonly ImageName[] = ['correlation', 'mean', 'max', 'std', 'pnr'];
const margin = 12;
/** Small frames are shown larger. */
const leastMapWidth = 640;

async function cellsSvg(run: ExportRun, progress: OnProgress): Promise<string> {
  const { width, height, cells } = run;
  const footprints = await readFootprints(run);
  const scale = Math.max(1, leastMapWidth / width);
  const body = [`<g transform="translate(${margin},${margin}) scale(${short(scale)})">`];
  const name = grounds.find((each) => run.arrays.images[each] !== undefined);
  const image =
    name === undefined ? null : await readWhole(run.arrays.images[name], `images/${name}.npy`, width * height);
  body.push(
    image === null
      ? `<rect width="${width}" height="${height}" fill="#222"/>`
      : `<image width="${width}" height="${height}" image-rendering="pixelated" href="data:image/png;base64,${greyPng(stretched(image), width, height).toString('base64')}"/>`,
  );
  const labels: string[] = [];
  // Accepted cells last, on top.
  const order = cells
    .map((cell, k) => ({ cell, k }))
    .toSorted((a, b) => Number(a.cell.accepted) - Number(b.cell.accepted));
  for (const [i, { cell, k }] of order.entries()) {
    const footprint = footprints[k];
    const outline = footprint === undefined ? [] : outlineOf(footprint, width);
    if (outline.length === 0) continue;
    const d = `M${outline.map(({ x, y }) => `${x} ${y}`).join('L')}Z`;
    body.push(
      `<path id="cell_${cell.row}" d="${d}" fill="none" stroke="${colourOf(cell.accepted)}" stroke-width="1.6" vector-effect="non-scaling-stroke"${cell.accepted ? '' : ' stroke-dasharray="4 3"'}/>`,
    );
    // Beside the cell, so that it stays in sight.
    const [right, top] = [Math.max(...outline.map(({ x }) => x)), Math.min(...outline.map(({ y }) => y))];
    labels.push(
      `<text x="${short(margin + scale * right + 1)}" y="${short(Math.max(margin + 9, margin + scale * top + 3))}">${cell.row}</text>`,
    );
    progress('cells', (i + 1) / cells.length);
  }
  body.push(
    '</g>',
    `<g font-size="9" fill="#fff" stroke="#000" stroke-width="2" stroke-opacity="0.6" paint-order="stroke">`,
    ...labels,
    '</g>',
  );
  const [mapWidth, mapHeight] = [scale * width, scale * height];
  const line = mapHeight + margin + 18;
  const accepted = cells.filter((cell) => cell.accepted).length;
  const words = `${accepted} accepted (solid), ${cells.length - accepted} rejected (dashed)${name === undefined ? '' : `; on the ${name} image`}`;
  body.push(`<text x="${margin}" y="${short(line)}" font-size="11" fill="#222">${words}</text>`);
  if (run.umPerPx !== null) {
    const um = niceLength((width * run.umPerPx) / 4);
    const px = (scale * um) / run.umPerPx;
    const right = mapWidth + margin;
    body.push(
      `<path d="M${short(right - px)} ${short(line - 8)}H${short(right)}" stroke="#222" stroke-width="2"/>`,
      `<text x="${short(right - px / 2)}" y="${short(line + 5)}" font-size="10" fill="#222" text-anchor="middle">${um} µm</text>`,
    );
  }
  return svg(mapWidth + 2 * margin + 12, line + 14, `Cells of ${run.session.name}`, body);
}

/** An image as grey levels, from its 1st to its 99.5th percentile; what is not a number is black. */
function stretched(image: ArrayLike<number | bigint>): Uint8Array {
  const values = Float32Array.from(image as ArrayLike<number>, Number);
  const sorted = values.filter((value) => Number.isFinite(value)).toSorted();
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0.01), at(0.995)];
  const scale = 255 / Math.max(high - low, Number.MIN_VALUE);
  return Uint8Array.from(values, (value) =>
    Number.isFinite(value) ? Math.max(0, Math.min(255, Math.round((value - low) * scale))) : 0,
  );
}

const plotWidth = 1000;
const rowHeight = 26;
const labelWidth = 44;

async function tracesSvg(run: ExportRun, progress: OnProgress): Promise<string> {
  const kinds: readonly TraceKind[] = ['dff', 'denoised', 'raw'];
  const kind = kinds.find((each) => run.arrays.traces[each] !== undefined);
  const reader = kind === undefined ? undefined : await TraceReader.open(run, kind);
  const { times } = await readTimeline(run);
  const [start, end] = [times[0] ?? 0, times.at(-1) ?? 1];
  const seconds = Math.max(end - start, 1e-9);
  const columnOf = Int32Array.from(times, (time) =>
    Math.max(0, Math.min(plotWidth - 1, Math.floor(((time - start) / seconds) * plotWidth))),
  );
  const body: string[] = [];
  // One scale for all, so that heights compare: the largest span of a trace fills two rows.
  const spans: {
    readonly row: number;
    readonly accepted: boolean;
    readonly low: Float64Array;
    readonly high: Float64Array;
  }[] = [];
  try {
    for (const [k, cell] of run.cells.entries()) {
      const trace = (await reader?.cell(k)) ?? new Float32Array();
      spans.push({ row: cell.row, accepted: cell.accepted, ...extremes(trace, columnOf) });
      progress('traces', (k + 1) / run.cells.length);
    }
  } finally {
    await reader?.close();
  }
  const largest = Math.max(1e-9, ...spans.map(({ low, high }) => spread(low, high)));
  const scale = (2 * rowHeight) / largest;
  for (const [i, { row, accepted, low, high }] of spans.entries()) {
    const base = (i + 2) * rowHeight;
    body.push(
      `<text x="${labelWidth - 6}" y="${base}" font-size="10" fill="#222" text-anchor="end">${row}</text>`,
      `<path id="trace_${row}" d="${lineOf(low, high, base, scale)}" fill="none" stroke="${colourOf(accepted)}" stroke-width="0.7"/>`,
    );
  }
  const bottom = (spans.length + 2) * rowHeight;
  const bar = niceLength(seconds / 8);
  const px = (bar / seconds) * plotWidth;
  const amount = niceLength(largest);
  body.push(
    `<path d="M${labelWidth} ${short(bottom + 8)}h${short(px)}M${labelWidth} ${short(bottom + 8)}v${short(-Math.min(amount * scale, 2 * rowHeight))}" stroke="#222" stroke-width="1.5" fill="none"/>`,
    `<text x="${labelWidth}" y="${bottom + 22}" font-size="10" fill="#222">${short(bar)} s; ${short(amount)} ${kind === 'dff' ? 'ΔF/F' : 'grey levels'}</text>`,
  );
  return svg(labelWidth + plotWidth + margin, bottom + 30, `Traces (${kind ?? 'none'}) of ${run.session.name}`, body);
}

/** Lowest and highest value of a trace in each column of the plot; NaN where there is none. */
function extremes(
  trace: Float32Array,
  columnOf: Int32Array,
): { readonly low: Float64Array; readonly high: Float64Array } {
  const low = new Float64Array(plotWidth).fill(Number.NaN);
  const high = new Float64Array(plotWidth).fill(Number.NaN);
  for (const [t, value] of trace.entries()) {
    if (Number.isNaN(value)) continue;
    const column = columnOf[t] ?? 0;
    if (!(value >= (low[column] ?? Number.NaN))) low[column] = value;
    if (!(value <= (high[column] ?? Number.NaN))) high[column] = value;
  }
  return { low, high };
}

const spread = (low: Float64Array, high: Float64Array): number =>
  high.reduce((most, value) => (value > most ? value : most), Number.NEGATIVE_INFINITY) -
  low.reduce((least, value) => (value < least ? value : least), Number.POSITIVE_INFINITY);

/** A line through the extremes of each column; a column without values is a gap. */
function lineOf(low: Float64Array, high: Float64Array, base: number, scale: number): string {
  let d = '';
  let drawing = false;
  for (const [column, least] of low.entries()) {
    if (Number.isNaN(least)) {
      // Slow films have fewer frames than the plot has columns: a gap is only where many are empty.
      if (low.subarray(column, column + 20).every((value) => Number.isNaN(value))) drawing = false;
      continue;
    }
    const x = labelWidth + column;
    const [lower, upper] = [base - least * scale, base - (high[column] ?? least) * scale];
    d += `${drawing ? 'L' : 'M'}${x} ${short(lower)}`;
    if (upper !== lower) d += `V${short(upper)}`;
    drawing = true;
  }
  return d;
}
