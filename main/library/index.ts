// SPDX-License-Identifier: MIT
/** The library: one folder with an embedded database, one owner, one writer. See README.md. */
export * from './types.ts';
export type { AcquisitionStore, NewAcquisition, UnderWay } from './acquisition-types.ts';
export type {
  AlignmentRow,
  Behavior,
  BehaviorClock,
  BehaviorTrial,
  ConditionActivity,
  ConditionRow,
  ConditionStore,
  EventStore,
  IngestStore,
  RunQuality,
  TraceName,
} from './event-types.ts';
export type {
  Adoption,
  AdoptionCounts,
  Judgements,
  PackedRecords,
  ReceiptCounts,
  Received,
  RunRecords,
  TravelCuration,
  TravelEdit,
  TravelEntry,
  TravelFile,
  TravelRow,
  TravelStore,
  TravelValue,
} from './travel-types.ts';
export type {
  AskedParameters,
  ParameterSetRow,
  ParameterSetStore,
  TranslatedParameter,
} from './parameter-set-types.ts';
export type { KeptLimits, Reading as StoredReading, ReadingStore, Settled } from './reading-types.ts';
export type { BatchStore } from './batch-types.ts';
export type { MatchStore, NewMatch, StoredMatch } from './match-types.ts';
export type { NewPosition, PositionPart, PositionRow, PositionStore, PositionTrackRow } from './position-types.ts';
export type { CsvKind } from './ingest/kinds.ts';
export { shown } from './ingest/values.ts';
export { ingestControl } from './ingest/types.ts';
export type {
  CsvFile,
  IngestedFile,
  IngestProblem,
  IngestRequest,
  IngestResult,
  PlannedSession,
} from './ingest/types.ts';
export { defaultLibrary } from './default-library.ts';
export { restoreBackup } from './backup.ts';
export { type BackupSchedule, startBackups, systemWait } from './backup-schedule.ts';
export { placeProblem, type PlaceProblem } from './place.ts';
export {
  createJobsHandlers,
  createLibraryHandlers,
  createTablesHandlers,
  sweepDeletions,
  type LibraryDependencies,
} from './handlers.ts';
export { createReader, type Reader } from './reader/reader.ts';
export { writePrivateJson } from './private-file.ts';
export { uuidBytes, uuidText } from './uuid.ts';
export { openLibrary } from './library.ts';
export { acquireOwnership, ownerWhenListening, readOwner } from './ownership.ts';
export type { AcquireResult, OtherOwner, Ownership } from './ownership.ts';
export { currentProcess, isAlive, processRef } from './process-identity.ts';
export { canonicalJson, djParamHash, parameterSetHash } from './parameter-hash.ts';
export type { TypedJson } from './parameter-hash.ts';
