// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { defineApi, query, subscription } from '../define.ts';

export const AppInfo = z.object({
  version: z.string(),
  contractVersion: z.number().int(),
  library: z.object({
    name: z.string(),
    readOnly: z.boolean(),
    readOnlyReason: z.string().nullable(),
    /** Why its folder is no good place for it (a network disk, a synchronised folder); null where it is. */
    placeProblem: z.string().nullable(),
  }),
  engineVersion: z.string().nullable(),
  threads: z.number().int(),
  memoryBytes: z.number(),
});
export type AppInfo = z.infer<typeof AppInfo>;

export const DoctorCheck = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['ok', 'warning', 'problem']),
  detail: z.string(),
  /** The command or act that mends it. */
  fix: z.string().optional(),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;

/** What this program is, and what changed in it. */
export const appApi = defineApi('app', {
  info: query(z.object({}), AppInfo, { doc: 'Version, library and limits of this machine.' }),
  doctor: query(z.object({}), z.array(DoctorCheck), { doc: 'Checks of engine, ffmpeg, library and disk.' }),
  windowAddress: query(z.object({}), z.object({ windowAddress: z.string().nullable() }), {
    doc: 'The address of the window, with its token; null where no window is served.',
    audience: 'local',
  }),
  changes: subscription(
    z.object({}),
    z.object({ topic: z.enum(['sessions', 'runs', 'curation']), uuid: z.string().nullable() }),
    {
      doc: 'Says what changed, so that lists can be asked for again.',
    },
  ),
});
