// SPDX-License-Identifier: MIT
import {
  AppError,
  type ErrorCode,
  type JobAttempt,
  type JobClaim,
  type JobRow,
  type JobState,
  type PendingJob,
  type Uuid,
} from '../../contract/index.ts';
import type { JobStore } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';
import { endAttempt, fingerprintOf, hasOpenAttempt, succeed, uuidSql } from './job-moves.ts';

interface JobSql extends Omit<JobRow, 'uuid' | 'input' | 'needs' | 'error' | 'runUuid' | 'result'> {
  readonly id: number;
  readonly uuidBytes: Uint8Array;
  readonly inputJson: string;
  readonly resultJson: string | null;
  readonly needsJson: string;
}

const jobSql = `SELECT job.id, job.uuid AS uuidBytes, step, target, name, input AS inputJson, priority, state, created_at AS createdAt,
    not_before AS notBefore, ended_at AS endedAt, attempts, max_attempts AS maxAttempts, result AS resultJson,
    (SELECT json_group_array(lower(hex(needed.uuid))) FROM job_dependency JOIN job AS needed ON needed.id = needs_id
      WHERE job_id = job.id) AS needsJson
  FROM job`;

/** A worker that failed for such a reason may succeed next time. */
const passing = new Set(['transient', 'resource', 'lease-lost', 'owner-lost']);
const backoffMs = 30_000;
const unfinished = "('blocked', 'queued', 'claimed', 'running')";

