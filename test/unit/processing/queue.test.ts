// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError, type RunProgress } from '../../../main/contract/index.ts';
import { openLibrary, type Library } from '../../../main/library/index.ts';
import { createLocalCompute } from '../../../main/processing/local-compute.ts';
import { createRunQueue, readParameterSet, type RunQueue } from '../../../main/processing/index.ts';
import { systemTimers, type Timers } from '../../../main/processing/compute.ts';
import { planRun } from '../../../main/processing/plan.ts';
import { readRules, usualRules, waitForHours } from '../../../main/processing/queue-rules.ts';
import { importSession } from '../../../main/sessions/import.ts';
import { openSession } from '../../../main/sessions/index.ts';
import { newLibraryIn } from '../../support/library.ts';
import { fakeProbe, regularTimes, temporaryFolder, timeStampsCsv, writeTree } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

const fakeEngine = path.join(repositoryRoot, 'test/support/fake-engine.mjs');
const limits = { threads: 2, memoryBytes: 2 ** 30 };
const parameters = readParameterSet();

interface Bench extends AsyncDisposable {
  readonly folder: string;
  readonly library: Library;
  readonly queue: RunQueue;
  readonly add: (values?: Readonly<Record<string, number>>) => Promise<string>;
}

/** Waits of the supervisor end at once when `hurry` is set. */
const hurried: Timers = {
  now: () => 0,
  after: (ms, act) => (ms > 4000 ? () => undefined : systemTimers.after(1, act)),
};

