// SPDX-License-Identifier: MIT
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Scalar } from '../../contract/index.ts';
import type { ServerColumn, ServerSchema, ServerTable } from './server.ts';

/** A row of one of our views. */
export type ViewRow = Readonly<Record<string, Scalar>>;

/** What a plan asks of the library and of the run's files. */
export interface Source {
  /** Rows of a view whose columns have these values; none where there is no such view. */
  readonly rows: (view: string, where: ViewRow) => Promise<readonly ViewRow[]>;
  /** Columns of a view; null where there is none. */
  readonly columns: (view: string) => Promise<readonly string[] | null>;
  /** Bytes of a blob column; null where there is nothing to write. */
  readonly blob: (view: string, column: string, row: ViewRow) => (() => Promise<Buffer | null>) | null;
  /** Values that our views do not hold under that name. */
  readonly value: (view: string, column: string, row: ViewRow) => Scalar | undefined;
}

/** A row that would be inserted. */
export interface PlannedRow {
  readonly table: ServerTable;
  readonly values: ReadonlyMap<string, Scalar>;
  readonly blobs: ReadonlyMap<string, () => Promise<Buffer | null>>;
}

/** What a publication would do. */
export interface Plan {
  /** Parents before children. */
  readonly rows: readonly PlannedRow[];
  /** Rows that are there already, by table. */
  readonly present: ReadonlyMap<string, number>;
  /** Why it cannot be done. */
  readonly conflicts: readonly string[];
  /** What will stay as the server has it. */
  readonly notes: readonly string[];
}

/** Names of other generations (datamodel.md 1.9). */
const ourName: Readonly<Record<string, string>> = {
  paramset_id: 'paramset_idx',
  mask_id: 'mask',
  acquisition_software: 'acq_software',
  equipment: 'device',
};

const whole: Readonly<Record<string, readonly [number, number]>> = {
  tinyint: [-128, 127],
  smallint: [-32_768, 32_767],
  int: [-2_147_483_648, 2_147_483_647],
};

/** Tables whose rows are there once a result was published: what is there must be ours. */
const ofResults = new Set([
  'ProcessingTask',
  'Processing',
  'Curation',
  'MotionCorrection',
  'Segmentation',
  'Fluorescence',
  'Activity',
]);

/** Gathers rows with everything they refer to, and compares them with what the server has. */
export class Planner {
  readonly #connection: Connection;
  readonly #schema: ServerSchema;
  readonly #source: Source;
  readonly #rows: PlannedRow[] = [];
  readonly #seen = new Set<string>();
  readonly #present = new Map<string, number>();
  readonly #conflicts = new Set<string>();
  readonly #notes = new Set<string>();

  constructor(connection: Connection, schema: ServerSchema, source: Source) {
    this.#connection = connection;
    this.#schema = schema;
    this.#source = source;
  }

