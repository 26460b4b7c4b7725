// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { defineApi, query, stream } from '../define.ts';
import { Uuid } from '../types.ts';

/** A spread over frames. */
const Spread = z.object({ median: z.number(), p95: z.number(), largest: z.number() });

/** What registration did, as the engine's `motion_report.json` says it (docs/formats.md); what an engine did not say is null. */
export const MotionReport = z.object({
  shiftPx: Spread.nullable(),
  stepPx: Spread.nullable(),
  /** Height of the correlation's peak with the template, 0 … 1. */
  quality: z.object({ p5: z.number(), median: z.number() }).nullable(),
  unsureShare: z.number().nullable(),
  boundShare: z.number().nullable(),
  /** Sharpness of the average: as recorded, under whole-frame displacements, under those of blocks. */
  crispness: z.object({ recorded: z.number(), rigid: z.number(), piecewise: z.number().nullable() }).nullable(),
  piecewise: z.object({ used: z.boolean(), reason: z.string() }).nullable(),
  rotation: z.object({ typicalDeg: z.number(), largestDeg: z.number(), frames: z.number().int() }).nullable(),
  /** Root mean square of what blocks move beside the whole frame, px; by rows of blocks. */
  residualFlow: z
    .object({ rows: z.array(z.number()), columns: z.array(z.number()), rmsPx: z.array(z.number()) })
    .nullable(),
});
export type MotionReport = z.infer<typeof MotionReport>;

const Columns = z.array(z.number().nullable());

const Gap = z.object({
  /** Frame of the run before which frames are missing; null where the run does not hold it. */
  frame: z.number().int().nullable(),
  /** Missing there. */
  frames: z.number().int(),
  /** Seconds since the recording's start. */
  timeS: z.number(),
  where: z.enum(['link', 'disk']),
});

/** What a recording holds and lacks. What is not known is null. */
export const RecordingIntegrity = z.object({
  device: z.string(),
  /** Where it is known from: the report beside the films, their time stamps, or nothing. */
  source: z.enum(['report', 'time-stamps', 'none']),
  /** Why there is less than a report, in a sentence; null for a report. */
  note: z.string().nullable(),
  durationS: z.number().nullable(),
  saved: z.number().int().nullable(),
  expected: z.number().int().nullable(),
  missing: z.number().int().nullable(),
  /** Missing for certain, whatever else is unknown. */
  knownMissing: z.number().int().nullable(),
  gaps: z.array(Gap),
  /** Times for which the board's counter says nothing; the frame is the one before which it lies. */
  interruptions: z.array(z.object({ frame: z.number().int().nullable(), timeS: z.number(), seconds: z.number() })),
  unreadCounters: z.number().int().nullable(),
  blackFrames: z.number().int().nullable(),
  badOrientations: z.number().int().nullable(),
  longestIntervalMs: z.number().nullable(),
  usualIntervalMs: z.number().nullable(),
  jitterMs: z.number().nullable(),
  meanGrey: z.number().nullable(),
  saturatedShare: z.number().nullable(),
  failure: z.string().nullable(),
  stopped: z.string().nullable(),
});
export type RecordingIntegrity = z.infer<typeof RecordingIntegrity>;

export const BesideCamera = z.object({
  /** Name of the camera's folder. */
  name: z.string(),
  frames: z.number().int(),
  height: z.number().int(),
  width: z.number().int(),
  /** Of the run's frames those that the camera saw, 0 … 1. */
  seen: z.number(),
  /** Why it cannot be shown; null when it can. */
  problem: z.string().nullable(),
});
export type BesideCamera = z.infer<typeof BesideCamera>;

/** What was recorded beside a run's cells: movement, losses, behaviour cameras, the head. All by the run's frames, for its one cursor. */
export const recordedApi = defineApi('recorded', {
  motion: query(
    z.object({ runUuid: Uuid, columns: z.number().int().min(1).max(4000) }),
    z
      .object({
        /** Centre of each column: frame of the run. */
        frames: z.array(z.number()),
        /** Displacement of the content, px: least and most in each column. */
        dy: z.object({ low: Columns, high: Columns }),
        dx: z.object({ low: Columns, high: Columns }),
        /** Least correlation with the template in each column; null where the engine kept none. */
        quality: Columns.nullable(),
        report: MotionReport.nullable(),
      })
      .nullable(),
    {
      doc: 'How the picture moved over a run, and what registration did about it; null for a run without registration.',
    },
  ),
  integrity: query(z.object({ runUuid: Uuid }), z.array(RecordingIntegrity), {
    doc: 'What each recording of a run holds and lacks, and where in the run.',
  }),
  cameras: query(z.object({ runUuid: Uuid }), z.array(BesideCamera), {
    doc: 'Behaviour cameras recorded with a run. `frames.ticket` with a camera’s name shows its film.',
  }),
  cameraFrames: stream(
    z.object({ runUuid: Uuid, camera: z.string() }),
    z.object({ frames: z.number().int() }),
    z.never(),
    {
      doc: 'One packet: by frame of the run the camera’s frame nearest in time (int32, little-endian), −1 where there is none.',
    },
  ),
  head: stream(
    z.object({ runUuid: Uuid }),
    z.object({ frames: z.number().int(), known: z.number().int() }),
    z.never(),
    {
      doc: 'One packet: by frame of the run the head’s orientation nearest in time as a unit quaternion w, x, y, z (float32), NaN where there is none.',
    },
  ),
});
