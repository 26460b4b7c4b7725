// SPDX-License-Identifier: MIT
import type {
  Cell,
  CellLabel,
  Deletion,
  DeletionPreview,
  LogEntry,
  Rater,
  RecordingRow,
  RunProgress,
  RunRow,
  RunState,
  Scalar,
  Selection,
  SessionFacts,
  Uuid,
} from '../contract/index.ts';
import type { AcquisitionStore } from './acquisition-types.ts';
import type { ProcessRef } from './process-ref.ts';
import type { ConditionStore, EventStore, IngestStore } from './event-types.ts';
import type { BatchStore } from './batch-types.ts';
import type { MatchStore } from './match-types.ts';
import type { NewSession, StoredSession } from './session-types.ts';
import type { EditState } from './edit-types.ts';
import type { TypedJson } from './parameter-hash.ts';
import type { JobStore } from './job-types.ts';
import type { PositionStore } from './position-types.ts';
import type { ParameterSetStore, TranslatedParameter } from './parameter-set-types.ts';
import type { ConsensusStep, CurationStep, LimitStore, ReadingStore } from './reading-types.ts';
import type { TravelFile, TravelStore } from './travel-types.ts';

export type { JobStore } from './job-types.ts';
export type { EditState } from './edit-types.ts';
export type { ProcessRef } from './process-ref.ts';
export type { NewRecording, NewRecordingFile, NewSession, StoredSession } from './session-types.ts';

/** What other domains see of the library: plain values in, plain values out; no SQL and no file handle crosses this line. */

/** What lists show of a session beside the session itself. */
export type StoredFacts = Omit<SessionFacts, 'place'> & { readonly folder: string };

/** A recording with what it takes to open its films. */
export type StoredRecording = RecordingRow & {
  readonly sessionName: string;
  /** Absolute folder of the session. */
  readonly folder: string;
  /** Film files in order, absolute. */
  readonly files: readonly { readonly path: string; readonly frames: number; readonly bytes: number }[];
  readonly startedAt: string | null;
  readonly tzOffsetMin: number | null;
  readonly config: unknown;
  readonly sample: boolean;
};

export interface SessionStore {
  /**
   * Adds a session with its recordings, files and findings in one transaction. A digest that is there already adds nothing and
   * returns what is there. A clash of the natural key (subject, start) becomes a finding, never an error.
   */
  insert(session: NewSession): Promise<{ readonly session: StoredSession; readonly alreadyImported: boolean }>;
  /** Newest first. `search` matches name, animal, device, notes, tags and attributes without case (of Latin letters). */
  list(filter?: {
    readonly search?: string | undefined;
    readonly limit?: number | undefined;
    readonly offset?: number | undefined;
  }): Promise<readonly StoredSession[]>;
  /** @throws AppError `session.not_imported` */
  get(sessionUuid: Uuid): Promise<StoredSession>;
  findByDigest(contentDigest: string): Promise<StoredSession | null>;
  findSample(): Promise<StoredSession | null>;
  /** @throws AppError `session.not_imported` */
  recording(recordingUuid: Uuid): Promise<StoredRecording>;
  /** What lists show beside the sessions themselves. */
  facts(): Promise<readonly StoredFacts[]>;
  /** The session's folder is another one now, absolute. */
  relink(sessionUuid: Uuid, folder: string): Promise<void>;
  /** Note and tags; what is undefined stays. */
  annotate(change: {
    readonly sessionUuid: Uuid;
    readonly note?: string | undefined;
    readonly tags?: readonly string[] | undefined;
    readonly verified?: { readonly at: string; readonly sound: boolean } | undefined;
    readonly who: string;
  }): Promise<void>;
  /** Absolute folder of a session, and its `session_dir` below a root where one was given. @throws AppError `session.not_imported` */
  directory(sessionUuid: Uuid): Promise<{ readonly folder: string; readonly directory: string | null }>;
  /** Films of a session's behaviour cameras, absolute, with the map from their clock: time = offset + rate · theirs. */
  cameraFilms(
    sessionUuid: Uuid,
  ): Promise<readonly { readonly path: string; readonly offsetS: number; readonly rate: number }[]>;
  /** First and last film of each recording, absolute: what tells whether a session's files are still there. Unknown uuids are left out. */
  filmPaths(
    sessionUuids: readonly Uuid[],
  ): Promise<readonly { readonly sessionUuid: Uuid; readonly paths: readonly string[] }[]>;
}

