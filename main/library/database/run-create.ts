// SPDX-License-Identifier: MIT
import { AppError, type Uuid } from '../../contract/index.ts';
import { canonicalJson, djParamHash, parameterSetHash } from '../parameter-hash.ts';
import type { NewRun } from '../types.ts';
import { uuidBytes } from '../uuid.ts';
import type { Context } from './context.ts';

/** @throws AppError `session.not_imported` */
export function recordingKey(context: Context, uuid: Uuid): { readonly id: number; readonly sessionId: number } {
  const row = context.database
    .prepare<[Uint8Array], { id: number; sessionId: number }>(
      'SELECT id, session_id AS sessionId FROM recording WHERE uuid = ?',
    )
    .get(uuidBytes(uuid));
  if (row === undefined) throw new AppError('session.not_imported', `No recording ${uuid} is in this library.`);
  return row;
}

/** The row of a run's parameter set; a set that is used for the first time is added. @throws AppError `usage.invalid` for an unknown method */
export function parameterSetId(
  context: Context,
  run: Pick<NewRun, 'method' | 'parameters' | 'parametersVersion' | 'engineVersion'>,
): number {
  const { database, newUuid, now } = context;
  const method = run.method ?? 'calyx';
  const parametersVersion = run.parametersVersion ?? 1;
  const found = database
    .prepare<[string], { id: number; name: string }>(
      'SELECT id, processing_method AS name FROM processing_method WHERE processing_method = ?',
    )
    .get(method);
  if (found === undefined) throw new AppError('usage.invalid', `No processing method “${method}” is known.`);
  const sha256 = parameterSetHash({
    method: found.name,
    engineVersion: run.engineVersion,
    parametersVersion,
    parameters: run.parameters,
  });
  const existing = database
    .prepare<[string], { id: number }>('SELECT id FROM processing_param_set WHERE params_sha256 = ?')
    .get(sha256);
  if (existing !== undefined) return existing.id;
  const added = database
    .prepare(
      `INSERT INTO processing_param_set (uuid, processing_method_id, engine_version, params_version, dj_param_hash, params_sha256,
        created_at, params)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      uuidBytes(newUuid()),
      found.id,
      run.engineVersion,
      parametersVersion,
      uuidBytes(djParamHash(run.parameters)),
      sha256,
      now(),
      canonicalJson(run.parameters),
    );
  return Number(added.lastInsertRowid);
}

/** Notes which set a run was asked to use and what became of each of its parameters. */
export function noteAsked(context: Context, runId: number | bigint, asked: NonNullable<NewRun['asked']>): void {
  const { database } = context;
  database
    .prepare(
      'INSERT INTO run_asked (run_id, processing_param_set_id) SELECT ?, id FROM processing_param_set WHERE uuid = ?',
    )
    .run(runId, uuidBytes(asked.parameterSetUuid));
  const add = database.prepare(
    `INSERT INTO run_translation (run_id, parameter, value, became, result, explanation) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING`,
  );
  for (const { parameter, value, became, result, explanation } of asked.parameters)
    add.run(runId, parameter, JSON.stringify(value), became, result, explanation);
}
