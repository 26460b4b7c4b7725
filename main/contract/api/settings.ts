// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';

/** A rig's name: that of its file. */
const RigId = z
  .string()
  .regex(/^[^\\/:*?"<>|.\s][^\\/:*?"<>|]{0,79}$/, 'A name without \\ / : * ? " < > | that does not begin with a dot.');

export const RigSummary = z.object({
  id: RigId,
  /** Types of its scopes, `simulated` for the practice rig. */
  kind: z.string(),
  /** Why it cannot be used as it is; null when it can. */
  problem: z.string().nullable(),
});
export type RigSummary = z.infer<typeof RigSummary>;

/** Something about the text of a rig, with its place. */
export const RigRemark = z.object({
  severity: z.enum(['problem', 'info']),
  /** From 1; null for the text as a whole. */
  line: z.number().int().nullable(),
  /** Keys from the top. */
  path: z.array(z.string()),
  message: z.string(),
});
export type RigRemark = z.infer<typeof RigRemark>;

export const ScopeTypeInfo = z.object({
  type: z.string(),
  label: z.string(),
  width: z.number().int(),
  height: z.number().int(),
  /** Values of each control that is chosen from a list, as a configuration names them. */
  choices: z.record(z.string(), z.array(z.string())),
  /** Bounds of the others. */
  ranges: z.record(z.string(), z.object({ min: z.number(), max: z.number(), step: z.number() })),
});
export type ScopeTypeInfo = z.infer<typeof ScopeTypeInfo>;

/** Limits of runs; null: what this machine suggests. */
export const ProcessingSettings = z.object({
  threads: z.number().int().min(1).max(4096).nullable(),
  memoryBytes: z
    .number()
    .int()
    .min(64 * 1024 ** 2)
    .nullable(),
  cacheBytes: z.number().int().min(0).nullable(),
});
export type ProcessingSettings = z.infer<typeof ProcessingSettings>;

const Amount = z.object({ bytes: z.number(), files: z.number().int() });

/** How this machine is set: kept in the user's own folder, beside no library. */
export const settingsApi = defineApi('settings', {
  rigs: query(z.object({}), z.object({ rigs: z.array(RigSummary), scopeTypes: z.array(ScopeTypeInfo) }), {
    doc: 'Rigs of this user, and the scope types that a rig may name.',
  }),
  rig: query(z.object({ id: RigId }), z.object({ text: z.string() }), {
    doc: 'A rig as it is written: a Miniscope-DAQ configuration.',
  }),
  checkRig: query(z.object({ text: z.string().max(1_000_000) }), z.array(RigRemark), {
    doc: 'What is wrong in a rig, and what is not known here and kept, by line.',
  }),
  saveRig: command(
    z.object({ id: RigId, text: z.string().max(1_000_000), replace: z.boolean().default(true) }),
    z.object({}),
    {
      doc: 'Saves a rig whole; one that is wrong is refused.',
    },
  ),
  removeRig: command(z.object({ id: RigId }), z.object({}), { doc: 'Removes a rig’s file.' }),
  processing: query(
    z.object({}),
    ProcessingSettings.extend({
      /** What this machine has. */
      machine: z.object({ threads: z.number().int(), memoryBytes: z.number() }),
      /** What holds where nothing else is said. */
      suggested: z.object({ threads: z.number().int(), memoryBytes: z.number(), cacheBytes: z.number() }),
    }),
    { doc: 'Limits of runs on this machine.' },
  ),
  setProcessing: command(ProcessingSettings.partial(), ProcessingSettings, {
    doc: 'Changes limits of runs; those under way keep theirs.',
  }),
  storage: query(
    z.object({}),
    z.object({
      library: z.object({
        name: z.string(),
        place: z.string(),
        databaseBytes: z.number(),
        readOnly: z.string().nullable(),
      }),
      runs: Amount,
      cache: Amount,
      backups: Amount,
      logs: Amount,
      quarantine: Amount,
      disk: z.object({ freeBytes: z.number(), totalBytes: z.number() }),
      /** Folders below which recordings are looked for. */
      roots: z.array(z.object({ name: z.string(), freeBytes: z.number().nullable() })),
    }),
    { doc: 'What lies where, and how much room is left.' },
  ),
  clearCache: command(z.object({}), z.object({ freedBytes: z.number() }), {
    doc: 'Removes kept results of stages that no run uses now.',
  }),
  backup: command(z.object({}), z.object({ file: z.string(), bytes: z.number() }), {
    doc: 'Copies the library’s database into its backups and checks the copy.',
  }),
  measureDisk: command(z.object({}), z.object({ bytesPerSecond: z.number() }), {
    doc: 'Writes a small file beside the library and says how fast that went.',
  }),
});
