// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { RunRow, Source, Uuid } from '../types.ts';
import { ForJob } from './processing.ts';

const Marks = z.union([Source, z.object({ runUuid: Uuid })]);

/** Results of other programs. */
export const resultsApi = defineApi('results', {
  recognise: query(
    z.object({ source: Source }),
    z.object({ kind: z.object({ program: z.string(), title: z.string() }).nullable() }),
    { doc: 'Which program’s result a file or folder is; null when it is none that can be read.' },
  ),
  preview: query(
    z.object({
      source: Source,
      recordingUuid: Uuid.optional(),
      fps: z.number().positive().optional(),
      /** Names this look for `interop.progress`. */
      ticket: Uuid.optional(),
    }),
    z.object({
      program: z.string(),
      version: z.string().nullable(),
      cells: z.number().int(),
      height: z.number().int(),
      width: z.number().int(),
      frames: z.number().int(),
      fps: z.number().nullable(),
      findings: z.array(z.string()),
    }),
    { doc: 'What an import would bring: the result is read whole, so that what would be refused is refused now.' },
  ),
  outputDir: query(
    z.object({
      /** A recording, or a run: then its first recording. */
      target: Uuid,
      /** Number, uuid, hash or description; of a run its own when absent. */
      parameterSet: z.string().max(300).optional(),
      /** CaImAn's, or that of the parameter set when absent. */
      method: z.string().max(100).optional(),
      /** Absolute; the folder the session's directory is below when absent. */
      root: z.string().optional(),
    }),
    z.object({ relative: z.string(), folder: z.string() }),
    {
      doc: 'Where element-miniscope’s workflow looks for the result of a task: root / session_dir / method_paramset.',
      audience: 'local',
    },
  ),
  places: query(
    z.object({ source: Source, recordingUuid: Uuid.optional() }),
    z.object({
      /** As the parameter `givenSeeds` takes them. */
      text: z.string(),
      count: z.number().int(),
      findings: z.array(z.string()),
    }),
    {
      doc: 'Places of cells in outlines of ImageJ or a table with x and y (px); those outside the recording are told.',
    },
  ),
  outlineAgreement: query(
    z.object({
      /** Outlines of ImageJ (a ZIP of ROIs, or one) of a person, or a run: then the cells that count as such in it. */
      first: Marks,
      second: Marks,
      /** Largest distance between centres of one cell, px. */
      mostPx: z.number().positive().max(1000).default(10),
    }),
    z.object({
      first: z.array(z.string()),
      second: z.array(z.string()),
      pairs: z.array(
        z.object({
          first: z.number().int(),
          second: z.number().int(),
          distancePx: z.number(),
          overlap: z.number(),
        }),
      ),
      onlyFirst: z.array(z.number().int()),
      onlySecond: z.array(z.number().int()),
      f1: z.number().nullable(),
      findings: z.array(z.string()),
    }),
    {
      doc: 'How far outlines of two people, or those of one and a run, agree: pairs by their centres, what only one has, F1.',
    },
  ),
  import: command(
    z.object({
      /** Absent: the folder where element-miniscope's workflow would look, see `outputDir`. */
      source: Source.optional(),
      /** The recording it was computed from; its frames must have the same size and number. */
      recordingUuid: Uuid.optional(),
      fps: z.number().positive().optional(),
      subject: z.string().optional(),
      /** Of outlines: initials of who drew them; they are that rater’s judgement then. */
      rater: z.string().trim().min(1).max(8).optional(),
      /** Number, uuid, hash or description of the parameter set it was made with. */
      parameterSet: z.string().max(300).optional(),
      /** Processed root (absolute), where no source is named. */
      root: z.string().optional(),
      /** The claimed job it is done for; without one it becomes a job of its own. */
      job: ForJob.optional(),
      /** Names this import for `interop.progress`. */
      ticket: Uuid.optional(),
    }),
    z.object({
      run: RunRow,
      program: z.string(),
      version: z.string().nullable(),
      height: z.number().int(),
      width: z.number().int(),
      frames: z.number().int(),
      fps: z.number().nullable(),
      findings: z.array(z.string()),
    }),
    {
      doc: 'Adds another program’s result as a finished run; the file is read, not changed. One that is cancelled leaves nothing behind.',
    },
  ),
});
