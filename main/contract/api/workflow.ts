// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { FolderRef, Uuid } from '../types.ts';

/** A CSV file: text that a window read, or (local callers only) an absolute path. */
const CsvFile = z.union([
  z.object({ name: z.string().min(1), text: z.string() }),
  z.object({ name: z.string().min(1), path: z.string() }),
]);

const TraceKind = z.enum(['raw', 'denoised', 'deconvolved', 'dff']);

const Problem = z.object({
  line: z.number().int(),
  /** From 1; null when it is about the row. */
  column: z.number().int().nullable(),
  name: z.string().nullable(),
  message: z.string(),
});

/** Which cells: of a version of the curation (the newest when absent), and only those that count as neurons in it. */
const ofCuration = { version: z.number().int().min(1).optional(), accepted: z.boolean().optional() };

/** What an ingestion did, file by file, in the order it was done. */
export const Ingested = z.object({
  files: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['subjects', 'sessions', 'behavior_recordings', 'blocks', 'trials', 'events', 'alignments']),
      rows: z.number().int(),
      /** Rows that added something. */
      added: z.number().int(),
      /** Rows that were there already. */
      present: z.number().int(),
      /** Rows that were left out; the first thousand are told. */
      bad: z.number().int(),
      problems: z.array(Problem),
      warnings: z.array(z.string()),
      /** Nothing of this file was kept. */
      rolledBack: z.boolean(),
    }),
  ),
  /** Rows added, by table. */
  inserted: z.record(z.string(), z.number().int()),
  dryRun: z.boolean(),
});
export type Ingested = z.infer<typeof Ingested>;

const Clock = z.object({
  /** Miniscope time = offset + rate · behaviour time, s. */
  offsetS: z.number(),
  rate: z.number(),
  method: z.enum(['given', 'start-times', 'pulses', 'assumed']),
});

/** Activity around an event. Times are s; those of a bin count from the event. */
export const Aligned = z.object({
  alignment: z.string(),
  trace: TraceKind,
  clock: Clock,
  binS: z.number(),
  /** Centres of the bins. */
  timesS: z.array(z.number()),
  trials: z.array(
    z.object({
      trialId: z.number().int(),
      type: z.string().nullable(),
      attributes: z.record(z.string(), z.string()),
      /** On the miniscope's clock; null for a trial without the event. */
      zeroS: z.number().nullable(),
      startS: z.number().nullable(),
      endS: z.number().nullable(),
      /** It is part of the averages. */
      used: z.boolean(),
    }),
  ),
  cells: z.array(
    z.object({
      row: z.number().int(),
      uuid: Uuid,
      /** Used trials × bins; null where nothing was recorded or the window does not reach. */
      activity: z.array(z.array(z.number().nullable())),
      mean: z.array(z.number().nullable()),
      /** 95 % confidence band of the mean (Student's t over trials); null below two trials. */
      low: z.array(z.number().nullable()),
      high: z.array(z.number().nullable()),
      n: z.array(z.number().int()),
    }),
  ),
  warnings: z.array(z.string()),
});
export type Aligned = z.infer<typeof Aligned>;

const AlignInput = z.object({
  runUuid: Uuid,
  alignment: z.string(),
  trace: TraceKind.optional(),
  /** Width of a bin, s; a frame’s interval when absent. */
  binS: z.number().positive().optional(),
  trialTypes: z.array(z.string()).optional(),
  /** Only trials with these attributes; those of blocks are `block.<name>`. */
  where: z.record(z.string(), z.string()).optional(),
  /** Rows of the run; all when absent. */
  rows: z.array(z.number().int().min(0)).optional(),
  ...ofCuration,
  /** Instead of what the library knows of the two clocks. */
  offsetS: z.number().optional(),
});

/** A saved choice of trials. */
export const AlignmentCondition = z.object({
  uuid: Uuid,
  runUuid: Uuid,
  trace: TraceKind,
  alignment: z.string(),
  condition: z.string(),
  description: z.string(),
  binS: z.number(),
  createdAt: z.string(),
  trialIds: z.array(z.number().int()),
  /** When the activity was computed; null before. */
  computedAt: z.string().nullable(),
});
export type AlignmentCondition = z.infer<typeof AlignmentCondition>;

