// SPDX-License-Identifier: MIT
import { AppError, type CellLabel, type Uuid } from '../../contract/index.ts';
import type { MatchStore, NewMatch, StoredMatch } from '../match-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import { type Context, type Sync, writing } from './context.ts';

interface MatchSql {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly createdAt: string;
  readonly umPerPx: number;
  readonly allCells: number;
  readonly falseMatchRate: number | null;
}

interface StepSql {
  readonly step: number;
  readonly number: number;
  readonly at: string;
  readonly rater: Uint8Array;
  readonly initials: string;
  readonly name: string | null;
  readonly from: CellLabel;
  readonly to: CellLabel;
  readonly undoes: number | null;
}

const columns =
  'id, uuid, created_at AS createdAt, um_per_px AS umPerPx, all_cells AS allCells, false_match_rate AS falseMatchRate';

/** Comparisons of sessions and the append-only log of what people say of them. */
export class MatchTables implements Sync<MatchStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  add(match: NewMatch): Uuid {
    return writing(this.#context, () => {
      const { database, newUuid, now } = this.#context;
      const uuid = newUuid();
      const { lastInsertRowid } = database
        .prepare(
          'INSERT INTO session_match (uuid, created_at, um_per_px, all_cells, false_match_rate) VALUES (?, ?, ?, ?, ?)',
        )
        .run(uuidBytes(uuid), now(), match.umPerPx, match.allCells ? 1 : 0, match.falseMatchRate);
      const id = Number(lastInsertRowid);
      const addRun = database.prepare(
        'INSERT INTO session_match_run (match_id, position, run_id, shift_y, shift_x, rotation) VALUES (?, ?, ?, ?, ?, ?)',
      );
      for (const [position, run] of match.runs.entries())
        addRun.run(id, position, this.#runId(run.runUuid), run.shiftY, run.shiftX, run.rotation);
      const addGroup = database.prepare('INSERT INTO session_match_group (match_id, number, score) VALUES (?, ?, ?)');
      const addMember = database.prepare(
        'INSERT INTO session_match_member (group_id, position, cell_row, score) VALUES (?, ?, ?, ?)',
      );
      for (const [number, { score, members }] of match.groups.entries()) {
        const group = Number(addGroup.run(id, number, score).lastInsertRowid);
        for (const member of members) addMember.run(group, member.session, member.row, member.score);
      }
      return uuid;
    });
  }

  list(): readonly StoredMatch[] {
    return this.#context.database
      .prepare<[], MatchSql>(`SELECT ${columns} FROM session_match ORDER BY id DESC`)
      .all()
      .map((row) => this.#stored(row));
  }

  get(matchUuid: Uuid): StoredMatch {
    return this.#stored(this.#row(matchUuid));
  }

  decide(step: {
    readonly matchUuid: Uuid;
    readonly raterUuid: Uuid;
    readonly groups: readonly number[];
    readonly to: CellLabel;
  }): void {
    writing(this.#context, () => {
      const { id } = this.#row(step.matchUuid);
      const labels = this.#labels(id);
      const count = this.#count(id);
      const wrong = step.groups.find((group) => group >= count);
      if (wrong !== undefined)
        throw new AppError(
          'usage.invalid',
          `This comparison has no match ${wrong}; its matches are 0 to ${count - 1}.`,
        );
      const changes = [...new Set(step.groups)]
        .map((number) => ({ number, from: labels.get(number) ?? ('undecided' as const), to: step.to }))
        .filter(({ from, to }) => from !== to);
      this.#append(id, step.raterUuid, changes, null);
    });
  }

  undo({ matchUuid, raterUuid }: { readonly matchUuid: Uuid; readonly raterUuid: Uuid }): void {
    writing(this.#context, () => {
      const { id } = this.#row(matchUuid);
      const steps = this.#steps(id);
      const newest = newestDone(steps);
      if (newest === undefined) throw new AppError('review.nothing_to_undo', 'There is no decision to take back.');
      const changes = steps
        .filter(({ step }) => step === newest)
        .map(({ number, from, to }) => ({ number, from: to, to: from }));
      this.#append(id, raterUuid, changes, newest);
    });
  }

  #append(
    id: number,
    raterUuid: Uuid,
    changes: readonly { readonly number: number; readonly from: CellLabel; readonly to: CellLabel }[],
    undoes: number | null,
  ): void {
    if (changes.length === 0) return;
    const { database, now } = this.#context;
    const rater = database
      .prepare<[Uint8Array], { id: number }>('SELECT id FROM rater WHERE uuid = ?')
      .get(uuidBytes(raterUuid));
    if (rater === undefined) {
      throw new AppError('review.no_rater', 'Nobody with these initials is known yet.', {
        hint: 'Enter your initials; they are kept with each decision.',
      });
    }
    const step =
      1 +
      (database
        .prepare<[number], { last: number | null }>(
          'SELECT max(step) AS last FROM session_match_decision WHERE match_id = ?',
        )
        .get(id)?.last ?? 0);
    const insert = database.prepare(
      'INSERT INTO session_match_decision (match_id, step, number, at, rater_id, from_label, to_label, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    const at = now();
    for (const { number, from, to } of changes) insert.run(id, step, number, at, rater.id, from, to, undoes);
  }

  #runId(runUuid: Uuid): number {
    const run = this.#context.database
      .prepare<[Uint8Array], { id: number }>('SELECT id FROM run WHERE uuid = ?')
      .get(uuidBytes(runUuid));
    if (run === undefined) throw new AppError('run.not_found', `No run ${runUuid} is in this library.`);
    return run.id;
  }

  #row(matchUuid: Uuid): MatchSql {
    const row = this.#context.database
      .prepare<[Uint8Array], MatchSql>(`SELECT ${columns} FROM session_match WHERE uuid = ?`)
      .get(uuidBytes(matchUuid));
    if (row === undefined)
      throw new AppError('explore.no_match', 'This comparison of sessions is not in the library (any more).');
    return row;
  }

  #count(id: number): number {
    return (
      this.#context.database
        .prepare<[number], { n: number }>('SELECT count(*) AS n FROM session_match_group WHERE match_id = ?')
        .get(id)?.n ?? 0
    );
  }

  #steps(id: number): readonly StepSql[] {
    return this.#context.database
      .prepare<[number], StepSql>(
        `SELECT step, number, at, rater.uuid AS rater, initials, name, from_label AS "from", to_label AS "to", undoes
        FROM session_match_decision JOIN rater ON rater.id = rater_id WHERE match_id = ? ORDER BY step, number`,
      )
      .all(id);
  }

  #labels(id: number): ReadonlyMap<number, CellLabel> {
    return new Map(this.#steps(id).map(({ number, to }) => [number, to]));
  }

  #stored({ id, uuid, createdAt, umPerPx, allCells, falseMatchRate }: MatchSql): StoredMatch {
    const { database } = this.#context;
    const runs = database
      .prepare<[number], { run: Uint8Array; shiftY: number; shiftX: number; rotation: number }>(
        `SELECT run.uuid AS run, shift_y AS shiftY, shift_x AS shiftX, rotation FROM session_match_run
        JOIN run ON run.id = run_id WHERE match_id = ? ORDER BY position`,
      )
      .all(id)
      .map(({ run, shiftY, shiftX, rotation }) => ({ runUuid: uuidText(run), shiftY, shiftX, rotation }));
    const groups = database
      .prepare<[number], { score: number | null }>(
        'SELECT score FROM session_match_group WHERE match_id = ? ORDER BY number',
      )
      .all(id)
      .map(({ score }) => ({ score, members: [] as { session: number; row: number; score: number | null }[] }));
    for (const { number, ...member } of database
      .prepare<[number], { number: number; session: number; row: number; score: number | null }>(
        `SELECT number, position AS session, cell_row AS row, member.score FROM session_match_member AS member
        JOIN session_match_group AS found ON found.id = member.group_id WHERE match_id = ? ORDER BY number, position, cell_row`,
      )
      .all(id)) {
      groups[number]?.members.push(member);
    }
    const steps = this.#steps(id);
    const labels = this.#labels(id);
    const log: { at: string; rater: StoredMatch['log'][number]['rater']; groups: number[]; to: CellLabel }[] = [];
    let before = 0;
    for (const { step, number, at, rater, initials, name, to } of steps) {
      const last = log.at(-1);
      if (step === before && last?.to === to) last.groups.push(number);
      else log.push({ at, rater: { uuid: uuidText(rater), initials, name }, groups: [number], to });
      before = step;
    }
    return {
      uuid: uuidText(uuid),
      createdAt,
      umPerPx,
      allCells: allCells === 1,
      falseMatchRate,
      runs,
      groups,
      labels: groups.map((_, number) => labels.get(number) ?? 'undecided'),
      log,
      canUndo: newestDone(steps) !== undefined,
    };
  }
}

/** The newest step that was neither taken back nor takes one back. */
function newestDone(steps: readonly StepSql[]): number | undefined {
  const undone = new Set(steps.map(({ undoes }) => undoes));
  return steps.findLast(({ step, undoes }) => undoes === null && !undone.has(step))?.step;
}
