// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { AppError, type JobAttempt, type RunState, type Uuid } from '../../contract/index.ts';
import type { NewRun } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import type { Context } from './context.ts';

/** An attempt of the program that holds the library has no lease: whoever holds the library next knows that it is over. */
export const noLease = '9999-12-31T23:59:59.999Z';

/** SQL: the job in the row `job` has an attempt that goes on, perhaps as a run that waits for its turn. */
export const hasOpenAttempt =
  'EXISTS (SELECT 1 FROM job_attempt AS going WHERE going.job_id = job.id AND going.ended_at IS NULL)';

/** Text form of a uuid in SQL. */
export const uuidSql = (column: string): string => {
  const hex = `lower(hex(${column}))`;
  const part = (from: number, length: number): string => `substr(${hex}, ${from}, ${length})`;
  return [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || ");
};

/** Two jobs with the same step, target and input are the same work. */
export const fingerprintOf = (step: string, target: string, input: string): string =>
  createHash('sha256')
    .update(JSON.stringify([step, target, input]))
    .digest('hex');

/** How an attempt ended. */
export interface AttemptEnd {
  readonly outcome: NonNullable<JobAttempt['outcome']>;
  readonly at: string;
  readonly errorClass?: string | undefined;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly log?: string | undefined;
}

/** Ends the open attempt of a job, if there is one. */
export function endAttempt({ database }: Context, jobId: number, end: AttemptEnd): void {
  database
    .prepare(
      `UPDATE job_attempt SET outcome = ?, ended_at = ?, error_class = ?, error_code = ?, message = ?, log = coalesce(?, log)
      WHERE job_id = ? AND ended_at IS NULL`,
    )
    .run(end.outcome, end.at, end.errorClass ?? null, end.code ?? null, end.message ?? null, end.log ?? null, jobId);
}

/** A job is done; those that waited for it alone may begin. */
export function succeed(
  context: Context,
  jobId: number,
  end: { at: string; result: unknown; log?: string | undefined },
): void {
  const { database } = context;
  endAttempt(context, jobId, { outcome: 'succeeded', at: end.at, log: end.log });
  database
    .prepare("UPDATE job SET state = 'succeeded', ended_at = ?, result = ? WHERE id = ?")
    .run(end.at, JSON.stringify(end.result ?? null), jobId);
  database
    .prepare(
      `UPDATE job SET state = 'queued' WHERE state = 'blocked' AND id IN (SELECT job_id FROM job_dependency WHERE needs_id = ?)
      AND NOT EXISTS (SELECT 1 FROM job_dependency JOIN job AS needed ON needed.id = needs_id
        WHERE job_id = job.id AND needed.state <> 'succeeded')`,
    )
    .run(jobId);
}

/**
 * Every run is somebody's job: of the worker that claimed one, else a job of its own that the program which holds the library works off.
 *
 * @throws AppError `job.lease_lost` where the worker's attempt is over
 */
export function addRunJob(
  context: Context,
  run: NewRun,
  made: { readonly id: number | bigint; readonly uuid: Uuid },
): void {
  const { database, owner, host, newUuid, now } = context;
  const at = now();
  if (run.job !== undefined) {
    const { changes } = database
      .prepare(
        `UPDATE job_attempt SET run_uuid = ? WHERE number = ? AND ended_at IS NULL
        AND job_id = (SELECT id FROM job WHERE uuid = ? AND state IN ('claimed', 'running') AND attempts = number)`,
      )
      .run(uuidBytes(made.uuid), run.job.attempt, uuidBytes(run.job.jobUuid));
    if (changes === 1) return;
    throw new AppError('job.lease_lost', 'The attempt at this job is over; no run was begun for it.', {
      hint: 'Claim the next job.',
    });
  }
  const inputs = database
    .prepare<[number | bigint], { target: string; name: string }>(
      `SELECT group_concat(target, ',') AS target, group_concat(name, ' + ') AS name FROM (
        SELECT ${uuidSql('recording.uuid')} AS target, concat_ws(' · ', subject.subject, session.name, recording.device) AS name
        FROM run_input JOIN recording ON recording.id = run_input.recording_id JOIN session ON session.id = recording.session_id
          LEFT JOIN subject ON subject.id = session.subject_id WHERE run_id = ? ORDER BY position)`,
    )
    .get(made.id);
  const step = run.taskMode === 'load' ? 'load' : 'process';
  const target = inputs?.target ?? '';
  const input = JSON.stringify(
    step === 'load' ? { path: run.outputDir ?? '' } : { parameters: run.parameters, budget: run.budget },
  );
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO job (uuid, step, target, name, input, fingerprint, priority, state, created_at, attempts, max_attempts)
      VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?, 1, 1)`,
    )
    // Somebody asked for this run: that the same is asked for again does not make it the same run.
    .run(
      uuidBytes(newUuid()),
      step,
      target,
      inputs?.name ?? '',
      input,
      fingerprintOf(step, target, `${input}\n${made.uuid}`),
      run.priority ?? 5,
      at,
    );
  database
    .prepare(
      `INSERT INTO job_attempt (job_id, number, worker, host, pid, started_at, heartbeat_at, lease_until, run_uuid)
      VALUES (?, 1, 'calyx', ?, ?, ?, ?, ?, ?)`,
    )
    .run(lastInsertRowid, host, owner.pid, at, at, noLease, uuidBytes(made.uuid));
}

/** A run came to a state: the job that the program itself works off by it comes to the same. A worker says itself how its job ended. */
export function runMoved(
  context: Context,
  runId: number,
  state: Exclude<RunState, 'queued'>,
  error?: { readonly code: string; readonly message: string; readonly errorClass?: string | undefined },
): void {
  const { database, now } = context;
  const row = database
    .prepare<[number, string], { jobId: number; uuid: Uint8Array; cells: number | null; suggested: number | null }>(
      `SELECT job_id AS jobId, run.uuid, cell_count AS cells, suggested_count AS suggested
      FROM run JOIN job_attempt ON run_uuid = run.uuid WHERE run.id = ? AND job_attempt.ended_at IS NULL AND lease_until = ?`,
    )
    .get(runId, noLease);
  if (row === undefined) return;
  const at = now();
  if (state === 'succeeded') {
    const result = { runUuid: uuidText(row.uuid), cells: row.cells, suggested: row.suggested };
    succeed(context, row.jobId, { at, result });
    return;
  }
  if (state === 'running') {
    database.prepare("UPDATE job SET state = 'running' WHERE id = ?").run(row.jobId);
    database.prepare('UPDATE job_attempt SET started_at = ? WHERE job_id = ? AND ended_at IS NULL').run(at, row.jobId);
    return;
  }
  endAttempt(context, row.jobId, {
    outcome: state,
    at,
    errorClass: error?.errorClass,
    code: error?.code,
    message: error?.message,
  });
  database.prepare('UPDATE job SET state = ?, ended_at = ? WHERE id = ?').run(state, at, row.jobId);
}
