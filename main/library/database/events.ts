// SPDX-License-Identifier: MIT
import { AppError, type Uuid } from '../../contract/index.ts';
import type { AlignmentRow, Behavior, BehaviorClock, EventStore, RunQuality } from '../event-types.ts';
import { uuidBytes } from '../uuid.ts';
import { writing, type Context, type Sync } from './context.ts';

interface AlignmentSql {
  readonly name: string;
  readonly alignType: string;
  readonly alignShift: number;
  readonly startType: string;
  readonly startShift: number;
  readonly endType: string;
  readonly endShift: number;
}

const alignmentsSql = `SELECT alignment_name AS name, a.event_type AS alignType, alignment_time_shift AS alignShift, s.event_type AS startType,
    start_time_shift AS startShift, e.event_type AS endType, end_time_shift AS endShift
  FROM alignment_event JOIN event_type AS a ON a.id = alignment_event_type_id JOIN event_type AS s ON s.id = start_event_type_id
    JOIN event_type AS e ON e.id = end_event_type_id ORDER BY alignment_name`;

/** Behaviour as the alignment of activity asks for it, and figures of a run that are computed once (datamodel.md 1.5, 1.7). */
export class EventTables implements Sync<EventStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  alignments(): readonly AlignmentRow[] {
    return this.#context.database
      .prepare<[], AlignmentSql>(alignmentsSql)
      .all()
      .map((row) => ({
        name: row.name,
        align: { type: row.alignType, shiftS: row.alignShift },
        start: { type: row.startType, shiftS: row.startShift },
        end: { type: row.endType, shiftS: row.endShift },
      }));
  }

  behavior(sessionUuid: Uuid): Behavior {
    const { database } = this.#context;
    const row = database
      .prepare<
        [Uint8Array],
        { id: number; startedAt: string | null; sessionStart: string | null } & {
          readonly [K in keyof BehaviorClock]: BehaviorClock[K] | null;
        }
      >(
        `SELECT behavior_recording.id, recording_start_time AS startedAt, session_datetime AS sessionStart, offset_s AS offsetS, rate, method
        FROM behavior_recording JOIN session ON session.id = session_id
          LEFT JOIN behavior_clock ON behavior_recording_id = behavior_recording.id WHERE session.uuid = ?`,
      )
      .get(uuidBytes(sessionUuid));
    // Films of cameras alone tell nothing that activity could be aligned to.
    if (row === undefined || !this.#hasBehavior(row.id)) {
      throw new AppError('align.not_found', 'Nothing was recorded of the behaviour in this session.', {
        hint: 'Read a behavior_recordings.csv with calyx ingest first.',
      });
    }
    const attributes = new Map<number, Record<string, string>>();
    for (const each of database
      .prepare<[number, number], { id: number; name: string; value: string }>(
        `SELECT trial.id, attribute_name AS name, attribute_value AS value FROM trial JOIN trial_attribute ON trial_attribute.trial_id = trial.id
        WHERE trial.behavior_recording_id = ? UNION ALL SELECT trial.id, 'block.' || attribute_name, attribute_value FROM trial
          JOIN block_trial ON block_trial.trial_id = trial.id JOIN block_attribute ON block_attribute.block_id = block_trial.block_id
        WHERE trial.behavior_recording_id = ?`,
      )
      .all(row.id, row.id)) {
      attributes.set(each.id, { ...attributes.get(each.id), [each.name]: each.value });
    }
    return {
      clock: clockOf(row),
      trials: database
        .prepare<[number], { id: number; trialId: number; type: string | null; startS: number; stopS: number }>(
          `SELECT trial.id, trial_id AS trialId, trial_type AS type, trial_start_time AS startS, trial_stop_time AS stopS
          FROM trial LEFT JOIN trial_type ON trial_type.id = trial_type_id WHERE behavior_recording_id = ? ORDER BY trial_id`,
        )
        .all(row.id)
        .map(({ id, trialId, type, startS, stopS }) => ({
          trialId,
          type,
          startS,
          stopS,
          attributes: attributes.get(id) ?? {},
        })),
      events: database
        .prepare<[number], { type: string; timeS: number }>(
          `SELECT event_type AS type, event_start / 10000.0 AS timeS FROM event JOIN event_type ON event_type.id = event_type_id
          WHERE behavior_recording_id = ? ORDER BY event_start`,
        )
        .all(row.id),
    };
  }

  #hasBehavior(id: number): boolean {
    const { database } = this.#context;
    return (
      database
        .prepare<[number, number, number], { one: number }>(
          `SELECT 1 AS one FROM behavior_recording WHERE id = ? AND recording_start_time IS NOT NULL
          UNION ALL SELECT 1 FROM trial WHERE behavior_recording_id = ? UNION ALL SELECT 1 FROM event WHERE behavior_recording_id = ? LIMIT 1`,
        )
        .get(id, id, id) !== undefined
    );
  }

  setClock(sessionUuid: Uuid, clock: Parameters<EventStore['setClock']>[1]): void {
    const method = clock.pairs === undefined ? 'given' : 'pulses';
    writing(this.#context, () => {
      const { changes } = this.#context.database
        .prepare(
          `INSERT INTO behavior_clock (behavior_recording_id, offset_s, rate, method, pairs, residual_s)
          SELECT behavior_recording.id, ?, ?, ?, ?, ? FROM behavior_recording JOIN session ON session.id = session_id WHERE session.uuid = ?
          ON CONFLICT DO UPDATE SET offset_s = excluded.offset_s, rate = excluded.rate, method = excluded.method, pairs = excluded.pairs,
            residual_s = excluded.residual_s`,
        )
        .run(clock.offsetS, clock.rate, method, clock.pairs ?? null, clock.residualS ?? null, uuidBytes(sessionUuid));
      if (changes === 0)
        throw new AppError('align.not_found', 'Nothing was recorded of the behaviour in this session.');
    });
  }

  quality(runUuid: Uuid): RunQuality {
    const { database } = this.#context;
    const motion = database
      .prepare<[Uint8Array], NonNullable<RunQuality['motion']>>(
        'SELECT frames, y_std AS yStd, x_std AS xStd, y_max AS yMax, x_max AS xMax FROM run_motion JOIN run ON run.id = run_id WHERE run.uuid = ?',
      )
      .get(uuidBytes(runUuid));
    const traces = database
      .prepare<[Uint8Array], RunQuality['traces'][number]>(
        `SELECT row, trace, samples, skewness, variance FROM trace_quality JOIN cell ON cell.id = cell_id JOIN run ON run.id = run_id
        WHERE run.uuid = ? ORDER BY row, trace`,
      )
      .all(uuidBytes(runUuid));
    return { traces, motion: motion ?? null };
  }

  saveQuality(runUuid: Uuid, { traces, motion }: RunQuality): void {
    writing(this.#context, () => {
      const { database } = this.#context;
      const run = database
        .prepare<[Uint8Array], { id: number }>('SELECT id FROM run WHERE uuid = ?')
        .get(uuidBytes(runUuid));
      if (run === undefined) throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
      const insert = database.prepare(
        `INSERT INTO trace_quality (cell_id, trace, samples, skewness, variance)
        SELECT id, ?, ?, ?, ? FROM cell WHERE run_id = ? AND row = ? ON CONFLICT DO NOTHING`,
      );
      for (const { row, trace, samples, skewness, variance } of traces) {
        insert.run(trace, samples, skewness, variance, run.id, row);
      }
      if (motion !== null) {
        database
          .prepare(
            'INSERT INTO run_motion (run_id, frames, y_std, x_std, y_max, x_max) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
          )
          .run(run.id, motion.frames, motion.yStd, motion.xStd, motion.yMax, motion.xMax);
      }
    });
  }
}

