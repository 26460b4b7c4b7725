// SPDX-License-Identifier: MIT
import { instant, json, type Migration, uuid } from './kit.ts';

/** Jobs with attempts and dependencies (datamodel.md 2.8, 7.4). History is kept. */
export const job: Migration = {
  id: 3100,
  name: 'jobs',
  sql: `
    CREATE TABLE job (
      id INTEGER PRIMARY KEY,
      uuid BLOB NOT NULL UNIQUE ${uuid('uuid')},
      step TEXT NOT NULL CHECK (length(step) > 0),
      target TEXT NOT NULL,
      name TEXT NOT NULL DEFAULT '',
      input TEXT NOT NULL ${json('input')},
      fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
      priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 1000),
      state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('blocked', 'queued', 'claimed', 'running', 'succeeded', 'failed', 'ignored', 'cancelled')),
      created_at TEXT NOT NULL ${instant('created_at')},
      not_before TEXT ${instant('not_before')},
      ended_at TEXT ${instant('ended_at')},
      attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
      max_attempts INTEGER NOT NULL DEFAULT 3 CHECK (max_attempts >= 1),
      result TEXT ${json('result')}
    ) STRICT;
    CREATE INDEX job_queue ON job (priority, id) WHERE state = 'queued';
    CREATE INDEX job_held ON job (state) WHERE state IN ('claimed', 'running');
    CREATE INDEX job_by_target ON job (step, target, state);
    CREATE UNIQUE INDEX job_once ON job (step, target, fingerprint) WHERE state IN ('blocked', 'queued', 'claimed', 'running');

    CREATE TABLE job_attempt (
      job_id INTEGER NOT NULL REFERENCES job (id) ON UPDATE CASCADE ON DELETE CASCADE,
      number INTEGER NOT NULL CHECK (number >= 1),
      worker TEXT NOT NULL,
      host TEXT NOT NULL,
      pid INTEGER NOT NULL CHECK (pid > 0),
      started_at TEXT NOT NULL ${instant('started_at')},
      heartbeat_at TEXT NOT NULL ${instant('heartbeat_at')},
      lease_until TEXT NOT NULL ${instant('lease_until')},
      ended_at TEXT ${instant('ended_at')},
      outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'lost', 'cancelled')),
      error_class TEXT,
      error_code TEXT,
      message TEXT,
      log TEXT NOT NULL DEFAULT '',
      run_uuid BLOB ${uuid('run_uuid')},
      PRIMARY KEY (job_id, number),
      CHECK ((ended_at IS NULL) = (outcome IS NULL))
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE job_dependency (
      job_id INTEGER NOT NULL REFERENCES job (id) ON UPDATE CASCADE ON DELETE CASCADE,
      needs_id INTEGER NOT NULL REFERENCES job (id) ON UPDATE CASCADE ON DELETE CASCADE,
      PRIMARY KEY (job_id, needs_id),
      CHECK (needs_id < job_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX job_dependency_by_needs ON job_dependency (needs_id);
  `,
  docs: {
    'job.id': 'Key inside this file; order of adding.',
    'job.uuid': 'Identity across libraries (version 7).',
    'job.step': 'What is to be done: process.',
    'job.target': 'What it is done to; for process the uuids of the recordings.',
    'job.name': 'What lists show.',
    'job.input': 'What the step is given, JSON.',
    'job.fingerprint': 'SHA-256 of step, target and input: no two unfinished jobs are the same.',
    'job.priority': 'Lower first.',
    'job.state': 'blocked, queued, claimed, running, succeeded, failed, ignored or cancelled.',
    'job.created_at': 'When it was added, UTC.',
    'job.not_before': 'A retry waits until then, UTC.',
    'job.ended_at': 'When it came to its last state, UTC.',
    'job.attempts': 'How often it was begun.',
    'job.max_attempts': 'How often it may be begun.',
    'job.result': 'What it gave, JSON.',
    'job_attempt.job_id': 'The job.',
    'job_attempt.number': 'Count of the attempts, from 1.',
    'job_attempt.worker': 'Name of the worker.',
    'job_attempt.host': 'Machine of the worker.',
    'job_attempt.pid': 'Process of the worker.',
    'job_attempt.started_at': 'When it was claimed, UTC.',
    'job_attempt.heartbeat_at': 'When the worker last said that it lives, UTC.',
    'job_attempt.lease_until': 'Without another word it counts as lost from then on, UTC.',
    'job_attempt.ended_at': 'When it ended, UTC.',
    'job_attempt.outcome': 'succeeded, failed, lost or cancelled.',
    'job_attempt.error_class': 'transient, input, resource, bug, lease-lost …',
    'job_attempt.error_code': 'Code of the error.',
    'job_attempt.message': 'Sentence for people.',
    'job_attempt.log': 'The last lines of its log.',
    'job_attempt.run_uuid': 'The run it started.',
    'job_dependency.job_id': 'The job that waits.',
    'job_dependency.needs_id': 'The job that must have succeeded before.',
  },
  tables: {
    job: {
      element: 'calyx',
      className: 'Job',
      tier: 'internal',
      key: ['uuid'],
      travels: 'never',
      text: 'Something to be done.',
    },
    job_attempt: {
      element: 'calyx',
      className: 'Job.Attempt',
      tier: 'internal',
      key: ['job_id', 'number'],
      travels: 'never',
      text: 'One try at a job, with its worker.',
    },
    job_dependency: {
      element: 'calyx',
      className: 'Job.Dependency',
      tier: 'internal',
      key: ['job_id', 'needs_id'],
      travels: 'never',
      text: 'A job that another waits for.',
    },
  },
};
