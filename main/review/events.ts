// SPDX-License-Identifier: MIT
import path from 'node:path';
import { readNpz } from '../arrays/index.ts';
import type { Layer } from './edits.ts';
import { EditedTraceReader, foldLayers } from './layers.ts';
import { RunFolder } from './run-folder.ts';

/** A cell's calcium event. */
export interface CellEvent {
  /** Of its highest value. */
  readonly frame: number;
  readonly timeS: number | null;
  /** What it adds to the calcium, grey levels. */
  readonly height: number;
}

type TimelessEvent = Omit<CellEvent, 'timeS'>;

const eventsFile = 'events.npz';

/** Activity within so many seconds is one event. */
const apartS = 0.5;
/** A group of activity counts from this share of the typical one on. */
const typicalShare = 0.2;

interface Group {
  frame: number;
  height: number;
  most: number;
  first: number;
  last: number;
}

/** Stretches of activity with no more than so many silent frames inside. */
function groupsOf(trace: Float32Array, silent: number): readonly Group[] {
  const groups: Group[] = [];
  for (let frame = 0; frame < trace.length; frame += 1) {
    const value = trace[frame] ?? 0;
    if (!(value > 0)) continue;
    const open = groups.at(-1);
    if (open !== undefined && frame - open.last <= silent + 1) {
      open.height += value;
      open.last = frame;
      if (value > open.most) [open.most, open.frame] = [value, frame];
    } else {
      groups.push({ frame, height: value, most: value, first: frame, last: frame });
    }
  }
  return groups;
}

/** The height at which half of all activity is reached, from the smallest group on. */
function typicalHeight(groups: readonly Group[]): number {
  const heights = groups.map(({ height }) => height).sort((a, b) => a - b);
  const half = heights.reduce((sum, height) => sum + height, 0) / 2;
  let sum = 0;
  return heights.find((height) => (sum += height) >= half) ?? 0;
}

/**
 * The events of a deconvolved trace that has no list of them (results of other programs, edits of older versions): the engine's rule without the noise, which is not known here (docs/engine.md, Events).
 *
 * @param apart - frames; groups that begin sooner than this after the last one's end are one event
 */
export function eventsOf(trace: Float32Array, apart: number): readonly TimelessEvent[] {
  const groups = groupsOf(trace, 1);
  const least = typicalShare * typicalHeight(groups);
  const events: Group[] = [];
  for (const group of groups.filter(({ height }) => height >= least)) {
    const open = events.at(-1);
    if (open === undefined || group.first - open.last >= apart) {
      events.push({ ...group });
      continue;
    }
    open.height += group.height;
    open.last = group.last;
    if (group.most > open.most) [open.most, open.frame] = [group.most, group.frame];
  }
  return events.map(({ frame, height }) => ({ frame, height }));
}

const timeOf = (seconds: number | undefined): number | null =>
  seconds === undefined || Number.isNaN(seconds) ? null : seconds;

/** The events that a folder of a run or of an edit lists for a row of its arrays; undefined where it has no list. @throws AppError `disk.io` */
async function listed({ folder, manifest }: RunFolder, row: number): Promise<readonly CellEvent[] | undefined> {
  if (!manifest.files.has(eventsFile)) return undefined;
  const names = ['cell', 'peak', 'peak_time', 'amplitude'] as const;
  const { cell, peak, peak_time: times, amplitude } = await readNpz(path.join(folder, eventsFile), names, eventsFile);
  const events: CellEvent[] = [];
  for (let i = 0; i < cell.length; i += 1)
    if (cell[i] === row) events.push({ frame: peak[i] ?? 0, timeS: timeOf(times[i]), height: amplitude[i] ?? 0 });
  return events;
}

/** The events that a row's activity shows. @throws AppError `disk.io`; the signal's reason when it is aborted */
async function shown(
  folder: RunFolder,
  layers: readonly Layer[],
  row: number,
  signal: AbortSignal,
): Promise<readonly CellEvent[]> {
  const { frames, fps } = folder.manifest;
  const reader = new EditedTraceReader(folder, () => Promise.resolve(layers));
  try {
    const { header, bytes } = await reader.read(
      { request: 0, rows: [row], kinds: ['deconvolved'], firstFrame: 0, lastFrame: frames - 1, columns: frames },
      signal,
    );
    if (header.rows.length === 0 || header.kinds.length === 0) return [];
    // One column a frame: times, then minima and maxima that are the value.
    const own = Uint8Array.from(bytes).buffer;
    const times = new Float64Array(own, 0, header.columns);
    const activity = new Float32Array(own, 8 * header.columns, header.columns);
    const found = eventsOf(activity, Math.round(apartS * (fps ?? 20)));
    return found.map(({ frame, height }) => ({ frame, timeS: timeOf(times[frame]), height }));
  } finally {
    await reader.close();
  }
}

/** A cell's strongest events in the order of time, and how many there are. @throws AppError `disk.io`; the signal's reason when it is aborted */
export async function strongestEvents(
  folder: RunFolder,
  layers: readonly Layer[],
  row: number,
  most: number,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly strongest: readonly CellEvent[] }> {
  const { hidden, sources } = foldLayers(layers);
  if (hidden.has(row)) return { count: 0, strongest: [] };
  const edited = sources.get(row);
  const source = edited === undefined ? folder : await RunFolder.openEdit(edited.folder, folder);
  const all = (await listed(source, edited?.index ?? row)) ?? (await shown(folder, layers, row, signal));
  const strongest = all
    .toSorted((a, b) => b.height - a.height)
    .slice(0, most)
    .toSorted((a, b) => a.frame - b.frame);
  return { count: all.length, strongest };
}
