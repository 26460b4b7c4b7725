// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query, subscription } from '../define.ts';
import { Source, Uuid } from '../types.ts';

/** File kinds a finished run can be written as; `docs/export.md` says what each keeps and loses. */
export const exportFormats = ['npy', 'nwb', 'caiman', 'csv', 'mat', 'tiff', 'roizip', 'avi', 'mp4', 'svg'] as const;
export const ExportFormat = z.enum(exportFormats);
export type ExportFormat = z.infer<typeof ExportFormat>;

const words = z.string().trim().min(1).max(4000);
const list = z.array(words).max(100);

const SubjectFacts = z.strictObject({
  id: words,
  sex: z.enum(['M', 'F', 'U', 'O']),
  /** Latin name, or the address of an NCBI taxon. */
  species: words,
  /** ISO date. */
  dateOfBirth: z.iso.date(),
  /** ISO-8601 duration such as P90D, or a range P60D/P90D. */
  age: z.string().regex(/^(P[0-9.YMWDTHS]+)?(\/(P[0-9.YMWDTHS]+)?)?$/),
  description: words,
  genotype: words,
  strain: words,
  /** With its unit, e.g. `0.025 kg`. */
  weight: words,
});
const SessionFacts = z.strictObject({
  id: words,
  /** ISO date-time with its zone. */
  start: z.iso.datetime({ offset: true }),
  description: words,
  /** Each as `Last, First`. */
  experimenter: list,
  institution: words,
  lab: words,
  keywords: list,
  experimentDescription: words,
  protocol: words,
  surgery: words,
  virus: words,
});
const ImagingFacts = z.strictObject({
  indicator: words,
  location: words,
  excitationNm: z.number().min(200).max(2000),
  emissionNm: z.number().min(200).max(2000),
  description: words,
});

/** Facts that a library may not know and that other programs ask for. What is given here wins over what the library says. */
export const ExportMetadata = z.strictObject({
  subject: SubjectFacts.partial().optional(),
  session: SessionFacts.partial().optional(),
  imaging: ImagingFacts.partial().optional(),
});
export type ExportMetadata = z.infer<typeof ExportMetadata>;

/** Of these facts, those that hold for every recording of a lab: kept with its library, and used where nothing says otherwise. */
export const LabFacts = z.strictObject({
  subject: SubjectFacts.pick({ species: true }).partial().optional(),
  session: SessionFacts.pick({
    institution: true,
    lab: true,
    keywords: true,
    experimentDescription: true,
    protocol: true,
  })
    .partial()
    .optional(),
  imaging: ImagingFacts.pick({ indicator: true, location: true, excitationNm: true, emissionNm: true })
    .partial()
    .optional(),
});
export type LabFacts = z.infer<typeof LabFacts>;

/** Which pictures a film of a run shows, and how it is coded. */
export const ExportMovie = z.strictObject({
  /** As recorded; registered (when absent); or a part of the registered film: docs/export.md says in which units. */
  layer: z.enum(['raw', 'registered', 'residual', 'cells', 'background']).optional(),
  /** Draw the outlines of the cells that are written. */
  contours: z.boolean().optional(),
  /** AVI: FFV1 (when absent) or uncompressed grey; both keep every bit. */
  codec: z.enum(['ffv1', 'grey']).optional(),
  /** First and last frame of the run, 0-based, inclusive. */
  firstFrame: z.number().int().min(0).optional(),
  lastFrame: z.number().int().min(0).optional(),
});
export type ExportMovie = z.infer<typeof ExportMovie>;

/** A remark of the check before an export. `importance` and `check` are those of nwbinspector, so that a list of either can be read beside the other. */
export const ExportFinding = z.object({
  importance: z.enum(['CRITICAL', 'BEST_PRACTICE_VIOLATION', 'BEST_PRACTICE_SUGGESTION']),
  check: z.string(),
  message: z.string(),
  /** What stands in the file in its place, and how to say better. */
  remedy: z.string(),
  /** The fact of `ExportMetadata` that would settle it, as `subject.sex`. */
  fact: z.string().optional(),
});
export type ExportFinding = z.infer<typeof ExportFinding>;

