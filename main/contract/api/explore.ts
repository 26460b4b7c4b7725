// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query, stream, subscription } from '../define.ts';
import { CellLabel, Rater, Uuid } from '../types.ts';
import { ParameterValues } from './processing.ts';
import { traceKinds } from './review.ts';

/** Which cells: `kept` are accepted ones and, where nobody has decided, suggested ones. */
export const cellChoices = ['kept', 'accepted', 'all'] as const;
const Choice = z.object({ runUuid: Uuid, cells: z.enum(cellChoices).default('kept') });
const Trace = z.enum(traceKinds);
const Numbers = z.array(z.number().nullable());
const Rows = z.array(z.number().int());

const Around = Choice.extend({
  trace: Trace,
  alignment: z.string(),
  /** A frame’s interval when absent. */
  binS: z.number().positive().optional(),
  /** `type`, or an attribute of trials (those of blocks are `block.<name>`): a condition for each value; all trials together when absent. */
  by: z.string().optional(),
  /** Standard deviations of each cell over the recording, or the trace’s own unit. */
  scale: z.enum(['z', 'own']).default('z'),
});

const Averaged = z.object({
  name: z.string(),
  trials: z.number().int(),
  mean: Numbers,
  low: Numbers,
  high: Numbers,
});

export const MatchRow = z.object({
  uuid: Uuid,
  createdAt: z.string(),
  runUuids: z.array(Uuid),
  umPerPx: z.number(),
  groups: z.number().int(),
  inSeveral: z.number().int(),
  accepted: z.number().int(),
  rejected: z.number().int(),
});
export type MatchRow = z.infer<typeof MatchRow>;

export const MatchDetail = MatchRow.extend({
  sessions: z.array(
    z.object({
      runUuid: Uuid,
      sessionUuid: Uuid,
      name: z.string(),
      startedAt: z.string().nullable(),
      tzOffsetMin: z.number().int().nullable(),
      cells: z.number().int(),
      /** How the content lies against the first session: down and right, px. */
      shiftPx: z.object({ y: z.number(), x: z.number() }),
      rotationDegrees: z.number(),
      height: z.number().int(),
      width: z.number().int(),
    }),
  ),
  /** Share of matches that chance would make, by the two populations of scores; null where it cannot be told. */
  falseMatchRate: z.number().nullable(),
  /** Cells of one session too. */
  groupList: z.array(
    z.object({
      index: z.number().int(),
      score: z.number().nullable(),
      label: CellLabel,
      members: z.array(z.object({ session: z.number().int(), row: z.number().int(), score: z.number().nullable() })),
    }),
  ),
  log: z.array(z.object({ at: z.string(), rater: Rater, groups: z.array(z.number().int()), to: CellLabel })),
  canUndo: z.boolean(),
});
export type MatchDetail = z.infer<typeof MatchDetail>;