/** The lab's workflow: metadata from CSV files, behaviour, activity around events, quality. */
export const workflowApi = defineApi('workflow', {
  ingest: command(
    z.object({
      files: z.array(CsvFile).min(1),
      /** Folder that session_dir is relative to. */
      root: z.union([z.object({ folder: FolderRef }), z.object({ path: z.string() })]).optional(),
      dryRun: z.boolean().optional(),
      allOrNothing: z.boolean().optional(),
      /** Who adds the rows, for the change log. */
      who: z.string().optional(),
      /** Names this reading for `interop.progress`. */
      ticket: Uuid.optional(),
    }),
    Ingested,
    {
      doc: 'Reads the workflow’s CSV files, of the kinds their headers tell; a dry run only says what would be added.',
    },
  ),
  alignments: query(
    z.object({}),
    z.array(z.object({ name: z.string(), align: z.string(), start: z.string(), end: z.string() })),
    {
      doc: 'Names of the alignment events with the events they go by.',
    },
  ),
  align: query(AlignInput, Aligned, {
    doc: 'Activity of each trial around an event, and its average with a confidence band.',
  }),
  setClock: command(
    z.object({
      sessionUuid: Uuid,
      /** Given by a person; else fitted to pulses. */
      offsetS: z.number().optional(),
      rate: z.number().min(0.9).max(1.1).optional(),
      /** Times of pulses that both saw, s on each clock. */
      pulses: z.object({ scopeS: z.array(z.number()).max(5000), behaviorS: z.array(z.number()).max(5000) }).optional(),
    }),
    z.object({
      clock: Clock,
      /** Of pulses: how many lay on each other, and what the fit leaves (root mean square, s). */
      fit: z.object({ pairs: z.number().int(), residualS: z.number() }).nullable(),
    }),
    {
      doc: 'Says where the behaviour’s clock lies on the miniscope’s (time = offset + rate · behaviour time), or fits it to pulses that both saw.',
    },
  ),
  quality: query(
    z.object({ runUuid: Uuid }),
    z.object({
      traces: z.array(
        z.object({
          row: z.number().int(),
          trace: TraceKind,
          samples: z.number().int(),
          skewness: z.number().nullable(),
          variance: z.number().nullable(),
        }),
      ),
      cells: z.array(
        z.object({
          row: z.number().int(),
          rValue: z.number().nullable(),
          snr: z.number().nullable(),
          probability: z.number().nullable(),
        }),
      ),
      motion: z
        .object({
          frames: z.number().int(),
          yStd: z.number(),
          xStd: z.number(),
          yMax: z.number(),
          xMax: z.number(),
        })
        .nullable(),
    }),
    { doc: 'Both quality tables of a run; computed at the first question and kept.' },
  ),
  conditions: query(z.object({ runUuid: Uuid.optional() }), z.array(AlignmentCondition), {
    doc: 'Saved choices of trials, with when their activity was aligned.',
  }),
  addCondition: command(
    z.object({
      name: z.string().trim().min(1).max(128),
      description: z.string().max(10_000).optional(),
      ...AlignInput.shape,
    }),
    z.object({ condition: AlignmentCondition }),
    { doc: 'Saves a choice of a run’s trials under a name; its activity is aligned by `alignCondition`.' },
  ),
  alignCondition: command(
    z.object({ conditionUuid: Uuid }),
    z.object({
      condition: AlignmentCondition,
      cells: z.number().int(),
      trials: z.number().int(),
      bins: z.number().int(),
    }),
    { doc: 'Computes and keeps the activity around the events of a saved condition, once.' },
  ),
  curations: query(
    z.object({ runUuid: Uuid }),
    z.array(
      z.object({
        version: z.number().int(),
        uuid: Uuid,
        /** Initials of who began it. */
        owner: z.string(),
        createdAt: z.string(),
        frozenAt: z.string().nullable(),
        /** The version it goes on from. */
        parent: z.number().int().nullable(),
        accepted: z.number().int(),
        rejected: z.number().int(),
        /** Edits of cells that hold in it. */
        edits: z.number().int(),
      }),
    ),
    { doc: 'Versions of a run’s judgements, oldest first.' },
  ),
  freeze: command(z.object({ runUuid: Uuid }), z.object({ version: z.number().int() }), {
    doc: 'Makes the newest curation of a run an immutable version.',
  }),
  nextVersion: command(z.object({ runUuid: Uuid, raterUuid: Uuid }), z.object({ version: z.number().int() }), {
    doc: 'Begins the next version of a curation after a frozen one, with its labels and edited cells.',
  }),
});
