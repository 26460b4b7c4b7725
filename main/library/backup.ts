// SPDX-License-Identifier: MIT
import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError, type BackupInfo } from '../contract/index.ts';
import { schemaState } from './database/migrate.ts';
import { migrations } from './database/migrations/index.ts';
import { libraryFolders } from './folders.ts';
import { createReader, type Reader } from './reader/reader.ts';
import type { LibraryFolders } from './types.ts';

/** Scheduled copies that stay: the newest of each of this many days, and of each of this many months. What a person made stays for ever. */
const kept = { days: 14, months: 12 };

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws AppError `backup.invalid` naming what is wrong with a copy */
async function mustBeWhole(reader: Reader, file: string, signal?: AbortSignal): Promise<void> {
  const { integrity, foreignKeys } = await reader.check(signal, file);
  const [first] = integrity;
  const [row] = foreignKeys;
  const what = first ?? (row === undefined ? undefined : `${row.rows} rows of ${row.table} lack their ${row.parent}`);
  if (what !== undefined) throw new AppError('backup.invalid', `${basename(file)} is not a whole library: ${what}.`);
}

/** Scheduled copies that need not stay. @param backups - newest first */
export function superfluous(backups: readonly BackupInfo[]): readonly BackupInfo[] {
  const [days, months] = [new Set<string>(), new Set<string>()];
  return backups.filter(({ kind, at }) => {
    if (kind !== 'scheduled') return false;
    const [day, month] = [at.slice(0, 10), at.slice(0, 7)];
    const isOfDay = !days.has(day) && days.size < kept.days;
    const isOfMonth = !months.has(month) && months.size < kept.months;
    if (isOfDay) days.add(day);
    if (isOfMonth) months.add(month);
    return !isOfDay && !isOfMonth;
  });
}

/** When a copy was made, by its name; copying files about changes their times. */
function timeOf(file: string, otherwise: Date): Date {
  const [, day = '', hour = '', minute = '', second = ''] =
    /^library-(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)-/.exec(basename(file)) ?? [];
  const at = new Date(`${day}T${hour}:${minute}:${second}.000Z`);
  return Number.isNaN(at.getTime()) ? otherwise : at;
}

function infoOf(file: string, size: number, at: Date): BackupInfo {
  const kind = /-(manual|scheduled|before-restore)(?:-\d+)?\.sqlite$/.exec(file)?.[1] ?? 'before-update';
  return { file, bytes: size, at: at.toISOString(), kind };
}

/**
 * Copies the database as of one moment, while it is in use, and checks the copy before it gets its name.
 *
 * @param to a further absolute folder that gets a copy too
 * @throws AppError `backup.invalid`, `disk.io`, `library.*`
 */
export async function makeBackup(
  folders: LibraryFolders,
  reader: Reader,
  options: { readonly kind: 'manual' | 'scheduled'; readonly now: Date; readonly to?: string | undefined },
  signal?: AbortSignal,
): Promise<BackupInfo> {
  await mkdir(folders.backups, { recursive: true });
  const label = options.now.toISOString().replaceAll(':', '').slice(0, 17);
  let file = join(folders.backups, `library-${label}-${options.kind}.sqlite`);
  for (let n = 2; existsSync(file); n += 1)
    file = join(folders.backups, `library-${label}-${options.kind}-${n}.sqlite`);
  const temporary = `${file}.partial`;
  try {
    await rm(temporary, { force: true });
    await reader.copy(temporary, signal);
    await mustBeWhole(reader, temporary, signal);
    await removeLog(temporary);
    await sync(temporary);
    await rename(temporary, file);
    if (options.to !== undefined) await copyTo(file, options.to);
  } catch (error) {
    await rm(temporary, { force: true });
    await removeLog(temporary);
    throw error instanceof AppError
      ? error
      : new AppError('disk.io', `The backup could not be written: ${String(error)}`, { cause: error });
  }
  if (options.kind === 'scheduled') {
    for (const old of superfluous(await listBackups(folders))) await rm(old.file, { force: true });
  }
  return infoOf(file, (await stat(file)).size, options.now);
}

const removeLog = async (file: string): Promise<void> => {
  for (const end of ['-wal', '-shm']) await rm(file + end, { force: true });
};

async function copyTo(file: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const target = join(folder, basename(file));
  await copyFile(file, `${target}.partial`);
  await sync(`${target}.partial`);
  await rename(`${target}.partial`, target);
}

/** Backups, newest first. */
export async function listBackups(folders: LibraryFolders): Promise<BackupInfo[]> {
  const names = await readdir(folders.backups).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /^library-.+\.sqlite$/.test(name))
      .map(async (name) => {
        const file = join(folders.backups, name);
        const info = await stat(file);
        return infoOf(file, info.size, timeOf(file, info.mtime));
      }),
  );
  return found.sort((a, b) => b.at.localeCompare(a.at) || b.file.localeCompare(a.file));
}

/**
 * Puts a backup in the place of a library's database. The caller owns the folder and nothing has the database open. The database that was
 * there is kept in `backups/`, damaged or not.
 *
 * @param file absolute; `newest` for the newest backup
 * @returns the file that was restored and where the former database is now
 * @throws AppError `backup.invalid`, `disk.io`
 */
export async function restoreBackup(
  directory: string,
  file: string,
  now: Date,
): Promise<{ readonly restored: string; readonly before: string | null }> {
  const folders = libraryFolders(directory);
  const source = file === 'newest' ? (await listBackups(folders))[0]?.file : file;
  if (source === undefined || !existsSync(source))
    throw new AppError('backup.invalid', `There is no backup ${file === 'newest' ? `in ${folders.backups}` : file}.`, {
      hint: 'calyx backup --list lists them.',
    });
  const temporary = `${folders.database}.restoring`;
  const reader = createReader(folders.database);
  try {
    await rm(temporary, { force: true });
    await copyFile(source, temporary);
    await mustBeWhole(reader, temporary);
    mustBeKnown(temporary, source);
    await removeLog(temporary);
    await sync(temporary);
    const before = existsSync(folders.database) ? await putAside(folders, now) : null;
    await rename(temporary, folders.database);
    return { restored: source, before };
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof AppError) {
      if (error.code === 'backup.invalid') throw error;
      throw new AppError('backup.invalid', `${source} cannot be restored: ${error.message}`, { cause: error });
    }
    throw new AppError('disk.io', `The backup could not be restored: ${String(error)}`, { cause: error });
  } finally {
    await reader[Symbol.asyncDispose]();
  }
}

function mustBeKnown(file: string, source: string): void {
  const database = new Database(file, { readonly: true });
  try {
    const { unknown } = schemaState(database, migrations);
    if (unknown.length > 0)
      throw new AppError('backup.invalid', `${source} was made by a newer version of Calyx.`, {
        hint: 'Update Calyx to restore it.',
      });
  } finally {
    database.close();
  }
}

/** Moves the database with its log, so that nothing of the old one is mixed with the new; returns where it is. */
async function putAside({ database, backups }: LibraryFolders, now: Date): Promise<string> {
  await mkdir(backups, { recursive: true });
  const label = now.toISOString().replaceAll(':', '').slice(0, 17);
  let before = join(backups, `library-${label}-before-restore.sqlite`);
  for (let n = 2; existsSync(before); n += 1) before = join(backups, `library-${label}-before-restore-${n}.sqlite`);
  for (const end of ['-wal', '-shm', '']) if (existsSync(database + end)) await rename(database + end, before + end);
  return before;
}
