// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { NpyFile } from '../../main/arrays/index.ts';
import { assetsFolder } from '../../main/installation/index.ts';
import { workflowCsv } from './workflow-csv.ts';

/** The sample session as upstream's workflow would be told of it: events at moments at which its truth says that a cell fired. */

/** The behaviour's clock begins this long after the miniscope's. */
export const offsetS = 1.5;
export const storyFps = 20;
/** Frames before and after an onset. */
export const [before, after] = [16, 40];
/** The sample session's own start, as a DataJoint key has it. */
export const sessionAt = '2026-10-10 09:30:00';

const truthFolder = path.join(assetsFolder, 'sample-session', 'truth');

export interface Story {
  /** The cell the events are about. */
  readonly target: { readonly index: number; readonly centroid: readonly [number, number] };
  /** Frames at which it fired after rest. */
  readonly onsets: readonly number[];
  /** Text of the seven files by name. */
  readonly csv: Readonly<Record<string, string>>;
  /** The average over the onsets of the cell's true course, `shift` frames later, at frames from the onset. */
  readonly truly: (bins: readonly number[], shift?: number) => Promise<number[]>;
}

export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = a.reduce((sum, value, i) => sum + (value - ma) * ((b[i] ?? 0) - mb), 0);
  const square = (list: readonly number[], m: number): number => list.reduce((sum, value) => sum + (value - m) ** 2, 0);
  return product / Math.sqrt(square(a, ma) * square(b, mb));
}

export function workflowStory(): Story {
  const truth = JSON.parse(readFileSync(path.join(truthFolder, 'truth.json'), 'utf8')) as {
    cells: { index: number; centroid: [number, number]; spikeFrames: number[]; peakSnr: number }[];
  };
  const target = truth.cells.toSorted((a, b) => b.peakSnr - a.peakSnr)[0]!;
  // Spikes after at least 1.5 s of rest, with room around them.
  const onsets = target.spikeFrames.filter(
    (frame, i) => frame - (target.spikeFrames[i - 1] ?? -100) > 30 && frame > before + 5 && frame < 600 - after - 5,
  );
  const behaviour = (frame: number): string => (frame / storyFps - offsetS).toFixed(4);
  const row = `subject1,${sessionAt}`;
  const plain = workflowCsv(sessionAt, 'sample-session');
  const csv = {
    ...plain,
    'behavior_recordings.csv': `subject,session_datetime,filepath,clock_offset\n${row},./trials.csv,${offsetS}\n`,
    'trials.csv': `subject,session_datetime,block_id,trial_id,trial_start_time,trial_stop_time,trial_type\n${onsets
      .map((frame, i) => `${row},1,${i + 1},${behaviour(frame - before - 1)},${behaviour(frame + after + 1)},stim\n`)
      .join('')}`,
    'events.csv': `subject,session_datetime,trial_id,event_start_time,event_type\n${onsets
      .map((frame, i) => `${row},${i + 1},${behaviour(frame)},center\n`)
      .join('')}`,
    'alignments.csv': `${plain['alignments.csv']!.split('\n')[0]!}\ncenter_button,center,0,center,${-before / storyFps},center,${after / storyFps}\n`,
  };
  const truly = async (bins: readonly number[], shift = 0): Promise<number[]> => {
    const traces = await NpyFile.open(path.join(truthFolder, 'traces.npy'));
    try {
      const values = await traces.read(target.index * 600, 600);
      return bins.map(
        (bin) => onsets.reduce((sum, frame) => sum + (values[frame + bin + shift] ?? 0), 0) / onsets.length,
      );
    } finally {
      await traces.close();
    }
  };
  return { target, onsets, csv, truly };
}
