// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { defineApi, query } from '../define.ts';

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

/** The library as a database: questions, trust, travel. */
export const libraryApi = defineApi('library', {
  views: query(z.object({}), z.array(ViewInfo), { doc: 'Views with natural keys, and the tables behind them.' }),
  query: query(Selection, Rows, { doc: 'Restriction, join, projection and aggregation over the views.' }),
  sql: query(z.object({ sql: z.string().min(1).max(100_000), ...Paging }), Rows, {
    doc: 'One SELECT, which can read and nothing else; ended when it takes too long.',
  }),
});
