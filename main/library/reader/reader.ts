// SPDX-License-Identifier: MIT
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  AppError,
  type Change,
  type Diagram,
  type Rows,
  type Scalar,
  type Selection,
  type TableInfo,
  type TableRow,
  type ViewInfo,
} from '../../contract/index.ts';
import type { ChangesRequest, RowsRequest } from '../tables/rows.ts';
import type { DatabaseCheck, Page, ReaderCall, ReaderReply, ReaderRequest } from './protocol.ts';

/** Questions to the library's file that can change nothing and cannot hold up its writer. */
export interface Reader extends AsyncDisposable {
  views(): Promise<ViewInfo[]>;
  /** @throws AppError `usage.invalid`, `query.timed_out`, `library.*`, `rpc.cancelled` */
  select(selection: Selection, signal?: AbortSignal): Promise<Rows>;
  /** One SELECT. @throws AppError `query.not_allowed`, `query.failed`, `query.timed_out`, `library.*`, `rpc.cancelled` */
  sql(question: Page & { readonly sql: string; readonly timeoutMs: number }, signal?: AbortSignal): Promise<Rows>;
  /** The schema as a placed graph. */
  diagram(wish: { readonly internal: boolean }, signal?: AbortSignal): Promise<Diagram>;
  /** Every table of the library by its catalogue. */
  catalogue(signal?: AbortSignal): Promise<TableInfo[]>;
  /** Rows of a table with names of what they refer to. @throws AppError `usage.invalid`, `query.timed_out` */
  rows(request: RowsRequest, signal?: AbortSignal): Promise<{ total: number; rows: TableRow[] }>;
  /** Rows of a table by name. @throws AppError `usage.invalid` */
  choices(
    request: { readonly table: string; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<{ rows: { value: Scalar; label: string }[]; truncated: boolean }>;
  /** The change log, newest first. @throws AppError `usage.invalid` */
  changes(request: ChangesRequest, signal?: AbortSignal): Promise<Change[]>;
  /** What SQLite finds wrong in a database: the library's or a copy. @throws AppError `library.corrupt`, `rpc.cancelled` */
  check(signal?: AbortSignal, database?: string): Promise<DatabaseCheck>;
  /** Copies the database, as of one moment, into a file that does not exist. @throws AppError `library.io`, `rpc.cancelled` */
  copy(to: string, signal?: AbortSignal): Promise<void>;
}

/** A form that waits longer than this asks too much. */
const formWaitMs = 15_000;

interface Call {
  readonly request: ReaderRequest;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly database?: string | undefined;
}

interface Under {
  readonly id: number;
  readonly rows: Scalar[][];
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: AppError) => void;
}

/** Makes a reader of a database; its process starts with the first question. */
export function createReader(database: string): Reader {
  return new ProcessReader(database);
}

/** One call at a time: what takes too long is ended with its process, and nobody else's answer with it. */
class ProcessReader implements Reader {
  readonly #database: string;
  #child: ChildProcess | undefined;
  #under: Under | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #next = 1;
  #closed = false;

  constructor(database: string) {
    this.#database = database;
  }

