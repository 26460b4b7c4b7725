// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { AppError, type CellLabel, type Uuid } from '../../contract/index.ts';
import type {
  Judgements,
  TravelConsensus,
  TravelCuration,
  TravelEdit,
  TravelEntry,
  TravelFile,
  TravelLimits,
} from '../travel-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import type { Context } from './context.ts';
import { continueVersion } from './curation-versions.ts';
import { readEdits, readLog } from './judgements.ts';

/** A rater of this library. */
interface Found {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly initials: string;
}

interface Known {
  readonly id: number;
  readonly runId: number;
  readonly frozenAt: string | null;
}

/** One act of a curation, in the order of its steps. */
type Act =
  | { readonly step: number; readonly entries: readonly TravelEntry[] }
  | { readonly step: number; readonly edit: TravelEdit };

/** What came, and what of it was new. */
export interface JudgementCounts {
  curations: number;
  decisions: number;
  edits: number;
  branches: number;
  settled: number;
  limits: number;
}

const damaged = (what: string): AppError =>
  new AppError('travel.damaged', `This package does not fit together: ${what}. Nothing was added.`, {
    hint: 'Pack it again.',
  });

/** A uuid (version 8, RFC 9562) that the same two things always give. */
function derivedUuid(uuid: Uuid, text: string): Uuid {
  const bytes = createHash('sha256').update(uuidBytes(uuid)).update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

/**
 * Adds judgements of a run from another library. Each curation is written in one library only, so what comes is the same log, shorter or
 * longer: the order in which packages come does not matter, and one that came before changes nothing. Where a copy of a library went on with
 * the same curation, its acts from the first that differs on make a curation of their own beside the one that is here.
 */
export class JudgementReceiver {
  readonly #context: Context;
  readonly #runId: number;
  readonly #files: Readonly<Record<Uuid, readonly TravelFile[]>>;
  readonly #raters = new Map<Uuid, { readonly id: number; readonly uuid: Uuid }>();
  /** Initials in the package → initials here. */
  readonly #initials = new Map<string, string>();
  readonly #cells = new Map<Uuid, number>();
  readonly counts: JudgementCounts = { curations: 0, decisions: 0, edits: 0, branches: 0, settled: 0, limits: 0 };

  constructor(context: Context, runId: number, files: Readonly<Record<Uuid, readonly TravelFile[]>>) {
    this.#context = context;
    this.#runId = runId;
    this.#files = files;
  }

  /** @throws AppError `travel.damaged` */
  receive({ raters, curations, consensus = [], limits = [] }: Judgements): void {
    for (const rater of raters) this.#rater(rater);
    for (const curation of curations) this.#curation(curation, curation.uuid);
    for (const settled of consensus) this.#settle(settled);
    for (const kept of limits) this.#keep(kept);
  }

  /** The last word on a cell is the newest, wherever it was written: what is older than what is here changes nothing, so packages may come in any order. */
  #settle({ cellUuid, label, raterUuid, at, said }: TravelConsensus): void {
    const named = Object.fromEntries(
      Object.entries(said).map(([initials, what]) => [this.#initials.get(initials) ?? initials, what]),
    );
    const { changes } = this.#context.database
      .prepare(
        `INSERT INTO consensus (run_id, cell_id, label, rater_id, at, said) SELECT :run, :cell, :label, :rater, :at, :said
        WHERE NOT EXISTS (SELECT 1 FROM consensus WHERE cell_id = :cell AND at >= :at)`,
      )
      .run({
        run: this.#runId,
        cell: this.#cellOf(cellUuid),
        label,
        rater: this.#raterOf(raterUuid).id,
        at,
        said: JSON.stringify(named),
      });
    this.counts.settled += changes;
  }

  /** As a settled cell: the newest limits of the run hold. */
  #keep({ raterUuid, at, limits }: TravelLimits): void {
    const { changes } = this.#context.database
      .prepare(
        `INSERT INTO kept_limits (run_id, rater_id, at, limits) SELECT :run, :rater, :at, :limits
        WHERE NOT EXISTS (SELECT 1 FROM kept_limits WHERE run_id = :run AND at >= :at)`,
      )
      .run({ run: this.#runId, rater: this.#raterOf(raterUuid).id, at, limits: JSON.stringify(limits) });
    this.counts.limits += changes;
  }

  /** The same uuid is the same rater, and so are the same initials unless both have a name and the names differ. */
  #rater(rater: Judgements['raters'][number]): void {
    const { database } = this.#context;
    const byUuid = database
      .prepare<[Uint8Array], Found>('SELECT id, uuid, initials FROM rater WHERE uuid = ?')
      .get(uuidBytes(rater.uuid));
    const find = database.prepare<[string], Found & { name: string | null }>(
      'SELECT id, uuid, initials, name FROM rater WHERE initials = ?',
    );
    const namesake = find.get(rater.initials);
    const isSame = namesake !== undefined && [namesake.name, null].includes(rater.name ?? namesake.name);
    let found: Found | undefined = byUuid ?? (isSame ? namesake : undefined);
    if (found === undefined) {
      let { initials } = rater;
      for (let n = 2; find.get(initials) !== undefined; n += 1) initials = `${rater.initials.slice(0, 6)}${n}`;
      database
        .prepare('INSERT INTO rater (uuid, initials, name, created_at) VALUES (?, ?, ?, ?)')
        .run(uuidBytes(rater.uuid), initials, rater.name, rater.createdAt);
      found = find.get(initials);
    }
    if (found === undefined) return;
    const here = { id: found.id, uuid: uuidText(found.uuid) };
    this.#raters.set(rater.uuid, here);
    this.#raters.set(here.uuid, here);
    this.#initials.set(rater.initials, found.initials);
  }

  #raterOf(uuid: Uuid): { readonly id: number; readonly uuid: Uuid } {
    const rater = this.#raters.get(uuid);
    if (rater === undefined) throw damaged(`rater ${uuid} is not in it`);
    return rater;
  }

  #cellOf(uuid: Uuid): number {
    const known = this.#cells.get(uuid);
    if (known !== undefined) return known;
    const row = this.#context.database
      .prepare<[Uint8Array, number], { id: number }>('SELECT id FROM cell WHERE uuid = ? AND run_id = ?')
      .get(uuidBytes(uuid), this.#runId);
    if (row === undefined) throw damaged(`cell ${uuid} does not belong to the run`);
    this.#cells.set(uuid, row.id);
    return row.id;
  }

  #known(uuid: Uuid): Known | undefined {
    return this.#context.database
      .prepare<[Uint8Array], Known>('SELECT id, run_id AS runId, frozen_at AS frozenAt FROM curation WHERE uuid = ?')
      .get(uuidBytes(uuid));
  }

  #curation(came: TravelCuration, uuid: Uuid): void {
    const known = this.#known(uuid);
    if (known !== undefined && known.runId !== this.#runId) throw damaged(`curation ${uuid} is of another run`);
    const acts = this.#acts(came.log, came.edits);
    const here = known === undefined ? [] : this.#hereActs(known.id);
    const differs = here.findIndex((act, i) => acts[i] !== undefined && textOf(act) !== textOf(acts[i]));
    // A version that is frozen here and went on elsewhere is left at its end.
    const leaves =
      differs < 0 && (known?.frozenAt ?? null) !== null && acts.length > here.length ? here.length : differs;
    if (leaves >= 0) {
      const branch = derivedUuid(uuid, textOf(acts[leaves]));
      if (this.#known(branch) === undefined) this.counts.branches += 1;
      this.#curation(came, branch);
      return;
    }
    const id = known?.id ?? this.#insert(came, uuid);
    for (const act of acts.slice(here.length)) this.#add(id, uuid, act);
    this.#recount(id);
    if (came.frozenAt !== null && acts.length >= here.length) this.#freeze(id, came.frozenAt);
  }

  #insert(came: TravelCuration, uuid: Uuid): number {
    const { database, now } = this.#context;
    const parent = came.parentUuid === null ? null : (this.#known(came.parentUuid)?.id ?? null);
    const { lastInsertRowid } = database
      .prepare(
        'INSERT INTO curation (uuid, run_id, owner_id, parent_id, version, created_at, received_at, second) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        uuidBytes(uuid),
        this.#runId,
        this.#raterOf(came.ownerUuid).id,
        parent,
        came.version,
        came.createdAt,
        now(),
        came.second === true ? 1 : 0,
      );
    this.counts.curations += 1;
    return Number(lastInsertRowid);
  }

  #freeze(id: number, at: string): void {
    this.#context.database.prepare('UPDATE curation SET frozen_at = ? WHERE id = ? AND frozen_at IS NULL').run(at, id);
  }

  /** Acts with the raters this library knows, so that both sides say the same of the same person. */
  #acts(log: readonly TravelEntry[], edits: readonly TravelEdit[]): Act[] {
    const named = log.map((entry) => ({ ...entry, raterUuid: this.#raterOf(entry.raterUuid).uuid }));
    const acts = actsOf(
      named,
      edits.map((edit) => ({ ...edit, raterUuid: this.#raterOf(edit.raterUuid).uuid })),
    );
    for (const [i, act] of acts.entries()) if (act.step !== i + 1) throw damaged(`step ${i + 1} of a log is missing`);
    return acts;
  }

  #hereActs(id: number): Act[] {
    const { database } = this.#context;
    return actsOf(readLog(database, id), readEdits(database, id));
  }

  #add(id: number, uuid: Uuid, act: Act): void {
    if ('edit' in act) this.#addEdit(id, uuid, act.edit);
    else for (const entry of act.entries) this.#addEntry(id, entry);
  }

  #addEntry(id: number, entry: TravelEntry): void {
    const { seq, step, kind, target, raterUuid, cellUuid, from, to, at, context } = entry;
    this.#context.database
      .prepare(
        `INSERT INTO curation_log (curation_id, seq, step, kind, target_step, rater_id, cell_id, from_label, to_label, at, context)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(id, seq, step, kind, target, this.#raterOf(raterUuid).id, this.#cellOf(cellUuid), from, to, at, context);
    this.counts.decisions += 1;
  }

  #addEdit(id: number, curation: Uuid, edit: TravelEdit): void {
    const { database } = this.#context;
    const { step, kind, target, raterUuid, at, request, cells } = edit;
    // The edits a branch shares with the curation it left are rows of its own, on the same files.
    const taken =
      edit.uuid === null
        ? undefined
        : database
            .prepare<[Uint8Array], { folder: string }>('SELECT folder FROM curation_edit WHERE uuid = ?')
            .get(uuidBytes(edit.uuid));
    const uuid = edit.uuid === null || taken === undefined ? edit.uuid : derivedUuid(edit.uuid, curation);
    const folder = edit.uuid === null ? null : (taken?.folder ?? receivedEditFolder(edit.uuid));
    const { lastInsertRowid } = database
      .prepare(
        `INSERT INTO curation_edit (curation_id, step, kind, target_step, rater_id, at, uuid, request, folder)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        step,
        kind,
        target,
        this.#raterOf(raterUuid).id,
        at,
        uuid === null ? null : uuidBytes(uuid),
        request,
        folder,
      );
    const addCell = database.prepare(
      'INSERT INTO curation_edit_cell (edit_id, cell_id, state, made, array_row, place, metrics) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    for (const { cellUuid, state, made, arrayRow, place, metrics } of cells)
      addCell.run(lastInsertRowid, this.#cellOf(cellUuid), state, made ? 1 : 0, arrayRow, place, metrics);
    addEditFiles(this.#context, lastInsertRowid, edit.uuid === null ? [] : (this.#files[edit.uuid] ?? []));
    if (kind === 'edit') this.counts.edits += 1;
  }

  #recount(id: number): void {
    const { database } = this.#context;
    const { accepted, rejected } = database
      .prepare<[number], { accepted: number; rejected: number }>(
        `SELECT coalesce(sum(to_label = 'accepted'), 0) AS accepted, coalesce(sum(to_label = 'rejected'), 0) AS rejected
        FROM curation_log AS label WHERE curation_id = ?
          AND seq = (SELECT max(seq) FROM curation_log AS later WHERE later.curation_id = label.curation_id AND later.cell_id = label.cell_id)`,
      )
      .get(id) ?? { accepted: 0, rejected: 0 };
    database
      .prepare(
        'UPDATE curation SET accepted_count = ?, rejected_count = ? WHERE id = ? AND frozen_at IS NULL AND (accepted_count <> ? OR rejected_count <> ?)',
      )
      .run(accepted, rejected, id, accepted, rejected);
  }

  /**
   * Begins a curation of this library's own that goes on from a received one, with its labels and the edits that hold. Nothing when there is
   * an own one already.
   */
  goOnFrom(uuid: Uuid): void {
    const { database } = this.#context;
    const own = database
      .prepare('SELECT 1 FROM curation WHERE run_id = ? AND received_at IS NULL AND second = 0')
      .get(this.#runId);
    const from = database
      .prepare<[Uint8Array], { id: number; version: number; ownerId: number; accepted: number; rejected: number }>(
        'SELECT id, version, owner_id AS ownerId, accepted_count AS accepted, rejected_count AS rejected FROM curation WHERE uuid = ?',
      )
      .get(uuidBytes(uuid));
    if (own !== undefined || from === undefined) return;
    continueVersion(this.#context, { before: from, runId: this.#runId, ownerId: from.ownerId });
  }
}

/** Where the arrays of a received edit lie, relative to the library. */
export function receivedEditFolder(editUuid: Uuid): string {
  return `edits/received/${editUuid}`;
}

/** Rows of an edit's files. */
export function addEditFiles(context: Context, editId: number | bigint, files: readonly TravelFile[]): void {
  const add = context.database.prepare('INSERT INTO edit_file (edit_id, path, bytes, sha256) VALUES (?, ?, ?, ?)');
  for (const { path, bytes, sha256 } of files) add.run(editId, path, bytes, sha256);
}

function actsOf(log: readonly TravelEntry[], edits: readonly TravelEdit[]): Act[] {
  const steps = new Map<number, TravelEntry[]>();
  for (const entry of log) steps.set(entry.step, [...(steps.get(entry.step) ?? []), entry]);
  const acts: Act[] = [
    ...[...steps].map(([step, entries]) => ({ step, entries })),
    ...edits.map((edit) => ({ step: edit.step, edit })),
  ];
  return acts.toSorted((a, b) => a.step - b.step);
}

/** What makes two acts the same; where an edit's files lie and what it is called here does not. */
function textOf(act: Act | undefined): string {
  if (act === undefined) return '';
  if ('edit' in act) {
    const { kind, target, raterUuid, at, request, cells } = act.edit;
    return JSON.stringify([
      kind,
      target,
      raterUuid,
      at,
      request,
      cells.map(({ cellUuid, state }) => [cellUuid, state]),
    ]);
  }
  return JSON.stringify(
    act.entries.map(({ kind, target, raterUuid, cellUuid, from, to, at }: TravelEntry): (string | number | null)[] => [
      kind,
      target,
      raterUuid,
      cellUuid,
      from satisfies CellLabel,
      to,
      at,
    ]),
  );
}
