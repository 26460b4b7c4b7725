// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { JobClaim } from '../../../main/contract/index.ts';
import type { Stores } from '../../../main/library/database/stores.ts';
import { testEpochMs, testStores } from '../../support/library.ts';

const worker = { name: 'w', host: 'rig', pid: 1 };

/** Stores whose clock a test moves. */
function library(): {
  stores: Stores;
  pass: (ms: number) => void;
  claim: (order?: 'priority' | 'newest') => JobClaim | null;
} {
  const sharedClock = new SharedArrayBuffer(8);
  const cell = new BigInt64Array(sharedClock);
  cell[0] = BigInt(testEpochMs);
  const stores = testStores({ sharedClock });
  return {
    stores,
    pass: (ms) => {
      cell[0] = (cell[0] ?? 0n) + BigInt(ms);
    },
    claim: (order = 'priority') => stores.jobs.claim({ steps: ['count'], worker, leaseMs: 1000, order }),
  };
}

const job = (target: string, more: object = {}) => ({ step: 'count', target, ...more });

describe('jobs', () => {
  it('go by priority, then age, and wait for those they need', () => {
    const { stores, claim } = library();
    const [a, b] = stores.jobs.add([job('a'), job('b', { priority: 1 })]);
    const [c] = stores.jobs.add([job('c', { priority: 0, needs: [a!.uuid] })]);
    expect(c).toMatchObject({ state: 'blocked', needs: [a!.uuid] });
    expect(claim()?.job.uuid).toBe(b!.uuid);
    const claimed = claim();
    expect(claimed?.job).toMatchObject({ uuid: a!.uuid, state: 'claimed' });
    expect(claim()).toBeNull();
    stores.jobs.finish({ jobUuid: a!.uuid, attempt: 1, result: { n: 1 } });
    expect(claim()?.job.target).toBe('c');
    expect(stores.jobs.get(a!.uuid)).toMatchObject({
      job: { state: 'succeeded', result: { n: 1 } },
      attempts: [{ number: 1, outcome: 'succeeded', worker: 'w' }],
    });
  });

  it('that are the same as an unfinished one are that one', () => {
    const { stores } = library();
    const [first] = stores.jobs.add([job('a', { input: { x: 1 } })]);
    const [again, other] = stores.jobs.add([job('a', { input: { x: 1 } }), job('a', { input: { x: 2 } })]);
    expect(again!.uuid).toBe(first!.uuid);
    expect(other!.uuid).not.toBe(first!.uuid);
  });

  it('return after the lease of a worker that is gone, whose late result is not taken', () => {
    const { stores, pass, claim } = library();
    const jobUuid = stores.jobs.add([job('a')])[0]!.uuid;
    expect(claim()?.attempt).toBe(1);
    pass(900);
    stores.jobs.heartbeat({ jobUuid, attempt: 1, leaseMs: 1000 });
    pass(1000);
    expect(claim()).toBeNull();
    pass(1);
    expect(claim()).toMatchObject({ attempt: 2, job: { uuid: jobUuid } });
    expect(() => stores.jobs.finish({ jobUuid, attempt: 1 })).toThrow(
      expect.objectContaining({ code: 'job.lease_lost' }),
    );
    stores.jobs.finish({ jobUuid, attempt: 2 });
    expect(stores.jobs.get(jobUuid).attempts).toMatchObject([
      { outcome: 'lost', errorClass: 'lease-lost' },
      { outcome: 'succeeded' },
    ]);
  });

  it('that fail for a passing reason are tried again after a pause, others stay with class, message and log', () => {
    const { stores, pass, claim } = library();
    const jobUuid = stores.jobs.add([job('a')])[0]!.uuid;
    claim();
    const fault = { jobUuid, code: 'engine.crashed', message: 'It fell over.', log: 'last words\n' };
    expect(stores.jobs.fail({ ...fault, attempt: 1, errorClass: 'transient' })).toMatchObject({ state: 'queued' });
    expect(claim()).toBeNull();
    pass(30_000);
    expect(claim()?.attempt).toBe(2);
    const failed = stores.jobs.fail({ ...fault, attempt: 2, errorClass: 'input' });
    expect(failed).toMatchObject({
      state: 'failed',
      error: { class: 'input', code: 'engine.crashed', message: 'It fell over.', log: 'last words\n' },
    });
    expect(claim()).toBeNull();
    expect(stores.jobs.retry([jobUuid])[0]?.state).toBe('queued');
    expect(claim()?.attempt).toBe(3);
    expect(stores.jobs.cancel([jobUuid])[0]?.state).toBe('cancelled');
    expect(stores.jobs.heartbeat({ jobUuid, attempt: 3, leaseMs: 1000 }).cancelled).toBe(true);
    expect(() => stores.jobs.finish({ jobUuid, attempt: 3 })).toThrow(
      expect.objectContaining({ code: 'job.lease_lost' }),
    );
    expect(stores.jobs.ignore([jobUuid])[0]?.state).toBe('ignored');
    expect(() => stores.jobs.cancel([jobUuid])).toThrow(expect.objectContaining({ code: 'job.not_allowed' }));
    expect(stores.jobs.list({ states: ['ignored'], limit: 10 })).toHaveLength(1);
    expect(stores.jobs.list({ states: ['queued'], limit: 10 })).toEqual([]);
  });
});
