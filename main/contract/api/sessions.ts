// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { ImportPreview, RunRow, SessionRow, Source, Uuid } from '../types.ts';

/** What a list shows of a session beside the session itself. */
export const SessionFacts = z.object({
  uuid: Uuid,
  bytes: z.number(),
  /** Where it lies, as a person calls it: a data root, a drive, the home folder. */
  place: z.string(),
  tags: z.array(z.string()),
  note: z.string(),
  /** What was written down while it was recorded. */
  remarks: z.string(),
  projects: z.array(z.string()),
  /** Where in the brain, by its short names. */
  locations: z.array(z.string()),
  /** Frames that the board counted and that are not there; null where nothing tells. */
  missing: z.number().int().nullable(),
  suggested: z.number().int().nullable(),
  /** The newest look at every byte; null before the first. */
  verified: z.object({ at: z.string(), sound: z.boolean() }).nullable(),
});
export type SessionFacts = z.infer<typeof SessionFacts>;

export const SessionVerdict = z.object({
  at: z.string(),
  sound: z.boolean(),
  devices: z.array(
    z.object({
      device: z.string(),
      frames: z.number().int(),
      missing: z.number().int().nullable(),
      /** Films whose SHA-256 was compared. */
      hashed: z.number().int(),
      films: z.number().int(),
      problems: z.array(z.string()),
    }),
  ),
});
export type SessionVerdict = z.infer<typeof SessionVerdict>;

/** Recordings of the library. */
export const sessionsApi = defineApi('sessions', {
  preview: query(
    z.object({ source: Source, fps: z.number().positive().optional(), dataset: z.string().optional() }),
    ImportPreview,
    {
      doc: 'What was recognised in a folder or film, and what an import would do (dry run).',
    },
  ),
  import: command(
    z.object({
      source: Source,
      /** Only this device's films; all miniscopes when absent. */
      device: z.string().optional(),
      fps: z.number().positive().optional(),
      subject: z.string().optional(),
      /** Array of an HDF5, NWB or zarr film, where the file holds several. */
      dataset: z.string().optional(),
      /** Names this import for `interop.progress`: films of other programs are rewritten. */
      ticket: Uuid.optional(),
    }),
    z.object({ session: SessionRow, alreadyImported: z.boolean() }),
    {
      doc: 'Links a session folder into the library; files are not copied or changed. A film of another program is rewritten in the library.',
    },
  ),
  list: query(
    z.object({
      /** In names, animals, devices, notes, tags and attributes. */
      search: z.string().max(1000).optional(),
      limit: z.number().int().min(1).max(20_000).optional(),
      offset: z.number().int().min(0).optional(),
    }),
    z.array(SessionRow),
    { doc: 'Sessions, newest first; all of them where no limit is given.' },
  ),
  get: query(z.object({ sessionUuid: Uuid }), z.object({ session: SessionRow, runs: z.array(RunRow) }), {
    doc: 'One session with its runs.',
  }),
  facts: query(z.object({}), z.array(SessionFacts), {
    doc: 'What lists of sessions show beside the sessions themselves: size, place, notes, tags, frames missing.',
  }),
  relink: command(
    z.object({ sessionUuid: Uuid, source: Source }),
    z.object({
      relinked: z.array(z.object({ uuid: Uuid, name: z.string() })),
      /** Sessions whose files are still not found. */
      stillMissing: z.number().int(),
    }),
    { doc: 'Says where a session’s films lie now; others that moved with it are found again, too.' },
  ),
  verify: command(z.object({ sessionUuid: Uuid }), SessionVerdict, {
    doc: 'Reads every byte of a session and compares films, rows and reports with each other; kept with the session.',
  }),
  annotate: command(
    z.object({
      sessionUuid: Uuid,
      note: z.string().max(20_000).optional(),
      tags: z.array(z.string().trim().min(1).max(60)).max(40).optional(),
      who: z.string().max(200).default(''),
    }),
    z.object({}),
    { doc: 'Note and tags of a session.' },
  ),
  sample: query(z.object({}), z.object({ available: z.boolean(), sessionUuid: Uuid.nullable() }), {
    doc: 'The sample session that ships with the program.',
  }),
  openSample: command(z.object({}), z.object({ session: SessionRow }), { doc: 'Imports the sample session (once).' }),
});
