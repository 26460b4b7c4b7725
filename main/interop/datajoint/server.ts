// SPDX-License-Identifier: MIT
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { AppError } from '../../contract/index.ts';

/** A column of the server. */
export interface ServerColumn {
  readonly name: string;
  /** `varchar`, `longblob` … */
  readonly type: string;
  /** Characters; null where there is no limit. */
  readonly maxLength: number | null;
  /** Choices of an enum. */
  readonly choices: readonly string[] | null;
  readonly isRequired: boolean;
  /** False: letters outside Western Europe cannot be stored. */
  readonly isUnicode: boolean;
}

/** A table of the server, as DataJoint declared it. */
export interface ServerTable {
  readonly database: string;
  readonly table: string;
  /** As our views call it: `RecordingInfo_File`. */
  readonly name: string;
  readonly isLookup: boolean;
  readonly columns: ReadonlyMap<string, ServerColumn>;
  readonly key: readonly string[];
  /** What it refers to: full name of the table, and pairs of columns [here, there]. */
  readonly parents: readonly {
    readonly table: string;
    readonly columns: readonly (readonly [string, string])[];
  }[];
}

/** Which release of element-miniscope declared the tables (datamodel.md 1.9). */
export type Generation = '0.5' | '0.4' | '0.2-0.3' | '0.1';

/** Tables of all databases with a prefix, by `database.table`. */
export interface ServerSchema {
  readonly tables: ReadonlyMap<string, ServerTable>;
  readonly generation: Generation;
}

/** Where a server is and who asks. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly tls: boolean;
}

/**
 * `mysql://user@host:port`; the password comes from elsewhere, so that it is in no history of commands.
 *
 * @throws AppError `usage.invalid`
 */
export function parseAddress(url: string, password: string): ServerAddress {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (error) {
    throw new AppError('usage.invalid', 'The address of the server is not one.', {
      hint: 'mysql://user@host:3306',
      cause: error,
    });
  }
  if (!['mysql:', 'mariadb:'].includes(parsed.protocol) || parsed.hostname === '' || parsed.username === '') {
    throw new AppError('usage.invalid', 'The address of the server needs mysql://, a user and a host.', {
      hint: 'mysql://user@host:3306',
    });
  }
  if (parsed.password !== '') {
    throw new AppError(
      'usage.invalid',
      'A password does not belong into the address: it would stay in histories and logs.',
      {
        hint: 'Set CALYX_DATAJOINT_PASSWORD, or type it when asked.',
      },
    );
  }
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? 3306 : Number(parsed.port),
    user: decodeURIComponent(parsed.username),
    password,
    tls: parsed.searchParams.get('tls') === 'true',
  };
}

/** Connects. @throws AppError `datajoint.unreachable`, `datajoint.refused` */
export async function connect(address: ServerAddress): Promise<Connection> {
  const { createConnection } = await import('mysql2/promise');
  const { tls, ...rest } = address;
  try {
    return await createConnection({
      ...rest,
      ...(tls ? { ssl: {} } : {}),
      connectTimeout: 10_000,
      dateStrings: true,
      decimalNumbers: false,
      supportBigNumbers: true,
      charset: 'utf8mb4',
    });
  } catch (error) {
    throw serverError(error, 'connecting to the server');
  }
}

