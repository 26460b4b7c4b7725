// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { openLibrary, type Library } from '../../../main/library/index.ts';
import { createLocalCompute } from '../../../main/processing/local-compute.ts';
import { readParameterSet } from '../../../main/processing/index.ts';
import { planRun, type RunPlan } from '../../../main/processing/plan.ts';
import { importSession } from '../../../main/sessions/import.ts';
import { openSession } from '../../../main/sessions/index.ts';
import { newLibraryIn } from '../../support/library.ts';
import { fakeProbe, regularTimes, temporaryFolder, timeStampsCsv, writeTree } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

interface Bench extends AsyncDisposable {
  readonly library: Library;
  readonly plan: (ask?: Parameters<typeof planRun>[4]) => Promise<RunPlan>;
}

/** A library with two recordings of one field. */
async function bench(): Promise<Bench> {
  const temporary = temporaryFolder();
  const recordingUuids: string[] = [];
  const library = await openLibrary({ directory: newLibraryIn(path.join(temporary.path, 'library')) });
  for (const name of ['monday', 'tuesday']) {
    writeTree(temporary.path, {
      [`${name}/metaData.json`]: { animalName: name, miniscopes: ['S'] },
      [`${name}/S/metaData.json`]: { deviceType: 'Miniscope_V4' },
      [`${name}/S/timeStamps.csv`]: timeStampsCsv(regularTimes(5, 50, name === 'monday' ? -20 : -10)),
      [`${name}/S/0.avi`]: '5 4 3',
    });
    const session = await openSession(path.join(temporary.path, name), { probeFilm: fakeProbe });
    const imported = await importSession(session, {}, library);
    recordingUuids.push(...imported.session.recordings.map((recording) => recording.uuid));
  }
  const limits = { threads: 2, memoryBytes: 2 ** 30 };
  return {
    library,
    plan: (ask) =>
      planRun(library, readParameterSet(), limits, { recordingUuids, parameters: { rounds: 1 }, budget: {} }, ask),
    [Symbol.asyncDispose]: async () => {
      await library.close();
      temporary[Symbol.dispose]();
    },
  };
}

const states = (plan: RunPlan): string[] =>
  plan.steps.filter(({ state }) => state === 'cached').map(({ stage }) => stage);

describe('the plan of a run', () => {
  it('is the engine’s own: what is kept, binning, memory and disk', async () => {
    await using on = await bench();
    const compute = createLocalCompute({
      engine: process.execPath,
      engineProblem: () => undefined,
      ffmpeg: () => undefined,
      engineArguments: [path.join(repositoryRoot, 'test/support/fake-engine.mjs'), 'good'],
    });
    const plan = await on.plan((folder) => compute.plan(folder));
    expect(states(plan)).toEqual(['read', 'motion', 'seeds', 'init', 'demix', 'deconvolve']);
    expect(plan).toMatchObject({ frames: 10, memoryBytes: 1000, scratchBytes: 2000, bin: null, seconds: null });
    expect(plan.steps[0]).toEqual({ stage: 'read', state: 'cached', seconds: 0 });
    expect(plan.steps[6]).toEqual({ stage: 'evaluate', state: 'will-run', seconds: null });
  });

  it('asks about the very job that would run, with the library’s cache, and leaves nothing behind', async () => {
    await using on = await bench();
    let asked: Readonly<Record<string, unknown>> = {};
    let place = '';
    await on.plan((folder) => {
      place = folder;
      asked = JSON.parse(readFileSync(path.join(folder, 'job.json'), 'utf8')) as typeof asked;
      expect(readdirSync(folder).toSorted()).toEqual(['job.json', 'time-0.npy', 'time-1.npy']);
      return Promise.reject(new AppError('engine.crashed', 'no'));
    });
    expect(asked).toMatchObject({ cache: on.library.folders.cache, parameters: { rounds: 1, minSnr: 3 } });
    expect(asked['inputs']).toHaveLength(2);
    expect(existsSync(place)).toBe(false);
  });

  it('counts everything as not kept where the engine cannot be asked', async () => {
    await using on = await bench();
    for (const plan of [
      await on.plan(),
      await on.plan(() => Promise.reject(new AppError('engine.missing', 'not built'))),
    ]) {
      expect(states(plan)).toEqual([]);
      expect(plan).toMatchObject({ frames: 10, memoryBytes: 2 ** 30, scratchBytes: null, diameterPx: null });
    }
  });

  it('names the recordings in their order in the command that repeats it', async () => {
    await using on = await bench();
    const { commandLine, recordings } = await on.plan();
    const [first, second] = recordings.map((recording) => recording.sessionUuid);
    expect(commandLine).toContain(`process ${first ?? ''} ${second ?? ''} --device S --rounds 1`);
  });
});
