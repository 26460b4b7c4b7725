// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { Source, Uuid } from '../types.ts';

const Program = z.enum(['deeplabcut', 'sleap', 'behavior-tracker', 'csv', 'mat']);
const Unit = z.enum(['px', 'cm']);
const Values = z.array(z.number().nullable());

/** A tracking of a session. */
export const PositionInfo = z.object({
  uuid: Uuid,
  sessionUuid: Uuid,
  name: z.string(),
  program: Program,
  /** Name of the file it was read from. */
  source: z.string(),
  addedAt: z.string(),
  samples: z.number().int(),
  /** Of x and y as they are kept. */
  unit: Unit,
  pxPerCm: z.number().nullable(),
  /** Times are the miniscope's; else the behaviour's, mapped by its clock. */
  onMiniscopeClock: z.boolean(),
  parts: z.array(z.string()),
  /** Part that stands for the animal. */
  mainPart: z.string(),
});
export type PositionInfo = z.infer<typeof PositionInfo>;

/** Pose and position. */
export const positionApi = defineApi('position', {
  add: command(
    z.object({
      sessionUuid: Uuid,
      source: Source,
      /** Times of the film's frames, where the file has none: a timeStamps.csv and the like. */
      times: Source.optional(),
      fps: z.number().positive().max(10_000).optional(),
      name: z.string().trim().min(1).max(100).optional(),
      part: z.string().max(200).optional(),
      pxPerCm: z.number().positive().max(1e6).optional(),
      unit: Unit.optional(),
      onMiniscopeClock: z.boolean().optional(),
      dryRun: z.boolean().optional(),
      /** Names this reading for `interop.progress`. */
      ticket: Uuid.optional(),
    }),
    z.object({
      /** Null in a dry run. */
      position: PositionInfo.nullable(),
      /** False when it was there already. */
      added: z.boolean(),
      /** What kind of file it is. */
      title: z.string(),
      program: Program,
      samples: z.number().int(),
      parts: z.array(z.string()),
      unit: Unit,
      mainPart: z.string(),
      onMiniscopeClock: z.boolean(),
      findings: z.array(z.string()),
    }),
    {
      doc: 'Reads a tracking (DeepLabCut, SLEAP, pose.csv, a table, MAT 5) and keeps it with the session’s behaviour recording; the file is not changed.',
    },
  ),
  list: query(z.object({ sessionUuid: Uuid.optional() }), z.array(PositionInfo), { doc: 'Trackings, newest first.' }),
  set: command(
    z.object({
      positionUuid: Uuid,
      pxPerCm: z.number().positive().max(1e6).optional(),
      mainPart: z.string().max(200).optional(),
    }),
    z.object({ position: PositionInfo }),
    { doc: 'Says the scale of a tracking, or which part stands for the animal.' },
  ),
  track: query(
    z.object({
      positionUuid: Uuid,
      /** The main part when absent. */
      part: z.string().max(200).optional(),
      /** Samples below it count as not seen; 0.9 when absent, 0 for SLEAP and MAT. */
      leastLikelihood: z.number().min(0).max(1).optional(),
      mostSamples: z.number().int().min(1).max(200_000).default(20_000),
    }),
    z.object({
      part: z.string(),
      unit: Unit,
      /** Miniscope time = offset + rate · behaviour time; as it was used. */
      clock: z.object({
        offsetS: z.number(),
        rate: z.number(),
        method: z.enum(['given', 'start-times', 'pulses', 'assumed']),
      }),
      /** All samples with a time; the lists may hold every n-th. */
      samples: z.number().int(),
      /** Share of them that was seen. */
      seen: z.number(),
      /** On the miniscope's clock. */
      timesS: Values,
      x: Values,
      y: Values,
      likelihood: Values.nullable(),
    }),
    { doc: 'One part of a tracking on the miniscope’s clock, in centimetres where the scale is known.' },
  ),
});
