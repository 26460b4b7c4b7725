// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query, subscription } from '../define.ts';
import { Uuid } from '../types.ts';

/** A value of a table as it is shown: byte strings are lower-case hex (16 bytes: a uuid), whole numbers beyond 2^53 are text. */
export const Scalar = z.union([z.string(), z.number(), z.null()]);
export type Scalar = z.infer<typeof Scalar>;

const comparisons = ['=', '<>', '<', '<=', '>', '>='] as const;

/**
 * A restriction. A comparison is with a value or with another column; `all`, `any` and `not` put restrictions together. Names of columns
 * are checked against the view's, values are bound: nothing a caller gives becomes SQL.
 */
export const Condition = z.union([
  z.object({ column: z.string(), is: z.enum(comparisons), value: z.union([z.string(), z.number()]) }),
  z.object({ column: z.string(), is: z.enum(comparisons), other: z.string() }),
  z.object({ column: z.string(), oneOf: z.array(z.union([z.string(), z.number()])).max(10_000) }),
  z.object({ column: z.string(), like: z.string() }),
  z.object({ column: z.string(), isNull: z.boolean() }),
  z.object({
    get all(): z.ZodArray<z.ZodType<Condition>> {
      return z.array(Condition);
    },
  }),
  z.object({
    get any(): z.ZodArray<z.ZodType<Condition>> {
      return z.array(Condition);
    },
  }),
  z.object({
    get not(): z.ZodType<Condition> {
      return Condition;
    },
  }),
]) as z.ZodType<Condition>;
export type Condition =
  | { readonly column: string; readonly is: (typeof comparisons)[number]; readonly value: string | number }
  | { readonly column: string; readonly is: (typeof comparisons)[number]; readonly other: string }
  | { readonly column: string; readonly oneOf: readonly (string | number)[] }
  | { readonly column: string; readonly like: string }
  | { readonly column: string; readonly isNull: boolean }
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

/** A restriction as a value or as text: `subject = 'm1' and fps > 20`. */
const Where = z.union([z.string().max(100_000), Condition]);

export const aggregates = ['count', 'sum', 'avg', 'min', 'max'] as const;

/** A column of the answer as a value or as text: `fps`, `rate=fps`, `n=count(*)`, `max(nframes)`. */
const Projection = z.union([
  z.string(),
  z.object({
    column: z.string(),
    as: z.string().optional(),
    aggregate: z.enum(aggregates).optional(),
    distinct: z.boolean().optional(),
  }),
]);

/** Most rows of one answer; further ones with `offset`. */
export const mostRows = 20_000;

const Paging = {
  limit: z.number().int().min(1).max(mostRows).default(1000),
  offset: z.number().int().min(0).default(0),
  /** The answer must be there after so long, ms. */
  timeoutMs: z.number().int().min(10).max(300_000).default(10_000),
};

/** What is asked of the natural-key views (datamodel.md 1.11): restriction, join, projection, aggregation. */
export const Selection = z.object({
  /** `Session`, `dj_Session`, `RecordingInfo.File`; a table's name where no view has it. */
  view: z.string(),
  /** Rows that fit on all columns with the same name are joined; `left` keeps rows without a partner. */
  join: z.array(z.object({ view: z.string(), kind: z.enum(['inner', 'left']).default('inner') })).default([]),
  /** All must hold. */
  where: z.array(Where).default([]),
  /** Only rows that have (or, with `absent`, have not) a partner in that view, itself restricted. */
  partners: z
    .array(z.object({ view: z.string(), where: z.array(Where).default([]), absent: z.boolean().default(false) }))
    .default([]),
  /** All when empty; with an aggregate the others are what is grouped by. */
  columns: z.array(Projection).default([]),
  /** `fps`, `-fps` or `fps desc`. */
  order: z.array(z.string()).default([]),
  distinct: z.boolean().default(false),
  ...Paging,
});
export type Selection = z.infer<typeof Selection>;

export const Rows = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(Scalar)),
  /** More rows follow than the limit let through. */
  truncated: z.boolean(),
});
export type Rows = z.infer<typeof Rows>;

export const ViewInfo = z.object({
  /** As it is written in a query. */
  name: z.string(),
  kind: z.enum(['view', 'table']),
  columns: z.array(z.string()),
});
export type ViewInfo = z.infer<typeof ViewInfo>;

/** What is to be deleted: `key` names one row (an id, or `subject:m1`), or rows of a table are restricted. */
export const DeleteTarget = z.object({
  key: z.string().max(1000).optional(),
  table: z.string().max(100).optional(),
  where: z.array(Where).optional(),
});