/** Jobs, their attempts and what they wait for (datamodel.md 7.4). */
export class JobTables implements Sync<JobStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  list(filter: {
    readonly states?: readonly JobState[] | undefined;
    readonly step?: string | undefined;
    readonly limit: number;
  }): readonly JobRow[] {
    return this.#context.database
      .prepare<[string | null, string | null, string | null, number], JobSql>(
        `${jobSql} WHERE (? IS NULL OR state IN (SELECT value FROM json_each(?))) AND step = coalesce(?, step) ORDER BY job.id DESC LIMIT ?`,
      )
      .all(
        filter.states === undefined ? null : '1',
        filter.states === undefined ? null : JSON.stringify(filter.states),
        filter.step ?? null,
        filter.limit,
      )
      .map((row) => this.#toRow(row));
  }

  get(uuid: Uuid): { readonly job: JobRow; readonly attempts: readonly JobAttempt[] } {
    const row = this.#sql(uuid);
    return { job: this.#toRow(row), attempts: this.#attempts(row.id) };
  }

  add(jobs: Parameters<JobStore['add']>[0]): readonly JobRow[] {
    return writing(this.#context, () => jobs.map((given) => this.#add(given)));
  }

  claim(wish: Parameters<JobStore['claim']>[0]): JobClaim | null {
    return writing(this.#context, () => {
      const { database, now } = this.#context;
      const at = now();
      this.#returnLost(at);
      const order = { priority: 'priority, id', oldest: 'id', newest: 'id DESC' }[wish.order];
      const bound: (string | Uint8Array)[] = [at, JSON.stringify(wish.steps)];
      const only = wish.jobUuid === undefined ? '' : ' AND uuid = ?';
      if (wish.jobUuid !== undefined) bound.push(uuidBytes(wish.jobUuid));
      const taken = database
        .prepare<(string | Uint8Array)[], { id: number; attempts: number; uuid: Uint8Array }>(
          `UPDATE job SET state = 'claimed', attempts = attempts + 1 WHERE id = (
            SELECT id FROM job WHERE state = 'queued' AND (not_before IS NULL OR not_before <= ?)
              AND step IN (SELECT value FROM json_each(?))${only} AND NOT ${hasOpenAttempt} ORDER BY ${order} LIMIT 1)
          RETURNING id, attempts, uuid`,
        )
        .get(...bound);
      if (taken === undefined) return null;
      const leaseUntil = new Date(Date.parse(at) + wish.leaseMs).toISOString();
      const { name, host, pid } = wish.worker;
      database
        .prepare(
          `INSERT INTO job_attempt (job_id, number, worker, host, pid, started_at, heartbeat_at, lease_until)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(taken.id, taken.attempts, name, host, pid, at, at, leaseUntil);
      const earlier = this.#attempts(taken.id).findLast((attempt) => attempt.runUuid !== null);
      return {
        job: this.#toRow(this.#sql(uuidText(taken.uuid))),
        attempt: taken.attempts,
        leaseUntil,
        earlierRunUuid: earlier?.runUuid ?? null,
      };
    });
  }

  heartbeat(beat: Parameters<JobStore['heartbeat']>[0]): { readonly leaseUntil: string; readonly cancelled: boolean } {
    return writing(this.#context, () => {
      const { database, now } = this.#context;
      const { id, state } = this.#sql(beat.jobUuid);
      const at = now();
      const leaseUntil = new Date(Date.parse(at) + beat.leaseMs).toISOString();
      if (state === 'cancelled') return { leaseUntil, cancelled: true };
      this.#mustHold(id, beat.attempt, at);
      database
        .prepare(
          'UPDATE job_attempt SET heartbeat_at = ?, lease_until = ?, run_uuid = coalesce(?, run_uuid) WHERE job_id = ? AND number = ?',
        )
        .run(at, leaseUntil, beat.runUuid === undefined ? null : uuidBytes(beat.runUuid), id, beat.attempt);
      database.prepare("UPDATE job SET state = 'running' WHERE id = ?").run(id);
      return { leaseUntil, cancelled: false };
    });
  }

  finish(end: Parameters<JobStore['finish']>[0]): JobRow {
    return writing(this.#context, () => {
      const { id } = this.#sql(end.jobUuid);
      const at = this.#context.now();
      this.#mustHold(id, end.attempt, at);
      succeed(this.#context, id, { at, result: end.result, log: end.log });
      return this.#toRow(this.#sql(end.jobUuid));
    });
  }

  fail(end: Parameters<JobStore['fail']>[0]): JobRow {
    return writing(this.#context, () => {
      const { database, now } = this.#context;
      const { id, attempts, maxAttempts } = this.#sql(end.jobUuid);
      const at = now();
      this.#mustHold(id, end.attempt, at);
      const { errorClass, code, message, log } = end;
      endAttempt(this.#context, id, { outcome: 'failed', at, errorClass, code, message, log });
      if (passing.has(errorClass) && attempts < maxAttempts) {
        const notBefore = new Date(Date.parse(at) + backoffMs * 2 ** (attempts - 1)).toISOString();
        database.prepare("UPDATE job SET state = 'queued', not_before = ? WHERE id = ?").run(notBefore, id);
      } else database.prepare("UPDATE job SET state = 'failed', ended_at = ? WHERE id = ?").run(at, id);
      return this.#toRow(this.#sql(end.jobUuid));
    });
  }

  retry(uuids: readonly Uuid[]): readonly JobRow[] {
    return this.#move(uuids, ['failed', 'ignored', 'cancelled', 'queued'], (id) => {
      const { database } = this.#context;
      database
        .prepare(
          `UPDATE job SET ended_at = NULL, not_before = NULL, max_attempts = max(max_attempts, attempts + 1),
            state = CASE WHEN EXISTS (SELECT 1 FROM job_dependency JOIN job AS needed ON needed.id = needs_id
              WHERE job_id = job.id AND needed.state <> 'succeeded') THEN 'blocked' ELSE 'queued' END
          WHERE id = ?`,
        )
        .run(id);
    });
  }

  ignore(uuids: readonly Uuid[]): readonly JobRow[] {
    return this.#move(uuids, ['failed', 'queued', 'blocked', 'cancelled'], (id, at) => {
      const going = this.#context.database
        .prepare<[number], { n: number }>('SELECT count(*) AS n FROM job_attempt WHERE job_id = ? AND ended_at IS NULL')
        .get(id);
      if (going?.n !== 0)
        throw new AppError('job.not_allowed', 'The run of this job waits for its turn already.', {
          hint: 'Cancel the job first.',
        });
      this.#context.database.prepare("UPDATE job SET state = 'ignored', ended_at = ? WHERE id = ?").run(at, id);
    });
  }

  cancel(uuids: readonly Uuid[]): readonly JobRow[] {
    return this.#move(uuids, ['queued', 'blocked', 'claimed', 'running'], (id, at) => {
      endAttempt(this.#context, id, { outcome: 'cancelled', at });
      this.#context.database.prepare("UPDATE job SET state = 'cancelled', ended_at = ? WHERE id = ?").run(at, id);
    });
  }

  pending(limit: number): readonly PendingJob[] {
    return this.#context.database
      .prepare<[number], PendingJob>(pendingSql)
      .all(limit)
      .map(({ step, target, name }) => ({ step, target, name }));
  }

  #add({
    step,
    target,
    name,
    input,
    priority = 5,
    maxAttempts = 3,
    needs = [],
  }: Parameters<JobStore['add']>[0][number]): JobRow {
    const { database, newUuid, now } = this.#context;
    const text = JSON.stringify(input ?? {});
    const fingerprint = fingerprintOf(step, target, text);
    const same = database
      .prepare<[string, string, string], { uuid: Uint8Array }>(
        `SELECT uuid FROM job WHERE step = ? AND target = ? AND fingerprint = ? AND state IN ${unfinished}`,
      )
      .get(step, target, fingerprint);
    if (same !== undefined) return this.#toRow(this.#sql(uuidText(same.uuid)));
    const needed = needs.map((uuid) => this.#sql(uuid));
    const isBlocked = needed.some(({ state }) => state !== 'succeeded');
    const uuid = newUuid();
    const { lastInsertRowid } = database
      .prepare(
        `INSERT INTO job (uuid, step, target, name, input, fingerprint, priority, state, created_at, max_attempts)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        uuidBytes(uuid),
        step,
        target,
        name ?? this.#nameOf(step, target),
        text,
        fingerprint,
        priority,
        isBlocked ? 'blocked' : 'queued',
        now(),
        maxAttempts,
      );
    for (const { id } of needed)
      database.prepare('INSERT INTO job_dependency (job_id, needs_id) VALUES (?, ?)').run(lastInsertRowid, id);
    return this.#toRow(this.#sql(uuid));
  }

  /** What a job is called by what it is done to. @throws AppError `session.not_imported`, `run.not_found`, `align.not_found`, `job.not_found` */
  #nameOf(step: string, target: string): string {
    const { database } = this.#context;
    if (target.startsWith('job:')) {
      const { name } = this.#sql(target.slice(4));
      return name;
    }
    const kind = targetKinds[step];
    // A step that only its own workers know.
    if (kind === undefined || target === '') return '';
    const names = target.split(',').map((uuid) => {
      const bytes = /^[0-9a-f-]{36}$/i.test(uuid) ? uuidBytes(uuid) : Buffer.alloc(16);
      const row = database.prepare<[Uint8Array], { name: string }>(kind.sql).get(bytes);
      if (row === undefined)
        throw new AppError(kind.absent, `No ${kind.what} ${uuid} is in this library.`, { hint: kind.hint });
      return row.name;
    });
    return names.join(' + ');
  }

  /** Attempts whose worker has not been heard of within its lease; one lost too often fails. */
  #returnLost(at: string): void {
    const { database } = this.#context;
    const lost = database
      .prepare<[string], { id: number; attempts: number; maxAttempts: number; worker: string }>(
        `SELECT job.id, job.attempts, job.max_attempts AS maxAttempts, worker FROM job JOIN job_attempt ON job_attempt.job_id = job.id
          AND job_attempt.number = job.attempts
        WHERE job.state IN ('claimed', 'running') AND lease_until < ?`,
      )
      .all(at);
    for (const { id, attempts, maxAttempts, worker } of lost) {
      const message = `The worker ${worker} was not heard of within its lease.`;
      endAttempt(this.#context, id, { outcome: 'lost', at, errorClass: 'lease-lost', code: 'job.lease_lost', message });
      if (attempts < maxAttempts) database.prepare("UPDATE job SET state = 'queued' WHERE id = ?").run(id);
      else database.prepare("UPDATE job SET state = 'failed', ended_at = ? WHERE id = ?").run(at, id);
    }
  }

  /** @throws AppError `job.lease_lost` where the attempt is not the one under way any more */
  #mustHold(id: number, attempt: number, at: string): void {
    const row = this.#context.database
      .prepare<[number, number, string], { n: number }>(
        `SELECT count(*) AS n FROM job JOIN job_attempt ON job_attempt.job_id = job.id AND job_attempt.number = job.attempts
        WHERE job.id = ? AND job.state IN ('claimed', 'running') AND job.attempts = ? AND job_attempt.ended_at IS NULL AND lease_until >= ?`,
      )
      .get(id, attempt, at);
    if (row?.n !== 1)
      throw new AppError('job.lease_lost', 'This attempt counts as lost, or was cancelled; its result is not taken.', {
        hint: 'Claim the next job.',
      });
  }

  #move(uuids: readonly Uuid[], from: readonly JobState[], act: (id: number, at: string) => void): readonly JobRow[] {
    return writing(this.#context, () =>
      uuids.map((uuid) => {
        const { id, state } = this.#sql(uuid);
        if (!from.includes(state))
          throw new AppError(
            'job.not_allowed',
            `The job ${uuid} is ${state}; this is for jobs that are ${from.join(', ')}.`,
          );
        act(id, this.#context.now());
        return this.#toRow(this.#sql(uuid));
      }),
    );
  }

  #sql(uuid: Uuid): JobSql {
    const row = this.#context.database
      .prepare<[Uint8Array], JobSql>(`${jobSql} WHERE job.uuid = ?`)
      .get(uuidBytes(uuid));
    if (row === undefined)
      throw new AppError('job.not_found', `No job ${uuid} is in this library.`, { hint: 'calyx jobs lists them.' });
    return row;
  }

  #attempts(jobId: number): readonly JobAttempt[] {
    return this.#context.database
      .prepare<[number], Omit<JobAttempt, 'runUuid'> & { run: Uint8Array | null }>(
        `SELECT number, worker, host, pid, started_at AS startedAt, heartbeat_at AS heartbeatAt, lease_until AS leaseUntil,
          ended_at AS endedAt, outcome, error_class AS errorClass, error_code AS errorCode, message, log, run_uuid AS run
        FROM job_attempt WHERE job_id = ? ORDER BY number`,
      )
      .all(jobId)
      .map(({ run, ...attempt }) => Object.assign(attempt, { runUuid: run === null ? null : uuidText(run) }));
  }

  #toRow({ id, uuidBytes: uuid, inputJson, resultJson, needsJson, ...row }: JobSql): JobRow {
    const last = this.#attempts(id).at(-1);
    const failed = last?.outcome === 'failed' || last?.outcome === 'lost';
    return {
      ...row,
      uuid: uuidText(uuid),
      input: JSON.parse(inputJson) as JobRow['input'],
      result: resultJson === null ? null : (JSON.parse(resultJson) as JobRow['result']),
      needs: (JSON.parse(needsJson) as string[]).map((hex) => uuidText(Buffer.from(hex, 'hex'))),
      runUuid: last?.runUuid ?? null,
      error: failed
        ? { class: last.errorClass ?? '', code: last.errorCode ?? '', message: last.message ?? '', log: last.log }
        : null,
    };
  }
}

