// SPDX-License-Identifier: MIT
import { AppError, type RunBatch, type Uuid } from '../../contract/index.ts';
import type { BatchStore } from '../batch-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';

/** Runs that were queued together. */
export class BatchTables implements Sync<BatchStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  add(batch: {
    readonly name: string;
    readonly sets: readonly string[];
    readonly runs: readonly { readonly runUuid: Uuid; readonly set: number }[];
  }): Uuid {
    return writing(this.#context, () => {
      const { database, newUuid, now } = this.#context;
      const uuid = newUuid();
      const { lastInsertRowid } = database
        .prepare('INSERT INTO run_batch (uuid, name, created_at, set_names) VALUES (?, ?, ?, ?)')
        .run(uuidBytes(uuid), batch.name, now(), JSON.stringify(batch.sets));
      const insert = database.prepare(
        'INSERT INTO run_batch_run (batch_id, run_id, set_number) SELECT ?, run.id, ? FROM run WHERE run.uuid = ?',
      );
      for (const { runUuid, set } of batch.runs) {
        if (insert.run(lastInsertRowid, set, uuidBytes(runUuid)).changes === 0)
          throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
      }
      return uuid;
    });
  }

  list(): readonly RunBatch[] {
    const { database } = this.#context;
    const recordings = database.prepare<[number], { uuid: Uint8Array }>(
      `SELECT recording.uuid AS uuid FROM run_input JOIN recording ON recording.id = run_input.recording_id WHERE run_input.run_id = ? ORDER BY run_input.position`,
    );
    const runs = database.prepare<[number], { id: number; uuid: Uint8Array; set: number }>(
      `SELECT run.id, run.uuid AS uuid, set_number AS "set" FROM run_batch_run JOIN run ON run.id = run_id WHERE batch_id = ? ORDER BY run.id`,
    );
    return database
      .prepare<[], { id: number; uuid: Uint8Array; name: string; createdAt: string; sets: string }>(
        'SELECT id, uuid, name, created_at AS createdAt, set_names AS sets FROM run_batch ORDER BY id DESC',
      )
      .all()
      .map((row) => ({
        uuid: uuidText(row.uuid),
        name: row.name,
        createdAt: row.createdAt,
        sets: JSON.parse(row.sets) as string[],
        runs: runs.all(row.id).map((run) => ({
          runUuid: uuidText(run.uuid),
          set: run.set,
          recordingUuids: recordings.all(run.id).map(({ uuid }) => uuidText(uuid)),
        })),
      }))
      .filter((batch) => batch.runs.length > 0);
  }
}
