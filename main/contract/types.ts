// SPDX-License-Identifier: MIT
import { z } from 'zod';

/** Domain values that more than one procedure speaks of. Units are in the names; times are seconds since the recording's start. */

export const Uuid = z.uuid();
export type Uuid = z.infer<typeof Uuid>;

/** A remark about data: what was noticed, where. Nothing is repaired silently. */
export const Finding = z.object({
  severity: z.enum(['info', 'warning', 'problem']),
  code: z.string(),
  message: z.string(),
  /** File name or device the remark is about, without its folder. */
  where: z.string().optional(),
});
export type Finding = z.infer<typeof Finding>;

/** A folder under one of the roots the server offers: a window never sees absolute paths. */
export const FolderRef = z.object({ root: z.string(), path: z.string() });
export type FolderRef = z.infer<typeof FolderRef>;

/** Where a session is read from: a folder chosen in the window, or (local callers only) an absolute path. */
export const Source = z.union([z.object({ folder: FolderRef }), z.object({ path: z.string() })]);
export type Source = z.infer<typeof Source>;

export const DevicePreview = z.object({
  name: z.string(),
  kind: z.enum(['miniscope', 'camera']),
  deviceType: z.string().optional(),
  films: z.number().int(),
  frames: z.number().int(),
  csvRows: z.number().int().optional(),
  height: z.number().int(),
  width: z.number().int(),
  fps: z.number().nullable(),
  durationS: z.number().nullable(),
  codec: z.string(),
  bytes: z.number(),
});
export type DevicePreview = z.infer<typeof DevicePreview>;

/** What an import would do, without doing it. */
export const ImportPreview = z.object({
  format: z.string(),
  name: z.string(),
  subject: z.string().nullable(),
  startedAt: z.string().nullable(),
  tzOffsetMin: z.number().int().nullable(),
  devices: z.array(DevicePreview),
  findings: z.array(Finding),
  canImport: z.boolean(),
  importedAs: Uuid.nullable(),
});
export type ImportPreview = z.infer<typeof ImportPreview>;

export const RecordingRow = z.object({
  uuid: Uuid,
  sessionUuid: Uuid,
  device: z.string(),
  deviceType: z.string().nullable(),
  frames: z.number().int(),
  height: z.number().int(),
  width: z.number().int(),
  fps: z.number().nullable(),
  durationS: z.number().nullable(),
  codec: z.string(),
  films: z.array(z.object({ name: z.string(), frames: z.number().int() })),
});
export type RecordingRow = z.infer<typeof RecordingRow>;

export const SessionRow = z.object({
  uuid: Uuid,
  name: z.string(),
  subject: z.string().nullable(),
  startedAt: z.string().nullable(),
  /** Offset of the recording's local time from UTC, minutes; null where it is not known. */
  tzOffsetMin: z.number().int().nullable(),
  importedAt: z.string(),
  recordings: z.array(RecordingRow),
  findings: z.array(Finding),
  /** Number of finished runs. */
  runs: z.number().int(),
  cells: z.number().int(),
  decided: z.number().int(),
  sample: z.boolean(),
  /** Its files are where they were when it was imported. */
  filesPresent: z.boolean(),
});
export type SessionRow = z.infer<typeof SessionRow>;

export const stageNames = ['read', 'motion', 'seeds', 'init', 'demix', 'deconvolve', 'evaluate'] as const;
export const StageName = z.enum(stageNames);
export type StageName = z.infer<typeof StageName>;

/** Which films go with a packed run: a small copy for looking, the films as they were recorded, or none. */
export const packedFilms = ['proxy', 'full', 'none'] as const;

export const RunState = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']);
export type RunState = z.infer<typeof RunState>;

export const StageStatus = z.object({
  stage: StageName,
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  fraction: z.number(),
  seconds: z.number().nullable(),
  /** It was not run: an earlier run had kept its result. */
  cached: z.boolean().optional(),
});
export type StageStatus = z.infer<typeof StageStatus>;

/** One moment of a run. */
export const RunProgress = z.object({
  runUuid: Uuid,
  state: RunState,
  stages: z.array(StageStatus),
  stage: StageName.nullable(),
  overall: z.number(),
  framesPerSecond: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  memoryLimitBytes: z.number(),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
});
export type RunProgress = z.infer<typeof RunProgress>;

/** A small picture of what a running run has gathered. */
export const RunPicture = z.object({
  /** `mean`, `std`, `max` of the registered film so far; `correlation` and `pnr` once seeds were searched. */
  name: z.string(),
  /** Frames that are in it. */
  frames: z.number().int().nonnegative(),
  height: z.number().int().positive(),
  width: z.number().int().positive(),
  /** Values of codes 0 and 255, in the picture's unit (grey levels; correlation; peak over noise). */
  low: z.number(),
  high: z.number(),
  /** `height × width` codes, row-major, base64. */
  pixels: z.string(),
});
export type RunPicture = z.infer<typeof RunPicture>;

export const RunRow = z.object({
  uuid: Uuid,
  sessionUuid: Uuid,
  recordingUuids: z.array(Uuid),
  name: z.string(),
  state: RunState,
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  cells: z.number().int().nullable(),
  suggested: z.number().int().nullable(),
  decided: z.number().int(),
  engineVersion: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }).nullable(),
});
export type RunRow = z.infer<typeof RunRow>;

export const CellLabel = z.enum(['accepted', 'rejected', 'undecided']);
export type CellLabel = z.infer<typeof CellLabel>;

/** One cell of a run as Review lists it. `row` is its row in the run's arrays; pixels are those of the stored frame, y down, x right. */
export const Cell = z.object({
  uuid: Uuid,
  row: z.number().int(),
  label: CellLabel,
  centroid: z.object({ y: z.number(), x: z.number() }),
  box: z.object({ top: z.number().int(), left: z.number().int(), height: z.number().int(), width: z.number().int() }),
  /** The engine's suggestion, with its reasons against. */
  suggested: z.boolean(),
  reasons: z.array(z.string()),
  metrics: z.record(z.string(), z.number().nullable()),
});
export type Cell = z.infer<typeof Cell>;

export const Rater = z.object({ uuid: Uuid, initials: z.string(), name: z.string().nullable() });
export type Rater = z.infer<typeof Rater>;

/** One entry of the curation's append-only log. */
export const LogEntry = z.object({
  seq: z.number().int(),
  at: z.string(),
  rater: Rater,
  cellUuid: Uuid,
  row: z.number().int(),
  from: CellLabel,
  to: CellLabel,
  kind: z.enum(['decide', 'undo', 'redo']),
});
export type LogEntry = z.infer<typeof LogEntry>;