/** What is exported, and how. */
export const ExportRequest = z.object({
  /** A run, or a session: then its newest finished run. */
  target: Uuid,
  format: ExportFormat,
  /** Absolute. */
  destination: z.string().min(1),
  metadata: ExportMetadata.optional(),
  cells: z.enum(['all', 'accepted']).optional(),
  /** Layout of CSV tables: a row a cell and frame, or a row a frame. */
  table: z.enum(['tidy', 'wide']).optional(),
  /** Films of an NWB file: named by their place, or copied beside it under the names of the DANDI archive. */
  films: z.enum(['link', 'copy']).optional(),
  /** avi, mp4. */
  movie: ExportMovie.optional(),
  /** Replace a file or folder of that name. */
  overwrite: z.boolean().optional(),
  /** Names this export for `progress`. */
  ticket: Uuid.optional(),
});

/** One export of many that the core does one after another. */
export const ExportTask = z.object({
  uuid: Uuid,
  /** The run or session that was named. */
  target: Uuid,
  /** Name of its session. */
  name: z.string(),
  format: ExportFormat,
  /** Interrupted: the core ended before it was written. */
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled', 'interrupted']),
  step: z.string(),
  /** 0 to 1. */
  fraction: z.number(),
  /** File or folder that was written, below the chosen folder. */
  written: z.string().nullable(),
  bytes: z.number().nullable(),
  findings: z.array(ExportFinding),
  error: z.object({ message: z.string(), hint: z.string().optional() }).nullable(),
});
export type ExportTask = z.infer<typeof ExportTask>;

/** Results for other programs. */
export const interopApi = defineApi('interop', {
  export: command(
    ExportRequest,
    z.object({
      runUuid: Uuid,
      format: ExportFormat,
      /** Absolute file or folder that was written. */
      path: z.string(),
      /** Relative to `path` where that is a folder. */
      files: z.array(z.string()),
      bytes: z.number(),
      components: z.number().int(),
      accepted: z.number().int(),
      findings: z.array(ExportFinding),
    }),
    { doc: 'Writes a finished run in another program’s form; nothing half-written stays.', audience: 'local' },
  ),
  progress: subscription(z.object({ ticket: Uuid }), z.object({ step: z.string(), fraction: z.number() }), {
    doc: 'Progress of an export, or of an import that rewrites a film, until it ends.',
  }),
  startExports: command(
    ExportRequest.omit({ target: true, destination: true, ticket: true }).extend({
      /** Runs, or sessions: then their newest finished runs. */
      targets: z.array(Uuid).min(1).max(1000),
      /** Each export gets a name of its own in this folder, which is made when it is not there. */
      folder: Source,
    }),
    z.object({ exports: z.array(ExportTask) }),
    {
      doc: 'Queues exports of many runs into one folder; they are written one after another, whoever leaves meanwhile. The list is kept with the library.',
    },
  ),
  exports: subscription(z.object({}), z.object({ exports: z.array(ExportTask) }), {
    doc: 'The queued exports and how far each is, in their order; again after each change.',
  }),
  cancelExports: command(z.object({ uuids: z.array(Uuid).max(1000) }), z.object({ cancelled: z.number().int() }), {
    doc: 'Cancels queued exports that have not ended; nothing half-written stays.',
  }),
  repeatExports: command(z.object({ uuids: z.array(Uuid).max(1000) }), z.object({ repeated: z.number().int() }), {
    doc: 'Queues exports again that failed, were cancelled or interrupted, as they were ordered.',
  }),
  forgetExports: command(z.object({}), z.object({ forgotten: z.number().int() }), {
    doc: 'Takes exports that have ended off the list; what they wrote stays.',
  }),
  labFacts: query(z.object({}), LabFacts, { doc: 'What holds for every recording of the library’s lab.' }),
  setLabFacts: command(LabFacts, z.object({}), {
    doc: 'Keeps with the library what holds for every recording of its lab.',
  }),
  check: query(
    ExportRequest.pick({ target: true, metadata: true, films: true }),
    z.object({ runUuid: Uuid, fileName: z.string(), findings: z.array(ExportFinding) }),
    { doc: 'What nwbinspector would say of the NWB file, and the name the DANDI archive wants, without writing it.' },
  ),
});
