// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { NpyFile } from '../../../main/arrays/index.ts';
import { openCore } from '../../../main/hosts/server/index.ts';
import { assetsFolder, engineProblem } from '../../../main/installation/index.ts';
import { findFfmpeg } from '../../../main/media/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { workflowCsv } from '../../support/workflow-csv.ts';

const context = { signal: AbortSignal.timeout(150_000), audience: 'local' as const };
/** The behaviour's clock begins this long after the miniscope's. */
const offsetS = 1.5;
const fps = 20;
/** Frames before and after an onset. */
const [before, after] = [16, 40];

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [ma, mb] = [mean(a), mean(b)];
  const product = a.reduce((sum, value, i) => sum + (value - ma) * ((b[i] ?? 0) - mb), 0);
  const square = (list: readonly number[], m: number): number => list.reduce((sum, value) => sum + (value - m) ** 2, 0);
  return product / Math.sqrt(square(a, ma) * square(b, mb));
}

it('goes from CSV files to activity around events that equals the truth', async (test) => {
  const missing = engineProblem() ?? (findFfmpeg() === undefined ? 'no ffmpeg is installed' : undefined);
  if (missing !== undefined) test.skip(missing);
  const truthFolder = path.join(assetsFolder, 'sample-session', 'truth');
  const truth = JSON.parse(readFileSync(path.join(truthFolder, 'truth.json'), 'utf8')) as {
    cells: { index: number; centroid: [number, number]; spikeFrames: number[]; peakSnr: number }[];
  };
  const target = truth.cells.toSorted((a, b) => b.peakSnr - a.peakSnr)[0]!;
  // Onsets: spikes after at least 1.5 s of rest, with room around them.
  const onsets = target.spikeFrames.filter(
    (frame, i) => frame - (target.spikeFrames[i - 1] ?? -100) > 30 && frame > before + 5 && frame < 600 - after - 5,
  );
  expect(onsets.length).toBeGreaterThanOrEqual(2);

  const opened = await openCore({ libraryDirectory: temporaryFolder(), program: 'test' });
  if (opened.kind !== 'owner') throw new Error('the library is new');
  onTestFinished(() => opened.core.close());
  const { workflow, sessions, processing, review } = opened.core.handlers;

  // Ingestion: the recording's own metadata tell when the session began.
  const at = '2026-10-10 09:30:00';
  const behaviour = (frame: number): string => (frame / fps - offsetS).toFixed(4);
  const row = `subject1,${at}`;
  const csv = {
    ...workflowCsv(at, 'sample-session'),
    'behavior_recordings.csv': `subject,session_datetime,filepath,clock_offset\n${row},./trials.csv,${offsetS}\n`,
    'trials.csv': `subject,session_datetime,block_id,trial_id,trial_start_time,trial_stop_time,trial_type\n${onsets
      .map((frame, i) => `${row},1,${i + 1},${behaviour(frame - before - 1)},${behaviour(frame + after + 1)},stim\n`)
      .join('')}`,
    'events.csv': `subject,session_datetime,trial_id,event_start_time,event_type\n${onsets
      .map((frame, i) => `${row},${i + 1},${behaviour(frame)},center\n`)
      .join('')}`,
    'alignments.csv': `${workflowCsv(at)['alignments.csv']!.split('\n')[0]!}\ncenter_button,center,0,center,${-before / fps},center,${after / fps}\n`,
  };
  const files = Object.entries(csv).map(([name, text]) => ({ name, text }));
  const root = { path: assetsFolder };
  const ingested = await workflow.ingest({ files, root, who: 'ada' }, context);
  expect(ingested.files.flatMap((file) => file.problems)).toEqual([]);
  expect(ingested.inserted).toMatchObject({
    subject: 1,
    session: 1,
    recording: 1,
    trial: onsets.length,
    event: onsets.length,
  });
  expect((await workflow.ingest({ files, root }, context)).inserted).toEqual({});

  // Recording info, then the task.
  const [session] = await sessions.list({}, context);
  expect(session).toMatchObject({ subject: 'subject1', startedAt: expect.stringMatching(/:00\.250Z$/) as string });
  const [recording] = session!.recordings;
  expect(recording).toMatchObject({ frames: 600, height: 120, width: 128 });
  expect(recording!.fps).toBeCloseTo(fps, 1);
  const { run } = await processing.start(
    { recordingUuids: [recording!.uuid], parameters: { diameterPx: 6.7 }, budget: {} },
    context,
  );
  await opened.core.idle();
  const runUuid = run.uuid;

  // Results and a second curation.
  const cells = await review.cells({ runUuid }, context);
  const distance = (cell: (typeof cells)[number]): number =>
    Math.hypot(cell.centroid.y - target.centroid[0], cell.centroid.x - target.centroid[1]);
  const cell = cells.toSorted((a, b) => distance(a) - distance(b))[0]!;
  expect(distance(cell)).toBeLessThan(2);
  const quality = await workflow.quality({ runUuid }, context);
  expect(quality.traces).toHaveLength(4 * cells.length);
  expect(quality.traces.every(({ variance }) => (variance ?? -1) >= 0)).toBe(true);
  const { library } = opened.core;
  const first = await library.curation.addRater({ initials: 'AB' });
  const second = await library.curation.addRater({ initials: 'CD' });
  const decide = (raterUuid: string, to: 'accepted' | 'rejected') =>
    library.curation.decide({ runUuid, raterUuid, cellUuids: [cell.uuid], to, context: {} });
  await decide(first.uuid, 'rejected');
  expect(await workflow.freeze({ runUuid }, context)).toEqual({ version: 1 });
  await expect(decide(second.uuid, 'accepted')).rejects.toMatchObject({ code: 'review.frozen' });
  expect(await workflow.nextVersion({ runUuid, raterUuid: second.uuid }, context)).toEqual({ version: 2 });
  expect(await library.curation.current(runUuid)).toMatchObject({ version: 2, counts: { rejected: 1 } });
  await decide(second.uuid, 'accepted');
  expect(await library.curation.current(runUuid)).toMatchObject({ counts: { accepted: 1, rejected: 0 } });

  // Activity around the events: the truth's, and not the truth's where the clocks' offset is forgotten.
  const aligned = await workflow.align(
    { runUuid, alignment: 'center_button', trace: 'denoised', rows: [cell.row] },
    context,
  );
  expect(aligned.clock).toEqual({ offsetS, rate: 1, method: 'given' });
  expect(aligned.trials.filter((trial) => trial.used)).toHaveLength(onsets.length);
  const traces = await NpyFile.open(path.join(truthFolder, 'traces.npy'));
  onTestFinished(() => traces.close());
  const values = await traces.read(target.index * 600, 600);
  const bins = aligned.timesS.map((timeS) => Math.round(timeS * fps));
  const truly = (shift: number): number[] =>
    bins.map((bin) => onsets.reduce((sum, frame) => sum + (values[frame + bin + shift] ?? 0), 0) / onsets.length);
  const found = aligned.cells[0]!.mean.map((value) => value ?? 0);
  expect(correlation(found, truly(0))).toBeGreaterThan(0.97);
  const forgotten = await workflow.align(
    { runUuid, alignment: 'center_button', trace: 'denoised', rows: [cell.row], offsetS: 0 },
    context,
  );
  const length = Math.min(forgotten.timesS.length, found.length);
  const wrong = forgotten.cells[0]!.mean.map((value) => value ?? 0);
  expect(correlation(wrong.slice(0, length), truly(0).slice(0, length))).toBeLessThan(0.8);
}, 200_000);
