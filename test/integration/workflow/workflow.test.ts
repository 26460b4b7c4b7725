// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { assetsFolder } from '../../../main/installation/index.ts';
import { openTestCore, processingProblem } from '../../support/core.ts';
import { temporaryFolder } from '../../support/library.ts';
import { correlation, offsetS, storyFps, workflowStory } from '../../support/workflow-story.ts';

const context = { signal: AbortSignal.timeout(150_000), audience: 'local' as const };

it('goes from CSV files to activity around events that equals the truth', async (test) => {
  const missing = processingProblem();
  if (missing !== undefined) test.skip(missing);
  const { target, onsets, csv, truly } = workflowStory();
  expect(onsets.length).toBeGreaterThanOrEqual(2);

  const core = await openTestCore(temporaryFolder());
  const { workflow, sessions, processing, review } = core.handlers;

  // Ingestion: the recording's own metadata tell when the session began.
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
  expect(recording!.fps).toBeCloseTo(storyFps, 1);
  const { run } = await processing.start(
    { recordingUuids: [recording!.uuid], parameters: { diameterPx: 6.7 }, budget: {} },
    context,
  );
  await core.idle();
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
  const { library } = core;
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

  // Each version has its own cells that count: the first without this one, the second with it.
  const chosen = async (version: number) =>
    (await workflow.align({ runUuid, alignment: 'center_button', accepted: true, version }, context)).cells.map(
      ({ row }) => row,
    );
  expect(await chosen(1)).not.toContain(cell.row);
  expect(await chosen(2)).toContain(cell.row);
  expect(await workflow.curations({ runUuid }, context)).toMatchObject([
    { version: 1, owner: 'AB', rejected: 1 },
    { version: 2, owner: 'CD', parent: 1, accepted: 1, rejected: 0, frozenAt: null },
  ]);

  // Activity around the events: the truth's, and not the truth's where the clocks' offset is forgotten.
  const aligned = await workflow.align(
    { runUuid, alignment: 'center_button', trace: 'denoised', rows: [cell.row] },
    context,
  );
  expect(aligned.clock).toEqual({ offsetS, rate: 1, method: 'given' });
  expect(aligned.trials.filter((trial) => trial.used)).toHaveLength(onsets.length);
  const bins = aligned.timesS.map((timeS) => Math.round(timeS * storyFps));
  const truth = await truly(bins);
  const found = aligned.cells[0]!.mean.map((value) => value ?? 0);
  expect(correlation(found, truth)).toBeGreaterThan(0.97);
  const forgotten = await workflow.align(
    { runUuid, alignment: 'center_button', trace: 'denoised', rows: [cell.row], offsetS: 0 },
    context,
  );
  const length = Math.min(forgotten.timesS.length, found.length);
  const wrong = forgotten.cells[0]!.mean.map((value) => value ?? 0);
  expect(correlation(wrong.slice(0, length), truth.slice(0, length))).toBeLessThan(0.8);
}, 200_000);