const refused = new Set(['ER_ACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'ER_TABLEACCESS_DENIED_ERROR']);

/** What a server or the way to it said, as a sentence. */
export function serverError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const words = error instanceof Error ? error.message : String(error);
  if (refused.has(code)) {
    return new AppError('datajoint.refused', `The server refuses: ${words}`, {
      hint: 'Check user and password, and that the user may read and insert.',
      cause: error,
    });
  }
  return new AppError('datajoint.unreachable', `While ${doing}, the server failed: ${words === '' ? code : words}`, {
    hint: 'Nothing was changed. Check the address and the network, then try again.',
    retryable: true,
    cause: error,
  });
}

/** `_recording_info__file` → `RecordingInfo_File`. */
export function viewName(table: string): string {
  const parts = table.replace(/^(?:#|__|_|~)/, '').split('__');
  return parts
    .map((part) => part.replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
    .join('_');
}

async function rowsOf(connection: Connection, sql: string, values: readonly string[]): Promise<RowDataPacket[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, [...values]);
  return rows;
}

/** All tables of the databases that begin with `prefix`. @throws AppError `datajoint.wrong_schema`, `datajoint.unreachable` */
export async function readSchema(connection: Connection, prefix: string): Promise<ServerSchema> {
  const within = 'left(table_schema, char_length(?)) = ?';
  const both = [prefix, prefix];
  try {
    const columns = await rowsOf(
      connection,
      `select table_schema as db, table_name as tab, column_name as col, data_type as type, column_type as full_type,
         character_maximum_length as max_length, character_set_name as charset, is_nullable as nullable,
         column_default as standard, extra
       from information_schema.columns where ${within} order by table_schema, table_name, ordinal_position`,
      both,
    );
    const keys = await rowsOf(
      connection,
      `select table_schema as db, table_name as tab, constraint_name as name, column_name as col,
         referenced_table_schema as to_db, referenced_table_name as to_tab, referenced_column_name as to_col
       from information_schema.key_column_usage where ${within} order by table_schema, table_name, constraint_name, ordinal_position`,
      both,
    );
    const tables = tablesOf(columns, keys);
    return { tables, generation: generationOf(tables, prefix) };
  } catch (error) {
    throw serverError(error, 'reading the schema');
  }
}

function tablesOf(columns: readonly RowDataPacket[], keys: readonly RowDataPacket[]): ReadonlyMap<string, ServerTable> {
  const tables = new Map<string, ServerTable & { columns: Map<string, ServerColumn> }>();
  for (const row of columns) {
    const table = String(row['tab']);
    // `~log`, `~jobs` are DataJoint's own.
    if (table.startsWith('~')) continue;
    const database = String(row['db']);
    const full = `${database}.${table}`;
    const own = keys.filter((key) => key['db'] === row['db'] && key['tab'] === row['tab']);
    let entry = tables.get(full);
    if (entry === undefined) {
      const parents = Map.groupBy(
        own.filter((key) => key['to_tab'] !== null),
        (key) => String(key['name']),
      );
      entry = {
        database,
        table,
        name: viewName(table),
        isLookup: table.startsWith('#'),
        columns: new Map(),
        key: own.filter((key) => key['name'] === 'PRIMARY').map((key) => String(key['col'])),
        parents: [...parents.values()].map((pairs) => ({
          table: `${String(pairs[0]?.['to_db'])}.${String(pairs[0]?.['to_tab'])}`,
          columns: pairs.map((pair) => [String(pair['col']), String(pair['to_col'])] as const),
        })),
      };
      tables.set(full, entry);
    }
    const choices = /^enum\((.*)\)$/.exec(String(row['full_type']))?.[1];
    entry.columns.set(String(row['col']), {
      name: String(row['col']),
      type: String(row['type']),
      maxLength: row['max_length'] === null || String(row['type']).endsWith('blob') ? null : Number(row['max_length']),
      choices: choices === undefined ? null : choices.split(',').map((choice) => choice.replaceAll(/^'|'$/g, '')),
      isRequired:
        row['nullable'] === 'NO' && row['standard'] === null && !String(row['extra']).includes('auto_increment'),
      isUnicode: row['charset'] === null || String(row['charset']).startsWith('utf8'),
    });
  }
  return tables;
}

function generationOf(tables: ReadonlyMap<string, ServerTable>, prefix: string): Generation {
  const all = [...tables.values()];
  const find = (name: string): ServerTable | undefined => all.find((table) => table.name === name);
  const [set, mask, recording] = [find('ProcessingParamSet'), find('Segmentation_Mask'), find('Recording')];
  if (set === undefined || mask === undefined || recording === undefined || find('Session') === undefined) {
    throw new AppError(
      'datajoint.wrong_schema',
      `The databases “${prefix}…” are not those of the miniscope workflow.`,
      {
        hint:
          all.length === 0
            ? 'There is no database with this prefix that this user may see. Calyx never declares tables: let the lab’s own workflow do it.'
            : `Tables there: ${all
                .slice(0, 12)
                .map((table) => table.name)
                .join(', ')}.`,
      },
    );
  }
  if (recording.columns.has('acquisition_software')) return '0.1';
  if (!set.columns.has('paramset_idx')) return '0.2-0.3';
  return mask.columns.has('curation_id') ? '0.4' : '0.5';
}
