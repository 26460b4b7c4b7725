// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { AppError, type Uuid } from '../../contract/index.ts';
import type {
  Adoption,
  AdoptionCounts,
  Judgements,
  PackedRecords,
  ReceiptCounts,
  Received,
  RunRecords,
  TravelRow,
  TravelStore,
  TravelValue,
} from '../travel-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';
import { readJudgements } from './judgements.ts';
import { JudgementReceiver } from './receive-judgements.ts';
import { RowMerger } from './travel-merge.ts';
import { RowGatherer, type SqlRow, type SqlValue } from './travel-rows.ts';

interface RunKey {
  readonly id: number;
  readonly name: string;
  readonly state: string;
  readonly cells: number | null;
  readonly session: string;
}

/** Thrown to take a transaction back on purpose. */
class TakeBack extends Error {}

/** Without these nothing else makes sense: a rule they break ends the whole adoption. */
const indispensable = new Set([
  'subject',
  'session',
  'recording',
  'recording_info',
  'processing_method',
  'processing_param_set',
  'run',
  'run_input',
  'run_array',
  'cell',
]);

/** Runs and judgements on their way between libraries. */
export class TravelTables implements Sync<TravelStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  #run(runUuid: Uuid): RunKey {
    const run = this.#context.database
      .prepare<[Uint8Array], RunKey>(
        `SELECT run.id, run.name, run.state, run.cell_count AS cells, session.name AS session
        FROM run JOIN session ON session.id = run.session_id WHERE run.uuid = ?`,
      )
      .get(uuidBytes(runUuid));
    if (run === undefined) throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
    return run;
  }

  judgements(runUuid: Uuid): Judgements {
    return readJudgements(this.#context.database, this.#run(runUuid).id);
  }

  records({ runUuid, decisionsOnly }: { readonly runUuid: Uuid; readonly decisionsOnly: boolean }): PackedRecords {
    const { database } = this.#context;
    const run = this.#run(runUuid);
    if (run.state !== 'succeeded')
      throw new AppError('run.not_ready', `This run is ${run.state}; only a finished one can travel.`);
    const judgements = readJudgements(database, run.id);
    const records: RunRecords = {
      runUuid,
      runName: run.name,
      sessionName: run.session,
      migrations: this.#migrations(),
      rows: decisionsOnly ? this.#madeCells(run) : this.#allRows(run.id),
      judgements,
    };
    return {
      text: JSON.stringify(records),
      curations: judgements.curations.length,
      decisions: judgements.curations.reduce((sum, { log }) => sum + log.length, 0),
      raters: judgements.raters.map(({ initials }) => initials),
      edits: judgements.curations
        .flatMap(({ edits }) => edits)
        .flatMap(({ uuid, folder }) => (uuid === null || folder === null ? [] : [{ uuid, folder }])),
    };
  }

  #migrations(): number[] {
    return this.#context.database
      .prepare<[], { id: number }>('SELECT id FROM migration ORDER BY id')
      .all()
      .map(({ id }) => id);
  }

  #allRows(runId: number): TravelRow[] {
    const { database } = this.#context;
    const gatherer = new RowGatherer(database);
    const one = (sql: string): readonly number[] =>
      database
        .prepare<[{ run: number }], { id: number }>(sql)
        .all({ run: runId })
        .map(({ id }) => id);
    const recordings = one(
      'SELECT DISTINCT recording_id AS id FROM run_input WHERE run_id = :run ORDER BY position, recording_id',
    );
    const sessions = one(
      'SELECT session_id AS id FROM run WHERE id = :run UNION SELECT session_id FROM run_input JOIN recording ON recording.id = run_input.recording_id WHERE run_id = :run',
    );
    for (const id of sessions) {
      const subject = database
        .prepare<[number], { id: number | null }>('SELECT subject_id AS id FROM session WHERE id = ?')
        .get(id);
      if (typeof subject?.id === 'number') gatherer.add('subject', 'id = ?', subject.id, true);
      gatherer.add('session', 'id = ?', id, true);
    }
    for (const id of recordings) gatherer.add('recording', 'id = ?', id, true);
    gatherer.add('run', 'id = ?', runId, true);
    return gatherer.rows;
  }

  /** Cells that edits made: the others are where the run is. Their run is named by its uuid alone. */
  #madeCells(run: RunKey): TravelRow[] {
    return this.#context.database
      .prepare<[number, number], Record<string, SqlValue>>(
        'SELECT * FROM cell WHERE run_id = ? AND row >= ? ORDER BY row',
      )
      .all(run.id, run.cells ?? 0)
      .map(({ id: _id, run_id: _run, uuid, ...rest }) => ({
        table: 'cell',
        values: {
          ...(rest as Record<string, string | number | null>),
          uuid: { hex: Buffer.from(uuid as Uint8Array).toString('hex') },
        },
      }));
  }

  known(text: string): Awaited<ReturnType<TravelStore['known']>> {
    const { runUuid, rows, judgements } = JSON.parse(text) as RunRecords;
    const { database } = this.#context;
    const isHere = (table: 'run' | 'curation_edit') => (uuid: Uuid) =>
      database.prepare(`SELECT 1 FROM ${table} WHERE uuid = ?`).get(uuidBytes(uuid)) !== undefined;
    const recordings = rows.flatMap(({ table, values }) => {
      const { uuid, session_id: session, recording_id: number } = values;
      if (table !== 'recording' || !isHex(uuid) || !isRow(session)) return [];
      const digest = rows[session.row]?.values['content_digest'];
      const found = database
        .prepare(
          `SELECT 1 FROM recording JOIN session ON session.id = recording.session_id
          WHERE recording.uuid = ? OR (session.content_digest = ? AND recording.recording_id = ?)`,
        )
        .get(Buffer.from(uuid.hex, 'hex'), digest, number);
      return found === undefined ? [] : [uuidText(Buffer.from(uuid.hex, 'hex'))];
    });
    const edits = judgements.curations.flatMap((curation) => curation.edits.map(({ uuid }) => uuid ?? ''));
    const held = database
      .prepare<[string], { uuid: Uint8Array }>(
        `SELECT uuid FROM deletion WHERE state = 'held' AND EXISTS (SELECT 1 FROM json_each(folders) WHERE value = ?)`,
      )
      .get(`runs/${runUuid}`);
    return {
      run: isHere('run')(runUuid) ? 'here' : held === undefined ? 'absent' : 'deleted',
      editUuids: edits.filter((uuid) => uuid !== '').filter(isHere('curation_edit')),
      recordingUuids: recordings,
    };
  }

  receive(received: Received): ReceiptCounts {
    const { decisionsOnly } = received;
    const records = JSON.parse(received.records) as RunRecords;
    const mine = new Set(this.#migrations());
    if (records.migrations.some((id) => !mine.has(id)))
      throw new AppError('travel.newer', 'This package was made by a newer version of Calyx.', {
        hint: 'Update Calyx to unpack it.',
      });
    return writing(this.#context, () => {
      const { database, now } = this.#context;
      database.prepare('INSERT OR REPLACE INTO change_actor VALUES (1, ?, ?)').run('unpack', now());
      const merger = new RowMerger(this.#context, (table, row) => this.#place(table, row));
      const here = this.#maybe(records.runUuid);
      if (decisionsOnly) {
        if (here === undefined)
          throw new AppError(
            'travel.unknown_run',
            'This package holds decisions on a run that is not in this library.',
            {
              hint: 'Unpack the run itself first; decisions find their cells by it.',
              details: { runUuid: records.runUuid },
            },
          );
        this.#takeCells(here, records.rows, merger);
      } else merger.add(records.rows);
      const run = this.#run(records.runUuid);
      const judged = new JudgementReceiver(this.#context, run.id, received.editFiles);
      judged.receive(records.judgements);
      const newest = records.judgements.curations.findLast(
        ({ receivedAt, second }) => receivedAt === null && second !== true,
      );
      if (received.goOn && newest !== undefined) judged.goOnFrom(newest.uuid);
      this.#addProxies(received);
      database.prepare('DELETE FROM change_actor').run();
      return { rows: merger.inserted, ...judged.counts };
    });
  }

  adopt({ rows, judgements: judged = [], who, dryRun }: Adoption): AdoptionCounts {
    const refused = new Map<string, number>();
    let counts: AdoptionCounts | undefined;
    try {
      writing(this.#context, () => {
        const { database, now } = this.#context;
        database.prepare('INSERT OR REPLACE INTO change_actor VALUES (1, ?, ?)').run(who, now());
        const leave = (table: string, why: string): boolean => {
          if (indispensable.has(table)) return false;
          const sentence = `${table}: ${why}`;
          refused.set(sentence, (refused.get(sentence) ?? 0) + 1);
          return true;
        };
        const merger = new RowMerger(this.#context, (table, row) => this.#mustNotBeHeld(table, row), leave);
        merger.add(rows);
        for (const { runUuid, judgements } of judged) {
          const receiver = new JudgementReceiver(this.#context, this.#run(runUuid).id, {});
          receiver.receive(judgements);
          const newest = judgements.curations.at(-1);
          if (newest !== undefined) receiver.goOnFrom(newest.uuid);
        }
        database.prepare('DELETE FROM change_actor').run();
        counts = {
          inserted: merger.inserted,
          present: merger.present,
          refused: [...refused].map(([sentence, rowCount]) => `${rowCount} of ${sentence}`),
        };
        if (dryRun) throw new TakeBack();
      });
    } catch (error) {
      if (!(error instanceof TakeBack)) throw error;
    }
    if (counts === undefined) throw new AppError('rpc.internal', 'Nothing was adopted.');
    return counts;
  }

  #mustNotBeHeld(table: string, row: Record<string, SqlValue>): void {
    if (table !== 'run' || !(row['uuid'] instanceof Uint8Array)) return;
    const held = this.#context.database
      .prepare(
        `SELECT 1 FROM deletion WHERE state = 'held' AND EXISTS (SELECT 1 FROM json_each(folders) WHERE value = ?)`,
      )
      .get(`runs/${uuidText(row['uuid'])}`);
    if (held === undefined) return;
    throw new AppError('travel.deleted', 'One of these runs was deleted here and can still be brought back.', {
      hint: 'calyx delete --list names the deletion; --undo brings it back, or wait until its grace time is over.',
    });
  }

  #maybe(runUuid: Uuid): number | undefined {
    return this.#context.database
      .prepare<[Uint8Array], { id: number }>('SELECT id FROM run WHERE uuid = ?')
      .get(uuidBytes(runUuid))?.id;
  }

  /** Where things lie is this library's business, whatever the package says. */
  #place(table: string, row: Record<string, SqlValue>): void {
    const uuid = row['uuid'] instanceof Uint8Array ? uuidText(row['uuid']) : '';
    if (table === 'session') row['folder'] = join(this.#context.folders.films, uuid);
    if (table === 'run') row['output_folder'] = `runs/${uuid}`;
    if (table === 'cell') this.#placeCell(row);
  }

  /** A cell that was made elsewhere while another was made here gets the next free row; its uuid names it. */
  #placeCell(row: Record<string, SqlValue>): void {
    const { database } = this.#context;
    const { run_id: runId = null } = row;
    const taken = database.prepare('SELECT 1 FROM cell WHERE run_id = ? AND row = ?').get(runId, row['row']);
    if (taken === undefined) return;
    row['row'] =
      database
        .prepare<[SqlValue], { next: number }>('SELECT max(row) + 1 AS next FROM cell WHERE run_id = ?')
        .get(runId)?.next ?? 0;
  }

  #takeCells(runId: number, rows: readonly TravelRow[], merger: RowMerger): void {
    const run: SqlRow = { id: runId };
    merger.begin(run);
    merger.add(rows.map(({ table, values }) => ({ table, values: { ...values, run_id: { row: 0 } } })));
  }

  #addProxies({ proxies }: Received): void {
    const add = this.#context.database.prepare(
      `INSERT INTO recording_proxy (recording_id, path, frames, bytes, sha256)
      SELECT id, ?, ?, ?, ? FROM recording WHERE uuid = ? ON CONFLICT DO NOTHING`,
    );
    for (const { recordingUuid, path, frames, bytes, sha256 } of proxies)
      add.run(path, frames, bytes, sha256, uuidBytes(recordingUuid));
  }

  proxy(recordingUuid: Uuid): { readonly path: string; readonly frames: number } | null {
    return (
      this.#context.database
        .prepare<[Uint8Array], { path: string; frames: number }>(
          `SELECT path, frames FROM recording_proxy JOIN recording ON recording.id = recording_proxy.recording_id
          WHERE recording.uuid = ? AND recording_proxy.state = 'ready'`,
        )
        .get(uuidBytes(recordingUuid)) ?? null
    );
  }
}

function isHex(value: TravelValue | undefined): value is { readonly hex: string } {
  return typeof value === 'object' && value !== null && 'hex' in value;
}

function isRow(value: TravelValue | undefined): value is { readonly row: number } {
  return typeof value === 'object' && value !== null && 'row' in value;
}
