// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query, stream } from '../define.ts';
import { movieLayers } from './frames.ts';
import { Cell, CellLabel, LogEntry, Rater, RunRow, SessionRow, Uuid } from '../types.ts';

export const imageNames = ['mean', 'max', 'correlation', 'pnr', 'std'] as const;
/** Which film of a run is on this machine. */
export const filmKinds = ['recorded', 'proxy', 'absent'] as const;
export const traceKinds = ['raw', 'denoised', 'deconvolved', 'dff'] as const;

/** A curation: one person's judgement of one run. */
export const Curation = z.object({
  uuid: Uuid,
  runUuid: Uuid,
  createdAt: z.string(),
  canUndo: z.boolean(),
  canRedo: z.boolean(),
  counts: z.object({ accepted: z.number().int(), rejected: z.number().int(), undecided: z.number().int() }),
});
export type Curation = z.infer<typeof Curation>;

/** A second rater's own labels of a run, beside its curation. */
export const Reading = z.object({
  uuid: Uuid,
  rater: Rater,
  startedAt: z.string(),
  /** Null while it goes on: until then its labels are shown to its rater only. */
  finishedAt: z.string().nullable(),
  decided: z.number().int(),
});
export type Reading = z.infer<typeof Reading>;

const version = z.number().int().min(1).optional();
/** Whose labels: of an earlier version, or of a second reading; of the newest version where neither is named. */
const look = { version, reading: Uuid.optional() };
/** Where a step is written: to a second reading, else to the curation. */
const step = { runUuid: Uuid, raterUuid: Uuid, reading: Uuid.optional() };

const Point = z.object({ y: z.number(), x: z.number() });

/** An edit of cells. Points are px of the stored frame; the centre of its top-left pixel is (0, 0). */
export const CellEdit = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('merge'), cellUuids: z.array(Uuid).min(2) }),
  /** By the activity of its pixels, or along the line through two points. */
  z.object({ kind: z.literal('split'), cellUuid: Uuid, line: z.tuple([Point, Point]).optional() }),
  z.object({ kind: z.literal('trim'), cellUuid: Uuid, polygon: z.array(Point).min(3).max(10_000) }),
  z.object({ kind: z.literal('draw'), polygon: z.array(Point).min(3).max(10_000) }),
  z.object({ kind: z.literal('seed'), at: Point }),
  /** Neighbours stay as they are, or are solved again with the light that becomes free. */
  z.object({ kind: z.literal('delete'), cellUuids: z.array(Uuid).min(1), freeLight: z.boolean().optional() }),
  z.object({ kind: z.literal('restore'), cellUuids: z.array(Uuid).min(1) }),
]);
export type CellEdit = z.infer<typeof CellEdit>;

const editStates = z.enum(['live', 'dark', 'gone']);

const EditedCell = z.object({
  /** Null for a cell that is made. */
  uuid: Uuid.nullable(),
  row: z.number().int(),
  /** `dark`: deleted, but its light is kept out of its neighbours; `gone`: merged, split or replaced. */
  state: editStates,
  made: z.boolean(),
  /** Null when only the state changes. */
  result: Cell.pick({ centroid: true, box: true, metrics: true }).nullable(),
});

const Changed = z.object({ curation: Curation, entries: z.array(LogEntry) });

