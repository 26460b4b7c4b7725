// SPDX-License-Identifier: MIT
import { join, relative, sep } from 'node:path';
import { AppError, type CellLabel, type LogEntry, type Rater, type Uuid } from '../../contract/index.ts';
import type { CurationChange, CurationState, CurationStore, CurationVersion, StoredEdit } from '../types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';
import { entriesOf } from './curation-log.ts';
import { foldSteps, type StepStacks } from './curation-fold.ts';
import { continueVersion, versionKey, versionsOf } from './curation-versions.ts';
import type { ConsensusStep, CurationStep, Reading, Settled } from '../reading-types.ts';
import { addEditCell } from './edit-cells.ts';
import { activeEdits, editCellsOf, editsOf, foldedCells, stepsOf } from './edit-fold.ts';
import { beginReading, keepConsensus, mustOwnReading, readingKey, readingsOf, settledOf } from './readings.ts';
import { addEditFiles } from './receive-judgements.ts';

interface RaterSql {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly initials: string;
  readonly name: string | null;
}

interface CurationSql {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly version: number;
  readonly second: number;
  readonly createdAt: string;
  readonly frozenAt: string | null;
  readonly accepted: number;
  readonly rejected: number;
}

interface RunKey {
  readonly id: number;
  readonly cells: number | null;
}

interface Change {
  readonly cellId: number;
  readonly from: CellLabel;
  readonly to: CellLabel;
}

interface Act {
  readonly kind: LogEntry['kind'];
  readonly target: number | null;
  readonly raterId: number;
  readonly context: Readonly<Record<string, unknown>>;
}

const curationColumns =
  'id, uuid, version, second, created_at AS createdAt, frozen_at AS frozenAt, accepted_count AS accepted, rejected_count AS rejected';

function toRater(row: RaterSql): Rater {
  return { uuid: uuidText(row.uuid), initials: row.initials, name: row.name };
}

