// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi } from '../define.ts';
import { FolderRef, Uuid } from '../types.ts';

/** A lab's DataJoint server with the tables of the miniscope workflow. */
export const datajointApi = defineApi('datajoint', {
  publish: command(
    z.object({
      /** A run, or a session: then its newest finished run. */
      target: Uuid,
      /** `mysql://user@host:port`, without a password. */
      url: z.string(),
      password: z.string().default(''),
      /** What the names of its databases begin with: `neuro_`. */
      prefix: z.string().regex(/^[A-Za-z0-9_]{1,40}$/, 'letters, digits and _'),
      /** Only say what would be inserted, and what stands in the way. */
      dryRun: z.boolean().default(false),
      /** Masks and shifts as x columns and y rows, or exchanged as element-miniscope writes them. */
      orientation: z.enum(['corrected', 'as-upstream']).default('corrected'),
      /** Values the server needs and the library does not know: `RecordingInfo.led_power` → `0`. */
      values: z.record(z.string().regex(/^[A-Za-z.]+\.[a-z0-9_]+$/), z.string()).default({}),
      /** Names this publication for `interop.progress`. */
      ticket: Uuid.optional(),
    }),
    z.object({
      /** Releases of element-miniscope that declare such tables. */
      generation: z.enum(['0.5', '0.4', '0.2-0.3', '0.1']),
      tables: z.array(z.object({ table: z.string(), inserted: z.number().int(), present: z.number().int() })),
      /** Why it cannot be published; only a dry run answers with them. */
      conflicts: z.array(z.string()),
      /** Rows that stay as the server has them. */
      notes: z.array(z.string()),
      isPublished: z.boolean(),
    }),
    {
      doc: 'Inserts a run and its session into a lab’s DataJoint tables, in one transaction that is read back before it counts.',
    },
  ),
  import: command(
    z.object({
      /** `mysql://user@host:port`, without a password. */
      url: z.string(),
      password: z.string().default(''),
      /** What the names of its databases begin with: `neuro_`. */
      prefix: z.string().regex(/^[A-Za-z0-9_]{1,40}$/, 'letters, digits and _'),
      /** This animal only. */
      subject: z.string().min(1).max(100).optional(),
      /** Absolute folder that the server's paths are relative to: sessions and results found there repair what rows have wrong. */
      root: z.string().optional(),
      /** The same folder as a window names it. */
      rootFolder: FolderRef.optional(),
      /** How x and y of masks and shifts are meant; `auto` looks for evidence. */
      orientation: z.enum(['auto', 'corrected', 'as-upstream']).default('auto'),
      /** Only say what would be added. */
      dryRun: z.boolean().default(false),
      /** Names this import for `interop.progress`. */
      ticket: Uuid.optional(),
    }),
    z.object({
      generation: z.enum(['0.5', '0.4', '0.2-0.3', '0.1']),
      /** By our names: rows that are added, and rows that are here. */
      tables: z.array(z.object({ table: z.string(), inserted: z.number().int(), present: z.number().int() })),
      /** Results that become runs, with what was repaired or is odd. */
      runs: z.array(z.object({ uuid: Uuid, name: z.string(), cells: z.number().int(), findings: z.array(z.string()) })),
      /** Results that are here already. */
      runsHere: z.number().int(),
      notes: z.array(z.string()),
      isImported: z.boolean(),
    }),
    {
      doc: 'Brings a lab’s DataJoint databases into the library: read as of one moment, added whole or not at all; the server is only read.',
    },
  ),
});
