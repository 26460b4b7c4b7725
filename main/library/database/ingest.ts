// SPDX-License-Identifier: MIT
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { AppError } from '../../contract/index.ts';
import { Decimals } from '../../text-tables/index.ts';
import { csvText, readCsv } from '../ingest/csv.ts';
import { csvKinds, kindOf, type CsvKind } from '../ingest/kinds.ts';
import {
  type CsvFile,
  ingestControl,
  type IngestedFile,
  type IngestProblem,
  type IngestRequest,
  type IngestResult,
  type PlannedSession,
} from '../ingest/types.ts';
import { FieldProblem, Row } from '../ingest/values.ts';
import type { IngestStore } from '../event-types.ts';
import { mustBeWritable, type Context, type Sync } from './context.ts';
import { RowWriter } from './ingest-rows.ts';

/** Problems of a file that are told one by one; more are counted. */
const problemsTold = 1000;

/** Tables whose growth is told. */
const counted = [
  'subject',
  'device',
  'session',
  'session_directory',
  'recording',
  'behavior_recording',
  'behavior_recording_file',
  'behavior_clock',
  'block',
  'block_attribute',
  'trial_type',
  'trial',
  'trial_attribute',
  'block_trial',
  'event_type',
  'event',
  'event_attribute',
  'trial_event',
  'alignment_event',
];

interface Opened {
  readonly name: string;
  /** Its text from the beginning, each time it is asked for. */
  readonly chunks: () => Iterable<string>;
  readonly kind: CsvKind;
  /** Bytes or characters, whichever are to be had without reading it. */
  readonly length: number;
}

/** Thrown to take a transaction back on purpose. */
class TakeBack extends Error {}

function openFile(file: CsvFile): Opened {
  const { name } = file;
  const chunks = (): Iterable<string> => ('path' in file ? csvText(file.path, name) : [file.text]);
  const records = readCsv(chunks(), name);
  let header: readonly string[] | undefined;
  try {
    header = records.next().value?.fields;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('ingest.unreadable', `${name} cannot be read.`, {
      hint: 'Check the path and your rights there.',
      cause: error,
    });
  } finally {
    records.return(undefined);
  }
  if (header === undefined)
    throw new AppError('ingest.bad_header', `${name}: the file is empty.`, { details: { file: name } });
  const length = 'path' in file ? statSync(file.path).size : file.text.length;
  return { name, chunks, kind: kindOf(header, name), length };
}

function columnsOf(header: readonly string[]): ReadonlyMap<string, number> {
  return new Map(header.map((name, index) => [name.toLowerCase(), index]));
}

/** Reads the workflow's CSV files into their tables (datamodel.md 2.2). Runs in the database worker, so that no other loop waits for it. */
export class IngestTables implements Sync<IngestStore> {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Kinds of files by their headers. @throws AppError `ingest.*` */
  kinds(files: readonly CsvFile[]): readonly { readonly name: string; readonly kind: CsvKind }[] {
    return files.map((file) => {
      const { name, kind } = openFile(file);
      return { name, kind };
    });
  }

  /** Rows of a sessions.csv as they stand: what has to be looked at on disk before {@link ingest}. @throws AppError `ingest.*` */
  sessionRows(file: CsvFile): readonly { readonly line: number; readonly values: Readonly<Record<string, string>> }[] {
    const { chunks, name } = openFile(file);
    const records = readCsv(chunks(), name);
    const header = (records.next().value?.fields ?? []).map((column) => column.toLowerCase());
    return [...records].map(({ line, fields }) => ({
      line,
      values: Object.fromEntries(header.map((column, index) => [column, fields[index] ?? ''])),
    }));
  }

