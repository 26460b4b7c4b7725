// SPDX-License-Identifier: MIT
import { AppError, type Uuid } from '../../contract/index.ts';
import type { ConditionActivity, ConditionRow, ConditionStore } from '../event-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { addArray, doubles, floats } from './array-rows.ts';
import { writing, type Context, type Sync } from './context.ts';

interface ConditionSql extends Omit<ConditionRow, 'uuid' | 'runUuid' | 'trialIds'> {
  readonly id: number;
  readonly uuidBytes: Uint8Array;
  readonly run: Uint8Array;
  readonly trials: string;
}

const conditionSql = `SELECT this.id, this.uuid AS uuidBytes, run.uuid AS run, this.trace, alignment_name AS alignment, trial_condition AS condition,
    condition_description AS description, bin_size AS binS, this.created_at AS createdAt, computed_at AS computedAt,
    (SELECT json_group_array(trial_id) FROM (SELECT trial.trial_id FROM activity_alignment_trial
      JOIN trial ON trial.id = activity_alignment_trial.trial_id WHERE condition_id = this.id ORDER BY trial.trial_id)) AS trials
  FROM activity_alignment_condition AS this JOIN run ON run.id = this.run_id
    JOIN alignment_event ON alignment_event.id = alignment_event_id
    LEFT JOIN activity_alignment ON activity_alignment.condition_id = this.id`;

/** Choices of trials and the activity around their events (`analysis` of workflow-miniscope, datamodel.md 1.7). */
export class ConditionTables implements Sync<ConditionStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  add(condition: Parameters<ConditionStore['add']>[0]): ConditionRow {
    return writing(this.#context, () => {
      const { database, newUuid, now } = this.#context;
      const run = database
        .prepare<[Uint8Array], { id: number; sessionId: number }>(
          'SELECT id, session_id AS sessionId FROM run WHERE uuid = ?',
        )
        .get(uuidBytes(condition.runUuid));
      if (run === undefined) throw new AppError('run.not_found', `No run ${condition.runUuid} is in this library.`);
      const alignment = database
        .prepare<[string], { id: number }>('SELECT id FROM alignment_event WHERE alignment_name = ?')
        .get(condition.alignment);
      if (alignment === undefined)
        throw new AppError('align.not_found', `There is no alignment event “${condition.alignment}”.`);
      const same = database
        .prepare<[number, string, number, string], { id: number }>(
          `SELECT id FROM activity_alignment_condition
          WHERE run_id = ? AND trace = ? AND alignment_event_id = ? AND trial_condition = ?`,
        )
        .get(run.id, condition.trace, alignment.id, condition.condition);
      if (same !== undefined) {
        throw new AppError(
          'align.exists',
          `This run has a condition “${condition.condition}” of ${condition.alignment} and ${condition.trace} already.`,
          {
            hint: 'Give this one another name, or delete that one: calyx delete activity_alignment_condition --where …',
          },
        );
      }
      const uuid = newUuid();
      const { lastInsertRowid } = database
        .prepare(
          `INSERT INTO activity_alignment_condition (uuid, run_id, trace, alignment_event_id, trial_condition, condition_description,
            bin_size, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          uuidBytes(uuid),
          run.id,
          condition.trace,
          alignment.id,
          condition.condition,
          condition.description,
          condition.binS,
          now(),
        );
      const addTrial = database.prepare(
        `INSERT INTO activity_alignment_trial (condition_id, trial_id)
        SELECT ?, trial.id FROM trial JOIN behavior_recording ON behavior_recording.id = behavior_recording_id
        WHERE session_id = ? AND trial_id = ?`,
      );
      for (const trial of condition.trialIds) addTrial.run(lastInsertRowid, run.sessionId, trial);
      return this.get(uuid);
    });
  }

  list({ runUuid }: { readonly runUuid?: Uuid | undefined }): readonly ConditionRow[] {
    const wanted = runUuid === undefined ? null : uuidBytes(runUuid);
    return this.#context.database
      .prepare<[Uint8Array | null, Uint8Array | null], ConditionSql>(
        `${conditionSql} WHERE ? IS NULL OR run.uuid = ? ORDER BY this.id`,
      )
      .all(wanted, wanted)
      .map(toRow);
  }

  #sql(uuid: Uuid): ConditionSql {
    const row = this.#context.database
      .prepare<[Uint8Array], ConditionSql>(`${conditionSql} WHERE this.uuid = ?`)
      .get(uuidBytes(uuid));
    if (row !== undefined) return row;
    throw new AppError('align.not_found', `No condition ${uuid} is in this library.`);
  }

  get(uuid: Uuid): ConditionRow {
    return toRow(this.#sql(uuid));
  }

  save(uuid: Uuid, { timesS, activity, rows }: ConditionActivity): ConditionRow {
    return writing(this.#context, () => {
      const { id, trials } = this.#sql(uuid);
      const count = (JSON.parse(trials) as number[]).length;
      this.#context.database
        .prepare(
          `INSERT INTO activity_alignment (condition_id, computed_at, time_array_id, activity_array_id) VALUES (?, ?, ?, ?)
          ON CONFLICT DO NOTHING`,
        )
        .run(
          id,
          this.#context.now(),
          addArray(this.#context, timesS, [timesS.length]),
          addArray(this.#context, activity, [rows, count, timesS.length]),
        );
      return this.get(uuid);
    });
  }

  activity(uuid: Uuid): ConditionActivity | null {
    const { id } = this.#sql(uuid);
    const row = this.#context.database
      .prepare<[number], { times: Uint8Array; activity: Uint8Array; shape: string }>(
        `SELECT t.inline AS times, a.inline AS activity, a.shape FROM activity_alignment
          JOIN array_ref AS t ON t.id = time_array_id JOIN array_ref AS a ON a.id = activity_array_id WHERE condition_id = ?`,
      )
      .get(id);
    if (row === undefined) return null;
    const [rows = 0] = JSON.parse(row.shape) as number[];
    return { timesS: doubles(row.times), activity: floats(row.activity), rows };
  }
}

function toRow({ id: _id, uuidBytes: uuid, run, trials, ...row }: ConditionSql): ConditionRow {
  return { ...row, uuid: uuidText(uuid), runUuid: uuidText(run), trialIds: JSON.parse(trials) as number[] };
}
