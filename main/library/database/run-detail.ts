// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { RunProgress, type Cell, type CellLabel, type RunRow, type Uuid } from '../../contract/index.ts';
import type { TypedJson } from '../parameter-hash.ts';
import type { ProcessRef } from '../process-ref.ts';
import type { RunArray, RunAttempt, RunDetail } from '../types.ts';
import { uuidText } from '../uuid.ts';
import type { Context } from './context.ts';

/** How rows of a run's tables become values. */

export interface CellSql {
  readonly uuid: Uint8Array;
  readonly row: number;
  readonly label: CellLabel | null;
  readonly y: number;
  readonly x: number;
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly suggested: number;
  readonly reasons: string;
  readonly metrics: string;
}

/**
 * Cells of a run with the labels of a curation (null: nobody's). A cell's label is the last row of the log about it: the index
 * `curation_log_by_cell` holds seq and label, so the fold reads no row of the log itself.
 */
export const cellsSql = `
  SELECT cell.uuid, cell.row, cell.centroid_y AS y, cell.centroid_x AS x, cell.box_top AS top, cell.box_left AS left,
    cell.box_height AS height, cell.box_width AS width, cell.suggested, cell.reasons, cell.metrics,
    (SELECT log.to_label FROM curation_log AS log
      WHERE log.curation_id = :curation AND log.cell_id = cell.id
      ORDER BY log.seq DESC LIMIT 1) AS label
  FROM cell WHERE cell.run_id = :run ORDER BY cell.row`;

export function toCell(row: CellSql): Cell {
  return {
    uuid: uuidText(row.uuid),
    row: row.row,
    label: row.label ?? 'undecided',
    centroid: { y: row.y, x: row.x },
    box: { top: row.top, left: row.left, height: row.height, width: row.width },
    suggested: row.suggested === 1,
    reasons: JSON.parse(row.reasons) as Cell['reasons'],
    metrics: JSON.parse(row.metrics) as Cell['metrics'],
  };
}

interface RunExtraSql {
  readonly method: string;
  readonly parameterSetUuid: Uint8Array;
  readonly params: string;
  readonly threads: number | null;
  readonly memoryBytes: number | null;
  readonly commandLine: string;
  readonly outputFolder: string;
}

interface AttemptSql {
  readonly number: number;
  readonly host: string;
  readonly ownerPid: number;
  readonly ownerBootId: string;
  readonly ownerStartTicks: string | null;
  readonly enginePid: number | null;
  readonly engineBootId: string | null;
  readonly engineStartTicks: string | null;
  readonly startedAt: string;
  readonly heartbeatAt: string;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  readonly errorClass: string | null;
  readonly logFile: string | null;
  readonly progress: string | null;
}

/** A process as three columns; null without a number. */
function toProcess(pid: number | null, bootId: string | null, startTicks: string | null): ProcessRef | null {
  return pid === null ? null : { pid, bootId: bootId ?? '', startTicks };
}

function toAttempt(row: AttemptSql): RunAttempt {
  return {
    number: row.number,
    host: row.host,
    owner: { pid: row.ownerPid, bootId: row.ownerBootId, startTicks: row.ownerStartTicks },
    engine: toProcess(row.enginePid, row.engineBootId, row.engineStartTicks),
    startedAt: row.startedAt,
    heartbeatAt: row.heartbeatAt,
    endedAt: row.endedAt,
    exitCode: row.exitCode,
    errorClass: row.errorClass,
    logFile: row.logFile,
  };
}

interface OpenAttemptSql extends Pick<
  AttemptSql,
  'ownerStartTicks' | 'enginePid' | 'engineBootId' | 'engineStartTicks'
> {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly ownerPid: number | null;
  readonly ownerBootId: string | null;
}

/** A run that is `running`, with the processes of its open attempt. */
export interface OpenAttempt {
  readonly id: number;
  readonly uuid: Uuid;
  readonly owner: ProcessRef | null;
  readonly engine: ProcessRef | null;
}