/** Looking at a run and judging its cells. */
export const reviewApi = defineApi('review', {
  open: query(
    z.object({ runUuid: Uuid, ...look }),
    z.object({
      run: RunRow,
      session: SessionRow,
      frames: z.number().int(),
      height: z.number().int(),
      width: z.number().int(),
      fps: z.number(),
      startS: z.number(),
      endS: z.number(),
      diameterPx: z.number().nullable(),
      images: z.array(z.enum(imageNames)),
      traces: z.array(z.enum(traceKinds)),
      /** The film can be shown: the recorded one or a small copy. */
      filmsPresent: z.boolean(),
      /** What of the films can be shown: runs of other programs and of older engines cannot be taken apart. */
      movieLayers: z.array(z.enum(movieLayers)),
      film: z.enum(filmKinds),
      /** What to tell of a film that is not the recorded one; null otherwise. */
      filmNote: z.string().nullable(),
      /** Of the labels that are looked at; null before the first decision, and for an earlier version. */
      curation: Curation.nullable(),
      /** Number of the version that is looked at; null before the first decision. */
      version: z.number().int().nullable(),
      /** The second reading that is looked at. */
      reading: Reading.nullable(),
      /** All second readings made in this library, oldest first. */
      readings: z.array(Reading),
      raters: z.array(Rater),
      /** Why decisions are not possible, if so. */
      readOnly: z.string().nullable(),
    }),
    { doc: 'All that Review needs to begin with a run.' },
  ),
  cells: query(z.object({ runUuid: Uuid, ...look }), z.array(Cell), {
    doc: 'All components, rejected suggestions too, by row.',
  }),
  image: stream(
    z.object({ runUuid: Uuid, image: z.enum(imageNames) }),
    z.object({ height: z.number().int(), width: z.number().int(), minimum: z.number(), maximum: z.number() }),
    z.never(),
    { doc: 'One packet: H × W little-endian float32, row-major.' },
  ),
  thumbnail: query(
    z.object({ sessionUuid: Uuid }),
    z
      .object({
        /** The result it was made from; null: an early frame of the film. */
        runUuid: Uuid.nullable(),
        width: z.number().int(),
        height: z.number().int(),
        /** Height × width grey levels, base64. */
        grey: z.string(),
      })
      .nullable(),
    { doc: 'A small picture of a session from its newest result, else from its film; null where neither can be read.' },
  ),
  footprints: stream(
    z.object({ runUuid: Uuid, preview: Uuid.optional(), version }),
    z.object({
      height: z.number().int(),
      width: z.number().int(),
      /** Per cell by row: window and the byte offset of its height × width values (uint8, 255 = the maximum). */
      cells: z.array(
        z.object({
          top: z.number().int(),
          left: z.number().int(),
          height: z.number().int(),
          width: z.number().int(),
          offset: z.number().int(),
        }),
      ),
    }),
    z.never(),
    { doc: 'One packet with all footprints of a run; with a preview, as they would be after it.' },
  ),
  traces: stream(
    z.object({ runUuid: Uuid, preview: Uuid.optional(), version }),
    z.object({
      request: z.number().int(),
      rows: z.array(z.number().int()),
      kinds: z.array(z.enum(traceKinds)),
      firstFrame: z.number().int(),
      lastFrame: z.number().int(),
      columns: z.number().int(),
    }),
    z.object({
      request: z.number().int(),
      rows: z.array(z.number().int()).max(64),
      kinds: z.array(z.enum(traceKinds)),
      firstFrame: z.number().int(),
      lastFrame: z.number().int(),
      /** Columns wanted; each is a minimum and a maximum. */
      columns: z.number().int().min(1).max(8192),
    }),
    {
      doc: 'Windows of traces. Packet: columns float64 times (s, centre of each column), then for each row, for each kind, columns float32 minima and columns float32 maxima.',
    },
  ),
  events: query(
    z.object({ runUuid: Uuid, row: z.number().int(), most: z.number().int().min(1).max(100), version }),
    z.object({
      count: z.number().int(),
      strongest: z.array(z.object({ frame: z.number().int(), timeS: z.number().nullable(), height: z.number() })),
    }),
    { doc: 'How many events a cell has, and its strongest in the order of time.' },
  ),
  neighbours: query(
    z.object({ runUuid: Uuid, cellUuid: Uuid, version }),
    z.array(
      z.object({
        cellUuid: Uuid,
        row: z.number().int(),
        /** Between the centroids. */
        distancePx: z.number(),
        /** Cosine of the footprints, 0 … 1. */
        overlap: z.number(),
        /** Pearson, of the denoised traces over all frames; null where one does not change. */
        correlation: z.number().nullable(),
        /** They overlap and fire together: perhaps one cell. */
        maybeOne: z.boolean(),
      }),
    ),
    { doc: 'The cells around a cell, those that may be the same one first, at most twelve.' },
  ),
  addRater: command(
    z.object({ initials: z.string().trim().min(1).max(8), name: z.string().max(200).optional() }),
    Rater,
    { doc: 'Makes a rater known; the same initials return the same rater.' },
  ),
  decide: command(
    z.object({
      ...step,
      cellUuids: z.array(Uuid).min(1),
      to: CellLabel,
      /** What the rater saw: background image, movie layer, scores hidden … */
      context: z.record(z.string(), z.json()),
    }),
    Changed,
    { doc: 'Appends one decision a cell to the log; the first makes the curation.' },
  ),
  undo: command(z.object(step), Changed, {
    doc: 'Takes the newest decision back (one more row).',
  }),
  redo: command(z.object(step), Changed, { doc: 'Repeats the newest undone decision.' }),
  learn: command(
    z.object({}),
    z.object({
      runs: z.number().int(),
      accepted: z.number().int(),
      rejected: z.number().int(),
      /** Share of cells that a model judged rightly without having seen them (five folds). */
      accuracy: z.number(),
      /** The same, mean of accepted and rejected cells: chance is 0.5. */
      balancedAccuracy: z.number(),
      /** What weighs, the heaviest first; positive speaks for a cell. Per standard deviation of the metric. */
      weights: z.array(z.object({ metric: z.string(), weight: z.number() })),
    }),
    {
      doc: 'Learns from all decisions in the library which components a person accepts; later runs use it where `minProbability` is above 0.',
    },
  ),
  editPreview: command(
    z.object({ runUuid: Uuid, edit: CellEdit }),
    z.object({ preview: Uuid, cells: z.array(EditedCell) }),
    { doc: 'Computes an edit of cells without doing it; the last few previews are kept.' },
  ),
  editCommit: command(z.object({ runUuid: Uuid, raterUuid: Uuid, preview: Uuid }), Changed, {
    doc: 'Does a previewed edit: one more step of the log, which undo takes back.',
  }),
  edit: command(z.object({ runUuid: Uuid, raterUuid: Uuid, edit: CellEdit }), Changed, {
    doc: 'Edits cells at once: merge, split, trim, draw, seed, delete, restore.',
  }),
  edits: query(
    z.object({ runUuid: Uuid, version }),
    z.array(
      z.object({
        uuid: Uuid,
        at: z.string(),
        raterUuid: Uuid,
        edit: CellEdit,
        /** False once it was taken back. */
        active: z.boolean(),
        cells: z.array(z.object({ uuid: Uuid, row: z.number().int(), state: editStates, made: z.boolean() })),
      }),
    ),
    { doc: 'The edits in order, those taken back too.' },
  ),
  agreement: query(
    z.object({ runUuid: Uuid }),
    z.object({
      /** Who decided something, with how much; decisions that came from other libraries count. */
      raters: z.array(z.object({ rater: Rater, decided: z.number().int(), accepted: z.number().int() })),
      pairs: z.array(
        z.object({
          first: Uuid,
          second: Uuid,
          /** Cells that both decided. */
          both: z.number().int(),
          agreed: z.number().int(),
          /** The first's label, then the second's. */
          counts: z.object({
            acceptedAccepted: z.number().int(),
            acceptedRejected: z.number().int(),
            rejectedAccepted: z.number().int(),
            rejectedRejected: z.number().int(),
          }),
          /** Cohen's κ; null where it is not defined. */
          kappa: z.number().nullable(),
          disagreements: z.array(z.object({ cellUuid: Uuid, first: CellLabel, second: CellLabel })),
        }),
      ),
      /** What raters who differed agreed on afterwards, the newest of each cell. It changes no κ. */
      settled: z.array(
        z.object({
          cellUuid: Uuid,
          label: CellLabel,
          at: z.string(),
          by: z.string(),
          said: z.record(z.string(), CellLabel),
        }),
      ),
    }),
    {
      doc: 'How far raters agree on the cells that both decided: Cohen’s κ of each pair, and where they differ. Readings that still go on are left out.',
    },
  ),
  beginReading: command(z.object({ runUuid: Uuid, raterUuid: Uuid }), Reading, {
    doc: 'Begins a second rater’s reading of a run, or goes on with the open one: own labels of the same cells, beside the curation.',
  }),
  finishReading: command(z.object({ runUuid: Uuid, raterUuid: Uuid, reading: Uuid }), Reading, {
    doc: 'Ends a second reading: its labels stay as they are, and count in `agreement` from now on.',
  }),
  limits: query(
    z.object({ runUuid: Uuid }),
    z.object({ limits: z.record(z.string(), z.number()), at: z.string(), by: z.string() }).nullable(),
    { doc: 'The limits of the cells’ figures that were kept with a run last.' },
  ),
  keepLimits: command(
    z.object({ runUuid: Uuid, raterUuid: Uuid, limits: z.record(z.string().max(100), z.number()) }),
    z.object({}),
    { doc: 'Keeps limits with a run; none takes them back. They suggest and decide nothing.' },
  ),
  settle: command(
    z.object({ runUuid: Uuid, raterUuid: Uuid, cellUuid: Uuid, to: CellLabel.exclude(['undecided']) }),
    Changed,
    {
      doc: 'Writes down what raters who differ on a cell agreed on: its label in the curation, and who had said what.',
    },
  ),
  log: query(z.object({ runUuid: Uuid, reading: Uuid.optional() }), z.array(LogEntry), {
    doc: 'The decisions in order.',
  }),
});
