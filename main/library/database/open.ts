// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, type ErrorCode } from '../../contract/index.ts';
import type { LibraryFolders } from '../types.ts';
import { applicationId, backup, migrate, pruneBackups, schemaState } from './migrate.ts';
import { migrations, type Migration } from './migrations/index.ts';

export interface OpenedDatabase {
  readonly database: Database.Database;
  /** Why nothing may be changed, and the code such a change is refused with; null when it may. */
  readonly readOnly: { readonly reason: string; readonly code: ErrorCode } | null;
}

export interface OpenDatabaseOptions {
  readonly folders: LibraryFolders;
  /** Open without changing a byte, for this reason. */
  readonly readOnly?: string | undefined;
  readonly now: () => string;
  readonly program: string;
  /** Replaces the program's migrations for tests. */
  readonly migrations?: readonly Migration[] | undefined;
}

/** Copies from before migrations that stay: more than a year of releases. */
const backupsKept = 10;

const sqliteHeader = 'SQLite format 3\0';

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** @throws AppError `library.not_sqlite` without having changed the file */
function checkHeader(path: string): void {
  if (statSync(path).size === 0) return;
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(sqliteHeader.length);
    const read = readSync(descriptor, bytes, 0, bytes.length, 0);
    if (bytes.toString('latin1', 0, read) !== sqliteHeader) {
      throw new AppError('library.not_sqlite', `${path} is not a library: it is not an SQLite file.`, {
        hint: 'Choose another library folder, or move that file away; it was not changed.',
      });
    }
  } finally {
    closeSync(descriptor);
  }
}

/** A sentence when the file system refuses writing; opening for writing is the only test that counts (quotas, mounts, owners). */
function writeProtection(path: string): string | null {
  try {
    closeSync(openSync(path, 'r+'));
    return null;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EROFS') return 'The library is on a disk that is mounted read-only.';
    if (code === 'EACCES' || code === 'EPERM') return 'The library file is write-protected.';
    throw error;
  }
}

/**
 * The database as an image in memory, for a disk on which not even the log's index can be made. The two header bytes that ask for a
 * log are changed in the image only (SQLite file format, 1.3.4); the log itself must be empty.
 */
function openImage(path: string): Database.Database {
  const log = `${path}-wal`;
  if (existsSync(log) && statSync(log).size > 0) {
    throw new AppError(
      'library.read_only',
      'This library was not closed properly and lies where nothing can be written.',
      {
        hint: 'Copy the whole folder to a disk that can be written, and open the copy.',
      },
    );
  }
  const image = readFileSync(path);
  image[18] = 1;
  image[19] = 1;
  return new Database(image, { readonly: true });
}

/** Opens without writing. */
function openForReading(path: string): Database.Database {
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database.close();
    if (!(error instanceof Database.SqliteError) || !/^SQLITE_(CANTOPEN|READONLY)/.test(error.code)) throw error;
    return openImage(path);
  }
}

function newestBackup(folder: string): string | undefined {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.sqlite'))
      .map((name) => ({ name, at: statSync(join(folder, name)).mtimeMs }))
      .toSorted((a, b) => b.at - a.at)[0]?.name;
  } catch {
    return undefined;
  }
}

/** SQLite's and the system's errors in the words of the contract. */
export function toLibraryError(error: unknown, folders: LibraryFolders): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof Database.SqliteError ? error.code : systemCode(error);
  if (code === 'SQLITE_NOTADB') {
    return new AppError('library.not_sqlite', `${folders.database} is not a library: it is not an SQLite file.`, {
      hint: 'Choose another library folder, or move that file away; it was not changed.',
      cause: error,
    });
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    const copy = newestBackup(folders.backups);
    return new AppError('library.corrupt', `The library file ${folders.database} is damaged.`, {
      hint:
        copy === undefined
          ? 'Restore it from your backup. Recordings and results on disk are not affected.'
          : `Restore it from a backup; the newest is backups/${copy}. Recordings and results on disk are not affected.`,
      cause: error,
    });
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new AppError('library.locked', 'Another program is writing to the library file.', {
      hint: 'Close that program and try again.',
      retryable: true,
      cause: error,
    });
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new AppError('library.read_only', 'The library cannot be changed: its file or folder is write-protected.', {
      cause: error,
    });
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return new AppError('disk.full', 'The disk that holds the library is full; nothing was changed.', {
      hint: 'Make room and try again.',
      retryable: true,
      cause: error,
    });
  }
  const text = error instanceof Error ? error.message : String(error);
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN') || /^E[A-Z]+$/.test(code)) {
    return new AppError('library.io', `The library in ${folders.root} cannot be read or written: ${text}`, {
      hint: 'Check the disk and the permissions of the folder.',
      cause: error,
    });
  }
  return new AppError('rpc.internal', `The library refused this: ${text}`, { cause: error });
}

