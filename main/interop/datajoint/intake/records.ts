// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Scalar, TableColumn, TableInfo } from '../../../contract/index.ts';
import type { TravelRow, TravelValue } from '../../../library/index.ts';
import { unpackTyped } from '../blob.ts';
import type { ServerTable } from '../server.ts';
import type { ServerRow, Snapshot } from './snapshot.ts';

/** Our columns by what DataJoint calls them, where the names differ. */
const upstreamNames: Readonly<Record<string, string>> = {
  'subject.nickname': 'subject_nickname',
  'subject.birth_date': 'subject_birth_date',
  'subject.description': 'subject_description',
  'anatomical_location.recording_location': 'recording_location_id',
  'virus_serotype.virus_serotype': 'aav_serotype',
  'event.event_start': 'event_start_time',
};

/** A uuid (version 8) that always is the same for the same thing, so that a second import knows it. */
export function steadyUuid(...parts: readonly string[]): Buffer {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes;
}

export const hexOf = (bytes: Uint8Array): { readonly hex: string } => ({ hex: Buffer.from(bytes).toString('hex') });

/** A naive time of the server as this library has it: as if its clock stood at UTC, since the server says no zone. */
export function instantOf(text: Scalar | undefined): string | null {
  if (typeof text !== 'string') return null;
  const at = Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`);
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}

/** MySQL's collation does not tell upper from lower case, and DataJoint's keys follow it. */
const keyText = (table: ServerTable, values: readonly (Scalar | undefined)[]): string =>
  JSON.stringify([table.database, table.table, ...values.map((value) => String(value ?? '').toLowerCase())]);

/** Rows for the library, made from rows of the server. */
export class Records {
  readonly rows: TravelRow[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #catalogue: ReadonlyMap<string, TableInfo>;
  readonly #prefix: string;
  readonly #now: string;

  constructor(catalogue: readonly TableInfo[], prefix: string, now: string) {
    this.#catalogue = new Map(catalogue.map((info) => [info.table, info]));
    this.#prefix = prefix;
    this.#now = now;
  }

  /** Adds a row of ours. Its number is how others refer to it. */
  put(table: string, values: Readonly<Record<string, TravelValue>>): number {
    return this.rows.push({ table, values }) - 1;
  }

  /** Notes which row of ours stands for a row of the server. */
  note(table: ServerTable, row: ServerRow, number: number): void {
    this.#numbers.set(
      keyText(
        table,
        table.key.map((column) => row[column]),
      ),
      number,
    );
  }

  /** Our row that stands for a row of the server, by its key. */
  numberOf(table: ServerTable | undefined, row: ServerRow): number | undefined {
    if (table === undefined) return undefined;
    return this.#numbers.get(
      keyText(
        table,
        table.key.map((column) => row[column]),
      ),
    );
  }

  /** Our table of a class of the server; undefined where we have none. */
  tableOf(name: string): TableInfo | undefined {
    const className = name.replace('_', '.');
    return [...this.#catalogue.values()].find((info) => info.className === className && info.element !== 'calyx');
  }

  /**
   * Adds all rows of a table under our names. Rows whose parents are not here are left out; how many is returned.
   *
   * @param onShare - hears how many of its rows were read, 0 to 1
   * @throws AppError `datajoint.*`
   */
  async copy(
    snapshot: Snapshot,
    table: ServerTable,
    info: TableInfo,
    onShare?: (share: number) => void,
  ): Promise<number> {
    let leftOut = 0;
    const rows = await snapshot.rows(table);
    for (const [i, row] of rows.entries()) {
      onShare?.(i / rows.length);
      const values = await this.#values(snapshot, table, info, row);
      if (values === null) leftOut += 1;
      else this.note(table, row, this.put(info.table, values));
    }
    return leftOut;
  }

  async #values(
    snapshot: Snapshot,
    table: ServerTable,
    info: TableInfo,
    row: ServerRow,
  ): Promise<Record<string, TravelValue> | null> {
    const values: Record<string, TravelValue> = {};
    for (const column of info.columns) {
      const { name } = column;
      if (name === 'id' || name === 'builtin') continue;
      if (name === 'uuid')
        values[name] = hexOf(
          steadyUuid('datajoint', this.#prefix, table.name, ...table.key.map((key) => String(row[key] ?? ''))),
        );
      else if (name === 'created_at' || name === 'imported_at') values[name] = this.#now;
      else if (column.parent !== null) {
        const number = this.#parent(snapshot, table, column, row);
        if (number === null && !column.nullable) return null;
        values[name] = number === null ? null : { row: number };
      } else if (name === 'attribute_json') {
        const bytes = await snapshot.blob(table, 'attribute_blob', keyOfRow(table, row));
        if (bytes !== null) values[name] = JSON.stringify(unpackTyped(bytes));
      } else {
        const value = valueOf(column, row[upstreamNames[`${info.table}.${name}`] ?? name]);
        if (value !== null)
          values[name] = info.table === 'event' && name === 'event_start' ? Math.round(Number(value) * 1e4) : value;
      }
    }
    return values;
  }

  /** The row that a reference means; null where it is empty or what it means is not here. */
  #parent(snapshot: Snapshot, table: ServerTable, column: TableColumn, row: ServerRow): number | null {
    const role = column.name.replace(/_id$/, '');
    const candidates = table.parents.flatMap((edge) => {
      const parent = snapshot.schema.tables.get(edge.table);
      const ours = parent === undefined ? undefined : this.tableOf(parent.name)?.table;
      return parent === undefined || ours !== column.parent ? [] : [{ parent, edge }];
    });
    // A key under another name than its parent's is a renamed one: start_event_type beside event_type.
    const found =
      candidates.find(({ edge }) => edge.columns.some(([here]) => here === role)) ??
      (candidates.length === 1 ? candidates[0] : undefined);
    if (found === undefined) return null;
    const key = Object.fromEntries(found.edge.columns.map(([here, there]) => [there, row[here] ?? null]));
    return this.numberOf(found.parent, key) ?? null;
  }
}

function keyOfRow(table: ServerTable, row: ServerRow): ServerRow {
  return Object.fromEntries(table.key.map((column) => [column, row[column] ?? null]));
}

function valueOf(column: TableColumn, value: Scalar | undefined): Scalar {
  if (value === undefined || value === null) return null;
  switch (column.kind) {
    case 'instant':
      return instantOf(value);
    case 'day':
      return String(value).slice(0, 10);
    case 'integer':
    case 'flag':
    case 'real': {
      const number = Number(value);
      return Number.isFinite(number) ? number : null;
    }
    default:
      return String(value);
  }
}

/** Tables in an order in which what a row refers to comes before it. */
export function parentsFirst(tables: readonly ServerTable[]): readonly ServerTable[] {
  const all = new Map(tables.map((table) => [`${table.database}.${table.table}`, table]));
  const ordered = new Set<ServerTable>();
  const visit = (table: ServerTable, above: ReadonlySet<ServerTable>): void => {
    if (ordered.has(table) || above.has(table)) return;
    for (const { table: name } of table.parents) {
      const parent = all.get(name);
      if (parent !== undefined && parent !== table) visit(parent, new Set([...above, table]));
    }
    ordered.add(table);
  };
  for (const table of tables) visit(table, new Set());
  return [...ordered];
}
