// SPDX-License-Identifier: MIT
import type { Layer } from './edits.ts';
import { EditedTraceReader } from './layers.ts';
import type { RunFolder } from './run-folder.ts';

/** A cell's calcium event. */
export interface CellEvent {
  /** Of its largest step. */
  readonly frame: number;
  readonly timeS: number | null;
  /** Deconvolved activity it adds up to, grey levels. */
  readonly height: number;
}

/** Activity within so many seconds is one event. */
const apartS = 0.5;

/** The events of a deconvolved trace: stretches of activity with no more than `gap` silent frames inside. */
export function eventsOf(trace: Float32Array, gap: number): readonly Omit<CellEvent, 'timeS'>[] {
  const events: { frame: number; height: number; most: number; last: number }[] = [];
  for (let frame = 0; frame < trace.length; frame += 1) {
    const value = trace[frame] ?? 0;
    if (!(value > 0)) continue;
    const open = events.at(-1);
    if (open !== undefined && frame - open.last <= gap) {
      open.height += value;
      open.last = frame;
      if (value > open.most) [open.most, open.frame] = [value, frame];
    } else {
      events.push({ frame, height: value, most: value, last: frame });
    }
  }
  return events.map(({ frame, height }) => ({ frame, height }));
}

/** A cell's strongest events in the order of time, and how many there are. @throws AppError `disk.io`; the signal's reason when it is aborted */
export async function strongestEvents(
  folder: RunFolder,
  layers: readonly Layer[],
  row: number,
  most: number,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly strongest: readonly CellEvent[] }> {
  const { frames, fps } = folder.manifest;
  const reader = new EditedTraceReader(folder, () => Promise.resolve(layers));
  try {
    const { header, bytes } = await reader.read(
      { request: 0, rows: [row], kinds: ['deconvolved'], firstFrame: 0, lastFrame: frames - 1, columns: frames },
      signal,
    );
    if (header.rows.length === 0 || header.kinds.length === 0) return { count: 0, strongest: [] };
    // One column a frame: times, then minima and maxima that are the value.
    const own = Uint8Array.from(bytes).buffer;
    const times = new Float64Array(own, 0, header.columns);
    const all = eventsOf(new Float32Array(own, 8 * header.columns, header.columns), Math.round(apartS * (fps ?? 20)));
    const strongest = all
      .toSorted((a, b) => b.height - a.height)
      .slice(0, most)
      .toSorted((a, b) => a.frame - b.frame)
      .map(({ frame, height }) => {
        const time = times[frame] ?? Number.NaN;
        return { frame, height, timeS: Number.isNaN(time) ? null : time };
      });
    return { count: all.length, strongest };
  } finally {
    await reader.close();
  }
}