function checkHealth(database: Database.Database, path: string): void {
  const result: unknown = database.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') {
    throw new AppError('library.corrupt', `The library file ${path} is damaged: ${String(result)}.`, {
      hint: 'Restore it from backups/. Recordings and results on disk are not affected.',
    });
  }
}

/**
 * WAL for one writer beside readers; FULL so that a decision survives a power cut (datamodel.md 7.3). page_size counts only before the
 * first table.
 */
function prepareForWriting(database: Database.Database): void {
  database.pragma('page_size = 16384');
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('trusted_schema = OFF');
  if (database.pragma('foreign_keys', { simple: true }) !== 1) {
    throw new AppError('library.io', 'This build of SQLite cannot check foreign keys.');
  }
}

function fromFuture(): { readonly reason: string; readonly code: ErrorCode } {
  return {
    reason:
      'This library was changed by a newer version of Calyx, so it is open for reading only. Update Calyx to change it.',
    code: 'library.from_future',
  };
}

function openReadOnly(options: OpenDatabaseOptions, reason: string): OpenedDatabase {
  const known = options.migrations ?? migrations;
  const database = openForReading(options.folders.database);
  try {
    const state = schemaState(database, known);
    if (state.pending.length > 0) {
      throw new AppError(
        'library.read_only',
        `${reason} It is of an older version and would have to be updated first.`,
        {
          hint: 'Make the folder writable, or copy it to a disk that is.',
        },
      );
    }
    return { database, readOnly: state.unknown.length > 0 ? fromFuture() : { reason, code: 'library.read_only' } };
  } catch (error) {
    database.close();
    throw error;
  }
}

function openWritable(options: OpenDatabaseOptions, isNew: boolean): OpenedDatabase {
  const { folders, now, program } = options;
  const known = options.migrations ?? migrations;
  if (!isNew) {
    // Looked at without writing first: a newer library, a foreign or a damaged file stays untouched.
    const look = openForReading(folders.database);
    try {
      const { unknown } = schemaState(look, known);
      if (unknown.length > 0) return { database: openForReading(folders.database), readOnly: fromFuture() };
      checkHealth(look, folders.database);
    } finally {
      look.close();
    }
  }
  const database = new Database(folders.database, { timeout: 5000 });
  try {
    prepareForWriting(database);
    const { pending } = schemaState(database, known);
    const first = pending[0];
    if (first !== undefined && !isNew && pending.length < known.length) {
      backup(database, folders.backups, `${now().replaceAll(':', '').slice(0, 17)}-before-${first.id}`);
    }
    if (pending.length === known.length) database.pragma(`application_id = ${applicationId}`);
    migrate(database, pending, now, program, pending.length === known.length);
    if (first !== undefined) pruneBackups(folders.backups, backupsKept);
    return { database, readOnly: null };
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens (or makes) `library.sqlite`: checks what it is before touching it, backs up and migrates.
 *
 * @throws AppError `library.not_sqlite`, `library.corrupt`, `library.not_found`, `library.read_only`, `library.locked`, `library.io`, `disk.full`
 */
export function openDatabase(options: OpenDatabaseOptions): OpenedDatabase {
  const { folders } = options;
  try {
    const exists = existsSync(folders.database);
    if (!exists && options.readOnly !== undefined) {
      throw new AppError('library.not_found', `There is no library in ${folders.root}.`);
    }
    if (!exists) {
      mkdirSync(dirname(folders.database), { recursive: true });
      return openWritable(options, true);
    }
    checkHeader(folders.database);
    const reason = options.readOnly ?? writeProtection(folders.database);
    if (reason !== null) return openReadOnly(options, reason);
    return openWritable(options, statSync(folders.database).size === 0);
  } catch (error) {
    throw toLibraryError(error, folders);
  }
}