const label = "concat_ws(' · ', subject.subject, session.name, recording.device)";
const of = `JOIN session ON session.id = recording.session_id LEFT JOIN subject ON subject.id = session.subject_id`;
const ofRun = `FROM run JOIN run_input ON run_input.run_id = run.id AND position = 0 JOIN recording ON recording.id = run_input.recording_id ${of}`;

interface TargetKind {
  readonly what: string;
  readonly absent: ErrorCode;
  readonly hint: string;
  readonly sql: string;
}
const recordingKind: TargetKind = {
  what: 'recording',
  absent: 'session.not_imported',
  hint: 'calyx sessions lists the recordings with their ids.',
  sql: `SELECT ${label} AS name FROM recording ${of} WHERE recording.uuid = ?`,
};
const runKind: TargetKind = {
  what: 'run',
  absent: 'run.not_found',
  hint: 'calyx runs lists the runs with their ids.',
  sql: `SELECT ${label} AS name ${ofRun} WHERE run.uuid = ?`,
};
/** What the steps of this program are done to. */
const targetKinds: Readonly<Record<string, TargetKind>> = {
  process: recordingKind,
  load: recordingKind,
  export: runKind,
  quality: runKind,
  align: {
    what: 'condition',
    absent: 'align.not_found',
    hint: 'calyx align --save makes them.',
    sql: `SELECT trial_condition || ' of ' || ${label} AS name ${ofRun}
      JOIN activity_alignment_condition AS this ON this.run_id = run.id WHERE this.uuid = ?`,
  },
};

