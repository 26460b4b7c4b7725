// SPDX-License-Identifier: MIT
import { AppError, type Uuid } from '../../contract/index.ts';
import type { TypedJson } from '../parameter-hash.ts';
import type { AskedParameters, ParameterSetRow, ParameterSetStore } from '../parameter-set-types.ts';
import { uuidText } from '../uuid.ts';
import { writing, type Context, type Sync } from './context.ts';
import { parameterSetId } from './run-create.ts';

interface SetSql extends Omit<ParameterSetRow, 'uuid' | 'djHash' | 'builtin' | 'parameters'> {
  readonly uuidBytes: Uint8Array;
  readonly hashBytes: Uint8Array;
  readonly builtinNumber: number;
  readonly params: string;
}

const setSql = `SELECT this.id AS idx, this.uuid AS uuidBytes, processing_method AS method, paramset_desc AS description,
    engine_version AS engineVersion, dj_param_hash AS hashBytes, params_sha256 AS sha256, this.builtin AS builtinNumber,
    created_at AS createdAt, params, (SELECT count(*) FROM run WHERE run.processing_param_set_id = this.id)
      + (SELECT count(*) FROM run_asked WHERE run_asked.processing_param_set_id = this.id) AS runs
  FROM processing_param_set AS this JOIN processing_method ON processing_method.id = processing_method_id`;

/** Parameter sets: each once, by method and canonical values (datamodel.md 2.4). */
export class ParameterSetTables implements Sync<ParameterSetStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  list(): readonly ParameterSetRow[] {
    return this.#context.database.prepare<[], SetSql>(`${setSql} ORDER BY this.id`).all().map(toRow);
  }

  find(name: string): ParameterSetRow {
    const wanted = name.trim().toLowerCase();
    const sets = this.list();
    const found = sets.filter(
      (set) =>
        String(set.idx) === wanted ||
        set.uuid === wanted ||
        set.djHash === wanted ||
        set.sha256 === wanted ||
        (wanted !== '' && set.description.toLowerCase() === wanted),
    );
    const [set] = found;
    if (set !== undefined && found.length === 1) return set;
    throw new AppError(
      'usage.invalid',
      set === undefined ? `There is no parameter set “${name}”.` : `Several parameter sets are called “${name}”.`,
      { hint: 'calyx params list shows them: a set is named by its number, uuid, either hash or its description.' },
    );
  }

  add(set: Parameters<ParameterSetStore['add']>[0]): { readonly set: ParameterSetRow; readonly added: boolean } {
    return writing(this.#context, () => {
      const before = this.#count();
      const id = parameterSetId(this.#context, { engineVersion: null, ...set });
      const added = this.#count() > before;
      if (added && set.description !== undefined) {
        this.#context.database
          .prepare('UPDATE processing_param_set SET paramset_desc = ? WHERE id = ?')
          .run(set.description, id);
      }
      return { set: this.find(String(id)), added };
    });
  }

  asked(runUuid: Uuid): AskedParameters | null {
    const { database } = this.#context;
    const row = database
      .prepare<[string], { idx: number; runId: number }>(
        `SELECT run_asked.processing_param_set_id AS idx, run.id AS runId FROM run_asked JOIN run ON run.id = run_id
        WHERE lower(hex(run.uuid)) = ?`,
      )
      .get(runUuid.replaceAll('-', ''));
    if (row === undefined) return null;
    const rows = database
      .prepare<
        [number],
        { parameter: string; value: string; became: string | null; result: number | null; explanation: string }
      >(
        'SELECT parameter, value, became, result, explanation FROM run_translation WHERE run_id = ? ORDER BY became IS NULL, parameter',
      )
      .all(row.runId)
      .map(({ value, ...rest }) => Object.assign(rest, { value: JSON.parse(value) as TypedJson }));
    const { parameters: _parameters, ...set } = this.find(String(row.idx));
    return { set, parameters: rows };
  }

  #count(): number {
    return (
      this.#context.database.prepare<[], { n: number }>('SELECT count(*) AS n FROM processing_param_set').get()?.n ?? 0
    );
  }
}

function toRow({ uuidBytes, hashBytes, builtinNumber, params, ...row }: SetSql): ParameterSetRow {
  return {
    ...row,
    uuid: uuidText(uuidBytes),
    djHash: uuidText(hashBytes),
    builtin: builtinNumber === 1,
    parameters: JSON.parse(params) as ParameterSetRow['parameters'],
  };
}
