// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { Uuid } from '../types.ts';

export const jobStates = [
  'blocked',
  'queued',
  'claimed',
  'running',
  'succeeded',
  'failed',
  'ignored',
  'cancelled',
] as const;
export const JobState = z.enum(jobStates);
export type JobState = z.infer<typeof JobState>;

const Step = z.string().regex(/^[a-z][a-z0-9_]{0,40}$/);
const json = z.json();

export const JobRow = z.object({
  uuid: Uuid,
  step: Step,
  target: z.string(),
  name: z.string(),
  input: json,
  /** Lower first. */
  priority: z.number().int(),
  state: JobState,
  createdAt: z.string(),
  notBefore: z.string().nullable(),
  endedAt: z.string().nullable(),
  attempts: z.number().int(),
  maxAttempts: z.number().int(),
  result: json,
  /** Jobs that must have succeeded before. */
  needs: z.array(Uuid),
  /** The run of its last attempt. */
  runUuid: Uuid.nullable(),
  /** Why its last attempt ended badly. */
  error: z.object({ class: z.string(), code: z.string(), message: z.string(), log: z.string() }).nullable(),
});
export type JobRow = z.infer<typeof JobRow>;

export const JobAttempt = z.object({
  number: z.number().int(),
  worker: z.string(),
  host: z.string(),
  pid: z.number().int(),
  startedAt: z.string(),
  heartbeatAt: z.string(),
  leaseUntil: z.string(),
  endedAt: z.string().nullable(),
  outcome: z.enum(['succeeded', 'failed', 'lost', 'cancelled']).nullable(),
  errorClass: z.string().nullable(),
  errorCode: z.string().nullable(),
  message: z.string().nullable(),
  log: z.string(),
  runUuid: Uuid.nullable(),
});
export type JobAttempt = z.infer<typeof JobAttempt>;

export const JobClaim = z.object({
  job: JobRow,
  /** Goes with every word about it: an attempt that was lost is not listened to. */
  attempt: z.number().int(),
  leaseUntil: z.string(),
  /** The run an earlier attempt started: it may still go on. */
  earlierRunUuid: Uuid.nullable(),
});
export type JobClaim = z.infer<typeof JobClaim>;

/** Something that could be done and is nobody's job yet. */
export const PendingJob = z.object({ step: Step, target: z.string(), name: z.string() });
export type PendingJob = z.infer<typeof PendingJob>;

const held = { jobUuid: Uuid, attempt: z.number().int().min(1) };
const leaseMs = z.number().int().min(100).max(86_400_000).default(60_000);
const log = z.string().max(200_000).optional();
const Moved = z.object({ jobs: z.array(JobRow) });

/** What is to be done, by whom, and what became of it. */
export const jobsApi = defineApi('jobs', {
  list: query(
    z.object({
      states: z.array(JobState).optional(),
      step: Step.optional(),
      limit: z.number().int().min(1).max(10_000).default(1000),
    }),
    z.array(JobRow),
    { doc: 'Jobs, newest first.' },
  ),
  get: query(z.object({ jobUuid: Uuid }), z.object({ job: JobRow, attempts: z.array(JobAttempt) }), {
    doc: 'One job with its attempts.',
  }),
  pending: query(z.object({ limit: z.number().int().min(1).max(10_000).default(1000) }), z.array(PendingJob), {
    doc: 'Recordings without a result, a run or a job: what “everything pending” means, oldest first.',
  }),
  add: command(
    z.object({
      jobs: z
        .array(
          z.object({
            step: Step,
            target: z.string().max(10_000),
            name: z.string().max(1000).optional(),
            input: json.optional(),
            priority: z.number().int().min(0).max(1000).optional(),
            maxAttempts: z.number().int().min(1).max(100).optional(),
            needs: z.array(Uuid).optional(),
          }),
        )
        .min(1)
        .max(10_000),
    }),
    Moved,
    { doc: 'Adds jobs; one that is the same as an unfinished one is that one.' },
  ),
  claim: command(
    z.object({
      /** Steps the worker can do. */
      steps: z.array(Step).min(1),
      worker: z.object({ name: z.string().max(200), host: z.string().max(200), pid: z.number().int().min(1) }),
      leaseMs,
      order: z.enum(['priority', 'oldest', 'newest']).default('priority'),
      /** Only this one. */
      jobUuid: Uuid.optional(),
    }),
    z.object({ claim: JobClaim.nullable() }),
    { doc: 'Gives the next job to a worker, to nobody else.', audience: 'local' },
  ),
  heartbeat: command(
    z.object({ ...held, leaseMs, runUuid: Uuid.optional() }),
    z.object({ leaseUntil: z.string(), cancelled: z.boolean() }),
    { doc: 'Says that a worker lives; tells it whether its job was cancelled.', audience: 'local' },
  ),
  finish: command(z.object({ ...held, result: json.optional(), log }), z.object({ job: JobRow }), {
    doc: 'A job is done; refused where its lease was lost.',
    audience: 'local',
  }),
  fail: command(
    z.object({ ...held, errorClass: z.string().max(100), code: z.string().max(100), message: z.string(), log }),
    z.object({ job: JobRow }),
    { doc: 'A job went wrong; passing reasons are tried again after a pause.', audience: 'local' },
  ),
  retry: command(z.object({ jobUuids: z.array(Uuid).min(1) }), Moved, {
    doc: 'Queues jobs again that failed, were ignored or cancelled.',
  }),
  ignore: command(z.object({ jobUuids: z.array(Uuid).min(1) }), Moved, { doc: 'Sets jobs aside.' }),
  cancel: command(z.object({ jobUuids: z.array(Uuid).min(1) }), Moved, {
    doc: 'Cancels jobs; a run that is under way for one is ended.',
  }),
});
