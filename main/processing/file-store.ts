// SPDX-License-Identifier: MIT
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolders } from './make-folders.ts';

/** The file operations of an export; tests put one in its place whose disk fills. */
export interface FileStore {
  /** Makes a folder with its parents. */
  makeFolder(folder: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  write(file: string, bytes: Uint8Array | string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or folder with all in it; what is not there is no error. */
  remove(place: string): Promise<void>;
  /** Names in a folder; null where there is nothing, 'file' where it is no folder. */
  list(folder: string): Promise<readonly string[] | 'file' | null>;
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The disk. Files are synced before they count as written. */
export const diskStore: FileStore = {
  makeFolder: async (folder) => {
    await makeFolders(folder);
  },
  copy: async (from, to) => {
    await mkdir(path.dirname(to), { recursive: true });
    await copyFile(from, to);
    await sync(to);
  },
  write: async (file, bytes) => {
    const handle = await open(file, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename,
  remove: (place) => rm(place, { recursive: true, force: true }),
  list: async (folder) => {
    const info = await stat(folder).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw error;
    });
    if (info === null) return null;
    return info.isDirectory() ? await readdir(folder) : 'file';
  },
};