export interface RunBudget {
  readonly threads?: number | undefined;
  readonly memoryBytes?: number | undefined;
}

export interface RunInputRow {
  readonly recordingUuid: Uuid;
  readonly firstFrame: number;
  /** Inclusive; null = to the end. */
  readonly lastFrame: number | null;
}

export interface NewRun {
  /** Shown in lists. */
  readonly name: string;
  /** Ordered; at least one. */
  readonly inputs: readonly RunInputRow[];
  /** `calyx` unless a lookup row says otherwise. */
  readonly method?: string | undefined;
  /** Complete, checked parameters. */
  readonly parameters: Readonly<Record<string, TypedJson>>;
  /** Version of the parameters' file. */
  readonly parametersVersion?: number | undefined;
  readonly engineVersion: string | null;
  readonly budget: RunBudget;
  readonly commandLine?: string | undefined;
  /** It is under way from the start, by the calling process: never waits in the queue. */
  readonly begun?: boolean | undefined;
  /** `load`: the result existed and was read from `outputDir`; `trigger` when absent. */
  readonly taskMode?: 'load' | 'trigger' | undefined;
  readonly outputDir?: string | undefined;
  /** The claimed job it is run for; without one it becomes a job of its own. */
  readonly job?: { readonly jobUuid: Uuid; readonly attempt: number } | undefined;
  /** The set that was asked for, where it had to be translated, with what became of each of its parameters. */
  readonly asked?: { readonly parameterSetUuid: Uuid; readonly parameters: readonly TranslatedParameter[] } | undefined;
  /** Of a job of its own: lower first, 5 when absent. */
  readonly priority?: number | undefined;
}

export interface RunAttempt {
  readonly number: number;
  readonly host: string;
  readonly owner: ProcessRef;
  readonly engine: ProcessRef | null;
  readonly startedAt: string;
  readonly heartbeatAt: string;
  readonly endedAt: string | null;
  readonly exitCode: number | null;
  readonly errorClass: string | null;
  /** Relative to the library folder, e.g. `logs/<run>.log`. */
  readonly logFile: string | null;
}

/** A run with all that is known of it. */
export interface RunDetail {
  readonly run: RunRow;
  readonly method: string;
  readonly parameters: Readonly<Record<string, TypedJson>>;
  readonly parameterSetUuid: Uuid;
  readonly budget: RunBudget;
  readonly inputs: readonly RunInputRow[];
  readonly attempts: readonly RunAttempt[];
  /** Absolute: where the run's files are or will be. */
  readonly folder: string;
  readonly commandLine: string;
  /** The last one saved; null before the first. */
  readonly progress: RunProgress | null;
  readonly arrays: readonly RunArray[];
}

/** An array of a run folder. */
export interface RunArray {
  /** Relative to the run folder, with forward slashes. */
  readonly path: string;
  /** NumPy type string (`<f4`); for files that hold more than one array their kind (`npz`, `json`). */
  readonly dtype: string;
  /** Sizes of the axes, row-major. */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

export interface NewCell {
  readonly row: number;
  readonly centroid: { readonly y: number; readonly x: number };
  readonly box: { readonly top: number; readonly left: number; readonly height: number; readonly width: number };
  /** Numbers that are not finite are stored as null. */
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly suggested: boolean;
  readonly reasons: readonly string[];
}

export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly exitCode?: number | null | undefined;
  /** `transient`, `input`, `resource`, `bug` …: what a retry policy looks at. */
  readonly errorClass?: string | undefined;
}