/** Many cells at once, two runs, several sessions. */
export const exploreApi = defineApi('explore', {
  provenance: query(
    z.object({ runUuid: Uuid }),
    z.object({
      runUuid: Uuid,
      session: z.string(),
      subject: z.string().nullable(),
      recordings: z.array(Uuid),
      programVersion: z.string(),
      engineVersion: z.string().nullable(),
      curation: z
        .object({
          uuid: Uuid,
          version: z.number().int(),
          frozen: z.boolean(),
          accepted: z.number().int(),
          rejected: z.number().int(),
        })
        .nullable(),
      parameters: ParameterValues,
      /** The same for equal parameters. */
      parameterSetUuid: Uuid,
    }),
    { doc: 'Where the numbers of a plot come from: what an export says of itself.' },
  ),
  options: query(
    z.object({ runUuid: Uuid }),
    z.object({
      cells: z.object({ kept: z.number().int(), accepted: z.number().int(), all: z.number().int() }),
      traces: z.array(Trace),
      alignments: z.array(z.string()),
      /** Trials of the session; 0 where nothing was recorded of the behaviour. */
      trials: z.number().int(),
      /** What trials can be told apart by. */
      conditions: z.array(z.string()),
      orientation: z.boolean(),
      position: z.boolean(),
    }),
    { doc: 'What can be shown of a run.' },
  ),
  population: stream(
    Choice.extend({ trace: Trace, binS: z.number().positive().max(3600) }),
    z.object({
      rows: Rows,
      columns: z.number().int(),
      /** Bins of the correlation, widened where there would be too many. */
      binS: z.number(),
      startS: z.number(),
      /** Width of a column of the raster, s. */
      columnS: z.number(),
      eventsPerMin: Numbers,
      firstComponent: z.object({ share: z.number(), loadings: z.array(z.number()) }),
      /** Positions in `rows`, first to last. */
      orders: z.object({ row: Rows, rate: Rows, component: Rows, position: Rows, cluster: Rows }),
    }),
    z.never(),
    { doc: 'One packet: n × columns float32 activity in standard deviations, then n × n float32 correlations.' },
  ),
  around: stream(
    Around,
    z.object({
      rows: Rows,
      alignment: z.string(),
      binS: z.number(),
      timesS: z.array(z.number()),
      /** Mean over cells with its standard error. */
      conditions: z.array(Averaged),
      warnings: z.array(z.string()),
    }),
    z.never(),
    { doc: 'One packet: conditions × cells × bins float32 means over trials, NaN where nothing was recorded.' },
  ),
  aroundCell: query(
    Around.extend({ row: z.number().int().min(0) }),
    z.object({
      timesS: z.array(z.number()),
      /** Mean over trials with its 95 % confidence band. */
      conditions: z.array(Averaged),
      trials: z.array(z.object({ condition: z.number().int(), values: Numbers })),
    }),
    { doc: 'Every trial of one cell around an event.' },
  ),
  orientation: query(
    Choice.extend({ trace: Trace, bins: z.number().int().min(4).max(120).default(36) }),
    z.object({
      bins: z.number().int(),
      occupancyS: z.array(z.number()),
      /** Time without a valid orientation. */
      unknownS: z.number(),
      cells: z.array(
        z.object({
          row: z.number().int(),
          means: Numbers,
          /** Length of the mean vector, 0 to 1. */
          length: z.number().nullable(),
          preferredDeg: z.number().nullable(),
        }),
      ),
      course: z.array(z.object({ timeS: z.number().nullable(), yawDeg: z.number().nullable() })),
    }),
    { doc: 'How each cell’s activity depends on the direction of the head (turn about the upright axis).' },
  ),
  place: stream(
    Choice.extend({ trace: Trace, bin: z.number().positive(), leastSpeed: z.number().min(0).default(0) }),
    z.object({
      rows: Rows,
      columns: z.number().int(),
      lines: z.number().int(),
      left: z.number(),
      top: z.number(),
      bin: z.number(),
      unit: z.string(),
      /** Bits by Skaggs. */
      information: Numbers,
    }),
    z.never(),
    {
      doc: 'One packet: lines × columns float32 occupancy in s, then the same of activity for each cell, NaN where the animal never was.',
    },
  ),
  profiles: stream(
    Choice.extend({ beforeS: z.number().min(0).max(60).default(1), afterS: z.number().min(0).max(60).default(4) }),
    z.object({ rows: Rows, timesS: z.array(z.number()), events: z.array(z.number().int()) }),
    z.never(),
    { doc: 'One packet: cells × times float32, the mean ΔF/F around the beginnings of each cell’s events.' },
  ),
  compareRuns: query(
    z.object({
      runA: Uuid,
      runB: Uuid,
      cells: z.enum(cellChoices).default('kept'),
      /** Cosine of footprints from which two cells are the same. */
      least: z.number().min(0).max(1).default(0.5),
    }),
    z.object({
      matched: z.array(
        z.object({
          rowA: z.number().int(),
          rowB: z.number().int(),
          similarity: z.number(),
          /** Of the denoised traces; null where the films differ. */
          traceR: z.number().nullable(),
        }),
      ),
      onlyA: Rows,
      onlyB: Rows,
      /** Parameters that differ. */
      parameters: z.array(z.object({ name: z.string(), a: z.json(), b: z.json() })),
    }),
    { doc: 'Which cells two runs of one field share, which only one has, and what they were asked differently.' },
  ),
  matches: query(z.object({}), z.array(MatchRow), { doc: 'Comparisons of sessions that were made, newest first.' }),
  match: query(z.object({ matchUuid: Uuid }), MatchDetail, {
    doc: 'One comparison with its cells and what was decided.',
  }),
  matchSessions: subscription(
    z.object({
      /** Finished runs, a session each. */
      runUuids: z.array(Uuid).min(2).max(60),
      umPerPx: z.number().min(0.05).max(50),
      /** Rejected cells take part too. */
      allCells: z.boolean().default(false),
    }),
    z.object({
      step: z.string(),
      overall: z.number(),
      warnings: z.array(z.string()),
      /** The last value has it. */
      matchUuid: Uuid.nullable(),
    }),
    { doc: 'Finds the same cells in several sessions and keeps what was found; leaving cancels.' },
  ),
  decideMatches: command(
    z.object({ matchUuid: Uuid, raterUuid: Uuid, groups: z.array(z.number().int().min(0)).min(1), to: CellLabel }),
    MatchDetail,
    { doc: 'Accepts or rejects matches: one step of an append-only log.' },
  ),
  undoMatches: command(z.object({ matchUuid: Uuid, raterUuid: Uuid }), MatchDetail, {
    doc: 'Takes the newest step back by one more.',
  }),
});
