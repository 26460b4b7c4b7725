// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import { AppError, type Uuid } from '../../contract/index.ts';
import type { KeptLimits, Reading, Settled } from '../reading-types.ts';
import { uuidBytes, uuidText } from '../uuid.ts';
import type { Context } from './context.ts';

interface ReadingSql {
  readonly uuid: Uint8Array;
  readonly raterUuid: Uint8Array;
  readonly initials: string;
  readonly name: string | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly accepted: number;
  readonly rejected: number;
}

/** The readings of a run that were made in this library, oldest first. */
export function readingsOf(database: Database.Database, runId: number): readonly Reading[] {
  return database
    .prepare<[number], ReadingSql>(
      `SELECT curation.uuid, rater.uuid AS raterUuid, rater.initials, rater.name, curation.created_at AS startedAt,
        curation.frozen_at AS finishedAt, curation.accepted_count AS accepted, curation.rejected_count AS rejected
      FROM curation JOIN rater ON rater.id = curation.owner_id
      WHERE curation.run_id = ? AND curation.received_at IS NULL AND curation.second = 1 ORDER BY curation.id`,
    )
    .all(runId)
    .map(({ uuid, raterUuid, initials, name, ...row }) =>
      Object.assign(row, { uuid: uuidText(uuid), rater: { uuid: uuidText(raterUuid), initials, name } }),
    );
}

/** The row of a reading. @throws AppError `review.reading_refused` */
export function readingKey(database: Database.Database, runId: number, reading: Uuid): number {
  const row = database
    .prepare<[number, Uint8Array], { id: number }>(
      'SELECT id FROM curation WHERE run_id = ? AND uuid = ? AND received_at IS NULL AND second = 1',
    )
    .get(runId, uuidBytes(reading));
  if (row === undefined) throw new AppError('review.reading_refused', 'This run has no such second reading.');
  return row.id;
}

/** A reading is decided by the rater who began it. @throws AppError `review.reading_refused` */
export function mustOwnReading(database: Database.Database, curationId: number, raterId: number): void {
  const owner = database
    .prepare<[number], { id: number; initials: string }>(
      'SELECT rater.id, rater.initials FROM curation JOIN rater ON rater.id = curation.owner_id WHERE curation.id = ?',
    )
    .get(curationId);
  if (owner?.id === raterId) return;
  throw new AppError('review.reading_refused', `This is the reading of ${owner?.initials ?? 'another rater'}.`, {
    hint: 'Begin one of your own, or say in Settings, Raters, that you are the one who sits here.',
  });
}

/** Has the rater an own opinion in this curation? Labels that a version took over, and those both agreed on, are none of one rater alone. */
function hasDecided(database: Database.Database, curationId: number, raterId: number): boolean {
  return (
    database
      .prepare<[number, number], { found: number }>(
        `SELECT 1 AS found FROM curation_log WHERE curation_id = ? AND rater_id = ? AND kind = 'decide'
          AND coalesce(context ->> '$.from', '') <> 'consensus' LIMIT 1`,
      )
      .get(curationId, raterId) !== undefined
  );
}

/** Begins a reading of a run beside its newest curation; returns the rater's open one when there is one. Runs inside the caller's transaction. */
export function beginReading(
  { database, newUuid, now }: Context,
  {
    runId,
    raterId,
    raterUuid,
    curationId,
  }: {
    readonly runId: number;
    readonly raterId: number;
    readonly raterUuid: Uuid;
    readonly curationId: number | undefined;
  },
): Reading {
  const open = (): Reading | undefined =>
    readingsOf(database, runId).findLast(({ rater, finishedAt }) => rater.uuid === raterUuid && finishedAt === null);
  const going = open();
  if (going !== undefined) return going;
  if (curationId === undefined) {
    throw new AppError('review.reading_refused', 'Nobody has judged this run yet: you would be the first rater.', {
      hint: 'Decide on its cells; somebody else can read it after you.',
    });
  }
  if (hasDecided(database, curationId, raterId)) {
    throw new AppError('review.reading_refused', 'You have judged cells of this run already.', {
      hint: 'A second reading is made by another rater. Say in Settings, Raters, who sits here.',
    });
  }
  database
    .prepare('INSERT INTO curation (uuid, run_id, owner_id, created_at, second) VALUES (?, ?, ?, ?, 1)')
    .run(uuidBytes(newUuid()), runId, raterId, now());
  const made = open();
  if (made === undefined) throw new AppError('rpc.internal', 'The reading was not stored.');
  return made;
}

