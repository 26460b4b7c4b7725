// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { defineApi, subscription } from '../define.ts';
import { packedFilms, Uuid } from '../types.ts';

export const PackReport = z.object({
  runUuid: Uuid,
  /** Absolute. */
  file: z.string(),
  bytes: z.number(),
  files: z.number().int(),
  decisions: z.number().int(),
  raters: z.array(z.string()),
  /** Films in the package, and what kind. */
  films: z.object({ kind: z.enum(packedFilms), count: z.number().int(), bytes: z.number() }),
});
export type PackReport = z.infer<typeof PackReport>;

export const UnpackReport = z.object({
  runUuid: Uuid,
  runName: z.string(),
  sessionName: z.string(),
  decisionsOnly: z.boolean(),
  /** The run was here before. */
  wasHere: z.boolean(),
  /** Rows added, by table. */
  rows: z.record(z.string(), z.number().int()),
  /** Files added. */
  files: z.number().int(),
  curations: z.number().int(),
  decisions: z.number().int(),
  edits: z.number().int(),
  /** Curations that went on in two places: what came stands beside what was here. */
  branches: z.number().int(),
  /** Cells that raters had settled. */
  settled: z.number().int(),
  /** Times that limits had been kept with the run. */
  limits: z.number().int(),
  /** Nothing was new. */
  unchanged: z.boolean(),
});
export type UnpackReport = z.infer<typeof UnpackReport>;

const Moment = { step: z.string(), fraction: z.number() };

/** Runs and decisions on their way between libraries: one file a package (docs/formats.md). */
export const travelApi = defineApi('travel', {
  pack: subscription(
    z.object({
      runUuid: Uuid,
      /** Absolute. */
      file: z.string().min(1),
      movie: z.enum(packedFilms).default('proxy'),
      /** Judgements and edits alone, for a library that has the run. */
      decisionsOnly: z.boolean().default(false),
      overwrite: z.boolean().default(false),
    }),
    z.object({ ...Moment, report: PackReport.nullable() }),
    {
      doc: 'Writes a finished run, or what was decided on it, as one file; the last value has the report.',
      audience: 'local',
    },
  ),
  unpack: subscription(
    z.object({
      /** Absolute. */
      file: z.string().min(1),
      /** Go on from the sender’s decisions where nobody has judged the run here; else it is judged afresh and theirs stand beside. */
      goOn: z.boolean().default(false),
    }),
    z.object({ ...Moment, report: UnpackReport.nullable() }),
    {
      doc: 'Adds a package to this library; what is here is never changed, and a second time adds nothing.',
      audience: 'local',
    },
  ),
});
