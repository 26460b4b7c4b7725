// SPDX-License-Identifier: MIT
import type { Column, TableSpec } from './table-kit.ts';

/** A column of a view: its name and what it is. */
interface Shown {
  readonly name: string;
  readonly sql: string;
}

/** Wall time of the place in whole seconds, as DataJoint stores it. */
export const localTime = (column: string, offset: string): string =>
  `strftime('%Y-%m-%d %H:%M:%S', ${column}, coalesce(${offset}, 0) || ' minutes')`;

/** Natural keys of tables that are not made by a {@link TableSpec}; `at` is the table's alias. */
const rootKeys: Readonly<Record<string, (at: string) => { readonly joins: string; readonly shown: readonly Shown[] }>> =
  {
    subject: (at) => ({ joins: '', shown: [{ name: 'subject', sql: `${at}.subject` }] }),
    session: (at) => ({
      joins: `LEFT JOIN subject AS ${at}_s ON ${at}_s.id = ${at}.subject_id`,
      shown: [
        { name: 'subject', sql: `${at}_s.subject` },
        { name: 'session_datetime', sql: localTime(`${at}.session_datetime`, `${at}.tz_offset_min`) },
      ],
    }),
    recording: (at) => {
      const session = rootKeys['session']?.(`${at}_e`);
      return {
        joins: `JOIN session AS ${at}_e ON ${at}_e.id = ${at}.session_id ${session?.joins ?? ''}`,
        shown: [...(session?.shown ?? []), { name: 'recording_id', sql: `${at}.recording_id` }],
      };
    },
    run: (at) => {
      const recording = rootKeys['recording']?.(`${at}_r`);
      return {
        joins: `JOIN run_input AS ${at}_i ON ${at}_i.run_id = ${at}.id AND ${at}_i.position = 0
        JOIN recording AS ${at}_r ON ${at}_r.id = ${at}_i.recording_id ${recording?.joins ?? ''}`,
        shown: [
          ...(recording?.shown ?? []),
          { name: 'paramset_idx', sql: `${at}.processing_param_set_id` },
          { name: 'run_uuid', sql: `lower(hex(${at}.uuid))` },
        ],
      };
    },
    cell: (at) => {
      const run = rootKeys['run']?.(`${at}_u`);
      return {
        joins: `JOIN run AS ${at}_u ON ${at}_u.id = ${at}.run_id ${run?.joins ?? ''}`,
        shown: [...(run?.shown ?? []), { name: 'mask', sql: `${at}.row + 1` }],
      };
    },
  };

/** Joins and columns of the natural key of a table whose key is made elsewhere. */
export function rootKey(table: 'session' | 'recording' | 'run' | 'cell'): {
  readonly from: string;
  readonly key: string;
} {
  const { joins, shown } = rootKeys[table]?.(table) ?? { joins: '', shown: [] };
  return { from: `${table} ${joins}`, key: shown.map(({ name, sql }) => `${sql} AS ${name}`).join(', ') };
}

/** What DataJoint calls a column, where it is not our name. */
const upstreamNames: Readonly<Record<string, string>> = {
  'anatomical_location.recording_location': 'recording_location_id',
  'virus_serotype.virus_serotype': 'aav_serotype',
};

/** How a column is shown, where it is not as it is stored. */
const shownAs: Readonly<Record<string, (at: string) => Shown>> = {
  'event.event_start': (at) => ({ name: 'event_start_time', sql: `${at}.event_start / 10000.0` }),
  'behavior_recording.recording_start_time': (at) => ({
    name: 'recording_start_time',
    sql: localTime(`${at}.recording_start_time`, `${at}.tz_offset_min`),
  }),
  'implantation.implant_date': (at) => ({ name: 'implant_date', sql: localTime(`${at}.implant_date`, '0') }),
  'subject_caging.caging_datetime': (at) => ({ name: 'caging_datetime', sql: localTime(`${at}.caging_datetime`, '0') }),
};

type Specs = Readonly<Record<string, TableSpec>>;

function parentOf([sql]: Column): string | undefined {
  return /REFERENCES (\w+) /.exec(sql)?.[1];
}

/** The natural key of a row of `table`, which is joined as `at`. */
function keyOf(specs: Specs, table: string, at: string): { readonly joins: string; readonly shown: readonly Shown[] } {
  const root = rootKeys[table];
  if (root !== undefined) return root(at);
  const spec = specs[table];
  if (spec === undefined) throw new Error(`${table} has no natural key`);
  return columnsOf(specs, table, spec.key, at);
}

function columnsOf(
  specs: Specs,
  table: string,
  columns: readonly string[],
  at: string,
): { readonly joins: string; readonly shown: readonly Shown[] } {
  let joins = '';
  const shown: Shown[] = [];
  const show = (column: Shown): void => {
    if (!shown.some(({ name }) => name === column.name)) shown.push(column);
  };
  for (const column of columns) {
    const definition = specs[table]?.columns[column];
    const parent = definition === undefined ? undefined : parentOf(definition);
    if (parent === undefined) {
      const name = upstreamNames[`${table}.${column}`] ?? column;
      show(shownAs[`${table}.${column}`]?.(at) ?? { name, sql: `${at}.${column}` });
      continue;
    }
    const alias = `${at}_${column.replace(/_id$/, '')}`;
    const key = keyOf(specs, parent, alias);
    joins += ` LEFT JOIN ${parent} AS ${alias} ON ${alias}.id = ${at}.${column} ${key.joins}`;
    // A key under another name than its parent's is a renamed one: surgeon, father, start_event_type.
    const role = column.replace(/_id$/, '');
    for (const each of key.shown)
      show({ name: key.shown.length === 1 && role !== parent ? role : each.name, sql: each.sql });
  }
  return { joins, shown };
}

/**
 * Views that show tables under their natural keys, `dj_` before the class and `_` between master and part (datamodel.md 1.11).
 *
 * @param leftOut - tables whose view is written by hand or that have none
 */
export function naturalViews(specs: Specs, leftOut: ReadonlySet<string>): string {
  return Object.entries(specs)
    .filter(([table, spec]) => spec.element !== 'calyx' && !leftOut.has(table))
    .map(([table, spec]) => {
      const rest = Object.keys(spec.columns).filter((column) => !spec.key.includes(column));
      const { joins, shown } = columnsOf(specs, table, [...spec.key, ...rest], 'this');
      const columns = shown.map(({ name, sql }) => (sql === `this.${name}` ? sql : `${sql} AS ${name}`)).join(', ');
      return `CREATE VIEW dj_${spec.className.replace('.', '_')} AS SELECT ${columns} FROM ${table} AS this${joins};`;
    })
    .join('\n');
}