  /**
   * Reads files in the order of {@link csvKinds}, in one transaction with a savepoint for each file. A row that is there already, equal in
   * every value, is counted and left; one that differs, names an unknown parent or holds a value that cannot be is left out and told.
   *
   * @throws AppError `ingest.*` when a file as a whole cannot be read, `rpc.cancelled`: then nothing of any file is kept
   */
  ingest(request: IngestRequest): IngestResult {
    mustBeWritable(this.#context);
    const { database } = this.#context;
    const files = request.files.map(openFile).toSorted((a, b) => csvKinds.indexOf(a.kind) - csvKinds.indexOf(b.kind));
    let result: IngestResult | undefined;
    try {
      database
        .transaction(() => {
          database
            .prepare('INSERT OR REPLACE INTO change_actor VALUES (1, ?, ?)')
            .run(request.who, this.#context.now());
          const before = this.#counts();
          const writer = new RowWriter(this.#context);
          const follower = following(request, files);
          const done = files.map((file) => this.#file(file, request, writer, follower));
          const after = this.#counts();
          const inserted = Object.fromEntries(
            counted
              .map((table) => [table, (after[table] ?? 0) - (before[table] ?? 0)] as const)
              .filter(([, n]) => n > 0),
          );
          database.prepare('DELETE FROM change_actor').run();
          result = { files: done, inserted, dryRun: request.dryRun };
          if (request.dryRun) throw new TakeBack();
        })
        .immediate();
    } catch (error) {
      if (!(error instanceof TakeBack)) throw error;
    }
    if (result === undefined) throw new AppError('rpc.internal', 'Nothing was read.');
    return result;
  }

  #counts(): Record<string, number> {
    const count = (table: string): number =>
      this.#context.database.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
    return Object.fromEntries(counted.map((table) => [table, count(table)]));
  }

  #file(
    file: Opened,
    request: IngestRequest,
    writer: RowWriter,
    follower: (fields: readonly string[]) => void,
  ): IngestedFile {
    const { database } = this.#context;
    const tally = { rows: 0, added: 0, present: 0, bad: 0 };
    const problems: IngestProblem[] = [];
    let rolledBack = false;
    writer.beginFile();
    const read = database.transaction(() => {
      const records = readCsv(file.chunks(), file.name);
      const header = records.next().value;
      const columns = columnsOf(header?.fields ?? []);
      const decimals = new Decimals(header?.separator ?? ',');
      const plans = new Map((request.sessions[file.name] ?? []).map((plan) => [plan.line, plan]));
      for (const { line, fields } of records) {
        tally.rows += 1;
        follower(fields);
        try {
          if (fields.length !== columns.size)
            throw new FieldProblem(null, `the row has ${fields.length} fields, the header ${columns.size}.`);
          tally[this.#row(file.kind, new Row(line, fields, columns, decimals), plans.get(line), writer)] += 1;
        } catch (error) {
          const problem = problemOf(error, line, columns);
          tally.bad += 1;
          if (problems.length < problemsTold) problems.push(problem);
        }
      }
      if (request.allOrNothing && tally.bad > 0) throw new TakeBack();
    });
    try {
      read();
    } catch (error) {
      if (!(error instanceof TakeBack)) throw error;
      rolledBack = true;
      writer.forget();
    }
    return { name: file.name, kind: file.kind, ...tally, problems, warnings: writer.warnings(), rolledBack };
  }

  /** One row, whole or not at all. */
  #row(kind: CsvKind, row: Row, plan: PlannedSession | undefined, writer: RowWriter): 'added' | 'present' {
    const { database } = this.#context;
    database.prepare('SAVEPOINT ingested_row').run();
    try {
      const added = writer.write(kind, row, plan);
      database.prepare('RELEASE ingested_row').run();
      return added ? 'added' : 'present';
    } catch (error) {
      database.prepare('ROLLBACK TO ingested_row').run();
      database.prepare('RELEASE ingested_row').run();
      writer.forget();
      throw error;
    }
  }
}

/** Rows between two looks at what the caller wants. */
const rowsBetween = 64;

/** Hears of every row that is read: tells the caller the share of all files, and ends the work where the caller took it back. */
function following({ control }: IngestRequest, files: readonly Opened[]): (fields: readonly string[]) => void {
  if (control === undefined) return () => undefined;
  const all = Math.max(
    1,
    files.reduce((sum, { length }) => sum + length, 0),
  );
  let [rows, read] = [0, 0];
  return (fields) => {
    for (const field of fields) read += field.length + 1;
    rows += 1;
    if (rows % rowsBetween !== 0) return;
    if (Atomics.load(control, ingestControl.stop) === 1)
      throw new AppError('rpc.cancelled', 'The reading was stopped before it was done; nothing was added.');
    Atomics.store(control, ingestControl.thousandths, Math.min(1000, Math.floor((1000 * read) / all)));
  };
}

function problemOf(error: unknown, line: number, columns: ReadonlyMap<string, number>): IngestProblem {
  if (error instanceof FieldProblem) {
    const index = error.column === null ? undefined : columns.get(error.column);
    return { line, column: index === undefined ? null : index + 1, name: error.column, message: error.message };
  }
  if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_CONSTRAINT')) {
    return { line, column: null, name: null, message: `the library refuses this row: ${error.message}.` };
  }
  throw error;
}
