// SPDX-License-Identifier: MIT
import type { Scalar, TableColumn, TableInfo } from '../../contract/index.ts';
import { uuidText } from '../uuid.ts';

/** A value as either SQLite binding gives it. */
export type SqlValue = string | number | bigint | Uint8Array | null;
/** Asks a database: rows by column. Both bindings of this program fit. */
export type Ask = (sql: string, ...values: (string | number | Uint8Array | null)[]) => Record<string, SqlValue>[];

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A value as a window gets it: 16 bytes are a uuid, other bytes hex, whole numbers beyond 2^53 text. */
export function scalarOf(value: SqlValue | undefined): Scalar {
  if (value === undefined || value === null || typeof value === 'string') return value ?? null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return value.length === 16 ? uuidText(value) : Buffer.from(value).toString('hex');
}

/** Tables of the tiers a person fills whose rows the program writes all the same. */
const writtenByProgram: Readonly<Record<string, string>> = {
  run: 'Runs are added by Process.',
  run_input: 'Runs are added by Process.',
  run_attempt: 'Runs are added by Process.',
  run_array: 'Results of a run never change.',
  processing_param_set: 'Parameter sets are added by Process and never change.',
  curation: 'Curations are made in Review.',
  curation_edit: 'Edits of cells are made in Review; rows are only ever added.',
  curation_edit_cell: 'Edits of cells are made in Review; rows are only ever added.',
  curation_log: 'Decisions are made in Review; rows are only ever added.',
  consensus: 'Raters settle where they differ in Review; rows are only ever added.',
  kept_limits: 'Limits are kept in Review; rows are only ever added.',
  recording_file: 'Read from the recording when it is imported.',
  recording_timestamps: 'Read from the recording when it is imported.',
  session_finding: 'Noticed when a session is imported.',
  activity_alignment_trial: 'Computed from events and traces.',
};

/** Rows that come with something else, but whose facts a person may correct. */
const noInsertHere: Readonly<Record<string, string>> = {
  session: 'Sessions come with a recording: import a folder or a sessions.csv.',
  recording: 'Recordings come with their session: import a folder.',
};

const tiers: Readonly<Record<string, string>> = {
  imported: 'Read from files: ingest the CSV file again after it was corrected.',
  computed: 'Computed by the program; results never change.',
  internal: 'The program keeps its own notes here.',
};

/** Columns that only the program fills. */
const ownColumns = new Set(['id', 'uuid', 'builtin', 'created_at', 'imported_at']);
const ownOf: Readonly<Record<string, readonly string[]>> = {
  session: ['folder', 'format', 'content_digest', 'sample'],
  recording: ['recording_id', 'session_id', 'device_type'],
};

/** What a CREATE TABLE says of each column, by name. */
export function columnClauses(sql: string): ReadonlyMap<string, string> {
  const clauses = new Map<string, string>();
  for (const part of splitOutside(sql.slice(sql.indexOf('(') + 1, sql.lastIndexOf(')')))) {
    const match = /^"?([A-Za-z_][A-Za-z0-9_]*)"?\s+([\s\S]*)$/.exec(part.trim());
    const [, name, rest] = match ?? [];
    if (name === undefined || rest === undefined || /^(?:CHECK|UNIQUE|PRIMARY|FOREIGN|CONSTRAINT)$/.test(name))
      continue;
    clauses.set(name, rest);
  }
  return clauses;
}

/** Splits at commas that lie outside parentheses and quotes. */
function splitOutside(text: string): readonly string[] {
  const parts: string[] = [];
  let [depth, start, quote] = [0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === "'") quote = !quote;
    else if (quote) continue;
    else if (sign === '(') depth += 1;
    else if (sign === ')') depth -= 1;
    else if (sign === ',' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function choicesOf(clause: string): readonly string[] {
  const inside = /CHECK\s*\(\s*"?\w+"?\s+(?:IS NULL OR "?\w+"?\s+)?IN\s*\(((?:\s*'(?:[^']|'')*'\s*,?)+)\)/.exec(
    clause,
  )?.[1];
  return inside === undefined
    ? []
    : [...inside.matchAll(/'((?:[^']|'')*)'/g)].map(([, value]) => (value ?? '').replaceAll("''", "'"));
}

function kindOf(type: string, clause: string, parent: string | null, choices: readonly string[]): TableColumn['kind'] {
  if (parent !== null) return 'reference';
  if (choices.length > 0) return 'choice';
  if (/IN \(0, 1\)/.test(clause)) return 'flag';
  if (type === 'BLOB') return /length\(\w+\) = 16/.test(clause) ? 'uuid' : 'bytes';
  if (/json_valid/.test(clause)) return 'json';
  if (/strftime/.test(clause)) return 'instant';
  if (/IS date\(/.test(clause)) return 'day';
  return type === 'INTEGER' ? 'integer' : type === 'REAL' ? 'real' : 'text';
}

function presetOf(value: SqlValue | undefined): string | number | null {
  if (typeof value !== 'string' || value === 'NULL') return null;
  const text = /^'((?:[^']|'')*)'$/.exec(value)?.[1];
  if (text !== undefined) return text.replaceAll("''", "'");
  return Number.isFinite(Number(value)) ? Number(value) : null;
}

