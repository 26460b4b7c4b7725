// SPDX-License-Identifier: MIT
import path from 'node:path';
import { zipSync } from 'fflate';
import { encodeNpy, type NpyData, readNpz } from '../arrays/index.ts';

/** Name of the list of discrete events in a run folder and in an export. Runs of older engines have none. */
export const eventsFile = 'events.npz';

/** One event of a cell; `docs/engine.md` has the rule. Frames are 0-based. */
export interface CellEvent {
  /** Row of the run's arrays. */
  readonly cell: number;
  /** Frame in which calcium starts to rise. */
  readonly onset: number;
  /** Frame of the highest denoised value. */
  readonly peak: number;
  /** Last frame. */
  readonly end: number;
  /** Seconds since the recording's start, NaN where the frame has no time. */
  readonly onsetTime: number;
  readonly peakTime: number;
  readonly endTime: number;
  /** Grey levels at the footprint's maximum. */
  readonly amplitude: number;
  /** In standard deviations of the raw trace's noise. */
  readonly amplitudeSigma: number;
  /** ΔF/F. */
  readonly amplitudeDff: number;
}

const names = [
  'cell',
  'onset',
  'peak',
  'end',
  'onset_time',
  'peak_time',
  'end_time',
  'amplitude',
  'amplitude_sigma',
  'amplitude_dff',
] as const;

/**
 * The events of a run folder, cell after cell, each cell's in order of time.
 *
 * @throws AppError `disk.io` when the file is missing or damaged
 */
export async function readEvents(folder: string): Promise<readonly CellEvent[]> {
  const columns = await readNpz(path.join(folder, eventsFile), names, eventsFile);
  const at = (name: (typeof names)[number], i: number): number => columns[name][i] ?? Number.NaN;
  return Array.from({ length: columns.cell.length }, (_, i) => ({
    cell: at('cell', i),
    onset: at('onset', i),
    peak: at('peak', i),
    end: at('end', i),
    onsetTime: at('onset_time', i),
    peakTime: at('peak_time', i),
    endTime: at('end_time', i),
    amplitude: at('amplitude', i),
    amplitudeSigma: at('amplitude_sigma', i),
    amplitudeDff: at('amplitude_dff', i),
  }));
}

/**
 * The list of a folder again, with the times of its frames on another axis.
 *
 * @param times - T seconds, NaN where unknown
 * @throws AppError `disk.io` when the file is missing or damaged
 */
export async function eventsAt(folder: string, times: Float64Array): Promise<Uint8Array> {
  const columns = await readNpz(path.join(folder, eventsFile), names, eventsFile);
  const at = (frames: ArrayLike<number>): Float64Array =>
    Float64Array.from(frames, (frame) => times[frame] ?? Number.NaN);
  const moved = {
    ...columns,
    onset_time: at(columns.onset),
    peak_time: at(columns.peak),
    end_time: at(columns.end),
  };
  return zipSync(
    Object.fromEntries(names.map((name) => [`${name}.npy`, encodeNpy(moved[name] as NpyData, [moved[name].length])])),
  );
}

/** Events as a table with one header line; times in seconds to a tenth of a millisecond, empty where unknown. */
export function eventsCsv(events: readonly CellEvent[]): string {
  const seconds = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : '');
  const amount = (value: number): string => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : '');
  const line = (event: CellEvent): string =>
    [
      event.cell,
      event.onset,
      event.peak,
      event.end,
      seconds(event.onsetTime),
      seconds(event.peakTime),
      seconds(event.endTime),
      amount(event.amplitude),
      amount(event.amplitudeSigma),
      amount(event.amplitudeDff),
    ].join(',');
  const header = 'cell,onset_frame,peak_frame,end_frame,onset_s,peak_s,end_s,amplitude,amplitude_sigma,amplitude_dff';
  return `${[header, ...events.map(line)].join('\n')}\n`;
}
