// SPDX-License-Identifier: MIT
import { mkdir, open, statfs } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { FilmOptions, FilmWriter } from '../media/index.ts';

/** A file that is being written, by places. */
export interface DiskFile {
  /** Writes all of it at a place. @throws the system's error, `ENOSPC` among them */
  readonly write: (bytes: Uint8Array, at: number) => Promise<void>;
  readonly truncate: (length: number) => Promise<void>;
  /** What was written is on the disk when it resolves. */
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Where recordings go: this computer's disk, or one that fails on command. */
export interface Disk {
  /** Makes a file that does not exist. @throws the system's error */
  readonly create: (file: string) => Promise<DiskFile>;
  /** Names made in a folder are on the disk when it resolves. */
  readonly syncFolder: (folder: string) => Promise<void>;
  /** Free bytes for this user on the disk of a folder, or of the nearest one above that exists; null where the system does not tell. */
  readonly freeBytes: (folder: string) => Promise<number | null>;
  readonly startFilm: (options: FilmOptions) => Promise<FilmWriter>;
}

/** This computer's disk; films by the given writer. */
export function systemDisk(startFilm: Disk['startFilm']): Disk {
  return { create, syncFolder, freeBytes: freeBytesOf, startFilm };
}

/** @throws the system's error, also where the file is there */
export async function create(file: string): Promise<DiskFile> {
  const handle = await open(file, 'wx');
  return {
    write: async (bytes, at) => {
      for (let done = 0; done < bytes.length;) {
        done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
      }
    },
    truncate: (length) => handle.truncate(length),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** Makes what needs several files and films; those that were opened are closed when one of the others fails. @throws what `make` throws */
export async function closedOnFailure<T>(disk: Disk, make: (disk: Disk) => Promise<T>): Promise<T> {
  let closes: (() => Promise<unknown>)[] | undefined = [];
  const create = async (name: string): Promise<DiskFile> => {
    const file = await disk.create(name);
    closes?.push(file.close);
    return file;
  };
  const start = async (options: FilmOptions): Promise<FilmWriter> => {
    const film = await disk.startFilm(options);
    closes?.push(film.finish);
    return film;
  };
  try {
    return await make({ ...disk, create, startFilm: start });
  } catch (error) {
    for (const close of closes) await close().catch(() => undefined);
    throw error;
  } finally {
    closes = undefined;
  }
}

/** Names made in a folder are on this computer's disk when it resolves. @throws the system's error */
export async function syncFolder(folder: string): Promise<void> {
  // Windows has no such thing and needs none.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes that may be written to a folder's disk, also where the folder is still to be made; null where they cannot be read. */
export async function freeBytesOf(folder: string): Promise<number | null> {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch {
      if (path.dirname(at) === at) return null;
    }
  }
}

/** Makes a folder and those above it; each new name is on the disk when it resolves. @throws the system's error */
export async function makeFolder(folder: string, disk: Pick<Disk, 'syncFolder'>): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let at = path.dirname(folder); at.length >= path.dirname(first).length; at = path.dirname(at)) {
    await disk.syncFolder(at);
    if (path.dirname(at) === at) return;
  }
}

/** What the system says of a disk, in words. */
export const diskSentence = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return diskWords(code === 'ENOSPC' || code === 'EIO' ? code : AppError.from(error).message);
};

/** The same of what was told already: of a full disk a person need not know the file and the number of the error. */
export function diskWords(text: string): string {
  if (/ENOSPC|no space left/i.test(text)) return 'The disk is full.';
  if (/EIO|input\/output error/i.test(text)) return 'The disk answers with errors.';
  return text;
}
