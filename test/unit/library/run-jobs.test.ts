// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { migrations } from '../../../main/library/database/migrations/index.ts';
import type { Stores } from '../../../main/library/database/stores.ts';
import { finishedRun, newCells, newRun, newSession, temporaryFolder, testStores } from '../../support/library.ts';

const jobsOf = (stores: Stores) => stores.jobs.list({ limit: 100 }).toReversed();
const recordingOf = (stores: Stores, n: number): string =>
  stores.sessions.insert(newSession(n)).session.recordings[0]!.uuid;
const worker = { name: 'w', host: 'rig', pid: 1 };
const wish = { steps: ['process', 'export'], worker, leaseMs: 1000, order: 'priority' as const };

describe('a run', () => {
  it('is a job, which nobody else is given, and comes to the same end', () => {
    const stores = testStores();
    const recording = recordingOf(stores, 1);
    const { uuid } = stores.runs.create(newRun(recording));
    const [job] = jobsOf(stores);
    expect(job).toMatchObject({ step: 'process', target: recording, state: 'queued', runUuid: uuid });
    expect(job!.name).toBe('m1 · session 1 · Miniscope');
    expect(job!.input).toMatchObject({ parameters: { diameterPx: 8 }, budget: { threads: 2 } });
    expect(stores.jobs.claim(wish)).toBeNull();
    expect(() => stores.jobs.ignore([job!.uuid])).toThrow(expect.objectContaining({ code: 'job.not_allowed' }));
    const [after] = stores.jobs.add([{ step: 'export', target: `job:${job!.uuid}`, needs: [job!.uuid] }]);
    expect(after?.state).toBe('blocked');
    stores.runs.claim({ runUuid: uuid });
    expect(jobsOf(stores)[0]).toMatchObject({ state: 'running', attempts: 1 });
    stores.runs.finish(uuid, { cells: newCells(2), arrays: [] });
    expect(jobsOf(stores)).toMatchObject([
      { state: 'succeeded', result: { runUuid: uuid, cells: 2, suggested: 2 } },
      { state: 'queued' },
    ]);
    expect(stores.jobs.claim(wish)?.job.uuid).toBe(after?.uuid);
  });

  it('that fails or is cancelled leaves a job that can be tried again with the same input', () => {
    const stores = testStores();
    const recording = recordingOf(stores, 1);
    const first = stores.runs.create(newRun(recording)).uuid;
    const second = stores.runs.create(newRun(recording)).uuid;
    expect(jobsOf(stores)).toHaveLength(2);
    stores.runs.claim({ runUuid: first });
    stores.runs.fail(first, { code: 'media.unreadable', message: 'The film is broken.', errorClass: 'input' });
    stores.runs.cancel(second);
    const [failed, cancelled] = jobsOf(stores);
    expect(failed).toMatchObject({
      state: 'failed',
      error: { class: 'input', code: 'media.unreadable', message: 'The film is broken.' },
    });
    expect(cancelled).toMatchObject({ state: 'cancelled', error: null });
    stores.jobs.retry([failed!.uuid]);
    const claim = stores.jobs.claim(wish);
    expect(claim).toMatchObject({
      attempt: 2,
      earlierRunUuid: first,
      job: { uuid: failed!.uuid, input: failed!.input },
    });
    // The worker's run is its job's, not one more job; an attempt that is over gets none.
    const job = { jobUuid: failed!.uuid, attempt: 2 };
    const third = stores.runs.create(newRun(recording, { job })).uuid;
    expect(jobsOf(stores)).toHaveLength(2);
    expect(jobsOf(stores)[0]).toMatchObject({ state: 'claimed', runUuid: third });
    stores.jobs.cancel([failed!.uuid]);
    expect(() => stores.runs.create(newRun(recording, { job }))).toThrow(
      expect.objectContaining({ code: 'job.lease_lost' }),
    );
    expect(stores.runs.list()).toHaveLength(3);
  });

  it('waits by the priority of its job, then by age', () => {
    const stores = testStores();
    const recording = recordingOf(stores, 1);
    expect(stores.runs.next()).toBeNull();
    const [plain, , urgent] = [{}, {}, { priority: 1 }].map((more) => stores.runs.create(newRun(recording, more)).uuid);
    expect(stores.runs.next()).toBe(urgent);
    stores.runs.claim({ runUuid: urgent! });
    expect(stores.runs.next()).toBe(plain);
  });

  it('that was left by a program which died fails with its job', () => {
    const directory = temporaryFolder();
    const gone = { pid: 999_999, bootId: 'another boot', startTicks: '1' };
    const before = testStores({ directory, owner: gone });
    const { uuid } = before.runs.create(newRun(recordingOf(before, 1)));
    before.runs.claim({ runUuid: uuid });
    before.close();
    const stores = testStores({ directory, seed: 2 });
    expect(jobsOf(stores)).toMatchObject([{ state: 'failed', error: { class: 'owner-lost', code: 'engine.crashed' } }]);
  });

  it('of a library from before becomes a job with its state and its end', () => {
    const directory = temporaryFolder();
    const before = testStores({ directory, migrations: migrations.filter(({ id }) => id < 5110 || id >= 5200) });
    const done = finishedRun(before, 3);
    const waiting = before.runs.create(newRun(recordingOf(before, 2))).uuid;
    before.database.exec('DELETE FROM job');
    before.close();
    const stores = testStores({ directory, seed: 2 });
    expect(jobsOf(stores)).toMatchObject([
      { uuid: done, state: 'succeeded', step: 'process', runUuid: done, result: { runUuid: done, cells: 3 } },
      { uuid: waiting, state: 'queued', runUuid: waiting },
    ]);
    stores.runs.claim({ runUuid: waiting });
    stores.runs.finish(waiting, { cells: [], arrays: [] });
    expect(stores.jobs.get(waiting).job.state).toBe('succeeded');
  });
});

describe('what is pending', () => {
  it('is every recording without a run, and every result without figures of its quality; not what failed', () => {
    const stores = testStores();
    const done = finishedRun(stores, 2, 1);
    const [open, broken] = [recordingOf(stores, 2), recordingOf(stores, 3)];
    const failing = stores.runs.create(newRun(broken)).uuid;
    const pending = () => stores.jobs.pending(10).map(({ step, target }) => [step, target]);
    expect(pending()).toEqual([
      ['process', open],
      ['quality', done],
    ]);
    stores.runs.fail(failing, { code: 'media.unreadable', message: 'It is broken.' });
    expect(pending()).toHaveLength(2);
    // Ignored work stays away; cancelled work is pending again.
    stores.jobs.add([{ step: 'process', target: open }]);
    expect(pending()).toEqual([['quality', done]]);
    const added = stores.jobs.list({ states: ['queued'], limit: 1 })[0]!.uuid;
    stores.jobs.ignore([added]);
    expect(pending()).toEqual([['quality', done]]);
    const failed = stores.jobs.list({ states: ['failed'], limit: 1 })[0]!.uuid;
    stores.jobs.retry([failed]);
    stores.jobs.cancel([failed]);
    expect(pending()).toContainEqual(['process', broken]);
    stores.events.saveQuality(done, {
      traces: [{ row: 0, trace: 'raw', samples: 3, skewness: null, variance: 1 }],
      motion: null,
    });
    expect(pending()).toEqual([['process', broken]]);
  });
});
