// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { AppError, type Uuid } from '../../contract/index.ts';
import type { AcquisitionStore, NewAcquisition, UnderWay } from '../acquisition-types.ts';
import type { NewSession, StoredSession } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';
import { insertFindings, insertParts, insertSession } from './session-insert.ts';
import type { SessionTables } from './sessions.ts';

interface UnderWaySql {
  readonly uuid: Uint8Array;
  readonly name: string;
  readonly folder: string;
  readonly startedAt: string;
  readonly host: string;
  readonly pid: number;
  readonly bootId: string;
  readonly startTicks: string | null;
}

/** Recordings under way, as rows of `session` and `session_acquisition`. */
export class AcquisitionTables implements Sync<AcquisitionStore> {
  readonly #context: Context;
  readonly #sessions: SessionTables;

  constructor(context: Context, sessions: SessionTables) {
    this.#context = context;
    this.#sessions = sessions;
  }

  begin(acquisition: NewAcquisition): { readonly sessionUuid: Uuid } {
    const { database, host } = this.#context;
    const { name, animal, experimenter, experiment, startedAt, tzOffsetMin, folder, rig, process } = acquisition;
    return writing(this.#context, () => {
      const sessionUuid = insertSession(this.#context, {
        name,
        subject: animal,
        startedAt,
        tzOffsetMin,
        folder,
        format: 'miniscope-daq-v4',
        // What it will hold is not known yet: the place and the moment stand for it until it is.
        contentDigest: createHash('sha256').update(`recording\n${folder}\n${startedAt}`).digest('hex'),
        recordings: [],
        findings: [{ severity: 'info', code: 'session.recording', message: 'It is being recorded now.' }],
      });
      const id = this.#id(sessionUuid);
      database
        .prepare(
          `INSERT INTO session_acquisition (session_id, state, experimenter, experiment, rig, pid, boot_id, start_ticks, host, begun_at)
          VALUES (?, 'recording', ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          id,
          experimenter,
          experiment,
          JSON.stringify(rig),
          process.pid,
          process.bootId,
          process.startTicks,
          host,
          startedAt,
        );
      this.#experimenter(id, experimenter.trim());
      return { sessionUuid };
    });
  }

  complete(sessionUuid: Uuid, session: NewSession, state: 'ended' | 'recovered'): StoredSession {
    const { database } = this.#context;
    return writing(this.#context, () => {
      const id = this.#id(sessionUuid);
      const imported = this.#sessions.findByDigest(session.contentDigest);
      if (imported !== null && imported.uuid !== sessionUuid) {
        this.discard(sessionUuid);
        return imported;
      }
      database
        .prepare(
          `UPDATE session SET name = ?, session_datetime = coalesce(?, session_datetime), tz_offset_min = coalesce(?, tz_offset_min),
            folder = ?, format = ?, content_digest = ? WHERE id = ?`,
        )
        .run(
          session.name,
          session.startedAt ?? null,
          session.tzOffsetMin ?? null,
          session.folder,
          session.format,
          session.contentDigest,
          id,
        );
      database.prepare('DELETE FROM session_finding WHERE session_id = ?').run(id);
      insertFindings(this.#context, id, session.findings);
      insertParts(this.#context, id, session);
      this.#end(id, state);
      return this.#sessions.get(sessionUuid);
    });
  }

  lost(sessionUuid: Uuid, why: string): void {
    writing(this.#context, () => {
      const id = this.#id(sessionUuid);
      this.#context.database.prepare('DELETE FROM session_finding WHERE session_id = ?').run(id);
      insertFindings(this.#context, id, [{ severity: 'problem', code: 'session.lost', message: why }]);
      this.#end(id, 'lost');
    });
  }

  discard(sessionUuid: Uuid): void {
    writing(this.#context, () => {
      this.#context.database
        .prepare(
          `DELETE FROM session WHERE uuid = ? AND id IN (SELECT session_id FROM session_acquisition WHERE state = 'recording')`,
        )
        .run(uuidBytes(sessionUuid));
    });
  }

  underWay(): readonly UnderWay[] {
    return this.#context.database
      .prepare<[], UnderWaySql>(
        `SELECT session.uuid, session.name, session.folder, begun_at AS startedAt, host, pid, boot_id AS bootId, start_ticks AS startTicks
        FROM session_acquisition JOIN session ON session.id = session_id WHERE state = 'recording' ORDER BY session_id`,
      )
      .all()
      .map(({ uuid, name, folder, startedAt, host, pid, bootId, startTicks }) => ({
        sessionUuid: uuidText(uuid),
        name,
        folder,
        startedAt,
        host,
        process: { pid, bootId, startTicks },
      }));
  }

  #id(sessionUuid: Uuid): number {
    const row = this.#context.database
      .prepare<[Uint8Array], { id: number }>('SELECT id FROM session WHERE uuid = ?')
      .get(uuidBytes(sessionUuid));
    if (row === undefined) {
      throw new AppError('session.not_imported', `No session ${sessionUuid} is in this library.`);
    }
    return row.id;
  }

  #end(id: number, state: 'ended' | 'recovered' | 'lost'): void {
    this.#context.database
      .prepare('UPDATE session_acquisition SET state = ?, ended_at = ? WHERE session_id = ?')
      .run(state, this.#context.now(), id);
  }

  /** The person of the form is a person of the lab. */
  #experimenter(sessionId: number, name: string): void {
    if (name === '') return;
    const { database, newUuid } = this.#context;
    database
      .prepare('INSERT INTO user (uuid, user) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .run(uuidBytes(newUuid()), name);
    database
      .prepare('INSERT INTO session_experimenter (session_id, user_id) SELECT ?, id FROM user WHERE user = ?')
      .run(sessionId, name);
  }
}
