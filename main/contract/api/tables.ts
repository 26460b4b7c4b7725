// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query } from '../define.ts';
import { Scalar } from './library.ts';

const Name = z.string().regex(/^[a-z][a-z0-9_]{0,80}$/);

/** How the values of a column are typed in: `reference` is a row of another table, `flag` is 0 or 1. */
export const columnKinds = [
  'text',
  'integer',
  'real',
  'flag',
  'day',
  'instant',
  'json',
  'choice',
  'reference',
  'uuid',
  'bytes',
] as const;

export const TableColumn = z.object({
  name: Name,
  kind: z.enum(columnKinds),
  /** What its values mean, a sentence of the catalogue. */
  text: z.string(),
  unit: z.string().nullable(),
  /** A value must be given: it may not be empty and has no default. */
  required: z.boolean(),
  /** May be null. */
  nullable: z.boolean(),
  /** What a new row gets where nothing is said; null: nothing. */
  preset: z.union([z.string(), z.number(), z.null()]),
  /** Part of the natural key. */
  key: z.boolean(),
  /** The table it refers to. */
  parent: Name.nullable(),
  choices: z.array(z.string()),
  /** The program fills it in. */
  own: z.boolean(),
});
export type TableColumn = z.infer<typeof TableColumn>;

export const TableInfo = z.object({
  table: Name,
  /** Name of the class in the DataJoint Elements. */
  className: z.string(),
  element: z.string(),
  tier: z.enum(['lookup', 'manual', 'imported', 'computed', 'part', 'internal']),
  text: z.string(),
  rows: z.number().int(),
  /** What makes a row known in this file. */
  primary: z.array(Name),
  columns: z.array(TableColumn),
  /** Tables whose rows refer to this one, with the column that does. */
  children: z.array(z.object({ table: Name, column: Name })),
  /** Why no row can be added by hand; null when one can. */
  noInsert: z.string().nullable(),
  /** Why no row can be changed by hand; null when one can. */
  noUpdate: z.string().nullable(),
});
export type TableInfo = z.infer<typeof TableInfo>;

/** A row's primary key by column. */
const Key = z.record(Name, Scalar);

export const TableRow = z.object({
  key: Key,
  values: z.array(Scalar),
  /** Names of the rows that references stand for, by column. */
  labels: z.record(Name, z.string()),
  /** It ships with the program and stays as it is. */
  builtin: z.boolean(),
});
export type TableRow = z.infer<typeof TableRow>;

export const Change = z.object({
  at: z.string(),
  /** Empty where nobody said so. */
  who: z.string(),
  table: z.string(),
  action: z.enum(['insert', 'update', 'delete']),
  key: z.record(z.string(), z.json()),
  /** The values that differ; of a new row all that are not empty. */
  values: z.array(z.object({ column: z.string(), before: z.json(), after: z.json() })),
});
export type Change = z.infer<typeof Change>;

/** Every table of the library by its catalogue: what forms are made from. */
export const tablesApi = defineApi('tables', {
  catalogue: query(z.object({}), z.array(TableInfo), {
    doc: 'Tables with tier, keys, columns, units and comments, parents before children.',
  }),
  rows: query(
    z.object({
      table: Name,
      /** Every word occurs in a text of the row or in the name of a row it refers to. */
      search: z.string().max(500).default(''),
      /** Column values that must be so. */
      where: z.record(Name, Scalar).default({}),
      order: z.object({ column: Name, descending: z.boolean() }).optional(),
      limit: z.number().int().min(1).max(5000).default(500),
      offset: z.number().int().min(0).default(0),
    }),
    z.object({ total: z.number().int(), rows: z.array(TableRow) }),
    { doc: 'Rows of a table, references with the names of what they refer to.' },
  ),
  choices: query(
    z.object({ table: Name, limit: z.number().int().min(1).max(5000).default(1000) }),
    z.object({ rows: z.array(z.object({ value: Scalar, label: z.string() })), truncated: z.boolean() }),
    { doc: 'Rows of a table by name, for a column that refers to it.' },
  ),
  save: command(
    z.object({
      table: Name,
      /** The row that is changed; null adds one. */
      key: Key.nullable(),
      values: z.record(Name, Scalar),
      /** Who changes it, for the change log. */
      who: z.string().max(200).default(''),
    }),
    z.object({ key: Key }),
    { doc: 'Adds or changes a row; a value that cannot be is refused with its column in `details.columns`.' },
  ),
  changes: query(
    z.object({
      table: Name.optional(),
      key: Key.optional(),
      limit: z.number().int().min(1).max(5000).default(200),
    }),
    z.array(Change),
    { doc: 'The change log, newest first: who, when, old and new values.' },
  ),
});
