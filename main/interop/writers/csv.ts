// SPDX-License-Identifier: MIT
import { mkdir, open, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { traceKinds } from '../../contract/index.ts';
import type { ExportJob, ExportRun, OnProgress, TraceKind, WrittenExport } from '../job.ts';
import { TraceReader } from '../run-arrays.ts';
import { readTimeline } from '../timeline.ts';

/** Values that are made into text at a time: as text each is many times its own size. */
const slabValues = 16_384;

/**
 * Writes a run as CSV: `cells.csv` (a row a cell), and the traces tidy (`traces.csv`, a row a cell and frame) or wide (`raw.csv` …, a row a frame
 * and a column a cell). Where a file is named, it holds the tidy traces (or the wide ΔF/F, else the wide raw ones) alone. Empty = not known.
 *
 * @throws AppError `disk.io`, `disk.full`
 */
export async function writeCsv(job: ExportJob, progress: OnProgress): Promise<WrittenExport> {
  const { run, table, temporary } = job;
  const { known: time } = await readTimeline(run);
  const kinds = traceKinds.filter((kind) => run.arrays.traces[kind] !== undefined);
  const isFile = job.destination.toLowerCase().endsWith('.csv');
  if (isFile) {
    const alone = kinds.includes('dff') ? 'dff' : 'raw';
    if (table === 'tidy') await writeTidy(run, kinds, time, temporary, progress);
    else await writeWide(run, alone, time, temporary, progress);
    return { files: [], findings: [] };
  }
  await mkdir(temporary);
  await writeFile(path.join(temporary, 'cells.csv'), cellsCsv(run));
  const files = ['cells.csv'];
  if (table === 'tidy') {
    await writeTidy(run, kinds, time, path.join(temporary, 'traces.csv'), progress);
    files.push('traces.csv');
  } else {
    for (const kind of kinds) {
      await writeWide(run, kind, time, path.join(temporary, `${kind}.csv`), progress);
      files.push(`${kind}.csv`);
    }
  }
  return { files, findings: [] };
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function shown(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '' : String(value);
}

function cellsCsv({ cells }: ExportRun): string {
  const metrics = [...new Set(cells.flatMap((cell) => Object.keys(cell.metrics)))].toSorted();
  // Where two raters or more judged the run: what each said, and whether they settled it.
  const raters = [...new Set(cells.flatMap((cell) => Object.keys(cell.said ?? {})))].toSorted();
  const said = raters.length === 0 ? [] : [...raters.map((initials) => `said_${quoted(initials)}`), 'settled'];
  const head = ['cell', 'uuid', 'accepted', 'decision', 'suggested', 'reasons', 'x', 'y', ...metrics, ...said];
  const rows = cells.map((cell) =>
    [
      String(cell.row),
      cell.uuid,
      cell.accepted ? '1' : '0',
      cell.label,
      cell.suggested ? '1' : '0',
      quoted(cell.reasons.join('; ')),
      shown(cell.centroid.x),
      shown(cell.centroid.y),
      ...metrics.map((name) => shown(cell.metrics[name])),
      ...raters.map((initials) => cell.said?.[initials] ?? ''),
      ...(said.length === 0 ? [] : [cell.settled === true ? '1' : '0']),
    ].join(','),
  );
  return `${[head.join(','), ...rows].join('\n')}\n`;
}

async function writeTidy(
  run: ExportRun,
  kinds: readonly TraceKind[],
  time: ArrayLike<number> | null,
  file: string,
  progress: OnProgress,
): Promise<void> {
  const readers = await openAll(run, kinds);
  const out = await open(file, 'w');
  try {
    await out.write(`${['cell', 'frame', 'time_s', ...kinds].join(',')}\n`);
    const slab = Math.ceil(slabValues / (kinds.length + 3));
    for (const [k, cell] of run.cells.entries()) {
      const traces = await Promise.all(readers.map((reader) => reader.cell(k)));
      for (let t = 0; t < run.frames; t += slab) {
        const lines: string[] = [];
        for (let i = t; i < Math.min(t + slab, run.frames); i += 1)
          lines.push(`${cell.row},${i},${shown(time?.[i])},${traces.map((trace) => shown(trace[i])).join(',')}\n`);
        await out.writeFile(lines.join(''));
      }
      progress('traces', (k + 1) / run.cells.length);
    }
  } finally {
    await closeAll(out, readers);
  }
}

async function writeWide(
  run: ExportRun,
  kind: TraceKind,
  time: ArrayLike<number> | null,
  file: string,
  progress: OnProgress,
): Promise<void> {
  const readers = await openAll(run, [kind]);
  const out = await open(file, 'w');
  const cells = run.cells.length;
  const slab = Math.ceil(slabValues / (cells + 2));
  try {
    await out.write(`${['frame', 'time_s', ...run.cells.map((cell) => `cell_${cell.row}`)].join(',')}\n`);
    for (let t = 0; t < run.frames; t += slab) {
      const count = Math.min(slab, run.frames - t);
      const block = (await readers[0]?.frames(t, count)) ?? new Float32Array();
      const lines: string[] = [];
      for (let i = 0; i < count; i += 1) {
        const row = Array.from(block.subarray(i * cells, (i + 1) * cells), (value) => shown(value));
        lines.push(`${t + i},${shown(time?.[t + i])},${row.join(',')}\n`);
      }
      await out.writeFile(lines.join(''));
      progress(`traces ${kind}`, (t + count) / run.frames);
    }
  } finally {
    await closeAll(out, readers);
  }
}

async function openAll(run: ExportRun, kinds: readonly TraceKind[]): Promise<readonly TraceReader[]> {
  const readers = await Promise.all(kinds.map((kind) => TraceReader.open(run, kind)));
  return readers.filter((reader) => reader !== undefined);
}

async function closeAll(out: FileHandle, readers: readonly TraceReader[]): Promise<void> {
  await out.close();
  for (const reader of readers) await reader.close();
}