export interface RunStore extends LimitStore {
  create(run: NewRun): Promise<RunRow>;
  /**
   * Takes a queued run (the given one, else the oldest) for the calling process: state `running`, a new attempt. Null when there is none.
   * Two claims never get the same run.
   */
  claim(options: {
    readonly runUuid?: Uuid | undefined;
    readonly logFile?: string | undefined;
  }): Promise<RunDetail | null>;
  /** The queued run whose turn it is: by the priority of its job, then the oldest. Null when none waits. */
  next(): Promise<Uuid | null>;
  /** Says that the attempt lives; notes the engine's process once it is known and the progress to show after a restart. */
  heartbeat(
    runUuid: Uuid,
    beat?: { readonly engine?: ProcessRef | undefined; readonly progress?: RunProgress | undefined },
  ): Promise<void>;
  /**
   * Commits a result: arrays and cells (with new uuids) in one transaction, state `succeeded`.
   * @throws AppError `run.already_ended`
   */
  finish(
    runUuid: Uuid,
    result: {
      readonly cells: readonly NewCell[];
      readonly arrays: readonly RunArray[];
      readonly engineVersion?: string | undefined;
      readonly progress?: RunProgress | undefined;
      readonly exitCode?: number | undefined;
    },
  ): Promise<RunRow>;
  /** @throws AppError `run.already_ended` */
  fail(runUuid: Uuid, failure: RunFailure): Promise<RunRow>;
  /** A queued or running run becomes `cancelled`. @throws AppError `run.already_ended` */
  cancel(runUuid: Uuid): Promise<RunRow>;
  /** Newest first. */
  list(filter?: {
    readonly sessionUuid?: Uuid | undefined;
    readonly state?: RunState | undefined;
  }): Promise<readonly RunRow[]>;
  /** @throws AppError `run.not_found` */
  get(runUuid: Uuid): Promise<RunDetail>;
  /** All cells by row, as the run's newest curation (or an earlier version) leaves them. @throws AppError `run.not_found`, `review.no_version` */
  cells(runUuid: Uuid, version?: number, reading?: Uuid): Promise<readonly Cell[]>;
}

export interface CurationState {
  readonly uuid: Uuid;
  readonly runUuid: Uuid;
  readonly createdAt: string;
  readonly frozen: boolean;
  /** Counts frozen versions of this run's judgements, from 1. */
  readonly version: number;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly counts: { readonly accepted: number; readonly rejected: number; readonly undecided: number };
}

/** One version of a run's judgements, as lists show it. */
export interface CurationVersion {
  readonly version: number;
  readonly uuid: Uuid;
  /** Initials of who began it. */
  readonly owner: string;
  readonly createdAt: string;
  readonly frozenAt: string | null;
  /** The version it goes on from. */
  readonly parent: number | null;
  readonly accepted: number;
  readonly rejected: number;
  /** Edits that hold in it. */
  readonly edits: number;
}

export interface CurationChange {
  readonly curation: CurationState;
  /** The rows that were appended; empty when every cell already had the label. */
  readonly entries: readonly LogEntry[];
}

/** A cell an edit touched. */
export interface EditedCell {
  readonly row: number;
  readonly state: EditState;
  /** The edit made it. */
  readonly made: boolean;
  /** Row in the edit's arrays; null when only the state changed. */
  readonly arrayRow: number | null;
  /** Where it lies and its figures, with `arrayRow`. */
  readonly result: Pick<NewCell, 'centroid' | 'box' | 'metrics'> | null;
}

/** An edit of a curation. */
export interface StoredEdit {
  readonly uuid: Uuid;
  readonly at: string;
  readonly raterUuid: Uuid;
  /** What was asked for. */
  readonly request: unknown;
  /** Absolute folder of its arrays. */
  readonly folder: string;
  /** It holds now (was not taken back). */
  readonly active: boolean;
  readonly cells: readonly (Omit<EditedCell, 'result'> & { readonly uuid: Uuid })[];
}

