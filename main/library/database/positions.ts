// SPDX-License-Identifier: MIT
import { AppError, type Uuid } from '../../contract/index.ts';
import type { PositionRow, PositionStore, PositionTrackRow } from '../position-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { bytesOf, doubles, floats } from './array-rows.ts';
import { clockOfRecording } from './events.ts';
import { writing, type Context, type Sync } from './context.ts';

interface PositionSql extends Omit<PositionRow, 'uuid' | 'sessionUuid' | 'parts' | 'onMiniscopeClock'> {
  readonly id: number;
  readonly behaviorId: number;
  readonly uuidBytes: Uint8Array;
  readonly session: Uint8Array;
  readonly parts: string;
  readonly clock: number;
}

const positionSql = `SELECT position.id, behavior_recording_id AS behaviorId, position.uuid AS uuidBytes, session.uuid AS session, position_name AS name, program, source_name AS source,
    added_at AS addedAt, samples, unit, px_per_cm AS pxPerCm, on_miniscope_clock AS clock, main_part AS mainPart,
    (SELECT json_group_array(part) FROM position_part WHERE position_id = position.id) AS parts
  FROM position JOIN behavior_recording ON behavior_recording.id = behavior_recording_id JOIN session ON session.id = session_id`;

/** Pose and position of behaviour recordings. */
export class PositionTables implements Sync<PositionStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  add(given: Parameters<PositionStore['add']>[0]): { readonly position: PositionRow; readonly added: boolean } {
    return writing(this.#context, () => {
      const { database, newUuid, now } = this.#context;
      const behavior = this.#behavior(given.sessionUuid);
      const same = database
        .prepare<[number, string], { uuid: Uint8Array; sha256: string }>(
          'SELECT uuid, source_sha256 AS sha256 FROM position WHERE behavior_recording_id = ? AND position_name = ?',
        )
        .get(behavior, given.name);
      if (same !== undefined) {
        if (same.sha256 === given.sha256) return { position: this.#get(uuidText(same.uuid)), added: false };
        throw new AppError(
          'position.exists',
          `This session has a tracking “${given.name}” from another file already.`,
          {
            hint: 'Give this one another name with --name, or delete that one: calyx delete <its id>.',
          },
        );
      }
      const uuid = newUuid();
      const { lastInsertRowid } = database
        .prepare(
          `INSERT INTO position (uuid, behavior_recording_id, position_name, program, source_name, source_sha256, added_at, samples, unit,
            px_per_cm, on_miniscope_clock, main_part, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          uuidBytes(uuid),
          behavior,
          given.name,
          given.program,
          given.source,
          given.sha256,
          now(),
          given.timesS.length,
          given.unit,
          given.pxPerCm,
          given.onMiniscopeClock ? 1 : 0,
          given.mainPart,
          bytesOf(given.timesS),
        );
      const add = database.prepare(
        'INSERT INTO position_part (position_id, part, x, y, likelihood) VALUES (?, ?, ?, ?, ?)',
      );
      for (const { part, x, y, likelihood } of given.parts)
        add.run(lastInsertRowid, part, bytesOf(x), bytesOf(y), likelihood === null ? null : bytesOf(likelihood));
      return { position: this.#get(uuid), added: true };
    });
  }

  /** The behaviour recording of a session; a session that has none yet gets one. */
  #behavior(sessionUuid: Uuid): number {
    const { database, newUuid } = this.#context;
    const session = database
      .prepare<[Uint8Array], { id: number }>('SELECT id FROM session WHERE uuid = ?')
      .get(uuidBytes(sessionUuid));
    if (session === undefined)
      throw new AppError('session.not_imported', `No session ${sessionUuid} is in this library.`);
    const known = database
      .prepare<[number], { id: number }>('SELECT id FROM behavior_recording WHERE session_id = ?')
      .get(session.id);
    if (known !== undefined) return known.id;
    return Number(
      database
        .prepare('INSERT INTO behavior_recording (uuid, session_id) VALUES (?, ?)')
        .run(uuidBytes(newUuid()), session.id).lastInsertRowid,
    );
  }

  list({ sessionUuid }: { readonly sessionUuid?: Uuid | undefined }): readonly PositionRow[] {
    const wanted = sessionUuid === undefined ? null : uuidBytes(sessionUuid);
    return this.#context.database
      .prepare<[Uint8Array | null, Uint8Array | null], PositionSql>(
        `${positionSql} WHERE ? IS NULL OR session.uuid = ? ORDER BY position.id DESC`,
      )
      .all(wanted, wanted)
      .map(toRow);
  }

  #sql(uuid: Uuid): PositionSql {
    const row = this.#context.database
      .prepare<[Uint8Array], PositionSql>(`${positionSql} WHERE position.uuid = ?`)
      .get(uuidBytes(uuid));
    if (row !== undefined) return row;
    throw new AppError('position.not_found', `No tracking ${uuid} is in this library.`, {
      hint: 'calyx position lists them.',
    });
  }

  #get(uuid: Uuid): PositionRow {
    return toRow(this.#sql(uuid));
  }

  track(uuid: Uuid, part?: string): PositionTrackRow {
    const row = this.#sql(uuid);
    const wanted = part ?? row.mainPart;
    const found = this.#context.database
      .prepare<
        [number, string],
        { part: string; x: Uint8Array; y: Uint8Array; likelihood: Uint8Array | null; times: Uint8Array }
      >(
        `SELECT part, x, y, likelihood, times FROM position_part JOIN position ON position.id = position_id
        WHERE position_id = ? AND part = ?`,
      )
      .get(row.id, wanted);
    if (found === undefined)
      throw new AppError('position.not_found', `This tracking has no part “${wanted}”.`, {
        hint: `It has: ${toRow(row).parts.join(', ')}.`,
      });
    return {
      position: toRow(row),
      clock: clockOfRecording(this.#context, row.behaviorId),
      timesS: doubles(found.times),
      part: {
        part: found.part,
        x: floats(found.x),
        y: floats(found.y),
        likelihood: found.likelihood === null ? null : floats(found.likelihood),
      },
    };
  }

  set(uuid: Uuid, { pxPerCm, mainPart }: Parameters<PositionStore['set']>[1]): PositionRow {
    return writing(this.#context, () => {
      const { database } = this.#context;
      const row = toRow(this.#sql(uuid));
      if (pxPerCm !== undefined && row.unit === 'cm')
        throw new AppError('usage.invalid', 'This tracking is in centimetres already.');
      const part = row.parts.find((name) => name.toLowerCase() === mainPart?.toLowerCase());
      if (mainPart !== undefined && part === undefined)
        throw new AppError('position.not_found', `This tracking has no part “${mainPart}”.`, {
          hint: `It has: ${row.parts.join(', ')}.`,
        });
      database
        .prepare(
          'UPDATE position SET px_per_cm = coalesce(?, px_per_cm), main_part = coalesce(?, main_part) WHERE uuid = ?',
        )
        .run(pxPerCm ?? null, part ?? null, uuidBytes(uuid));
      return this.#get(uuid);
    });
  }
}

function toRow({
  id: _id,
  behaviorId: _behavior,
  uuidBytes: uuid,
  session,
  parts,
  clock,
  ...row
}: PositionSql): PositionRow {
  return {
    ...row,
    uuid: uuidText(uuid),
    sessionUuid: uuidText(session),
    onMiniscopeClock: clock === 1,
    parts: JSON.parse(parts) as string[],
  };
}