/** Every table of the catalogue, parents before their children. */
export function tableCatalogue(ask: Ask): TableInfo[] {
  const text = (value: SqlValue | undefined): string => (typeof value === 'string' ? value : '');
  const grouped = <T>(rows: readonly T[], of: (row: T) => string): ReadonlyMap<string, readonly T[]> => {
    const groups = new Map<string, T[]>();
    for (const row of rows) groups.set(of(row), [...(groups.get(of(row)) ?? []), row]);
    return groups;
  };
  const docs = new Map(
    ask('SELECT table_name, column_name, unit, text FROM column_doc').map((row) => [
      `${text(row['table_name'])}.${text(row['column_name'])}`,
      row,
    ]),
  );
  const keys = grouped(ask('SELECT table_name, column_name FROM table_key ORDER BY table_name, position'), (row) =>
    text(row['table_name']),
  );
  const edges = ask('SELECT child_table, child_column, parent_table FROM table_edge');
  const parents = new Map(
    edges.map((row) => [`${text(row['child_table'])}.${text(row['child_column'])}`, text(row['parent_table'])]),
  );
  const children = grouped(edges, (row) => text(row['parent_table']));
  const listed = ask(
    `SELECT doc.table_name, doc.element, doc.class_name, doc.tier, doc.text, made.sql FROM table_doc AS doc
    JOIN sqlite_schema AS made ON made.name = doc.table_name AND made.type = 'table' ORDER BY doc.table_name`,
  );
  return listed.map((row): TableInfo => {
    const table = text(row['table_name']);
    const tier = text(row['tier']) as TableInfo['tier'];
    const clauses = columnClauses(text(row['sql']));
    const natural = new Set((keys.get(table) ?? []).map((key) => text(key['column_name'])));
    const facts = ask('SELECT * FROM pragma_table_info(?)', table);
    const primary = facts
      .filter((fact) => Number(fact['pk']) > 0)
      .sort((a, b) => Number(a['pk']) - Number(b['pk']))
      .map((fact) => text(fact['name']));
    const columns = facts.map((fact): TableColumn => {
      const name = text(fact['name']);
      const clause = clauses.get(name) ?? '';
      const doc = docs.get(`${table}.${name}`);
      const parent = parents.get(`${table}.${name}`) ?? null;
      const choices = choicesOf(clause);
      const own = ownColumns.has(name) || ownOf[table]?.includes(name) === true;
      const nullable = Number(fact['notnull']) === 0 && !primary.includes(name);
      const preset = presetOf(fact['dflt_value']);
      return {
        name,
        kind: kindOf(text(fact['type']), clause, parent, choices),
        text: text(doc?.['text']),
        unit: doc?.['unit'] == null ? null : text(doc['unit']),
        required: !own && !nullable && preset === null,
        nullable,
        preset,
        key: natural.has(name),
        parent,
        choices: [...choices],
        own,
      };
    });
    const fixed = writtenByProgram[table] ?? tiers[tier] ?? null;
    return {
      table,
      className: text(row['class_name']),
      element: text(row['element']),
      tier,
      text: text(row['text']),
      rows: Number(ask(`SELECT count(*) AS n FROM ${quoted(table)}`)[0]?.['n'] ?? 0),
      primary,
      columns,
      children: (children.get(table) ?? []).map((edge) => ({
        table: text(edge['child_table']),
        column: text(edge['child_column']),
      })),
      noInsert: fixed ?? noInsertHere[table] ?? null,
      noUpdate: fixed,
    };
  });
}