export interface CurationStore extends ReadingStore {
  /** All edits of the run's newest curation (or an earlier version) in order, those taken back too. @throws AppError `review.no_version` */
  edits(runUuid: Uuid, version?: number): Promise<readonly StoredEdit[]>;
  /** Row for the next cell an edit makes: no row is given twice, also after undo. */
  nextRow(runUuid: Uuid): Promise<number>;
  /** The curation of a run; begun when there is none. @throws AppError `review.frozen`, `review.no_rater`, `run.not_ready` */
  begin(step: { readonly runUuid: Uuid; readonly raterUuid: Uuid }): Promise<CurationState>;
  /**
   * Appends an edit whose arrays lie in `folder` (absolute, inside the library's `edits/`). Undo and redo treat it as any other step.
   * @throws AppError `review.edit_stale` when other edits hold now than `basis`, `review.frozen`, `review.no_rater`
   */
  addEdit(edit: {
    readonly runUuid: Uuid;
    readonly raterUuid: Uuid;
    readonly uuid: Uuid;
    readonly request: unknown;
    readonly folder: string;
    /** Its files, hashed. */
    readonly files?: readonly TravelFile[] | undefined;
    /** Edits that held when it was computed, oldest first. */
    readonly basis: readonly Uuid[];
    readonly cells: readonly EditedCell[];
  }): Promise<CurationChange>;
  /** The curation that decisions on a run go to, null before the first. */
  current(runUuid: Uuid, reading?: Uuid): Promise<CurationState | null>;
  raters(): Promise<readonly Rater[]>;
  /** The same initials (without case) are the same rater. */
  addRater(rater: { readonly initials: string; readonly name?: string | undefined }): Promise<Rater>;
  /**
   * One step: a row of the log for each cell whose label changes.
   * @throws AppError `review.no_rater`, `review.unknown_cell`, `review.frozen`, `run.not_ready`
   */
  decide(decision: {
    readonly runUuid: Uuid;
    readonly raterUuid: Uuid;
    readonly cellUuids: readonly Uuid[];
    readonly to: CellLabel;
    readonly context: Readonly<Record<string, unknown>>;
    readonly reading?: Uuid | undefined;
  }): Promise<CurationChange>;
  /** Takes the newest step back by appending its reverse. @throws AppError `review.nothing_to_undo`, `review.frozen`, `review.no_rater` */
  undo(step: CurationStep): Promise<CurationChange>;
  /** Repeats the newest step taken back since the last decision. @throws as {@link CurationStore.undo} */
  redo(step: CurationStep): Promise<CurationChange>;
  /** Writes down what raters agreed on a cell; its label in the curation becomes that. @throws AppError as `decide` */
  settle(step: ConsensusStep): Promise<CurationChange>;
  /** Makes the curation an immutable version; decisions after it are refused. */
  freeze(runUuid: Uuid): Promise<CurationState>;
  /**
   * Begins the next version after a frozen one: its labels and edited cells are the frozen version's, its parent is that version.
   * @throws AppError `review.not_frozen`, `review.no_rater`
   */
  nextVersion(step: { readonly runUuid: Uuid; readonly raterUuid: Uuid }): Promise<CurationState>;
  /** All versions of a run's judgements, oldest first. */
  versions(runUuid: Uuid): Promise<readonly CurationVersion[]>;
  /** The log of the run's curation in order. */
  log(runUuid: Uuid, reading?: Uuid): Promise<readonly LogEntry[]>;
}

/** A run that a dead owner left behind; it is marked failed (`engine.crashed`). Its engine may still live: end it by this reference. */
export interface RecoveredRun {
  readonly runUuid: Uuid;
  readonly engine: ProcessRef | null;
}

/** Absolute folders of a library. Those that nothing needed yet may not exist. */
export interface LibraryFolders {
  readonly root: string;
  readonly database: string;
  readonly runs: string;
  readonly edits: string;
  /** Films that came with runs from other libraries. */
  readonly films: string;
  readonly cache: string;
  readonly backups: string;
  readonly quarantine: string;
  readonly logs: string;
  /** What was learned from decisions, a file; absent until `review.learn`. */
  readonly evaluationModel: string;
  readonly lock: string;
}

export interface DeletionTarget {
  /** A uuid, or `table:name`. */
  readonly key?: string | undefined;
  readonly table?: string | undefined;
  readonly where?: Selection['where'] | undefined;
}