  get plan(): Plan {
    return { rows: this.#rows, present: this.#present, conflicts: [...this.#conflicts], notes: [...this.#notes] };
  }

  conflict(sentence: string): void {
    this.#conflicts.add(sentence);
  }

  note(sentence: string): void {
    this.#notes.add(sentence);
  }

  /**
   * Rows of a view with these values, into every table of that name; false where the server has no such table.
   *
   * @param onShare - hears how many of these rows were compared, 0 to 1
   */
  async add(view: string, where: ViewRow, onShare?: (share: number) => void): Promise<boolean> {
    const tables = [...this.#schema.tables.values()].filter((table) => table.name === view);
    if (tables.length === 0) return false;
    const rows = await this.#source.rows(view, where);
    let compared = 0;
    for (const table of tables)
      for (const row of rows) {
        onShare?.(compared / (tables.length * rows.length));
        await this.row(table, row);
        compared += 1;
      }
    return true;
  }

  /** One row, after what it refers to. */
  async row(table: ServerTable, row: ViewRow): Promise<void> {
    const { values, blobs } = this.#build(table, row);
    const key = keyOf(table, values);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    for (const parent of table.parents) await this.#parent(table, parent, values);
    const found = await this.#existing(table, values);
    if (found === null) this.#rows.push({ table, values, blobs });
    else this.#compare(table, values, found);
  }

  #build(table: ServerTable, row: ViewRow): Pick<PlannedRow, 'values' | 'blobs'> {
    const values = new Map<string, Scalar>();
    const blobs = new Map<string, () => Promise<Buffer | null>>();
    for (const column of table.columns.values()) {
      const blob = isBinary(column) ? this.#source.blob(table.name, column.name, row) : null;
      if (blob !== null) {
        blobs.set(column.name, blob);
        continue;
      }
      const given = this.#source.value(table.name, column.name, row) ?? row[ourName[column.name] ?? column.name];
      if (given === undefined || given === null || isBinary(column)) {
        if (column.isRequired) {
          this.conflict(
            `${table.name}.${column.name} must have a value on the server and Calyx knows none${given === undefined ? ' (another generation of the schema?)' : ''}.`,
          );
        }
        continue;
      }
      values.set(column.name, this.#fit(table, column, given));
    }
    return { values, blobs };
  }

  #fit(table: ServerTable, column: ServerColumn, given: Scalar): Scalar {
    const where = `${table.name}.${column.name}`;
    if (typeof given === 'string') {
      if (column.type === 'datetime' || column.type === 'timestamp') return given.replace('T', ' ').slice(0, 19);
      if (column.maxLength !== null && given.length > column.maxLength)
        this.conflict(`${where} takes ${column.maxLength} characters; “${given.slice(0, 60)}” has ${given.length}.`);
      if (!column.isUnicode && Buffer.from(given, 'latin1').toString('latin1') !== given)
        this.conflict(`${where} takes Western European letters only: “${given.slice(0, 60)}” cannot be stored.`);
      if (column.choices !== null && !column.choices.includes(given))
        this.conflict(`${where} is one of ${column.choices.join(', ')}; it is “${given}”.`);
      return given;
    }
    const range = whole[column.type];
    if (given !== null && range !== undefined && (given < range[0] || given > range[1]))
      this.conflict(`${where} takes ${range[0]} to ${range[1]}; it is ${given}.`);
    return given;
  }

  async #parent(
    table: ServerTable,
    { table: full, columns }: ServerTable['parents'][number],
    values: ReadonlyMap<string, Scalar>,
  ): Promise<void> {
    const parent = this.#schema.tables.get(full);
    if (parent === undefined) return;
    const wanted = new Map(columns.map(([here, there]) => [there, values.get(here) ?? null]));
    // An optional reference that is not set.
    if ([...wanted.values()].includes(null)) return;
    if (this.#seen.has(keyOf(parent, wanted)) || (await this.#existing(parent, wanted)) !== null) return;
    const ours = (await this.#source.columns(parent.name)) ?? [];
    const where: Record<string, Scalar> = {};
    for (const [name, value] of wanted) {
      const our = ourName[name] ?? name;
      if (ours.includes(our)) where[our] = value;
    }
    const [row] = Object.keys(where).length === 0 ? [] : await this.#source.rows(parent.name, where);
    if (row === undefined) {
      this.conflict(
        `${table.name} refers to ${parent.name} ${[...wanted.values()].join(', ')}, which neither the server nor the library has.`,
      );
      return;
    }
    await this.row(parent, row);
  }

  async #existing(table: ServerTable, values: ReadonlyMap<string, Scalar>): Promise<RowDataPacket | null> {
    const columns = table.key.filter((column) => values.has(column));
    if (columns.length < table.key.length) return null;
    const readable = [...table.columns.values()].filter((column) => !isBinary(column));
    const [rows] = await this.#connection.query<RowDataPacket[]>(
      `select ${readable.map((column) => `\`${column.name}\``).join(', ')} from \`${table.database}\`.\`${table.table}\` where ${columns.map((column) => `\`${column}\` = ?`).join(' and ')} limit 1`,
      columns.map((column) => values.get(column) ?? null),
    );
    return rows[0] ?? null;
  }

  #compare(table: ServerTable, values: ReadonlyMap<string, Scalar>, found: RowDataPacket): void {
    this.#present.set(table.name, (this.#present.get(table.name) ?? 0) + 1);
    for (const column of table.key) {
      const [ours, theirs] = [values.get(column), found[column] as unknown];
      if (
        typeof ours === 'string' &&
        typeof theirs === 'string' &&
        ours !== theirs &&
        ours.toLowerCase() === theirs.toLowerCase()
      )
        this.conflict(
          `${table.name}: “${ours}” and the server’s “${theirs}” differ in case only, and count as one there.`,
        );
    }
    if (table.isLookup) return;
    const differing = [...values].filter(([name, ours]) => !table.key.includes(name) && !isSame(ours, found[name]));
    if (differing.length === 0) return;
    const which = `${table.name} ${table.key.map((column) => String(found[column])).join(', ')}`;
    const what = differing.map(([name, ours]) => `${name} “${String(found[name])}”, here “${String(ours)}”`).join('; ');
    if (ofResults.has(table.name)) this.conflict(`${which} is on the server with other values: ${what}.`);
    else this.note(`${which} stays as the server has it: ${what}.`);
  }
}

function isSame(ours: Scalar, theirs: unknown): boolean {
  if (typeof ours === 'number') return Math.abs(Number(theirs) - ours) <= 1e-5 * Math.max(1, Math.abs(ours));
  const text = typeof theirs === 'string' || typeof theirs === 'number' ? String(theirs) : '';
  return text === (ours ?? '');
}

const isBinary = ({ type }: ServerColumn): boolean => type.endsWith('blob') || type.endsWith('binary');

const keyOf = (table: ServerTable, values: ReadonlyMap<string, Scalar>): string =>
  JSON.stringify([table.database, table.table, ...table.key.map((column) => values.get(column) ?? null)]);