/** All runs that are `running`, oldest first. */
export function openAttempts(context: Context): readonly OpenAttempt[] {
  return context.database
    .prepare<[], OpenAttemptSql>(
      `SELECT run.id, run.uuid, owner_pid AS ownerPid, owner_boot_id AS ownerBootId, owner_start_ticks AS ownerStartTicks,
        engine_pid AS enginePid, engine_boot_id AS engineBootId, engine_start_ticks AS engineStartTicks
      FROM run LEFT JOIN run_attempt ON run_attempt.run_id = run.id AND run_attempt.ended_at IS NULL
      WHERE run.state = 'running' ORDER BY run.id`,
    )
    .all()
    .map((row) => ({
      id: row.id,
      uuid: uuidText(row.uuid),
      owner: toProcess(row.ownerPid, row.ownerBootId, row.ownerStartTicks),
      engine: toProcess(row.enginePid, row.engineBootId, row.engineStartTicks),
    }));
}

function attemptsOf(context: Context, runId: number): readonly AttemptSql[] {
  return context.database
    .prepare<[number], AttemptSql>(
      `SELECT number, host, owner_pid AS ownerPid, owner_boot_id AS ownerBootId, owner_start_ticks AS ownerStartTicks,
        engine_pid AS enginePid, engine_boot_id AS engineBootId, engine_start_ticks AS engineStartTicks, started_at AS startedAt,
        heartbeat_at AS heartbeatAt, ended_at AS endedAt, exit_code AS exitCode, error_class AS errorClass, log_file AS logFile, progress
      FROM run_attempt WHERE run_id = ? ORDER BY number`,
    )
    .all(runId);
}

function arraysOf(context: Context, runId: number): readonly RunArray[] {
  return context.database
    .prepare<[number], { path: string; dtype: string; shape: string; bytes: number; sha256: string }>(
      'SELECT path, dtype, shape, bytes, sha256 FROM run_array WHERE run_id = ? ORDER BY path',
    )
    .all(runId)
    .map(({ path, dtype, shape, bytes, sha256 }) => ({
      path,
      dtype,
      shape: JSON.parse(shape) as readonly number[],
      bytes,
      sha256,
    }));
}

/** A progress written by another version may not have today's shape; then there is none to show. */
function toProgress(text: string | null | undefined): RunProgress | null {
  if (text === null || text === undefined) return null;
  const parsed = RunProgress.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}

/** All that is known of the run with this key. */
export function readDetail(context: Context, runId: number, run: RunRow): RunDetail {
  const { database, folders } = context;
  const extra = database
    .prepare<[number], RunExtraSql>(
      `SELECT processing_method AS method, processing_param_set.uuid AS parameterSetUuid, params, budget_threads AS threads,
        budget_memory_bytes AS memoryBytes, command_line AS commandLine, output_folder AS outputFolder
      FROM run JOIN processing_param_set ON processing_param_set.id = run.processing_param_set_id
        JOIN processing_method ON processing_method.id = processing_param_set.processing_method_id
      WHERE run.id = ?`,
    )
    .get(runId);
  if (extra === undefined) throw new Error(`run ${run.uuid} has no parameter set`);
  const attempts = attemptsOf(context, runId);
  const inputs = database
    .prepare<[number], { recordingUuid: Uint8Array; firstFrame: number; lastFrame: number | null }>(
      'SELECT recording.uuid AS recordingUuid, first_frame AS firstFrame, last_frame AS lastFrame FROM run_input JOIN recording ON recording.id = run_input.recording_id WHERE run_id = ? ORDER BY position',
    )
    .all(runId);
  return {
    run,
    method: extra.method,
    parameters: JSON.parse(extra.params) as Readonly<Record<string, TypedJson>>,
    parameterSetUuid: uuidText(extra.parameterSetUuid),
    budget: {
      ...(extra.threads === null ? {} : { threads: extra.threads }),
      ...(extra.memoryBytes === null ? {} : { memoryBytes: extra.memoryBytes }),
    },
    inputs: inputs.map(({ recordingUuid, firstFrame, lastFrame }) => ({
      recordingUuid: uuidText(recordingUuid),
      firstFrame,
      lastFrame,
    })),
    attempts: attempts.map(toAttempt),
    folder: join(folders.root, extra.outputFolder),
    commandLine: extra.commandLine,
    progress: toProgress(attempts.at(-1)?.progress),
    arrays: arraysOf(context, runId),
  };
}