/** Where the clock of a behaviour recording lies on the miniscope's. */
export function clockOfRecording({ database }: Context, behaviorRecordingId: number): BehaviorClock {
  const row = database
    .prepare<[number], Parameters<typeof clockOf>[0]>(
      `SELECT recording_start_time AS startedAt, session_datetime AS sessionStart, offset_s AS offsetS, rate, method
      FROM behavior_recording JOIN session ON session.id = session_id
        LEFT JOIN behavior_clock ON behavior_recording_id = behavior_recording.id WHERE behavior_recording.id = ?`,
    )
    .get(behaviorRecordingId);
  return row === undefined ? { offsetS: 0, rate: 1, method: 'assumed' } : clockOf(row);
}

/** A clock that somebody gave; else what the two start times tell; else none. */
function clockOf(row: {
  readonly startedAt: string | null;
  readonly sessionStart: string | null;
  readonly offsetS: number | null;
  readonly rate: number | null;
  readonly method: BehaviorClock['method'] | null;
}): BehaviorClock {
  if (row.offsetS !== null && row.rate !== null && row.method !== null) {
    return { offsetS: row.offsetS, rate: row.rate, method: row.method };
  }
  if (row.startedAt !== null && row.sessionStart !== null) {
    return {
      offsetS: (Date.parse(row.startedAt) - Date.parse(row.sessionStart)) / 1000,
      rate: 1,
      method: 'start-times',
    };
  }
  return { offsetS: 0, rate: 1, method: 'assumed' };
}
