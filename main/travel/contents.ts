// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { CellLabel, packedFilms, Uuid } from '../contract/types.ts';

/** Version of the package's form that this program writes and reads. */
export const packageVersion = 1;

/** Names of entries. */
export const [headName, recordsName, contentsName] = ['package.json', 'records.json', 'contents.json'];

/** Most bytes of an entry that is read as a whole. */
export const mostJson = 256 * 1024 * 1024;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime();

/** A path inside a folder: relative, forward slashes, never up. */
export const InnerPath = z
  .string()
  .min(1)
  .max(1000)
  .refine(
    (given) =>
      !given.startsWith('/') &&
      !/^[A-Za-z]:/.test(given) &&
      !/[\\\0]/.test(given) &&
      given.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'leads out of its folder',
  );

/** Which folder a file belongs to. */
export const Belongs = z.discriminatedUnion('to', [
  z.object({ to: z.literal('run') }),
  z.object({ to: z.literal('edit'), uuid: Uuid }),
  /** Relative to the session's folder. */
  z.object({ to: z.literal('session'), uuid: Uuid, recordingUuid: Uuid }),
  z.object({ to: z.literal('proxy'), recordingUuid: Uuid, frames: z.number().int().min(0) }),
]);
export type Belongs = z.infer<typeof Belongs>;

export const PackedFile = z.object({
  /** Entry of the archive. */
  name: z.string(),
  path: InnerPath,
  belongs: Belongs,
  bytes: z.number().int().min(0),
  sha256,
});
export type PackedFile = z.infer<typeof PackedFile>;

export const Head = z.object({
  formatVersion: z.number().int(),
  program: z.string(),
  packedAt: instant,
  kind: z.enum(['run', 'decisions']),
  runUuid: Uuid,
  movie: z.enum(packedFilms),
});

export const Contents = z.object({
  head: sha256,
  records: sha256,
  files: z.array(PackedFile).max(100_000),
});
export type Contents = z.infer<typeof Contents>;

const whole = z.number().int().min(0);
const Value = z.union([
  z.string(),
  z.number(),
  z.null(),
  z.strictObject({ hex: z.string().regex(/^([0-9a-f]{2})*$/) }),
  z.strictObject({ int: z.string().regex(/^-?\d{1,19}$/) }),
  z.strictObject({ row: whole }),
]);
const text = z.string();

const Entry = z.object({
  seq: whole,
  step: whole,
  kind: z.enum(['decide', 'undo', 'redo']),
  target: whole.nullable(),
  raterUuid: Uuid,
  cellUuid: Uuid,
  from: CellLabel,
  to: CellLabel,
  at: instant,
  context: text,
});

const Edit = z.object({
  step: whole,
  kind: z.enum(['edit', 'undo', 'redo']),
  target: whole.nullable(),
  raterUuid: Uuid,
  at: instant,
  uuid: Uuid.nullable(),
  request: text.nullable(),
  folder: text.nullable(),
  cells: z.array(
    z.object({
      cellUuid: Uuid,
      state: z.enum(['live', 'dark', 'gone']),
      made: z.boolean(),
      arrayRow: whole.nullable(),
      place: text.nullable(),
      metrics: text.nullable(),
    }),
  ),
});

/** `records.json`: the rows that travel. */
export const Records = z.object({
  runUuid: Uuid,
  runName: text,
  sessionName: text,
  migrations: z.array(whole),
  rows: z.array(z.object({ table: text, values: z.record(z.string(), Value) })),
  judgements: z.object({
    raters: z.array(
      z.object({ uuid: Uuid, initials: z.string().trim().min(1).max(8), name: text.nullable(), createdAt: instant }),
    ),
    curations: z.array(
      z.object({
        uuid: Uuid,
        ownerUuid: Uuid,
        parentUuid: Uuid.nullable(),
        version: z.number().int().min(1),
        createdAt: instant,
        frozenAt: instant.nullable(),
        receivedAt: instant.nullable(),
        second: z.boolean().optional(),
        log: z.array(Entry),
        edits: z.array(Edit),
      }),
    ),
    consensus: z
      .array(
        z.object({
          cellUuid: Uuid,
          label: z.enum(['accepted', 'rejected']),
          raterUuid: Uuid,
          at: instant,
          said: z.record(z.string(), CellLabel),
        }),
      )
      .optional(),
    limits: z.array(z.object({ raterUuid: Uuid, at: instant, limits: z.record(z.string(), z.number()) })).optional(),
  }),
});

/** Reads JSON of a package. @throws AppError `travel.damaged` */
export function parsed<T>(schema: z.ZodType<T>, entry: string, bytes: Uint8Array): T {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new AppError('travel.damaged', `This package is damaged: its ${entry} cannot be read. Nothing was added.`, {
      hint: 'Copy or pack it again.',
      cause: error,
    });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AppError(
    'travel.damaged',
    `This package is damaged: its ${entry} is not as it should be (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}). Nothing was added.`,
    { hint: 'Copy or pack it again.' },
  );
}
