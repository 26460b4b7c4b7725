// SPDX-License-Identifier: MIT
import type { Migration } from './kit.ts';

const text = (column: string): string => {
  const hex = `lower(hex(${column}))`;
  return [1, 9, 13, 17, 21]
    .map((from, i) => `substr(${hex}, ${from}, ${i === 0 ? 8 : i === 4 ? 12 : 4})`)
    .join(" || '-' || ");
};

/** Every run is somebody's job: runs of before get one each, with the run's own uuid. */
export const runJobs: Migration = {
  id: 5110,
  name: 'a job for every run',
  sql: `
    CREATE INDEX job_attempt_by_run ON job_attempt (run_uuid) WHERE run_uuid IS NOT NULL;
    UPDATE run SET task_mode = 'load' WHERE processing_param_set_id IN (
      SELECT processing_param_set.id FROM processing_param_set JOIN processing_method ON processing_method.id = processing_method_id
      WHERE processing_method <> 'calyx');
    INSERT INTO job (uuid, step, target, name, input, fingerprint, priority, state, created_at, ended_at, attempts, max_attempts, result)
    SELECT run.uuid, CASE task_mode WHEN 'load' THEN 'load' ELSE 'process' END,
      coalesce((SELECT group_concat(target, ',') FROM (SELECT ${text('recording.uuid')} AS target FROM run_input
        JOIN recording ON recording.id = run_input.recording_id WHERE run_input.run_id = run.id ORDER BY position)), ''),
      run.name, json_object('parameters', json(params)), lower(hex(run.uuid) || hex(run.uuid)), 5, run.state, run.created_at, run.ended_at, 1, 1,
      CASE run.state WHEN 'succeeded' THEN json_object('runUuid', ${text('run.uuid')}, 'cells', cell_count, 'suggested', suggested_count) END
    FROM run JOIN processing_param_set ON processing_param_set.id = processing_param_set_id
    WHERE NOT EXISTS (SELECT 1 FROM job_attempt WHERE run_uuid = run.uuid) AND NOT EXISTS (SELECT 1 FROM job WHERE job.uuid = run.uuid)
    ORDER BY run.id;
    INSERT INTO job_attempt (job_id, number, worker, host, pid, started_at, heartbeat_at, lease_until, ended_at, outcome, error_class,
      error_code, message, run_uuid)
    SELECT job.id, 1, 'calyx', coalesce(tried.host, ''), coalesce(tried.owner_pid, 1), coalesce(run.started_at, run.created_at),
      coalesce(tried.heartbeat_at, run.created_at), '9999-12-31T23:59:59.999Z', run.ended_at,
      CASE WHEN run.ended_at IS NOT NULL THEN run.state END, tried.error_class, run.error_code, run.error_message, run.uuid
    FROM run JOIN job ON job.uuid = run.uuid
      LEFT JOIN run_attempt AS tried ON tried.run_id = run.id AND tried.number = (SELECT max(number) FROM run_attempt WHERE run_id = run.id);
  `,
  docs: {},
};
