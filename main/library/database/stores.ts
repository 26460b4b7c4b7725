// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { AppError, type ErrorCode } from '../../contract/index.ts';
import { libraryFolders } from '../folders.ts';
import { currentProcess } from '../process-identity.ts';
import type { OpenLibraryOptions, RecoveredRun } from '../types.ts';
import { createUuid7, seededRandom, systemRandom, type Clock } from '../uuid.ts';
import { ConditionTables } from './conditions.ts';
import type { Context } from './context.ts';
import { AcquisitionTables } from './acquisitions.ts';
import { CurationTables } from './curation.ts';
import { EventTables } from './events.ts';
import { IngestTables } from './ingest.ts';
import { DeletionTables } from './deletions.ts';
import { FileTables } from './files.ts';
import { JobTables } from './jobs.ts';
import { BatchTables } from './batches.ts';
import { MatchTables } from './matches.ts';
import type { Migration } from './migrations/index.ts';
import { openDatabase, toLibraryError } from './open.ts';
import { RowTables } from './table-rows.ts';
import { PositionTables } from './positions.ts';
import { ParameterSetTables } from './parameter-sets.ts';
import { RunTables } from './runs.ts';
import { SessionTables } from './sessions.ts';
import { TravelTables } from './travel.ts';

/** Version of this schema's program, written beside each migration it applies. */
const program = 'calyx 0.1';

/** The open database with its groups of tables; synchronous, for the worker and for tests of the tables. */
export interface Stores {
  readonly database: Database.Database;
  readonly readOnly: { readonly reason: string; readonly code: ErrorCode } | null;
  readonly recovered: readonly RecoveredRun[];
  readonly sessions: SessionTables;
  readonly runs: RunTables;
  readonly curation: CurationTables;
  readonly ingest: IngestTables;
  readonly events: EventTables;
  readonly deletions: DeletionTables;
  readonly jobs: JobTables;
  readonly parameterSets: ParameterSetTables;
  readonly conditions: ConditionTables;
  readonly positions: PositionTables;
  readonly files: FileTables;
  readonly rows: RowTables;
  readonly acquisitions: AcquisitionTables;
  readonly travel: TravelTables;
  readonly matches: MatchTables;
  readonly batches: BatchTables;
  /** Any thrown value in the words of the contract. */
  toError(thrown: unknown): AppError;
  close(): void;
}

export interface OpenStoresOptions extends OpenLibraryOptions {
  readonly host: string;
  /** Replaces the program's migrations for tests. */
  readonly migrations?: readonly Migration[] | undefined;
}

function clockOf(options: OpenLibraryOptions): Clock {
  if (options.sharedClock !== undefined) {
    const cell = new BigInt64Array(options.sharedClock);
    return () => Number(Atomics.load(cell, 0));
  }
  if (options.fixedClockMs === undefined) return Date.now;
  let at = options.fixedClockMs;
  return () => {
    at += 1;
    return at;
  };
}

/**
 * Keeps compiled statements by their text: compiling them costs more than running most of them (an import takes 0.8 ms instead of 2.5).
 * Their number is that of the texts in this folder, since values are always bound.
 */
function rememberStatements(database: Database.Database): void {
  const compile = database.prepare.bind(database);
  const known = new Map<string, Database.Statement>();
  database.prepare = ((sql: string) => {
    const statement = known.get(sql) ?? compile(sql);
    known.set(sql, statement);
    return statement;
  }) as typeof database.prepare;
}

/** What was committed is safe in the log without this, so a full or vanished disk must not turn closing into a failure. */
function tidyUp(database: Database.Database): void {
  try {
    database.pragma('optimize');
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
  }
}

/**
 * Opens the database and marks runs failed whose owner is gone.
 *
 * @throws AppError as {@link openDatabase}
 */
export function openStores(options: OpenStoresOptions): Stores {
  const folders = libraryFolders(options.directory);
  const clock = clockOf(options);
  const now = (): string => new Date(clock()).toISOString();
  const { database, readOnly } = openDatabase({
    folders,
    now,
    program,
    ...(options.readOnly === undefined ? {} : { readOnly: options.readOnly }),
    ...(options.migrations === undefined ? {} : { migrations: options.migrations }),
  });
  rememberStatements(database);
  const random = options.seed === undefined ? systemRandom : seededRandom(options.seed);
  const context: Context = {
    database,
    folders,
    readOnly,
    owner: options.owner ?? currentProcess(),
    host: options.host,
    now,
    newUuid: createUuid7(clock, random),
  };
  const toError = (thrown: unknown): AppError => {
    if (readOnly?.code === 'library.from_future' && thrown instanceof Database.SqliteError) {
      return new AppError(
        'library.from_future',
        'This library was changed by a newer version of Calyx and cannot be read.',
        {
          hint: 'Update Calyx to open it.',
          cause: thrown,
        },
      );
    }
    return toLibraryError(thrown, folders);
  };
  const runs = new RunTables(context);
  const sessions = new SessionTables(context);
  try {
    return {
      database,
      readOnly,
      recovered: readOnly === null ? runs.recover() : [],
      sessions,
      runs,
      curation: new CurationTables(context),
      ingest: new IngestTables(context),
      events: new EventTables(context),
      deletions: new DeletionTables(context),
      jobs: new JobTables(context),
      positions: new PositionTables(context),
      conditions: new ConditionTables(context),
      parameterSets: new ParameterSetTables(context),
      files: new FileTables(context),
      rows: new RowTables(context),
      acquisitions: new AcquisitionTables(context, sessions),
      travel: new TravelTables(context),
      matches: new MatchTables(context),
      batches: new BatchTables(context),
      toError,
      close: () => {
        if (readOnly === null && database.open) tidyUp(database);
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw toError(error);
  }
}
