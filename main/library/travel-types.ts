// SPDX-License-Identifier: MIT
import type { CellLabel, LogEntry, Rater, Uuid } from '../contract/index.ts';
import type { EditState } from './edit-types.ts';
import type { KeptLimits, Settled } from './reading-types.ts';

/** A row of a curation's log as it travels: cells and raters by their uuid. */
export interface TravelEntry {
  readonly seq: number;
  readonly step: number;
  readonly kind: LogEntry['kind'];
  /** The step an undo takes back or a redo repeats. */
  readonly target: number | null;
  readonly raterUuid: Uuid;
  readonly cellUuid: Uuid;
  readonly from: CellLabel;
  readonly to: CellLabel;
  readonly at: string;
  /** JSON. */
  readonly context: string;
}

/** A cell an edit touched, as it travels. */
export interface TravelEditCell {
  readonly cellUuid: Uuid;
  readonly state: EditState;
  readonly made: boolean;
  readonly arrayRow: number | null;
  /** JSON. */
  readonly place: string | null;
  /** JSON. */
  readonly metrics: string | null;
}

/** A file of an edit. */
export interface TravelFile {
  /** Relative to the edit's folder, forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** An edit, or an act that takes one back or repeats it. */
export interface TravelEdit {
  readonly step: number;
  readonly kind: 'edit' | 'undo' | 'redo';
  readonly target: number | null;
  readonly raterUuid: Uuid;
  readonly at: string;
  /** The next four only of an edit itself. */
  readonly uuid: Uuid | null;
  /** JSON. */
  readonly request: string | null;
  /** Relative to the library that keeps it; names the files of a package. */
  readonly folder: string | null;
  readonly cells: readonly TravelEditCell[];
}

/** A curation with all that was done in it. */
export interface TravelCuration {
  readonly uuid: Uuid;
  readonly ownerUuid: Uuid;
  readonly parentUuid: Uuid | null;
  readonly version: number;
  readonly createdAt: string;
  readonly frozenAt: string | null;
  /** When it came from another library; null where it is this one's own. */
  readonly receivedAt: string | null;
  /** A second rater's reading: no version of the curation. Absent in packages of earlier programs. */
  readonly second?: boolean | undefined;
  readonly log: readonly TravelEntry[];
  readonly edits: readonly TravelEdit[];
}

/** What raters who had differed agreed on, as it travels. */
export interface TravelConsensus {
  readonly cellUuid: Uuid;
  readonly label: Settled['label'];
  readonly raterUuid: Uuid;
  readonly at: string;
  /** By initials. */
  readonly said: Settled['said'];
}

/** Limits that were kept with a run, as they travel. */
export interface TravelLimits {
  readonly raterUuid: Uuid;
  readonly at: string;
  readonly limits: KeptLimits['limits'];
}

/** All judgements of a run, this library's own and those received, parents first. */
export interface Judgements {
  readonly raters: readonly (Rater & { readonly createdAt: string })[];
  readonly curations: readonly TravelCuration[];
  /** Oldest first. Absent in packages of earlier programs, as the next. */
  readonly consensus?: readonly TravelConsensus[] | undefined;
  readonly limits?: readonly TravelLimits[] | undefined;
}

/** A value of a row: byte strings as hex, whole numbers beyond 2^53 as text, a foreign key as the number of the row it means. */
export type TravelValue =
  | string
  | number
  | null
  | { readonly hex: string }
  | { readonly int: string }
  | { readonly row: number };

/** A row of a table that travels; parents stand before their children. */
export interface TravelRow {
  readonly table: string;
  readonly values: Readonly<Record<string, TravelValue>>;
}

/** All rows of a run that travel. */
export interface RunRecords {
  readonly runUuid: Uuid;
  readonly runName: string;
  readonly sessionName: string;
  /** Ids of the migrations of the library the rows are from: an unknown one makes them unreadable. */
  readonly migrations: readonly number[];
  /** Of the run and of what it rests on; only cells that edits made where nothing but decisions travels. */
  readonly rows: readonly TravelRow[];
  readonly judgements: Judgements;
}

/** A film that came in the place of a recording's films. */
export interface ReceivedProxy {
  readonly recordingUuid: Uuid;
  /** Relative to the library. */
  readonly path: string;
  readonly frames: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** {@link RunRecords} as JSON text, which the core passes on without reading it, with what the core has to know of it. */
export interface PackedRecords {
  readonly text: string;
  readonly curations: number;
  readonly decisions: number;
  /** Initials. */
  readonly raters: readonly string[];
  /** Edits with arrays; folders are relative to the library. */
  readonly edits: readonly { readonly uuid: Uuid; readonly folder: string }[];
}

/** What a package brings into the database. */
export interface Received {
  /** {@link RunRecords}, checked for its form, as JSON text. */
  readonly records: string;
  /** Nothing but decisions: the run must be here. */
  readonly decisionsOnly: boolean;
  readonly proxies: readonly ReceivedProxy[];
  /** Files of edits by the edit's uuid. */
  readonly editFiles: Readonly<Record<Uuid, readonly TravelFile[]>>;
  /** Go on from the sender's decisions where nobody has judged the run here. */
  readonly goOn: boolean;
}

/** What a package changed. */
export interface ReceiptCounts {
  readonly rows: Readonly<Record<string, number>>;
  readonly curations: number;
  readonly decisions: number;
  readonly edits: number;
  /** Curations that had been gone on with in two places: what came stands beside what was here. */
  readonly branches: number;
  /** Cells that raters had settled. */
  readonly settled: number;
  /** Times that limits had been kept with the run. */
  readonly limits: number;
}

/** Rows of another database, brought into the form that rows travel in. */
export interface Adoption {
  /** Parents first; a row that only names the uuid of one that is here stands for that one. */
  readonly rows: readonly TravelRow[];
  /** Decisions about cells of runs among the rows; each run goes on from the newest of its curations. */
  readonly judgements?: readonly { readonly runUuid: Uuid; readonly judgements: Judgements }[];
  /** For the change log. */
  readonly who: string;
  /** Do everything, then take it back. */
  readonly dryRun: boolean;
}

/** What an adoption changed. */
export interface AdoptionCounts {
  readonly inserted: Readonly<Record<string, number>>;
  readonly present: Readonly<Record<string, number>>;
  /** Rows that this library refuses, with those that need them: a sentence for each kind. */
  readonly refused: readonly string[];
}

/** Travel of runs and decisions between libraries. */
export interface TravelStore {
  /** @throws AppError `run.not_found` */
  judgements(runUuid: Uuid): Promise<Judgements>;
  /** @throws AppError `run.not_found`, `run.not_ready` */
  records(wish: { readonly runUuid: Uuid; readonly decisionsOnly: boolean }): Promise<PackedRecords>;
  /** Which of these are here: what a package need not place. A run that was deleted and can come back is told as such. */
  known(records: string): Promise<{
    readonly run: 'here' | 'deleted' | 'absent';
    readonly editUuids: readonly Uuid[];
    /** Recordings of the package that are here, by the uuid of the package; the same content counts, whatever its uuid. */
    readonly recordingUuids: readonly Uuid[];
  }>;
  /**
   * Adds what is not here yet, in one transaction; nothing that is here is changed.
   *
   * @throws AppError `travel.newer`, `travel.unknown_run`, `travel.damaged`, `library.read_only`
   */
  receive(received: Received): Promise<ReceiptCounts>;
  /**
   * Adds rows of another database that are not here yet, in one transaction; nothing that is here is changed. Rows of metadata that break a
   * rule of this library are left out and told.
   *
   * @throws AppError `travel.deleted` for a run that was deleted and can come back, `library.read_only`
   */
  adopt(adoption: Adoption): Promise<AdoptionCounts>;
  /** The film that stands in for a recording's; null where there is none. */
  proxy(recordingUuid: Uuid): Promise<{ readonly path: string; readonly frames: number } | null>;
}
