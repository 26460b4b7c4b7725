// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { RunRow, Source, Uuid } from '../types.ts';

/** Results of other programs. */
export const resultsApi = defineApi('results', {
  recognise: query(
    z.object({ source: Source }),
    z.object({ kind: z.object({ program: z.string(), title: z.string() }).nullable() }),
    { doc: 'Which program’s result a file or folder is; null when it is none that can be read.' },
  ),
  import: command(
    z.object({
      source: Source,
      /** The recording it was computed from; its frames must have the same size and number. */
      recordingUuid: Uuid.optional(),
      fps: z.number().positive().optional(),
      subject: z.string().optional(),
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
    { doc: 'Adds another program’s result as a finished run; the file is read, not changed.' },
  ),
});