const Counts = z.array(z.object({ table: z.string(), rows: z.number().int() }));

export const DeletionPreview = z.object({
  what: z.string(),
  counts: Counts,
  /** Relative to the library. Recordings are never deleted. */
  folders: z.array(z.string()),
});
export type DeletionPreview = z.infer<typeof DeletionPreview>;

export const Deletion = DeletionPreview.extend({
  uuid: Uuid,
  at: z.string(),
  /** Until then it can be undone, and files are kept. */
  purgeAfter: z.string(),
  state: z.enum(['held', 'undone', 'purged']),
});
export type Deletion = z.infer<typeof Deletion>;

export const BackupInfo = z.object({ file: z.string(), bytes: z.number(), at: z.string(), kind: z.string() });
export type BackupInfo = z.infer<typeof BackupInfo>;

const DamagedFile = z.object({
  /** Relative to the library. */
  file: z.string(),
  what: z.enum(['missing', 'size', 'hash']),
  /** Where the damaged file was put, relative to the library; null when it stays or is missing. */
  quarantined: z.string().nullable(),
});

export const VerifyReport = z.object({
  integrity: z.array(z.string()),
  foreignKeys: z.array(z.object({ table: z.string(), parent: z.string(), rows: z.number().int() })),
  filesChecked: z.number().int(),
  bytesChecked: z.number(),
  damaged: z.array(DamagedFile),
  /** Files that were missing or damaged before and are whole again. */
  recovered: z.array(z.string()),
  /** Folders and files that no row of the library names. */
  orphans: z.array(z.string()),
  /** Folders of deletions that can still be undone. */
  held: z.array(z.string()),
  ok: z.boolean(),
});
export type VerifyReport = z.infer<typeof VerifyReport>;

export const Diagram = z.object({
  width: z.number(),
  height: z.number(),
  nodes: z.array(
    z.object({
      table: z.string(),
      name: z.string(),
      element: z.string(),
      tier: z.string(),
      rows: z.number().int(),
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
    }),
  ),
  edges: z.array(
    z.object({
      child: z.string(),
      parent: z.string(),
      /** Part of the natural key, a part of its master, or another reference. */
      kind: z.enum(['key', 'secondary', 'part']),
      points: z.array(z.object({ x: z.number(), y: z.number() })),
    }),
  ),
});
export type Diagram = z.infer<typeof Diagram>;

/** The library as a database: questions, trust, travel. */
export const libraryApi = defineApi('library', {
  views: query(z.object({}), z.array(ViewInfo), { doc: 'Views with natural keys, and the tables behind them.' }),
  query: query(Selection, Rows, { doc: 'Restriction, join, projection and aggregation over the views.' }),
  sql: query(z.object({ sql: z.string().min(1).max(100_000), ...Paging }), Rows, {
    doc: 'One SELECT, which can read and nothing else; ended when it takes too long.',
  }),
  diagram: query(z.object({ internal: z.boolean().default(false) }), Diagram, {
    doc: 'Tables with tiers, edges and row counts, laid out.',
  }),
  deletePreview: query(DeleteTarget, DeletionPreview, { doc: 'What a deletion would take with it.' }),
  delete: command(
    DeleteTarget.extend({
      graceMs: z
        .number()
        .int()
        .min(0)
        .max(366 * 86_400_000)
        .default(7 * 86_400_000),
    }),
    Deletion,
    { doc: 'Deletes rows with all that depends on them; can be undone until its grace time is over.' },
  ),
  deletions: query(z.object({}), z.array(Deletion), { doc: 'Deletions, newest first.' }),
  undelete: command(z.object({ uuid: Uuid }), Deletion, { doc: 'Brings back what a deletion took.' }),
  purge: command(z.object({ uuid: Uuid }), Deletion, { doc: 'Removes what a deletion took for good.' }),
  backup: command(z.object({ to: z.string().optional() }), BackupInfo, {
    doc: 'Copies the database while it is in use and checks the copy; `to` is a further absolute folder.',
    audience: 'local',
  }),
  backups: query(z.object({}), z.array(BackupInfo), { doc: 'Backups, newest first.' }),
  verify: subscription(
    z.object({ quarantine: z.boolean().default(true) }),
    z.object({ done: z.number().int(), total: z.number().int(), report: VerifyReport.nullable() }),
    { doc: 'Checks the database and every file a run names; the last value has the report.' },
  ),
});
