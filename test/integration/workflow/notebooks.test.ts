// SPDX-License-Identifier: MIT
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runCli, type CliHost } from '../../../main/hosts/cli/cli.ts';
import { openConnection } from '../../../main/hosts/cli/connection.ts';
import { assetsFolder } from '../../../main/installation/index.ts';
import { processingProblem } from '../../support/core.ts';
import { temporaryFolder } from '../../support/library.ts';
import { correlation, storyFps, workflowStory } from '../../support/workflow-story.ts';

/** A command line over one library: what it said, and its answer as JSON. */
async function commandLine(library: string, cwd: string) {
  const said = { out: '', err: '' };
  const terminal = {
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    redraws: false,
    columns: () => 100,
  };
  const connection = await openConnection(library, terminal, { takeQueued: true, port: 0 });
  const never = new AbortController().signal;
  onTestFinished(() => connection.close(AbortSignal.abort()));
  const host: CliHost = {
    terminal,
    env: {},
    cwd,
    signal: never,
    insisted: never,
    connect: () => Promise.resolve({ ...connection, close: () => Promise.resolve() }),
    readSession: () => Promise.resolve(undefined),
  };
  return async <T>(line: string, ...more: readonly string[]): Promise<T> => {
    [said.out, said.err] = ['', ''];
    const code = await runCli([...line.split(' '), ...more, '--json', '--library', library], host);
    expect({ line, code, err: said.err }).toEqual({ line, code: 0, err: '' });
    return JSON.parse(said.out) as T;
  };
}

interface Rows {
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
}
interface Jobs {
  readonly jobs: readonly {
    readonly uuid: string;
    readonly step: string;
    readonly state: string;
    readonly result: { readonly runUuid?: string } | null;
  }[];
}