/** Deletion of rows with everything that depends on them. */
export interface DeletionStore {
  /** @throws AppError `delete.not_found`, `usage.invalid` */
  preview(target: DeletionTarget): Promise<DeletionPreview>;
  /** One transaction. @throws AppError `delete.not_found`, `delete.refused` (a run is under way, rows that ship with the program) */
  remove(target: DeletionTarget & { readonly graceMs: number }): Promise<Deletion>;
  /** @throws AppError `delete.not_found`, `delete.refused`, `delete.conflict` */
  undo(uuid: Uuid): Promise<Deletion>;
  /** Newest first. */
  list(): Promise<readonly Deletion[]>;
  /** Those whose grace time is over. */
  due(): Promise<readonly Deletion[]>;
  /** Forgets the rows; the caller removes the folders first. */
  purge(uuid: Uuid): Promise<Deletion>;
}

/** A file that a row names. */
export interface SideFile {
  /** Relative to the library. */
  readonly file: string;
  /** What it belongs to: a run, an edit of cells, or a recording whose films it stands in for. */
  readonly of: 'run' | 'edit' | 'proxy';
  /** Of that run, edit or recording. */
  readonly uuid: Uuid;
  /** Relative to the folder of the run or edit; of a film relative to the library. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly state: 'writing' | 'ready' | 'missing' | 'quarantined';
}

/** Files and folders that rows name. */
export interface FileStore {
  sideFiles(): Promise<readonly SideFile[]>;
  /** Folders that rows name, relative to the library. */
  folders(): Promise<readonly string[]>;
  /** Folders of edits whose files have no rows: edits made before files of edits were hashed. */
  unhashedEdits(): Promise<readonly { readonly uuid: Uuid; readonly folder: string }[]>;
  /** Notes the files of an edit; those that are noted already stay. */
  addEditFiles(edit: { readonly uuid: Uuid; readonly files: readonly TravelFile[] }): Promise<void>;
  setState(change: Pick<SideFile, 'of' | 'uuid' | 'path' | 'state'>): Promise<void>;
}

/** A row as a person typed it. */
export interface SaveRow {
  readonly table: string;
  /** Null adds a row. */
  readonly key: Readonly<Record<string, Scalar>> | null;
  readonly values: Readonly<Record<string, Scalar>>;
  readonly who: string;
}

/** Rows of any table that a person may fill. */
export interface RowStore {
  /** @throws AppError `table.refused`, `usage.invalid`, `library.read_only` */
  save(row: SaveRow): Promise<{ readonly key: Record<string, Scalar> }>;
}

/** The open library. Every call goes to the database worker; nothing here blocks the caller's loop. */
export interface Library {
  readonly folders: LibraryFolders;
  /** Why nothing may be changed, as a sentence for people; null when it may. Changes are refused with `library.read_only`. */
  readonly readOnly: string | null;
  /** Runs that were found running without an owner when the library was opened. */
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
  /** Absolute folder of a run: `runs/<uuid>`. */
  runFolder(runUuid: Uuid): string;
  /**
   * For each session uuid asked about: are its films where they were? Looks on the disk for the first and last film of each recording;
   * a missing disk answers soon enough for a list of thousands.
   */
  filesPresent(sessionUuids: readonly Uuid[]): Promise<ReadonlyMap<Uuid, boolean>>;
  /** Checkpoints the log and ends the worker. */
  close(): Promise<void>;
}

export interface OpenLibraryOptions {
  /** Absolute; made when it does not exist. */
  readonly directory: string;
  /** Open without changing a byte, for this reason. */
  readonly readOnly?: string | undefined;
  /** This process; read from the system when absent. */
  readonly owner?: ProcessRef | undefined;
  /** Milliseconds since 1970 for tests: the clock stands still at this and goes on by 1 ms a call. */
  readonly fixedClockMs?: number | undefined;
  /** Milliseconds since 1970 for tests: one 64-bit number that a test moves, also while the worker runs. */
  readonly sharedClock?: SharedArrayBuffer | undefined;
  /** Seed of the uuids' random part for tests. */
  readonly seed?: number | undefined;
}
