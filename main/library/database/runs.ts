// SPDX-License-Identifier: MIT
import { AppError, RunProgress, type Cell, type RunRow, type RunState, type Uuid } from '../../contract/index.ts';
import { isAlive } from '../process-identity.ts';
import type { ProcessRef } from '../process-ref.ts';
import type { KeptLimits } from '../reading-types.ts';
import type { NewCell, NewRun, RecoveredRun, RunArray, RunDetail, RunFailure, RunStore } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, mustBeWritable, type Sync, writing } from './context.ts';
import { noteAsked, parameterSetId, recordingKey } from './run-create.ts';
import { versionKey } from './curation-versions.ts';
import { foldedCells } from './edit-fold.ts';
import { addRunJob, runMoved } from './job-moves.ts';
import { keepLimits, limitsOf, readingKey } from './readings.ts';
import { openAttempts, readDetail } from './run-detail.ts';
import { addArrays, addCells } from './run-result.ts';

interface RunSql {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly sessionUuid: Uint8Array;
  readonly name: string;
  readonly state: RunState;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly cells: number | null;
  readonly suggested: number | null;
  readonly decided: number;
  readonly engineVersion: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorHint: string | null;
}

const conditions = {
  all: '1',
  uuid: 'run.uuid = :uuid',
  session: 'run.session_id = (SELECT session.id FROM session WHERE session.uuid = :session)',
  state: 'run.state = :state',
  sessionState:
    'run.session_id = (SELECT session.id FROM session WHERE session.uuid = :session) AND run.state = :state',
} as const;
type RunScope = keyof typeof conditions;

/** Runs with the counts of their newest curation: one index probe per run. */
export function runsSql(scope: RunScope): string {
  return `
    SELECT run.id, run.uuid, session.uuid AS sessionUuid, run.name, run.state, run.created_at AS createdAt,
      run.started_at AS startedAt, run.ended_at AS endedAt, run.cell_count AS cells, run.suggested_count AS suggested,
      coalesce(judged.accepted_count + judged.rejected_count, 0) AS decided, run.engine_version AS engineVersion,
      run.error_code AS errorCode, run.error_message AS errorMessage, run.error_hint AS errorHint
    FROM run
    JOIN session ON session.id = run.session_id
    LEFT JOIN curation AS judged ON judged.id = (SELECT max(curation.id) FROM curation WHERE curation.run_id = run.id AND curation.received_at IS NULL AND curation.second = 0)
    WHERE ${conditions[scope]}
    ORDER BY run.id DESC`;
}

export function runInputsSql(scope: RunScope): string {
  return `
    SELECT input.run_id AS runId, recording.uuid AS recordingUuid
    FROM run_input AS input JOIN recording ON recording.id = input.recording_id
    WHERE ${scope === 'all' ? '1' : `input.run_id IN (SELECT run.id FROM run WHERE ${conditions[scope]})`}
    ORDER BY input.run_id, input.position`;
}

/** The oldest run that waits. */
export const nextQueuedSql = "SELECT id FROM run INDEXED BY run_queued WHERE state = 'queued' ORDER BY id LIMIT 1";

/** The waiting run whose turn it is. */
export const nextByPrioritySql = `
  SELECT run.uuid FROM run INDEXED BY run_queued LEFT JOIN job_attempt ON run_uuid = run.uuid AND job_attempt.ended_at IS NULL
    LEFT JOIN job ON job.id = job_id
  WHERE run.state = 'queued' ORDER BY coalesce(job.priority, 5), run.id LIMIT 1`;

interface RunKey {
  readonly id: number;
  readonly state: RunState;
}

type Values = Readonly<Record<string, string | Uint8Array>>;

