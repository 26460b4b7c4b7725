// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { ImportPreview, RunRow, SessionRow, Source, Uuid } from '../types.ts';

/** Recordings of the library. */
export const sessionsApi = defineApi('sessions', {
  preview: query(z.object({ source: Source, fps: z.number().positive().optional() }), ImportPreview, {
    doc: 'What was recognised in a folder or film, and what an import would do (dry run).',
  }),
  import: command(
    z.object({
      source: Source,
      /** Only this device's films; all miniscopes when absent. */
      device: z.string().optional(),
      fps: z.number().positive().optional(),
      subject: z.string().optional(),
    }),
    z.object({ session: SessionRow, alreadyImported: z.boolean() }),
    { doc: 'Links a session folder into the library; files are not copied or changed.' },
  ),
  list: query(z.object({ search: z.string().optional() }), z.array(SessionRow), { doc: 'Sessions, newest first.' }),
  get: query(z.object({ sessionUuid: Uuid }), z.object({ session: SessionRow, runs: z.array(RunRow) }), {
    doc: 'One session with its runs.',
  }),
  sample: query(z.object({}), z.object({ available: z.boolean(), sessionUuid: Uuid.nullable() }), {
    doc: 'The sample session that ships with the program.',
  }),
  openSample: command(z.object({}), z.object({ session: SessionRow }), { doc: 'Imports the sample session (once).' }),
});