async function bench(
  behaviour: string,
  options: {
    readonly timers?: Timers;
    readonly engine?: string;
    readonly begin?: boolean;
    readonly clock?: () => Date;
  } = {},
): Promise<Bench> {
  const temporary = temporaryFolder();
  writeTree(temporary.path, {
    'session/metaData.json': { animalName: 'm1', miniscopes: ['S'] },
    'session/S/metaData.json': { deviceType: 'Miniscope_V4' },
    'session/S/timeStamps.csv': timeStampsCsv(regularTimes(5, 50, -20)),
    'session/S/0.avi': '5 4 3',
  });
  const library = await openLibrary({ directory: newLibraryIn(path.join(temporary.path, 'library')) });
  const session = await openSession(path.join(temporary.path, 'session'), { probeFilm: fakeProbe });
  const imported = await importSession(session, {}, library);
  const compute = createLocalCompute({
    engine: options.engine ?? process.execPath,
    engineProblem: () => undefined,
    ffmpeg: () => undefined,
    engineArguments: [fakeEngine, behaviour],
    timers: options.timers ?? systemTimers,
  });
  const queue = createRunQueue({
    library,
    compute,
    limits,
    timers: options.timers ?? systemTimers,
    rulesFile: path.join(temporary.path, 'queue.json'),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  if (options.begin !== false) await queue.start();
  const recordingUuids = imported.session.recordings.map((recording) => recording.uuid);
  return {
    folder: temporary.path,
    library,
    queue,
    add: async (values = {}) => {
      const plan = await planRun(library, parameters, limits, {
        recordingUuids,
        parameters: { ...values },
        budget: {},
      });
      const run = await queue.add({
        name: 'run',
        inputs: plan.inputs,
        parameters: plan.parameters,
        engineVersion: null,
        budget: {},
      });
      return run.uuid;
    },
    [Symbol.asyncDispose]: async () => {
      await queue.close();
      await library.close();
      temporary[Symbol.dispose]();
    },
  };
}

async function lastProgress({ queue }: Bench, runUuid: string): Promise<RunProgress> {
  let last: RunProgress | undefined;
  for await (const progress of queue.follow(runUuid, new AbortController().signal)) last = progress;
  if (last === undefined) throw new Error('no progress');
  return last;
}

/** Resolves as soon as the engine says what is awaited. */
async function until({ queue }: Bench, runUuid: string, seen: (progress: RunProgress) => boolean): Promise<void> {
  for await (const progress of queue.follow(runUuid, new AbortController().signal)) if (seen(progress)) return;
  throw new Error('the run ended before');
}

describe('pictures of a run that goes on', () => {
  it('come to whoever looks, the newest of each name, and end with the run', async () => {
    await using place = await bench('pictures');
    const uuid = await place.add();
    const seen: string[] = [];
    for await (const pictures of place.queue.pictures(uuid, new AbortController().signal)) {
      const said = pictures.map(({ name, frames, pixels }) => {
        return `${name} ${String(frames)} ${[...Buffer.from(pixels, 'base64')].join('+')}`;
      });
      seen.push(said.join(', '));
      // Somebody who comes later sees them all at once.
      if (pictures.length === 3) void place.queue.cancel(uuid);
    }
    expect(seen.at(-1)).toBe('mean 128 0+255, max 128 3+4, pnr 128 5+6');
    // What an ended run has gathered lies in its folder.
    for await (const pictures of place.queue.pictures(uuid, new AbortController().signal))
      seen.push(...pictures.map(String));
    expect(seen.length).toBeLessThanOrEqual(3);
    expect(readFileSync(path.join(place.library.folders.logs, `${uuid}.log`), 'utf8')).not.toContain('pixels');
  });
});

const leftIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

describe('a queue that is held', () => {
  it('lets runs wait while a scope records, and goes on afterwards', async () => {
    await using place = await bench('ok');
    place.queue.hold(true);
    const uuid = await place.add();
    await place.queue.idle();
    expect((await place.queue.progressOf(uuid)).state).toBe('queued');
    place.queue.hold(false);
    expect((await lastProgress(place, uuid)).state).toBe('succeeded');
  });

  it('waits while it is paused, takes runs in the order given by hand, and keeps its rules', async () => {
    await using place = await bench('ok');
    await place.queue.setRules({ paused: true });
    const [first, second] = [await place.add(), await place.add()];
    await place.queue.setRules({ order: [second, first] });
    expect(place.queue.rules().waiting).toBe('paused');
    expect((await place.queue.progressOf(first)).state).toBe('queued');
    expect(JSON.parse(readFileSync(path.join(place.folder, 'queue.json'), 'utf8'))).toMatchObject({
      paused: true,
      order: [second, first],
    });
    await place.queue.setRules({ paused: false });
    await lastProgress(place, first);
    const [a, b] = [await place.library.runs.get(first), await place.library.runs.get(second)];
    expect((b.run.startedAt ?? '').localeCompare(a.run.startedAt ?? '')).toBeLessThan(0);
  });

  it('runs beside a recording where that is allowed', async () => {
    await using place = await bench('ok');
    await place.queue.setRules({ whileRecording: true });
    place.queue.hold(true);
    expect((await lastProgress(place, await place.add())).state).toBe('succeeded');
  });

  it('stops after a failure where it must not go on', async () => {
    await using place = await bench('error');
    await place.queue.setRules({ goOn: false });
    const [first, second] = [await place.add(), await place.add()];
    expect((await lastProgress(place, first)).state).toBe('failed');
    await place.queue.idle();
    expect(place.queue.rules().waiting).toBe('failure');
    expect((await place.queue.progressOf(second)).state).toBe('queued');
  });

  it('begins when the quiet hours do', async () => {
    const now = { at: new Date(2026, 10, 27, 19, 59, 30) };
    const alarms: { readonly ms: number; readonly act: () => void }[] = [];
    const timers: Timers = {
      now: () => 0,
      after: (ms, act) => {
        if (ms === 30_000) alarms.push({ ms, act });
        return () => undefined;
      },
    };
    await using place = await bench('ok', { timers, clock: () => now.at });
    await place.queue.setRules({ hours: { from: '20:00', to: '07:00' } });
    const uuid = await place.add();
    await place.queue.idle();
    expect(place.queue.rules().waiting).toBe('hours');
    expect((await place.queue.progressOf(uuid)).state).toBe('queued');
    now.at = new Date(2026, 10, 27, 20, 0, 0);
    alarms.at(-1)?.act();
    expect((await lastProgress(place, uuid)).state).toBe('succeeded');
  });
});

describe('the hours of a queue', () => {
  const at = (hour: number, minute: number): Date => new Date(2026, 10, 27, hour, minute, 15);
  it.each([
    [{ from: '20:00', to: '07:00' }, at(23, 0), 0],
    [{ from: '20:00', to: '07:00' }, at(6, 59), 0],
    [{ from: '20:00', to: '07:00' }, at(7, 0), 13 * 3600_000 - 15_000],
    [{ from: '09:00', to: '17:00' }, at(17, 30), 15.5 * 3600_000 - 15_000],
    [{ from: '09:00', to: '09:00' }, at(3, 0), 0],
    [null, at(3, 0), 0],
  ])('%j at %s: %i ms to wait', (hours, now, ms) => {
    expect(waitForHours(hours, now)).toBe(ms);
  });

  it('are the usual ones where the file is no such file', async () => {
    using temporary = temporaryFolder();
    writeTree(temporary.path, { 'queue.json': '{"paused": "perhaps"}' });
    expect(await readRules(path.join(temporary.path, 'queue.json'))).toEqual(usualRules);
    expect(await readRules(path.join(temporary.path, 'none.json'))).toEqual(usualRules);
  });
});

describe('a run', () => {
  it('ends in the library with its cells, arrays and last progress', async () => {
    await using place = await bench('ok');
    const uuid = await place.add();
    const last = await lastProgress(place, uuid);
    expect(last).toMatchObject({ state: 'succeeded', overall: 1, error: null });
    expect(last.stages.every((stage) => stage.state === 'done')).toBe(true);
    expect(last.warnings).toEqual([{ code: 'size.estimated', message: 'The neuron diameter was estimated: 8 px.' }]);
    const detail = await place.library.runs.get(uuid);
    expect(detail.run).toMatchObject({ state: 'succeeded', cells: 2, suggested: 1, engineVersion: '9.9' });
    expect(detail.arrays.find((array) => array.path === 'traces/denoised.npy')).toMatchObject({
      dtype: '<f4',
      shape: [2, 5],
    });
    expect(detail.arrays.every((array) => array.sha256.length === 64)).toBe(true);
    const cells = await place.library.runs.cells(uuid);
    expect(cells[1]).toMatchObject({
      row: 1,
      suggested: false,
      reasons: ['weak'],
      centroid: { y: 1.5, x: 2.5 },
      metrics: { snr: 5.5, splitHalf: null },
    });
    expect(leftIn(path.join(place.library.folders.cache, 'jobs'))).toEqual([]);
  });

  it('hands the engine films, times, parameters and budget', async () => {
    await using place = await bench('obedient');
    const uuid = await place.add();
    await until(place, uuid, (progress) => progress.stage === 'demix');
    const jobFolder = path.join(place.library.folders.cache, 'jobs', uuid);
    const job: unknown = JSON.parse(readFileSync(path.join(jobFolder, 'job.json'), 'utf8'));
    expect(job).toMatchObject({
      formatVersion: 1,
      runUuid: uuid,
      output: place.library.runFolder(uuid),
      inputs: [
        {
          films: [path.join(place.folder, 'session/S/0.avi')],
          filmFrames: [5],
          time: 'time-0.npy',
          firstFrame: 0,
          lastFrame: null,
        },
      ],
      parameters: { diameterPx: null, rounds: 4 },
      budget: limits,
    });
    const times = readFileSync(path.join(jobFolder, 'time-0.npy'));
    expect(times.readDoubleLE(times.length - 5 * 8)).toBeCloseTo(-0.02, 12);
    await place.queue.cancel(uuid);
  });

  it('asks earlier decisions only where that is wished and something was learned from them', async () => {
    await using place = await bench('obedient');
    const untaught = await place.add({ minProbability: 0.5 });
    expect((await lastProgress(place, untaught)).error).toMatchObject({
      code: 'usage.invalid',
      message: expect.stringContaining('Nothing was learned from your decisions yet') as string,
    });
    const model = place.library.folders.evaluationModel;
    mkdirSync(path.dirname(model), { recursive: true });
    writeFileSync(model, '{"formatVersion":1}');
    for (const [minProbability, named] of [
      [0.5, 'evaluation-model.json'],
      [0, undefined],
    ] as const) {
      const uuid = await place.add({ minProbability });
      await until(place, uuid, (progress) => progress.stage === 'demix');
      const jobFolder = path.join(place.library.folders.cache, 'jobs', uuid);
      const job = JSON.parse(readFileSync(path.join(jobFolder, 'job.json'), 'utf8')) as Record<string, unknown>;
      expect(job['evaluationModel']).toBe(named);
      if (named !== undefined) expect(readFileSync(path.join(jobFolder, named), 'utf8')).toBe('{"formatVersion":1}');
      await place.queue.cancel(uuid);
    }
  });

  it('succeeds, with a warning, when a part of the film could not be read', async () => {
    await using place = await bench('incomplete');
    const last = await lastProgress(place, await place.add());
    expect(last).toMatchObject({ state: 'succeeded', warnings: [{ code: 'media.truncated' }] });
  });

  it('does not mind lines that are cut, foreign or empty', async () => {
    await using place = await bench('garbage');
    const uuid = await place.add();
    expect(await lastProgress(place, uuid)).toMatchObject({ state: 'succeeded' });
    const log = readFileSync(path.join(place.library.folders.logs, `${uuid}.log`), 'utf8');
    expect(log).toContain('not json é');
    expect(log).toContain('a complaint');
  });

  it.each([
    ['ownWord', 'engine.no_signal', 'The film is too dark.'],
    ['error', 'engine.out_of_memory', 'The run needed 3 GB and may use 2 GB.'],
    [
      'crash',
      'engine.crashed',
      'The engine was killed (signal 9, SIGKILL) in step demix. Nothing of this run was kept.',
    ],
    ['exit0', 'engine.crashed', 'The engine ended before its first step without a result.'],
    ['panic', 'engine.crashed', 'The engine ended before its first step with exit code 101 and without a word why.'],
  ])('that ends with %s fails with a sentence, and nothing of it stays', async (behaviour, code, message) => {
    await using place = await bench(behaviour);
    const uuid = await place.add();
    expect(await lastProgress(place, uuid)).toMatchObject({ state: 'failed', error: { code, message } });
    expect((await place.library.runs.get(uuid)).run).toMatchObject({ state: 'failed', error: { code, message } });
    expect(leftIn(place.library.folders.runs)).toEqual([]);
    expect(leftIn(path.join(place.library.folders.cache, 'jobs'))).toEqual([]);
    expect(leftIn(path.join(place.library.folders.logs, `${uuid}.job`)).toSorted()).toEqual(['job.json', 'time-0.npy']);
  });

  it('cannot be started without an engine', async () => {
    await using place = await bench('ok', { engine: '/nowhere/calyx-engine' });
    expect(await lastProgress(place, await place.add())).toMatchObject({
      state: 'failed',
      error: { code: 'engine.missing' },
    });
  });

  it('fails with a sentence when its films went away', async () => {
    await using place = await bench('ok', { begin: false });
    const uuid = await place.add();
    writeFileSync(path.join(place.folder, 'session/S/timeStamps.csv'), 'Frame Number,Time Stamp (ms)\n0,x\n');
    await place.queue.start();
    expect(await lastProgress(place, uuid)).toMatchObject({ state: 'failed', error: { code: 'session.bad_csv' } });
  });
});

describe('a library that cannot be written when a run ends', () => {
  it.each([
    ['ends', ['finish', 'fail']],
    ['is taken', ['claim']],
  ] as const)('costs the run that %s then, not those who wait for it', async (_, refused) => {
    await using place = await bench('ok', { begin: false });
    const uuid = await place.add();
    const full = (): Promise<never> => Promise.reject(new AppError('library.io', 'The disk is full.'));
    const runs: Library['runs'] = { ...place.library.runs, ...Object.fromEntries(refused.map((name) => [name, full])) };
    const library: Library = {
      ...place.library,
      recovered: [],
      folders: place.library.folders,
      readOnly: null,
      runFolder: (run) => place.library.runFolder(run),
      sessions: place.library.sessions,
      runs,
    };
    const compute = createLocalCompute({
      engine: process.execPath,
      engineProblem: () => undefined,
      ffmpeg: () => undefined,
      engineArguments: [fakeEngine, 'ok'],
    });
    const queue = createRunQueue({ library, compute, limits });
    await queue.start();
    let last: RunProgress | undefined;
    for await (const progress of queue.follow(uuid, new AbortController().signal)) last = progress;
    expect(last).toMatchObject({ state: 'failed', error: { code: 'library.io', message: 'The disk is full.' } });
    expect(leftIn(place.library.folders.runs)).toEqual([]);
  });
});

describe('cancelling', () => {
  it.each(['obedient', 'deaf', 'stubborn'])('ends an engine that is %s, and nothing stays', async (behaviour) => {
    await using place = await bench(behaviour, behaviour === 'obedient' ? {} : { timers: hurried });
    const uuid = await place.add();
    await until(place, uuid, (progress) => progress.stage === 'demix');
    expect(await place.queue.cancel(uuid)).toMatchObject({ state: 'cancelled' });
    expect(leftIn(place.library.folders.runs)).toEqual([]);
    expect(await lastProgress(place, uuid)).toMatchObject({ state: 'cancelled' });
  });

  it('takes a queued run out of the queue', async () => {
    await using place = await bench('obedient');
    const first = await place.add();
    const second = await place.add();
    await until(place, first, (progress) => progress.stage === 'demix');
    expect(await place.queue.cancel(second)).toMatchObject({ state: 'cancelled' });
    await place.queue.cancel(first);
    await place.queue.idle();
    expect((await place.library.runs.get(second)).attempts).toEqual([]);
  });

  it('refuses a run that has ended', async () => {
    await using place = await bench('ok');
    const uuid = await place.add();
    await lastProgress(place, uuid);
    await place.queue.idle();
    await expect(place.queue.cancel(uuid)).rejects.toMatchObject({ code: 'run.already_ended' });
  });
});

describe('the queue', () => {
  it('runs one after another, oldest first, and is idle at the end', async () => {
    await using place = await bench('ok');
    const uuids = [await place.add(), await place.add(), await place.add()];
    await place.queue.idle();
    const runs = await place.library.runs.list();
    expect(runs.map((run) => run.state)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    const began = (uuid: string): string => runs.find((run) => run.uuid === uuid)?.startedAt ?? '';
    expect(uuids.map(began)).toEqual(uuids.map(began).toSorted());
  });

  it('goes on with queued runs when it is started again', async () => {
    await using place = await bench('ok', { begin: false });
    const uuid = await place.add();
    await place.queue.idle();
    expect((await place.library.runs.get(uuid)).run.state).toBe('queued');
    await place.queue.start();
    await place.queue.idle();
    expect((await place.library.runs.get(uuid)).run.state).toBe('succeeded');
  });

  it('removes what a dead owner and its engine left', async () => {
    await using place = await bench('ok', { begin: false });
    const temporary = path.join(place.library.folders.runs, 'x');
    mkdirSync(`${temporary}.tmp-77`, { recursive: true });
    const library: Library = {
      ...place.library,
      recovered: [{ runUuid: 'x', engine: null }],
      runFolder: () => temporary,
      runs: place.library.runs,
      sessions: place.library.sessions,
    };
    const compute = createLocalCompute({ engine: 'x', engineProblem: () => undefined, ffmpeg: () => undefined });
    await createRunQueue({ library, compute, limits }).start();
    expect(leftIn(place.library.folders.runs)).toEqual([]);
  });

  it('stops what runs when it is closed and keeps what waits', async () => {
    await using place = await bench('obedient');
    const first = await place.add();
    const second = await place.add();
    await until(place, first, (progress) => progress.stage === 'demix');
    await place.queue.close();
    expect((await place.library.runs.get(first)).run.state).toBe('cancelled');
    expect((await place.library.runs.get(second)).run.state).toBe('queued');
  });

  it('stops following when the caller leaves', async () => {
    await using place = await bench('obedient');
    const uuid = await place.add();
    const leave = new AbortController();
    let seen = 0;
    for await (const progress of place.queue.follow(uuid, leave.signal)) {
      seen += 1;
      if (progress.stage === 'demix') leave.abort();
    }
    expect(seen).toBeGreaterThan(0);
    await place.queue.cancel(uuid);
  });
});
