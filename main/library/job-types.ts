// SPDX-License-Identifier: MIT
import type { z } from 'zod';
import type { JobAttempt, JobClaim, JobRow, jobsApi, PendingJob, Uuid } from '../contract/index.ts';

type JobsInput<P extends keyof typeof jobsApi.procedures> = z.output<(typeof jobsApi.procedures)[P]['input']>;

/** Jobs (datamodel.md 7.4). */
export interface JobStore {
  /** Newest first. */
  list(filter: JobsInput<'list'>): Promise<readonly JobRow[]>;
  /** @throws AppError `job.not_found` */
  get(uuid: Uuid): Promise<{ readonly job: JobRow; readonly attempts: readonly JobAttempt[] }>;
  /** A job that is the same as an unfinished one is that one. */
  add(jobs: JobsInput<'add'>['jobs']): Promise<readonly JobRow[]>;
  /** One atomic statement; attempts whose lease is over return first. Null when there is nothing to do. */
  claim(wish: JobsInput<'claim'>): Promise<JobClaim | null>;
  /** @throws AppError `job.lease_lost` */
  heartbeat(beat: JobsInput<'heartbeat'>): Promise<{ readonly leaseUntil: string; readonly cancelled: boolean }>;
  /** @throws AppError `job.lease_lost`: the result of a lost attempt is not taken */
  finish(end: JobsInput<'finish'>): Promise<JobRow>;
  /** @throws AppError `job.lease_lost` */
  fail(end: JobsInput<'fail'>): Promise<JobRow>;
  /** @throws AppError `job.not_found`, `job.not_allowed` */
  retry(uuids: readonly Uuid[]): Promise<readonly JobRow[]>;
  ignore(uuids: readonly Uuid[]): Promise<readonly JobRow[]>;
  cancel(uuids: readonly Uuid[]): Promise<readonly JobRow[]>;
  /** Recordings without a result, a run or a job, oldest first. */
  pending(limit: number): Promise<readonly PendingJob[]>;
}