/** Keeps what raters agreed on a cell. Runs inside the caller's transaction. @throws AppError `review.unknown_cell` */
export function keepConsensus(
  { database, now }: Context,
  {
    runId,
    raterId,
    cellUuid,
    to,
    said,
  }: Pick<Settled, 'cellUuid' | 'said'> & {
    readonly runId: number;
    readonly raterId: number;
    readonly to: Settled['label'];
  },
): void {
  const { changes } = database
    .prepare(
      `INSERT INTO consensus (run_id, cell_id, label, rater_id, at, said)
      SELECT run_id, id, ?, ?, ?, ? FROM cell WHERE uuid = ? AND run_id = ?`,
    )
    .run(to, raterId, now(), JSON.stringify(said), uuidBytes(cellUuid), runId);
  if (changes === 0) throw new AppError('review.unknown_cell', `Cell ${cellUuid} does not belong to this run.`);
}

/** What raters agreed on, the newest of each cell, by row. */
export function settledOf(database: Database.Database, runId: number): readonly Settled[] {
  return database
    .prepare<[number], { cellUuid: Uint8Array; label: Settled['label']; at: string; by: string; said: string }>(
      `SELECT cell.uuid AS cellUuid, agreed.label, agreed.at, rater.initials AS by, agreed.said
      FROM consensus AS agreed JOIN cell ON cell.id = agreed.cell_id JOIN rater ON rater.id = agreed.rater_id
      WHERE agreed.run_id = ? AND agreed.id =
        (SELECT max(later.id) FROM consensus AS later WHERE later.run_id = agreed.run_id AND later.cell_id = agreed.cell_id)
      ORDER BY cell.row`,
    )
    .all(runId)
    .map(({ cellUuid, said, ...row }) =>
      Object.assign(row, { cellUuid: uuidText(cellUuid), said: JSON.parse(said) as Settled['said'] }),
    );
}

/** The limits kept last with a run. */
export function limitsOf(database: Database.Database, runId: number): KeptLimits | null {
  const row = database
    .prepare<[number], { limits: string; at: string; by: string }>(
      `SELECT kept.limits, kept.at, rater.initials AS by FROM kept_limits AS kept JOIN rater ON rater.id = kept.rater_id
      WHERE kept.run_id = ? ORDER BY kept.id DESC LIMIT 1`,
    )
    .get(runId);
  if (row === undefined) return null;
  const limits = JSON.parse(row.limits) as KeptLimits['limits'];
  return Object.keys(limits).length === 0 ? null : { ...row, limits };
}

/** Keeps limits with a run. Runs inside the caller's transaction. @throws AppError `review.no_rater` */
export function keepLimits(
  { database, now }: Context,
  {
    runId,
    raterUuid,
    limits,
  }: { readonly runId: number; readonly raterUuid: Uuid; readonly limits: KeptLimits['limits'] },
): void {
  const { changes } = database
    .prepare('INSERT INTO kept_limits (run_id, rater_id, at, limits) SELECT ?, id, ?, ? FROM rater WHERE uuid = ?')
    .run(runId, now(), JSON.stringify(limits), uuidBytes(raterUuid));
  if (changes === 0) throw new AppError('review.no_rater', 'Nobody with these initials is known yet.');
}