/** Raters, curations and their append-only logs. */
export class CurationTables implements Sync<CurationStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  #run(runUuid: Uuid): RunKey {
    const run = this.#context.database
      .prepare<[Uint8Array], RunKey>('SELECT id, cell_count AS cells FROM run WHERE uuid = ?')
      .get(uuidBytes(runUuid));
    if (run === undefined) throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
    return run;
  }

  #newest(runId: number): CurationSql | null {
    return (
      this.#context.database
        .prepare<[number], CurationSql>(
          `SELECT ${curationColumns} FROM curation WHERE run_id = ? AND received_at IS NULL AND second = 0 ORDER BY id DESC LIMIT 1`,
        )
        .get(runId) ?? null
    );
  }

  /** The reading that is named, else the newest version of the curation. */
  #chosen(runId: number, reading: Uuid | undefined): CurationSql | null {
    if (reading === undefined) return this.#newest(runId);
    const { database } = this.#context;
    const row = database
      .prepare<[number], CurationSql>(`SELECT ${curationColumns} FROM curation WHERE id = ?`)
      .get(readingKey(database, runId, reading));
    return row ?? null;
  }

  /** What a rater may write to: the open reading that is named and theirs, else the curation. */
  #writable(run: RunKey, raterId: number, reading: Uuid | undefined): CurationSql {
    if (reading === undefined) return this.#begin(run, raterId);
    const chosen = this.#chosen(run.id, reading);
    if (chosen === null) throw new AppError('rpc.internal', 'The reading is missing.');
    mustOwnReading(this.#context.database, chosen.id, raterId);
    if (chosen.frozenAt !== null) this.#refuseFinished();
    return chosen;
  }

  #refuseFinished(): never {
    throw new AppError('review.frozen', 'This reading is finished; its labels stay as they are.', {
      hint: 'Begin another one to judge the run anew.',
    });
  }

  #stacks(curationId: number): StepStacks {
    return foldSteps(stepsOf(this.#context.database, curationId));
  }

  #state(runUuid: Uuid, run: RunKey, curation: CurationSql): CurationState {
    const { done, undone } = this.#stacks(curation.id);
    const frozen = curation.frozenAt !== null;
    return {
      uuid: uuidText(curation.uuid),
      runUuid,
      createdAt: curation.createdAt,
      frozen,
      version: curation.version,
      canUndo: !frozen && done.length > 0,
      canRedo: !frozen && undone.length > 0,
      counts: this.#counts(run, curation),
    };
  }

  /** Of the cells that are there now; without edits the stored sums say it. */
  #counts(run: RunKey, { id, second, accepted, rejected }: CurationSql): CurationState['counts'] {
    const { database } = this.#context;
    const edited = second === 1 ? this.#newest(run.id)?.id : id;
    if (edited === undefined || editsOf(database, edited).length === 0) {
      return { accepted, rejected, undecided: (run.cells ?? 0) - accepted - rejected };
    }
    const counts = { accepted: 0, rejected: 0, undecided: 0 };
    for (const { label } of foldedCells(database, run.id, edited, id)) counts[label] += 1;
    return counts;
  }

  current(runUuid: Uuid, reading?: Uuid): CurationState | null {
    const run = this.#run(runUuid);
    const curation = this.#chosen(run.id, reading);
    return curation === null ? null : this.#state(runUuid, run, curation);
  }

  raters(): readonly Rater[] {
    return this.#context.database
      .prepare<[], RaterSql>('SELECT id, uuid, initials, name FROM rater ORDER BY initials')
      .all()
      .map(toRater);
  }

  addRater(rater: { readonly initials: string; readonly name?: string | undefined }): Rater {
    return writing(this.#context, () => {
      const { database, newUuid, now } = this.#context;
      const initials = rater.initials.trim();
      database
        .prepare(
          'INSERT INTO rater (uuid, initials, name, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (initials) DO NOTHING',
        )
        .run(uuidBytes(newUuid()), initials, rater.name ?? null, now());
      if (rater.name !== undefined) {
        database.prepare('UPDATE rater SET name = ? WHERE initials = ? AND name IS NULL').run(rater.name, initials);
      }
      const row = database
        .prepare<[string], RaterSql>('SELECT id, uuid, initials, name FROM rater WHERE initials = ?')
        .get(initials);
      if (row === undefined) throw new AppError('rpc.internal', `Rater ${initials} was not stored.`);
      return toRater(row);
    });
  }

  #raterId(raterUuid: Uuid): number {
    const row = this.#context.database
      .prepare<[Uint8Array], { id: number }>('SELECT id FROM rater WHERE uuid = ?')
      .get(uuidBytes(raterUuid));
    if (row === undefined) {
      throw new AppError('review.no_rater', 'Nobody with these initials is known yet.', {
        hint: 'Enter your initials; they are kept with each decision.',
      });
    }
    return row.id;
  }

  #begin(run: RunKey, ownerId: number): CurationSql {
    const { database, newUuid, now } = this.#context;
    const existing = this.#newest(run.id);
    if (existing?.frozenAt !== null && existing !== null) this.#refuseFrozen(existing);
    if (existing !== null) return existing;
    database
      .prepare('INSERT INTO curation (uuid, run_id, owner_id, created_at) VALUES (?, ?, ?, ?)')
      .run(uuidBytes(newUuid()), run.id, ownerId, now());
    const made = this.#newest(run.id);
    if (made === null) throw new AppError('rpc.internal', 'The curation was not stored.');
    return made;
  }

  #refuseFrozen(curation: CurationSql): never {
    throw new AppError(
      'review.frozen',
      `Version ${curation.version} of this curation is frozen and cannot be changed.`,
      {
        hint: 'Begin a new version to go on.',
      },
    );
  }

  #cell(runId: number, uuid: Uuid, curationId: number): { readonly id: number; readonly label: CellLabel } {
    const row = this.#context.database
      .prepare<[{ run: number; curation: number; uuid: Uint8Array }], { id: number; label: CellLabel | null }>(
        `SELECT cell.id, (SELECT to_label FROM curation_log WHERE curation_id = :curation AND cell_id = cell.id ORDER BY seq DESC LIMIT 1)
          AS label FROM cell WHERE cell.uuid = :uuid AND cell.run_id = :run`,
      )
      .get({ run: runId, curation: curationId, uuid: uuidBytes(uuid) });
    if (row === undefined) throw new AppError('review.unknown_cell', `Cell ${uuid} does not belong to this run.`);
    return { id: row.id, label: row.label ?? 'undecided' };
  }

  decide(decision: {
    readonly runUuid: Uuid;
    readonly raterUuid: Uuid;
    readonly cellUuids: readonly Uuid[];
    readonly to: CellLabel;
    readonly context: Readonly<Record<string, unknown>>;
    readonly reading?: Uuid | undefined;
  }): CurationChange {
    return writing(this.#context, () => {
      const run = this.#run(decision.runUuid);
      const raterId = this.#raterId(decision.raterUuid);
      if (run.cells === null) throw new AppError('run.not_ready', 'This run has no result to judge.');
      const curation = this.#writable(run, raterId, decision.reading);
      const changes: Change[] = [];
      for (const uuid of new Set(decision.cellUuids)) {
        const { id, label } = this.#cell(run.id, uuid, curation.id);
        if (label !== decision.to) changes.push({ cellId: id, from: label, to: decision.to });
      }
      const { context } = decision;
      const entries = this.#append(curation, changes, { kind: 'decide', target: null, raterId, context });
      return this.#changed(decision.runUuid, run, entries, decision.reading);
    });
  }

  undo(step: CurationStep): CurationChange {
    return this.#move(step, 'undo');
  }

  redo(step: CurationStep): CurationChange {
    return this.#move(step, 'redo');
  }

  #move(step: CurationStep, kind: 'undo' | 'redo'): CurationChange {
    return writing(this.#context, () => {
      const run = this.#run(step.runUuid);
      const raterId = this.#raterId(step.raterUuid);
      const curation = step.reading === undefined ? this.#newest(run.id) : this.#writable(run, raterId, step.reading);
      if (curation !== null && curation.frozenAt !== null) this.#refuseFrozen(curation);
      const stacks = curation === null ? { done: [], undone: [] } : this.#stacks(curation.id);
      const target = (kind === 'undo' ? stacks.done : stacks.undone).at(-1);
      if (curation === null || target === undefined) {
        throw new AppError('review.nothing_to_undo', `There is nothing to ${kind}.`);
      }
      if (editsOf(this.#context.database, curation.id).some((edit) => edit.step === target)) {
        this.#context.database
          .prepare(
            'INSERT INTO curation_edit (curation_id, step, kind, target_step, rater_id, at) VALUES (?, ?, ?, ?, ?, ?)',
          )
          .run(curation.id, this.#nextStep(curation.id), kind, target, raterId, this.#context.now());
        return this.#changed(step.runUuid, run, []);
      }
      const rows = this.#context.database
        .prepare<[number, number], Change>(
          'SELECT cell_id AS cellId, from_label AS "from", to_label AS "to" FROM curation_log WHERE curation_id = ? AND step = ? ORDER BY seq',
        )
        .all(curation.id, target);
      const changes = kind === 'redo' ? rows : rows.map(({ cellId, from, to }) => ({ cellId, from: to, to: from }));
      const entries = this.#append(curation, changes, { kind, target, raterId, context: {} });
      return this.#changed(step.runUuid, run, entries, step.reading);
    });
  }

  #changed(runUuid: Uuid, run: RunKey, entries: readonly LogEntry[], reading?: Uuid): CurationChange {
    const curation = this.#chosen(run.id, reading);
    if (curation === null) throw new AppError('rpc.internal', 'The curation was not stored.');
    return { curation: this.#state(runUuid, run, curation), entries };
  }

  /** Decisions and edits share one count of steps. */
  #nextStep(curationId: number): number {
    return (stepsOf(this.#context.database, curationId).at(-1)?.step ?? 0) + 1;
  }

  #append(curation: CurationSql, changes: readonly Change[], act: Act): readonly LogEntry[] {
    if (changes.length === 0) return [];
    const { database, now } = this.#context;
    const last = database
      .prepare<[number], { seq: number | null }>('SELECT max(seq) AS seq FROM curation_log WHERE curation_id = ?')
      .get(curation.id);
    const firstSeq = (last?.seq ?? 0) + 1;
    const step = this.#nextStep(curation.id);
    const at = now();
    const add = database.prepare(
      `INSERT INTO curation_log (curation_id, seq, step, kind, target_step, rater_id, cell_id, from_label, to_label, at, context)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const moved = { accepted: 0, rejected: 0, undecided: 0 };
    for (const [i, { cellId, from, to }] of changes.entries()) {
      add.run(
        curation.id,
        firstSeq + i,
        step,
        act.kind,
        act.target,
        act.raterId,
        cellId,
        from,
        to,
        at,
        JSON.stringify(act.context),
      );
      moved[from] -= 1;
      moved[to] += 1;
    }
    database
      .prepare(
        'UPDATE curation SET accepted_count = accepted_count + ?, rejected_count = rejected_count + ? WHERE id = ?',
      )
      .run(moved.accepted, moved.rejected, curation.id);
    return entriesOf(this.#context.database, curation.id, firstSeq);
  }

  freeze(runUuid: Uuid): CurationState {
    return writing(this.#context, () => {
      const run = this.#run(runUuid);
      const curation = this.#newest(run.id);
      if (curation === null) throw new AppError('run.not_ready', 'Nothing has been decided yet.');
      if (curation.frozenAt !== null) this.#refuseFrozen(curation);
      const { database, now } = this.#context;
      database.prepare('UPDATE curation SET frozen_at = ? WHERE id = ?').run(now(), curation.id);
      return this.#changed(runUuid, run, []).curation;
    });
  }

  nextVersion({ runUuid, raterUuid }: { readonly runUuid: Uuid; readonly raterUuid: Uuid }): CurationState {
    return writing(this.#context, () => {
      const run = this.#run(runUuid);
      const raterId = this.#raterId(raterUuid);
      const before = this.#newest(run.id);
      if (before === null || before.frozenAt === null) {
        throw new AppError('review.not_frozen', 'The newest version of this curation is still open.', {
          hint: 'Freeze it before the next one is begun.',
        });
      }
      continueVersion(this.#context, { before, runId: run.id, ownerId: raterId });
      return this.#changed(runUuid, run, []).curation;
    });
  }

  versions(runUuid: Uuid): readonly CurationVersion[] {
    return versionsOf(this.#context.database, this.#run(runUuid).id);
  }

  readings(runUuid: Uuid): readonly Reading[] {
    return readingsOf(this.#context.database, this.#run(runUuid).id);
  }

  beginReading({ runUuid, raterUuid }: CurationStep): Reading {
    return writing(this.#context, () => {
      const run = this.#run(runUuid);
      if (run.cells === null) throw new AppError('run.not_ready', 'This run has no result to judge.');
      const raterId = this.#raterId(raterUuid);
      const curationId = this.#newest(run.id)?.id;
      return beginReading(this.#context, { runId: run.id, raterId, raterUuid, curationId });
    });
  }

  finishReading({ runUuid, raterUuid, reading }: CurationStep & { readonly reading: Uuid }): Reading {
    return writing(this.#context, () => {
      const { database, now } = this.#context;
      const run = this.#run(runUuid);
      const { id } = this.#writable(run, this.#raterId(raterUuid), reading);
      database.prepare('UPDATE curation SET frozen_at = ? WHERE id = ?').run(now(), id);
      const finished = readingsOf(database, run.id).find(({ uuid }) => uuid === reading);
      if (finished === undefined) throw new AppError('rpc.internal', 'The reading is missing.');
      return finished;
    });
  }

  settle({ runUuid, raterUuid, cellUuid, to, said }: ConsensusStep): CurationChange {
    return writing(this.#context, () => {
      const run = this.#run(runUuid);
      const change = this.decide({
        runUuid,
        raterUuid,
        cellUuids: [cellUuid],
        to,
        context: { from: 'consensus', said },
      });
      keepConsensus(this.#context, { runId: run.id, raterId: this.#raterId(raterUuid), cellUuid, to, said });
      return change;
    });
  }

  settled(runUuid: Uuid): readonly Settled[] {
    return settledOf(this.#context.database, this.#run(runUuid).id);
  }

  log(runUuid: Uuid, reading?: Uuid): readonly LogEntry[] {
    const curation = this.#chosen(this.#run(runUuid).id, reading);
    return curation === null ? [] : entriesOf(this.#context.database, curation.id, 1);
  }

  edits(runUuid: Uuid, version?: number): readonly StoredEdit[] {
    const { database, folders } = this.#context;
    const { id: runId } = this.#run(runUuid);
    const curationId = version === undefined ? this.#newest(runId)?.id : versionKey(database, runId, version);
    if (curationId === undefined) return [];
    const active = new Set(activeEdits(database, curationId).map((edit) => edit.id));
    return editsOf(database, curationId).map((edit) => ({
      uuid: uuidText(edit.uuid),
      at: edit.at,
      raterUuid: this.#raterUuid(edit.raterId),
      request: JSON.parse(edit.request) as unknown,
      folder: join(folders.root, ...edit.folder.split('/')),
      active: active.has(edit.id),
      cells: editCellsOf(database, edit.id).map(({ uuid, row, state, made, arrayRow }) => ({
        uuid: uuidText(uuid),
        row,
        state,
        made: made === 1,
        arrayRow,
      })),
    }));
  }

  #raterUuid(id: number): Uuid {
    const row = this.#context.database
      .prepare<[number], { uuid: Uint8Array }>('SELECT uuid FROM rater WHERE id = ?')
      .get(id);
    if (row === undefined) throw new AppError('rpc.internal', 'The rater of an edit is missing.');
    return uuidText(row.uuid);
  }

  nextRow(runUuid: Uuid): number {
    const { id } = this.#run(runUuid);
    const last = this.#context.database
      .prepare<[number], { row: number | null }>('SELECT max(row) AS row FROM cell WHERE run_id = ?')
      .get(id);
    return (last?.row ?? -1) + 1;
  }

  begin({ runUuid, raterUuid }: { readonly runUuid: Uuid; readonly raterUuid: Uuid }): CurationState {
    return writing(this.#context, () => {
      const run = this.#run(runUuid);
      if (run.cells === null) throw new AppError('run.not_ready', 'This run has no result to judge.');
      return this.#state(runUuid, run, this.#begin(run, this.#raterId(raterUuid)));
    });
  }

  addEdit(edit: Parameters<CurationStore['addEdit']>[0]): CurationChange {
    return writing(this.#context, () => {
      const { database, folders, now } = this.#context;
      const run = this.#run(edit.runUuid);
      const raterId = this.#raterId(edit.raterUuid);
      const curation = this.#begin(run, raterId);
      const holding = activeEdits(database, curation.id).map(({ uuid }) => uuidText(uuid));
      const next = this.nextRow(edit.runUuid);
      const made = edit.cells.filter((cell) => cell.made).map((cell) => cell.row);
      if (holding.join() !== edit.basis.join() || made.some((row, i) => row !== next + i)) {
        throw new AppError('review.edit_stale', 'The cells were changed meanwhile; nothing was edited.', {
          hint: 'Do it again on the cells as they are now.',
          retryable: true,
        });
      }
      const { lastInsertRowid } = database
        .prepare(
          `INSERT INTO curation_edit (curation_id, step, kind, rater_id, at, uuid, request, folder)
          VALUES (?, ?, 'edit', ?, ?, ?, ?, ?)`,
        )
        .run(
          curation.id,
          this.#nextStep(curation.id),
          raterId,
          now(),
          uuidBytes(edit.uuid),
          JSON.stringify(edit.request),
          relative(folders.root, edit.folder).split(sep).join('/'),
        );
      for (const cell of edit.cells) addEditCell(this.#context, run.id, lastInsertRowid, cell);
      addEditFiles(this.#context, lastInsertRowid, edit.files ?? []);
      return this.#changed(edit.runUuid, run, []);
    });
  }
}