/** Runs with their parameters, attempts, inputs, arrays and cells. */
export class RunTables implements Sync<RunStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  #rows(scope: RunScope, values: Values): readonly RunRow[] {
    const { database } = this.#context;
    const inputs = new Map<number, Uuid[]>();
    const bound = scope === 'all' ? [] : [values];
    for (const row of database
      .prepare<Values[], { runId: number; recordingUuid: Uint8Array }>(runInputsSql(scope))
      .all(...bound)) {
      const list = inputs.get(row.runId) ?? [];
      list.push(uuidText(row.recordingUuid));
      inputs.set(row.runId, list);
    }
    return database
      .prepare<Values[], RunSql>(runsSql(scope))
      .all(...bound)
      .map((row) => ({
        uuid: uuidText(row.uuid),
        sessionUuid: uuidText(row.sessionUuid),
        recordingUuids: inputs.get(row.id) ?? [],
        name: row.name,
        state: row.state,
        createdAt: row.createdAt,
        startedAt: row.startedAt,
        endedAt: row.endedAt,
        cells: row.cells,
        suggested: row.suggested,
        decided: row.decided,
        engineVersion: row.engineVersion,
        error:
          row.errorCode === null
            ? null
            : {
                code: row.errorCode,
                message: row.errorMessage ?? '',
                ...(row.errorHint === null ? {} : { hint: row.errorHint }),
              },
      }));
  }

  #row(runUuid: Uuid): RunRow {
    const row = this.#rows('uuid', { uuid: uuidBytes(runUuid) })[0];
    if (row === undefined) throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
    return row;
  }

  #key(runUuid: Uuid): RunKey {
    const key = this.#context.database
      .prepare<[Uint8Array], RunKey>('SELECT id, state FROM run WHERE uuid = ?')
      .get(uuidBytes(runUuid));
    if (key === undefined) throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
    return key;
  }

  list(
    filter: { readonly sessionUuid?: Uuid | undefined; readonly state?: RunState | undefined } = {},
  ): readonly RunRow[] {
    const { sessionUuid, state } = filter;
    if (sessionUuid !== undefined && state !== undefined) {
      return this.#rows('sessionState', { session: uuidBytes(sessionUuid), state });
    }
    if (sessionUuid !== undefined) return this.#rows('session', { session: uuidBytes(sessionUuid) });
    return state === undefined ? this.#rows('all', {}) : this.#rows('state', { state });
  }

  get(runUuid: Uuid): RunDetail {
    return readDetail(this.#context, this.#key(runUuid).id, this.#row(runUuid));
  }

  cells(runUuid: Uuid, version?: number, reading?: Uuid): readonly Cell[] {
    const { id } = this.#key(runUuid);
    const { database } = this.#context;
    if (reading !== undefined) return foldedCells(database, id, undefined, readingKey(database, id, reading));
    return foldedCells(database, id, version === undefined ? undefined : versionKey(database, id, version));
  }

  limits(runUuid: Uuid): KeptLimits | null {
    return limitsOf(this.#context.database, this.#key(runUuid).id);
  }

  keepLimits({ runUuid, ...kept }: Parameters<RunStore['keepLimits']>[0]): void {
    writing(this.#context, () => keepLimits(this.#context, { runId: this.#key(runUuid).id, ...kept }));
  }

  create(run: NewRun): RunRow {
    const row = writing(this.#context, () => {
      const { database, newUuid, now } = this.#context;
      const recordings = run.inputs.map((input) => recordingKey(this.#context, input.recordingUuid));
      const first = recordings[0];
      if (first === undefined) throw new AppError('usage.invalid', 'A run needs at least one recording.');
      const uuid = newUuid();
      const { lastInsertRowid } = database
        .prepare(
          `INSERT INTO run (uuid, session_id, processing_param_set_id, name, created_at, engine_version, output_folder,
            budget_threads, budget_memory_bytes, command_line, task_mode, processing_output_dir)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          uuidBytes(uuid),
          first.sessionId,
          parameterSetId(this.#context, run),
          run.name,
          now(),
          run.engineVersion,
          `runs/${uuid}`,
          run.budget.threads ?? null,
          run.budget.memoryBytes ?? null,
          run.commandLine ?? '',
          run.taskMode ?? 'trigger',
          run.outputDir ?? '',
        );
      const addInput = database.prepare(
        'INSERT INTO run_input (run_id, position, recording_id, first_frame, last_frame) VALUES (?, ?, ?, ?, ?)',
      );
      for (const [position, input] of run.inputs.entries()) {
        addInput.run(lastInsertRowid, position, recordings[position]?.id, input.firstFrame, input.lastFrame);
      }
      if (run.asked !== undefined) noteAsked(this.#context, lastInsertRowid, run.asked);
      addRunJob(this.#context, run, { id: lastInsertRowid, uuid });
      return this.#row(uuid);
    });
    // One call of the worker: nobody else can take it in between.
    return run.begun === true ? (this.claim({ runUuid: row.uuid })?.run ?? row) : row;
  }

  next(): Uuid | null {
    const row = this.#context.database.prepare<[], { uuid: Uint8Array }>(nextByPrioritySql).get();
    return row === undefined ? null : uuidText(row.uuid);
  }

  claim(options: { readonly runUuid?: Uuid | undefined; readonly logFile?: string | undefined }): RunDetail | null {
    return writing(this.#context, () => {
      const { database, owner, host, now } = this.#context;
      const at = now();
      const which =
        options.runUuid === undefined ? nextQueuedSql : "SELECT id FROM run WHERE state = 'queued' AND uuid = ?";
      const bound = options.runUuid === undefined ? [] : [uuidBytes(options.runUuid)];
      const taken = database
        .prepare<(string | Uint8Array)[], { id: number; uuid: Uint8Array }>(
          `UPDATE run SET state = 'running', started_at = ? WHERE id = (${which}) RETURNING id, uuid`,
        )
        .get(at, ...bound);
      if (taken === undefined) return null;
      database
        .prepare(
          `INSERT INTO run_attempt (run_id, number, host, owner_pid, owner_boot_id, owner_start_ticks, started_at, heartbeat_at, log_file)
          VALUES (?, coalesce((SELECT max(number) FROM run_attempt WHERE run_id = ?), 0) + 1, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(taken.id, taken.id, host, owner.pid, owner.bootId, owner.startTicks, at, at, options.logFile ?? null);
      runMoved(this.#context, taken.id, 'running');
      return this.get(uuidText(taken.uuid));
    });
  }

  heartbeat(
    runUuid: Uuid,
    beat: { readonly engine?: ProcessRef | undefined; readonly progress?: RunProgress | undefined } = {},
  ): void {
    const { database, now } = this.#context;
    mustBeWritable(this.#context);
    // A lost heartbeat costs nothing: no need to wait for the disk.
    database.pragma('synchronous = NORMAL');
    try {
      database
        .prepare(
          `UPDATE run_attempt SET heartbeat_at = ?, engine_pid = coalesce(?, engine_pid), engine_boot_id = coalesce(?, engine_boot_id),
            engine_start_ticks = coalesce(?, engine_start_ticks), progress = coalesce(?, progress)
          WHERE run_id = (SELECT id FROM run WHERE uuid = ? AND state = 'running') AND ended_at IS NULL`,
        )
        .run(
          now(),
          beat.engine?.pid ?? null,
          beat.engine?.bootId ?? null,
          beat.engine?.startTicks ?? null,
          beat.progress === undefined ? null : JSON.stringify(RunProgress.parse(beat.progress)),
          uuidBytes(runUuid),
        );
    } finally {
      database.pragma('synchronous = FULL');
    }
  }

  finish(
    runUuid: Uuid,
    result: {
      readonly cells: readonly NewCell[];
      readonly arrays: readonly RunArray[];
      readonly engineVersion?: string | undefined;
      readonly progress?: RunProgress | undefined;
      readonly exitCode?: number | undefined;
    },
  ): RunRow {
    return writing(this.#context, () => {
      const { database } = this.#context;
      const { id } = this.#mustBe(runUuid, ['running']);
      addArrays(this.#context, id, result.arrays);
      addCells(this.#context, id, result.cells);
      const suggested = result.cells.filter((cell) => cell.suggested).length;
      const at = this.#endAttempt(id, {
        exitCode: result.exitCode ?? 0,
        errorClass: null,
        progress: result.progress,
      });
      database
        .prepare(
          `UPDATE run SET state = 'succeeded', ended_at = ?, cell_count = ?, suggested_count = ?,
            engine_version = coalesce(?, engine_version) WHERE id = ?`,
        )
        .run(at, result.cells.length, suggested, result.engineVersion ?? null, id);
      runMoved(this.#context, id, 'succeeded');
      return this.#row(runUuid);
    });
  }

  /** Ends the open attempt, if there is one; returns the time used. */
  #endAttempt(
    runId: number,
    end: {
      readonly exitCode: number | null;
      readonly errorClass: string | null;
      readonly progress?: RunProgress | undefined;
    },
  ): string {
    const { database, now } = this.#context;
    const at = now();
    database
      .prepare(
        `UPDATE run_attempt SET ended_at = ?, exit_code = ?, error_class = ?, progress = coalesce(?, progress)
        WHERE run_id = ? AND ended_at IS NULL`,
      )
      .run(
        at,
        end.exitCode,
        end.errorClass,
        end.progress === undefined ? null : JSON.stringify(RunProgress.parse(end.progress)),
        runId,
      );
    return at;
  }

  #mustBe(runUuid: Uuid, states: readonly RunState[]): RunKey {
    const key = this.#key(runUuid);
    if (!states.includes(key.state)) {
      throw new AppError(
        key.state === 'queued' ? 'run.not_ready' : 'run.already_ended',
        key.state === 'queued' ? 'The run has not begun.' : `The run has already ended (${key.state}).`,
        { details: { runUuid, state: key.state } },
      );
    }
    return key;
  }

  fail(runUuid: Uuid, failure: RunFailure): RunRow {
    return writing(this.#context, () => {
      const { id } = this.#mustBe(runUuid, ['queued', 'running']);
      this.#markFailed(id, failure);
      return this.#row(runUuid);
    });
  }

  #markFailed(id: number, failure: RunFailure): void {
    const at = this.#endAttempt(id, {
      exitCode: failure.exitCode ?? null,
      errorClass: failure.errorClass ?? null,
    });
    this.#context.database
      .prepare(
        "UPDATE run SET state = 'failed', ended_at = ?, error_code = ?, error_message = ?, error_hint = ? WHERE id = ?",
      )
      .run(at, failure.code, failure.message, failure.hint ?? null, id);
    runMoved(this.#context, id, 'failed', failure);
  }

  cancel(runUuid: Uuid): RunRow {
    return writing(this.#context, () => {
      const { id } = this.#mustBe(runUuid, ['queued', 'running']);
      const at = this.#endAttempt(id, { exitCode: null, errorClass: 'cancelled' });
      this.#context.database.prepare("UPDATE run SET state = 'cancelled', ended_at = ? WHERE id = ?").run(at, id);
      runMoved(this.#context, id, 'cancelled');
      return this.#row(runUuid);
    });
  }

  /** Marks the runs failed that a process which is gone left `running`; called once when the library is opened by its new owner. */
  recover(): readonly RecoveredRun[] {
    return writing(this.#context, () => {
      const { owner } = this.#context;
      const open = openAttempts(this.#context);
      const recovered: RecoveredRun[] = [];
      for (const row of open) {
        // A run of this very process: the library was closed and opened again while it goes on.
        const ours = row.owner?.pid === owner.pid && row.owner.startTicks === owner.startTicks;
        if (row.owner !== null && (ours || isAlive(row.owner))) continue;
        this.#markFailed(row.id, {
          code: 'engine.crashed',
          message: 'The program that ran this was ended before the run was done.',
          hint: 'Start the run again; the recording and earlier results are untouched.',
          errorClass: 'owner-lost',
        });
        recovered.push({ runUuid: row.uuid, engine: row.engine });
      }
      return recovered;
    });
  }
}