  async views(): Promise<ViewInfo[]> {
    return (await this.#call({ request: { type: 'views' } })).value as ViewInfo[];
  }

  select(selection: Selection, signal?: AbortSignal): Promise<Rows> {
    return this.#rows({ request: { type: 'select', selection }, timeoutMs: selection.timeoutMs, signal });
  }

  sql(
    { sql, limit, offset, timeoutMs }: Page & { readonly sql: string; readonly timeoutMs: number },
    signal?: AbortSignal,
  ): Promise<Rows> {
    return this.#rows({ request: { type: 'sql', sql, limit, offset }, timeoutMs, signal });
  }

  async diagram({ internal }: { readonly internal: boolean }, signal?: AbortSignal): Promise<Diagram> {
    return (await this.#call({ request: { type: 'diagram', internal }, signal })).value as Diagram;
  }

  async catalogue(signal?: AbortSignal): Promise<TableInfo[]> {
    return (await this.#call({ request: { type: 'catalogue' }, signal })).value as TableInfo[];
  }

  async rows(request: RowsRequest, signal?: AbortSignal): Promise<{ total: number; rows: TableRow[] }> {
    const call = { request: { type: 'rows', ...request }, timeoutMs: formWaitMs, signal } as const;
    return (await this.#call(call)).value as { total: number; rows: TableRow[] };
  }

  async choices(request: { readonly table: string; readonly limit: number }, signal?: AbortSignal) {
    const call = { request: { type: 'choices', ...request }, timeoutMs: formWaitMs, signal } as const;
    return (await this.#call(call)).value as { rows: { value: Scalar; label: string }[]; truncated: boolean };
  }

  async changes(request: ChangesRequest, signal?: AbortSignal): Promise<Change[]> {
    return (await this.#call({ request: { type: 'changes', ...request }, timeoutMs: formWaitMs, signal }))
      .value as Change[];
  }

  async check(signal?: AbortSignal, database?: string): Promise<DatabaseCheck> {
    return (await this.#call({ request: { type: 'check' }, signal, database })).value as DatabaseCheck;
  }

  async copy(to: string, signal?: AbortSignal): Promise<void> {
    await this.#call({ request: { type: 'copy', to }, signal });
  }

  async #rows(call: Call): Promise<Rows> {
    const { value, rows } = await this.#call(call);
    return { ...(value as Omit<Rows, 'rows'>), rows };
  }

  #call(call: Call): Promise<{ readonly value: unknown; readonly rows: Scalar[][] }> {
    const mine = this.#last.then(() => this.#perform(call));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #perform({ request, timeoutMs, signal, database = this.#database }: Call): Promise<{
    readonly value: unknown;
    readonly rows: Scalar[][];
  }> {
    if (this.#closed) throw new AppError('library.io', 'The library was closed.');
    if (signal?.aborted === true) throw cancelled();
    const id = this.#next;
    this.#next += 1;
    const rows: Scalar[][] = [];
    const child = this.#running();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#under = { id, rows, resolve, reject };
    const stop = (error: AppError): void => {
      reject(error);
      this.#end(child);
    };
    const abort = (): void => stop(cancelled());
    signal?.addEventListener('abort', abort, { once: true });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop(tooSlow(timeoutMs)), timeoutMs);
    try {
      child.send({ id, database, request } satisfies ReaderCall);
      return { value: await promise, rows };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.#under = undefined;
    }
  }

  #running(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const child = fork(fileURLToPath(new URL('./reader-process.ts', import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-2000);
    });
    child.on('message', (reply: ReaderReply) => this.#receive(reply));
    const gone = (why: string): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#under?.reject(
        new AppError('query.failed', `The process that reads the library ended (${why}).`, {
          hint: said.trim() === '' ? 'Ask again; a smaller question may do.' : said.trim().split('\n').at(-1),
          retryable: true,
        }),
      );
    };
    child.once('exit', (code, signal) => gone(signal ?? `code ${String(code ?? 0)}`));
    child.once('error', (error) => gone(error.message));
    this.#child = child;
    return child;
  }

  #receive(reply: ReaderReply): void {
    const under = this.#under;
    if (under === undefined || under.id !== reply.id) return;
    if (reply.type === 'rows') for (const row of reply.rows) under.rows.push([...row]);
    else if (reply.type === 'done') under.resolve(reply.value);
    else under.reject(AppError.fromData(reply.error));
  }

  #end(child: ChildProcess): void {
    if (this.#child === child) this.#child = undefined;
    child.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    this.#under?.reject(new AppError('library.io', 'The library was closed.'));
    const ended = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    this.#end(child);
    await ended;
  }
}

const cancelled = (): AppError => new AppError('rpc.cancelled', 'The question was taken back.');

const tooSlow = (ms: number): AppError =>
  new AppError('query.timed_out', `The query took longer than ${(ms / 1000).toLocaleString('en')} s and was ended.`, {
    hint: 'Restrict it further, or allow more time with --timeout.',
  });