/** Somebody is at it, or it went wrong and waits for a decision (retry or ignore), as an error row keeps upstream's populate away. */
const inTheWay = "job.state IN ('blocked', 'queued', 'claimed', 'running', 'failed', 'ignored')";

/**
 * What is nobody's job yet: recordings without a run, finished runs without figures of their quality, conditions whose activity is not
 * aligned.
 */
const pendingSql = `
  SELECT * FROM (
    SELECT 'process' AS step, ${uuidSql('recording.uuid')} AS target, ${label} AS name
    FROM recording ${of}
    WHERE NOT EXISTS (SELECT 1 FROM run_input JOIN run ON run.id = run_input.run_id
        WHERE run_input.recording_id = recording.id AND run.state IN ('succeeded', 'queued', 'running'))
      AND NOT EXISTS (SELECT 1 FROM job WHERE job.step = 'process' AND job.target = ${uuidSql('recording.uuid')} AND ${inTheWay})
      AND NOT EXISTS (SELECT 1 FROM run_input JOIN run ON run.id = run_input.run_id JOIN job_attempt ON run_uuid = run.uuid
          JOIN job ON job.id = job_id
        WHERE run_input.recording_id = recording.id AND job.step = 'process' AND ${inTheWay})
      AND EXISTS (SELECT 1 FROM recording_file WHERE recording_file.recording_id = recording.id)
    ORDER BY coalesce(session.session_datetime, session.imported_at), recording.id)
  UNION ALL SELECT * FROM (
    SELECT 'quality', ${uuidSql('run.uuid')}, 'quality of ' || ${label}
    FROM run JOIN run_input ON run_input.run_id = run.id AND position = 0 JOIN recording ON recording.id = run_input.recording_id ${of}
    WHERE run.state = 'succeeded' AND run.cell_count > 0
      AND NOT EXISTS (SELECT 1 FROM cell JOIN trace_quality ON trace_quality.cell_id = cell.id WHERE cell.run_id = run.id)
      AND NOT EXISTS (SELECT 1 FROM job WHERE job.step = 'quality' AND job.target = ${uuidSql('run.uuid')} AND ${inTheWay})
    ORDER BY run.id)
  UNION ALL SELECT * FROM (
    SELECT 'align', ${uuidSql('this.uuid')}, trial_condition || ' of ' || ${label}
    FROM activity_alignment_condition AS this JOIN run ON run.id = this.run_id
      JOIN run_input ON run_input.run_id = run.id AND position = 0 JOIN recording ON recording.id = run_input.recording_id ${of}
    WHERE NOT EXISTS (SELECT 1 FROM activity_alignment WHERE condition_id = this.id)
      AND NOT EXISTS (SELECT 1 FROM job WHERE job.step = 'align' AND job.target = ${uuidSql('this.uuid')} AND ${inTheWay})
    ORDER BY this.id)
  LIMIT ?`;
