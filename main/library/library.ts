// SPDX-License-Identifier: MIT
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError, type Uuid } from '../contract/index.ts';
import { libraryFolders } from './folders.ts';
import { currentProcess } from './process-identity.ts';
import type { FromWorker, StoreName, ToWorker, WorkerSettings } from './protocol.ts';
import type { AcquisitionStore } from './acquisition-types.ts';
import type { ConditionStore, EventStore, IngestStore } from './event-types.ts';
import type { TravelStore } from './travel-types.ts';
import type { PositionStore } from './position-types.ts';
import type { ParameterSetStore } from './parameter-set-types.ts';
import type { BatchStore } from './batch-types.ts';
import type { MatchStore } from './match-types.ts';
import type {
  CurationStore,
  DeletionStore,
  FileStore,
  RowStore,
  JobStore,
  Library,
  LibraryFolders,
  OpenLibraryOptions,
  RecoveredRun,
  RunStore,
  SessionStore,
} from './types.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: AppError) => void;
  readonly items: unknown[];
}

/** Every method of a store by name; the compiler checks that none is missing. */
type MethodNames<T> = Readonly<Record<keyof T, true>>;

const sessionMethods: MethodNames<SessionStore> = {
  insert: true,
  list: true,
  get: true,
  findByDigest: true,
  findSample: true,
  recording: true,
  directory: true,
  filmPaths: true,
  cameraFilms: true,
  facts: true,
  relink: true,
  annotate: true,
};
const runMethods: MethodNames<RunStore> = {
  create: true,
  next: true,
  claim: true,
  heartbeat: true,
  finish: true,
  fail: true,
  cancel: true,
  list: true,
  get: true,
  cells: true,
  limits: true,
  keepLimits: true,
};
const curationMethods: MethodNames<CurationStore> = {
  current: true,
  raters: true,
  addRater: true,
  decide: true,
  undo: true,
  redo: true,
  freeze: true,
  nextVersion: true,
  versions: true,
  log: true,
  edits: true,
  nextRow: true,
  begin: true,
  addEdit: true,
  readings: true,
  beginReading: true,
  finishReading: true,
  settle: true,
  settled: true,
};

const ingestMethods: MethodNames<IngestStore> = { kinds: true, sessionRows: true, ingest: true };
const eventMethods: MethodNames<EventStore> = {
  alignments: true,
  behavior: true,
  setClock: true,
  quality: true,
  saveQuality: true,
};
const deletionMethods: MethodNames<DeletionStore> = {
  preview: true,
  remove: true,
  undo: true,
  list: true,
  due: true,
  purge: true,
};
const jobMethods: MethodNames<JobStore> = {
  list: true,
  get: true,
  add: true,
  claim: true,
  heartbeat: true,
  finish: true,
  fail: true,
  retry: true,
  ignore: true,
  cancel: true,
  pending: true,
};
const rowMethods: MethodNames<RowStore> = { save: true };
const travelMethods: MethodNames<TravelStore> = {
  judgements: true,
  records: true,
  known: true,
  receive: true,
  adopt: true,
  proxy: true,
};
const positionMethods: MethodNames<PositionStore> = { add: true, list: true, track: true, set: true };
const conditionMethods: MethodNames<ConditionStore> = { add: true, list: true, get: true, save: true, activity: true };
const parameterSetMethods: MethodNames<ParameterSetStore> = { list: true, find: true, add: true, asked: true };
const fileMethods: MethodNames<FileStore> = {
  sideFiles: true,
  folders: true,
  unhashedEdits: true,
  addEditFiles: true,
  setState: true,
};
const batchMethods: MethodNames<BatchStore> = { add: true, list: true };
const matchMethods: MethodNames<MatchStore> = { add: true, list: true, get: true, decide: true, undo: true };
const acquisitionMethods: MethodNames<AcquisitionStore> = {
  begin: true,
  complete: true,
  lost: true,
  discard: true,
  underWay: true,
};

/** Calls to the database worker, matched by number. */
class WorkerCalls {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closed: Promise<void>;
  #next = 1;
  #ended: AppError | null = null;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => {
      this.#receive(message);
    });
    this.#closed = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#end(new AppError('library.io', 'The library was closed.'));
        resolve();
      });
    });
    worker.on('error', (error) => {
      this.#end(new AppError('library.io', `The database stopped: ${String(error)}`, { cause: error }));
    });
  }

  #end(error: AppError): void {
    this.#ended ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }

  #receive(message: FromWorker): void {
    if (message.type === 'value' || message.type === 'part' || message.type === 'error') {
      const waiting = this.#waiting.get(message.id);
      if (waiting === undefined) return;
      if (message.type === 'part') {
        waiting.items.push(...message.items);
        if (!message.last) {
          this.#post({ type: 'more', id: message.id });
          return;
        }
      }
      this.#waiting.delete(message.id);
      if (message.type === 'error') waiting.reject(AppError.fromData(message.error));
      else waiting.resolve(message.type === 'value' ? message.value : waiting.items);
    }
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  call(store: StoreName, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, items: [] });
      this.#post({ type: 'call', id, store, method, args });
    });
  }

  /** Calls already sent are answered first: the worker serves in order. */
  async close(): Promise<void> {
    if (this.#ended === null) this.#post({ type: 'close' });
    await this.#closed;
  }
}

