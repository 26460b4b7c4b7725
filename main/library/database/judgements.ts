// SPDX-License-Identifier: MIT
import type Database from 'better-sqlite3';
import type { CellLabel, LogEntry } from '../../contract/index.ts';
import type { KeptLimits, Settled } from '../reading-types.ts';
import type {
  Judgements,
  TravelConsensus,
  TravelCuration,
  TravelEdit,
  TravelEditCell,
  TravelEntry,
  TravelLimits,
} from '../travel-types.ts';
import type { EditState } from '../types.ts';
import { uuidText } from '../uuid.ts';

interface CurationSql {
  readonly id: number;
  readonly uuid: Uint8Array;
  readonly owner: Uint8Array;
  readonly parent: Uint8Array | null;
  readonly version: number;
  readonly createdAt: string;
  readonly frozenAt: string | null;
  readonly receivedAt: string | null;
  readonly second: number;
}

const curationsSql = `SELECT curation.id, curation.uuid, owner.uuid AS owner, parent.uuid AS parent, curation.version,
    curation.created_at AS createdAt, curation.frozen_at AS frozenAt, curation.received_at AS receivedAt, curation.second
  FROM curation JOIN rater AS owner ON owner.id = curation.owner_id LEFT JOIN curation AS parent ON parent.id = curation.parent_id
  WHERE curation.run_id = ? ORDER BY curation.id`;

const logSql = `SELECT log.seq, log.step, log.kind, log.target_step AS target, rater.uuid AS rater, cell.uuid AS cell,
    log.from_label AS "from", log.to_label AS "to", log.at, log.context
  FROM curation_log AS log JOIN rater ON rater.id = log.rater_id JOIN cell ON cell.id = log.cell_id
  WHERE log.curation_id = ? ORDER BY log.seq`;

const editsSql = `SELECT edit.id, edit.step, edit.kind, edit.target_step AS target, rater.uuid AS rater, edit.at, edit.uuid, edit.request,
    edit.folder
  FROM curation_edit AS edit JOIN rater ON rater.id = edit.rater_id WHERE edit.curation_id = ? ORDER BY edit.step`;

const editCellsSql = `SELECT cell.uuid AS cell, touched.state, touched.made, touched.array_row AS arrayRow, touched.place, touched.metrics
  FROM curation_edit_cell AS touched JOIN cell ON cell.id = touched.cell_id WHERE touched.edit_id = ? ORDER BY cell.row`;

/** The log of a curation, cells and raters by uuid. */
export function readLog(database: Database.Database, curationId: number): TravelEntry[] {
  return database
    .prepare<
      [number],
      {
        readonly seq: number;
        readonly step: number;
        readonly kind: LogEntry['kind'];
        readonly target: number | null;
        readonly rater: Uint8Array;
        readonly cell: Uint8Array;
        readonly from: CellLabel;
        readonly to: CellLabel;
        readonly at: string;
        readonly context: string;
      }
    >(logSql)
    .all(curationId)
    .map(({ rater, cell, ...row }) => Object.assign(row, { raterUuid: uuidText(rater), cellUuid: uuidText(cell) }));
}

/** The edits of a curation and the acts on them, in order. */
export function readEdits(database: Database.Database, curationId: number): TravelEdit[] {
  const cells = database.prepare<
    [number],
    {
      readonly cell: Uint8Array;
      readonly state: EditState;
      readonly made: number;
      readonly arrayRow: number | null;
      readonly place: string | null;
      readonly metrics: string | null;
    }
  >(editCellsSql);
  return database
    .prepare<
      [number],
      {
        readonly id: number;
        readonly step: number;
        readonly kind: TravelEdit['kind'];
        readonly target: number | null;
        readonly rater: Uint8Array;
        readonly at: string;
        readonly uuid: Uint8Array | null;
        readonly request: string | null;
        readonly folder: string | null;
      }
    >(editsSql)
    .all(curationId)
    .map(({ id, rater, uuid, ...row }) =>
      Object.assign(row, {
        raterUuid: uuidText(rater),
        uuid: uuid === null ? null : uuidText(uuid),
        cells: cells
          .all(id)
          .map(({ cell, made, ...touched }): TravelEditCell =>
            Object.assign(touched, { cellUuid: uuidText(cell), made: made === 1 }),
          ),
      }),
    );
}

/** What raters settled, oldest first. */
function readConsensus(database: Database.Database, runId: number): TravelConsensus[] {
  return database
    .prepare<[number], { cell: Uint8Array; label: Settled['label']; rater: Uint8Array; at: string; said: string }>(
      `SELECT cell.uuid AS cell, agreed.label, rater.uuid AS rater, agreed.at, agreed.said
      FROM consensus AS agreed JOIN cell ON cell.id = agreed.cell_id JOIN rater ON rater.id = agreed.rater_id
      WHERE agreed.run_id = ? ORDER BY agreed.id`,
    )
    .all(runId)
    .map(({ cell, rater, said, ...row }) =>
      Object.assign(row, {
        cellUuid: uuidText(cell),
        raterUuid: uuidText(rater),
        said: JSON.parse(said) as Settled['said'],
      }),
    );
}

/** Limits kept with a run, oldest first. */
function readLimits(database: Database.Database, runId: number): TravelLimits[] {
  return database
    .prepare<[number], { rater: Uint8Array; at: string; limits: string }>(
      `SELECT rater.uuid AS rater, kept.at, kept.limits FROM kept_limits AS kept JOIN rater ON rater.id = kept.rater_id
      WHERE kept.run_id = ? ORDER BY kept.id`,
    )
    .all(runId)
    .map(({ rater, limits, ...row }) =>
      Object.assign(row, { raterUuid: uuidText(rater), limits: JSON.parse(limits) as KeptLimits['limits'] }),
    );
}

/** All judgements of a run, parents before what continues them. */
export function readJudgements(database: Database.Database, runId: number): Judgements {
  const curations = database
    .prepare<[number], CurationSql>(curationsSql)
    .all(runId)
    .map(({ id, uuid, owner, parent, second, ...row }): TravelCuration =>
      Object.assign(row, {
        ...(second === 1 ? { second: true } : {}),
        uuid: uuidText(uuid),
        ownerUuid: uuidText(owner),
        parentUuid: parent === null ? null : uuidText(parent),
        log: readLog(database, id),
        edits: readEdits(database, id),
      }),
    );
  const [consensus, limits] = [readConsensus(database, runId), readLimits(database, runId)];
  const used = new Set([
    ...curations.flatMap(({ ownerUuid, log, edits }) => [
      ownerUuid,
      ...log.map(({ raterUuid }) => raterUuid),
      ...edits.map(({ raterUuid }) => raterUuid),
    ]),
    ...[...consensus, ...limits].map(({ raterUuid }) => raterUuid),
  ]);
  const raters = database
    .prepare<[], { uuid: Uint8Array; initials: string; name: string | null; createdAt: string }>(
      'SELECT uuid, initials, name, created_at AS createdAt FROM rater ORDER BY id',
    )
    .all()
    .map(({ uuid, ...rater }) => Object.assign(rater, { uuid: uuidText(uuid) }))
    .filter(({ uuid }) => used.has(uuid));
  return {
    raters,
    curations,
    ...(consensus.length === 0 ? {} : { consensus }),
    ...(limits.length === 0 ? {} : { limits }),
  };
}
