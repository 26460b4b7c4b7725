// SPDX-License-Identifier: MIT
import type { Dirent } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { given, type ScopeTypeInfo, type settingsApi } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { freeBytesOf, measureWriteSpeed } from '../recording/index.ts';
import type { Handlers } from '../rpc/index.ts';
import type { MachineSettings } from './machine.ts';
import { RigFiles } from './rigs.ts';

/** What the settings' procedures need. */
export interface SettingsDependencies {
  /** The user's own folder. */
  readonly folder: string;
  readonly machine: MachineSettings;
  readonly library: Library;
  readonly scopeTypes: readonly ScopeTypeInfo[];
  /** What this machine has, and what holds where nothing is set. */
  readonly has: { readonly threads: number; readonly memoryBytes: number };
  readonly suggested: { readonly threads: number; readonly memoryBytes: number; readonly cacheBytes: number };
  readonly roots: readonly { readonly name: string; readonly path: string }[];
  /** Where the library lies, as a person calls it. */
  readonly place: string;
  readonly backup: (signal: AbortSignal) => Promise<{ readonly file: string; readonly bytes: number }>;
  /** Removes kept results down to so many bytes. */
  readonly trimCache: (bytes: number) => Promise<unknown>;
}

/** Bytes and number of files below a folder; one that is not there has none. */
export async function folderSize(folder: string): Promise<{ bytes: number; files: number }> {
  let [bytes, files] = [0, 0];
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((): Dirent[] => []);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const info = await stat(path.join(entry.parentPath, entry.name)).catch(() => undefined);
    if (info === undefined) continue;
    bytes += info.size;
    files += 1;
  }
  return { bytes, files };
}

/** Bytes of a database with what was written last, which stands in a file beside it until it is taken over; 0 where there is none. */
export async function databaseSize(file: string): Promise<number> {
  const sizes = ['', '-wal'].map(async (end) => (await stat(`${file}${end}`).catch(() => undefined))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Serves `settings.*`. */
export function createSettingsHandlers(dependencies: SettingsDependencies): Handlers<typeof settingsApi.procedures> {
  const { folder, machine, library, scopeTypes, has, suggested } = dependencies;
  const rigs = new RigFiles(folder, new Set(scopeTypes.map(({ type }) => type)));
  const { folders } = library;
  return {
    rigs: async () => ({ rigs: await rigs.list(), scopeTypes: [...scopeTypes] }),
    rig: async ({ id }) => ({ text: await rigs.read(id) }),
    checkRig: ({ text }) => Promise.resolve(rigs.check(text)),
    saveRig: async ({ id, text, replace }) => {
      await rigs.save(id, text, replace);
      return {};
    },
    removeRig: async ({ id }) => {
      await rigs.remove(id);
      return {};
    },
    processing: () => Promise.resolve({ ...machine.processing, machine: { ...has }, suggested: { ...suggested } }),
    setProcessing: async (change) => await machine.setProcessing(given(change)),
    storage: async () => {
      const { bavail, bsize, blocks } = await statfs(folders.root);
      return {
        library: {
          name: path.basename(folders.root),
          place: dependencies.place,
          databaseBytes: await databaseSize(folders.database),
          readOnly: library.readOnly,
        },
        runs: await folderSize(folders.runs),
        cache: await folderSize(folders.cache),
        backups: await folderSize(folders.backups),
        logs: await folderSize(folders.logs),
        quarantine: await folderSize(folders.quarantine),
        disk: { freeBytes: bavail * bsize, totalBytes: blocks * bsize },
        roots: await Promise.all(
          dependencies.roots.map(async (root) => ({ name: root.name, freeBytes: await freeBytesOf(root.path) })),
        ),
      };
    },
    clearCache: async () => {
      const before = await folderSize(folders.cache);
      await dependencies.trimCache(0);
      const after = await folderSize(folders.cache);
      return { freedBytes: Math.max(0, before.bytes - after.bytes) };
    },
    backup: async (_input, { signal }) => {
      const { file, bytes } = await dependencies.backup(signal);
      return { file, bytes };
    },
    measureDisk: async () => ({
      bytesPerSecond: await measureWriteSpeed(folders.root, () => process.hrtime.bigint()),
    }),
  };
}