function remoteStore<T>(calls: WorkerCalls, store: StoreName, methods: MethodNames<T>): T {
  const remote = Object.fromEntries(
    Object.keys(methods).map((method) => [method, (...args: readonly unknown[]) => calls.call(store, method, args)]),
  );
  // MethodNames makes the keys those of T, and the worker's tables are checked against Sync<T>.
  return remote as T;
}

interface Opened {
  readonly readOnly: string | null;
  readonly recovered: readonly RecoveredRun[];
}

function whenOpened(worker: Worker): Promise<Opened> {
  return new Promise((resolve, reject) => {
    worker.once('error', (error) => {
      reject(new AppError('library.io', `The database could not be started: ${error.message}`, { cause: error }));
    });
    worker.once('message', (message: FromWorker) => {
      if (message.type === 'opened') {
        resolve({ readOnly: message.readOnly?.reason ?? null, recovered: message.recovered });
      } else if (message.type === 'refused') {
        reject(AppError.fromData(message.error));
      }
    });
  });
}

/** How many files are looked for at once: enough to hide a network's delay, too few to exhaust the thread pool. */
const lookups = 4;

async function allThere(paths: readonly string[]): Promise<boolean> {
  try {
    for (const path of paths) await access(path);
    return paths.length > 0;
  } catch {
    return false;
  }
}

class OpenLibrary implements Library {
  readonly folders: LibraryFolders;
  readonly readOnly: string | null;
  readonly recovered: readonly RecoveredRun[];
  readonly sessions: SessionStore;
  readonly runs: RunStore;
  readonly curation: CurationStore;
  readonly ingest: IngestStore;
  readonly events: EventStore;
  readonly deletions: DeletionStore;
  readonly jobs: JobStore;
  readonly parameterSets: ParameterSetStore;
  readonly conditions: ConditionStore;
  readonly positions: PositionStore;
  readonly files: FileStore;
  readonly rows: RowStore;
  readonly acquisitions: AcquisitionStore;
  readonly travel: TravelStore;
  readonly matches: MatchStore;
  readonly batches: BatchStore;
  readonly #calls: WorkerCalls;

  constructor(folders: LibraryFolders, opened: Opened, calls: WorkerCalls) {
    this.folders = folders;
    this.readOnly = opened.readOnly;
    this.recovered = opened.recovered;
    this.#calls = calls;
    this.sessions = remoteStore<SessionStore>(calls, 'sessions', sessionMethods);
    this.runs = remoteStore<RunStore>(calls, 'runs', runMethods);
    this.curation = remoteStore<CurationStore>(calls, 'curation', curationMethods);
    this.ingest = remoteStore<IngestStore>(calls, 'ingest', ingestMethods);
    this.events = remoteStore<EventStore>(calls, 'events', eventMethods);
    this.deletions = remoteStore<DeletionStore>(calls, 'deletions', deletionMethods);
    this.jobs = remoteStore<JobStore>(calls, 'jobs', jobMethods);
    this.positions = remoteStore<PositionStore>(calls, 'positions', positionMethods);
    this.conditions = remoteStore<ConditionStore>(calls, 'conditions', conditionMethods);
    this.parameterSets = remoteStore<ParameterSetStore>(calls, 'parameterSets', parameterSetMethods);
    this.files = remoteStore<FileStore>(calls, 'files', fileMethods);
    this.rows = remoteStore<RowStore>(calls, 'rows', rowMethods);
    this.acquisitions = remoteStore<AcquisitionStore>(calls, 'acquisitions', acquisitionMethods);
    this.travel = remoteStore<TravelStore>(calls, 'travel', travelMethods);
    this.batches = remoteStore<BatchStore>(calls, 'batches', batchMethods);
    this.matches = remoteStore<MatchStore>(calls, 'matches', matchMethods);
  }

  runFolder(runUuid: Uuid): string {
    return join(this.folders.runs, runUuid);
  }

  async filesPresent(sessionUuids: readonly Uuid[]): Promise<ReadonlyMap<Uuid, boolean>> {
    const present = new Map<Uuid, boolean>(sessionUuids.map((uuid) => [uuid, false]));
    const queue = [...(await this.sessions.filmPaths(sessionUuids))].values();
    const look = async (): Promise<void> => {
      for (const { sessionUuid, paths } of queue) present.set(sessionUuid, await allThere(paths));
    };
    // All share one iterator, so each session is looked at once.
    await Promise.all(Array.from({ length: lookups }, look));
    return present;
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}

/**
 * Opens the library of a folder the caller owns ({@link acquireOwnership}); makes it when there is none. A library of a newer program
 * opens for reading only.
 *
 * @throws AppError `library.not_sqlite`, `library.corrupt`, `library.not_found`, `library.read_only`, `library.locked`, `library.io`, `disk.full`
 */
export async function openLibrary(options: OpenLibraryOptions): Promise<Library> {
  const settings: WorkerSettings = { ...options, owner: options.owner ?? currentProcess() };
  const worker = new Worker(new URL('./library-worker.ts', import.meta.url), { workerData: settings, name: 'library' });
  const calls = new WorkerCalls(worker);
  const opened = await whenOpened(worker);
  return new OpenLibrary(libraryFolders(options.directory), opened, calls);
}