it('goes through the notebooks by the command line alone, as docs/workflow.md tells', async (test) => {
  const missing = processingProblem();
  if (missing !== undefined) test.skip(missing);
  const story = workflowStory();
  const folder = temporaryFolder();
  const calyx = await commandLine(path.join(folder, 'library'), folder);
  for (const [name, text] of Object.entries(story.csv)) writeFileSync(path.join(folder, name), text);

  // 04: the CSV files; 02: what they made.
  const ingested = await calyx<{ inserted: object }>('ingest --root', assetsFolder, ...Object.keys(story.csv));
  expect(ingested.inserted).toMatchObject({ subject: 1, session: 1, recording: 1, trial: story.onsets.length });
  const { rows: info } = await calyx<Rows>('query RecordingInfo');
  expect(info).toMatchObject([{ subject: 'subject1', nframes: 600, px_height: 120, px_width: 128 }]);
  expect(info[0]?.['recording_datetime']).not.toBeNull();
  const { sessions } = await calyx<{ sessions: { uuid: string; recordings: { uuid: string }[] }[] }>('sessions');
  const [session] = sessions;
  const recording = session!.recordings[0]!.uuid;

  // 03: the tutorial's parameter set, the task, everything that is pending; what will run is shown first.
  const { sets } = await calyx<{ sets: { idx: number; djHash: string }[] }>('params list');
  expect(sets).toMatchObject([{ idx: 0, djHash: '7ebfca75-7997-82ce-c46b-f0cc28f69308' }]);
  const pending = await calyx<{ pending: { step: string; target: string }[] }>('jobs run --pending --dry-run');
  expect(pending.pending).toMatchObject([{ step: 'process', target: recording }]);
  const added = await calyx<Jobs>(`jobs add ${recording} --paramset 0`);
  const task = added.jobs[0]!.uuid;
  const copy = path.join(folder, 'traces');
  await calyx('jobs add --step quality --after', task);
  await calyx('jobs add --step export --format csv --after', task, '--out', copy);
  const done = await calyx<Jobs>('jobs run --pending');
  expect(done.jobs.map(({ step, state }) => [step, state])).toEqual([
    ['process', 'succeeded'],
    ['quality', 'succeeded'],
    ['export', 'succeeded'],
  ]);
  expect(readFileSync(path.join(copy, 'cells.csv'), 'utf8').split('\n').length).toBeGreaterThan(10);
  const run = done.jobs[0]!.result!.runUuid!;
  const detail = await calyx<{ asked: { parameters: { parameter: string; became: string | null }[] } }>(`runs ${run}`);
  expect(detail.asked.parameters.find(({ parameter }) => parameter === 'gSig')?.became).toBe('diameterPx');
  expect(detail.asked.parameters.find(({ parameter }) => parameter === 'rf')?.became).toBeNull();
  // A run that was started without a job is one, too, and is kept apart from the others.
  await calyx(`process ${session!.uuid} --paramset 0`);
  expect((await calyx<Jobs>('jobs')).jobs.map(({ step, state }) => [step, state])).toEqual([
    ['process', 'succeeded'],
    ['export', 'succeeded'],
    ['quality', 'succeeded'],
    ['process', 'succeeded'],
  ]);

  // A result that exists is loaded from where element-miniscope would have put it: a further result of the recording.
  const processed = path.join(folder, 'processed');
  mkdirSync(processed);
  await calyx(`export ${run} --format caiman --root`, processed);
  const loaded = await calyx<{ relative: string; run: { cells: number } }>(
    `import --recording ${recording} --paramset 0 --root`,
    processed,
  );
  expect(loaded.relative).toBe('sample-session/caiman_0');
  const tasks = await calyx<Rows>(
    'query ProcessingTask --columns task_mode,processing_output_dir,asked_paramset_idx,state',
  );
  expect(tasks.rows.map((row) => [row['task_mode'], row['asked_paramset_idx'], row['state']])).toEqual([
    ['trigger', 0, 'succeeded'],
    ['trigger', 0, 'succeeded'],
    ['load', 0, 'succeeded'],
  ]);
  expect(tasks.rows[2]?.['processing_output_dir']).toBe('sample-session/caiman_0');

  // 05: masks in the order x, y; the second curation.
  const masks = await calyx<Rows>(
    'query Segmentation.Mask --columns mask,centroid_x,centroid_y --where',
    `run_uuid = '${run.replaceAll('-', '')}'`,
  );
  const [y, x] = story.target.centroid;
  const distance = (row: Rows['rows'][number]): number =>
    Math.hypot(Number(row['centroid_x']) - x, Number(row['centroid_y']) - y);
  const mask = masks.rows.toSorted((a, b) => distance(a) - distance(b))[0]!;
  expect(distance(mask)).toBeLessThan(2);
  await calyx(`curate ${run} --rater AB --reject ${mask['mask']} --freeze`);
  const { versions } = await calyx<{ versions: object[] }>(`curate ${run} --next --rater CD --accept ${mask['mask']}`);
  expect(versions).toMatchObject([
    { version: 1, owner: 'AB', rejected: 1, frozenAt: expect.any(String) as string },
    { version: 2, owner: 'CD', parent: 1, accepted: 1, rejected: 0 },
  ]);
  expect((await calyx<Rows>('query Curation')).rows).toHaveLength(2);

  // 07: activity around the events equals the truth, and is kept under a name.
  const mean = path.join(folder, 'mean.csv');
  await calyx(
    `align ${run} center_button --trace denoised --cell ${Number(mask['mask']) - 1} --save stim --csv-mean`,
    mean,
  );
  const lines = readFileSync(mean, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',').map(Number));
  const truth = await story.truly(lines.map(([, time = 0]) => Math.round(time * storyFps)));
  expect(
    correlation(
      lines.map((line) => line[3] ?? 0),
      truth,
    ),
  ).toBeGreaterThan(0.97);
  const kept = await calyx<Rows>('query ActivityAlignment.AlignedTrialActivity --columns n=count(*)');
  expect(kept.rows[0]?.['n']).toBe(masks.rows.length * story.onsets.length);

  // 08: both quality tables; variance is a variance.
  const quality = await calyx<{ traces: { variance: number | null }[] }>(`quality ${run}`);
  expect(quality.traces.every(({ variance }) => (variance ?? -1) >= 0)).toBe(true);
  expect((await calyx<Rows>('query QualityMetrics')).rows.length).toBeGreaterThanOrEqual(masks.rows.length);

  // Position: a walk along a track.
  const walk = Array.from({ length: 600 }, (_, i) => `${i / 20},${(i % 100) / 2},5`);
  writeFileSync(path.join(folder, 'walk.csv'), `time (s),x (cm),y (cm)\n${walk.join('\n')}\n`);
  await calyx(`position add ${session!.uuid} walk.csv --miniscope-clock`);
  const maps = await calyx<{ columns: number; lines: number; occupancyS: number[]; cells: object[] }>(
    `position maps ${run} --bin 5`,
  );
  expect([maps.columns, maps.lines]).toEqual([10, 1]);
  expect(maps.occupancyS.reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(30, 0);

  // 06: what a deletion would take, and a library that is whole.
  const doomed = await calyx<{ counts: { table: string; rows: number }[] }>(`delete ${run} --dry-run`);
  expect(doomed.counts).toContainEqual({ table: 'run', rows: 1 });
  expect((await calyx<{ ok: boolean }>('verify')).ok).toBe(true);
}, 200_000);
