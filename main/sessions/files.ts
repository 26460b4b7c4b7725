// SPDX-License-Identifier: MIT
import { mkdir, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { AppError, type FolderRef } from '../contract/index.ts';
import { readerOf } from './open.ts';
import { isFilmName, listFolder } from './places.ts';
import { bareFilm } from './readers/bare-film.ts';

/** A folder below which browsing is allowed. */
export interface DataRoot {
  /** Sent to the window in place of the path. */
  readonly id: string;
  /** Shown name. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** The roots of this machine: `CALYX_DATA_ROOTS` (separated like PATH) and the home folder. */
export function dataRoots(env: NodeJS.ProcessEnv, home: string = homedir()): readonly DataRoot[] {
  const folders = (env['CALYX_DATA_ROOTS'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  const data = folders.map((folder, index) => ({
    id: `data-${index + 1}`,
    name: path.basename(path.resolve(folder)) || folder,
    path: path.resolve(folder),
  }));
  return [...data, { id: 'home', name: 'Home', path: home }];
}

const inside = (root: string, candidate: string): boolean => {
  const relative = path.relative(root, candidate);
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
};

/**
 * The real path of a folder that a window chose. Symbolic links are followed first: what leads out of the root is refused.
 *
 * @throws AppError `files.outside_roots`, `files.not_found`
 */
export async function resolveFolder(roots: readonly DataRoot[], folder: FolderRef): Promise<string> {
  const root = roots.find((candidate) => candidate.id === folder.root);
  const parts = folder.path.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
  if (root === undefined || parts.some((part) => part === '..' || part.includes('\0') || part.startsWith('.'))) {
    throw new AppError('files.outside_roots', 'That folder is outside the folders offered here.');
  }
  try {
    const real = await realpath(path.join(root.path, ...parts));
    if (inside(await realpath(root.path), real)) return real;
  } catch (error) {
    throw new AppError('files.not_found', `“${parts.at(-1) ?? root.name}” is not there any more.`, { cause: error });
  }
  throw new AppError('files.outside_roots', 'That folder is outside the folders offered here.');
}

/**
 * The path of a folder that a window chose to write into; made when it is not there. What leads out of the root, by a link too, is refused before anything is made.
 *
 * @throws AppError `files.outside_roots`, `files.not_found` for a root that is not there, `disk.io`
 */
export async function makeFolder(roots: readonly DataRoot[], folder: FolderRef): Promise<string> {
  const parts = folder.path.split(/[/\\]/).filter((part) => part !== '' && part !== '.');
  for (let depth = parts.length; depth >= 0; depth -= 1) {
    const above = { root: folder.root, path: parts.slice(0, depth).join('/') };
    try {
      const real = await resolveFolder(roots, above);
      const made = path.join(real, ...parts.slice(depth));
      // Names of folders to be made are judged like those that are there.
      if (parts.slice(depth).some((part) => part === '..' || part.startsWith('.') || part.includes('\0'))) break;
      await mkdir(made, { recursive: true });
      return made;
    } catch (error) {
      if (!(error instanceof AppError)) {
        throw new AppError('disk.io', `The folder “${folder.path}” cannot be made.`, {
          hint: 'Choose another folder, or check the disk and your rights there.',
          cause: error,
        });
      }
      if (error.code !== 'files.not_found' || depth === 0) throw error;
    }
  }
  throw new AppError('files.outside_roots', 'That folder is outside the folders offered here.');
}

/** One line of a folder's list. */
export interface FolderEntry {
  readonly name: string;
  readonly kind: 'folder' | 'session' | 'film' | 'file';
  readonly detail?: string;
}

/** Files by their endings, where something else than a film is looked for. */
const wanted = {
  results: /\.(?:hdf5|h5|mat|isxd|nwb|zip|roi)$/i,
  places: /\.(?:zip|roi|csv|tsv|txt)$/i,
} as const;

/**
 * Folders, recognised sessions and films of a folder, or folders and files that may be what is looked for; hidden files, all other files and links that leave the
 * root are not listed.
 */
export async function listChoices(
  roots: readonly DataRoot[],
  folder: FolderRef,
  files: 'films' | keyof typeof wanted = 'films',
): Promise<readonly FolderEntry[]> {
  const real = await resolveFolder(roots, folder);
  const root = roots.find((candidate) => candidate.id === folder.root);
  const top = await realpath(root?.path ?? real);
  const listed = await listFolder(real).catch((error: unknown) => {
    throw new AppError('files.not_found', `“${path.basename(real)}” cannot be opened.`, { cause: error });
  });
  const entries: FolderEntry[] = [];
  for (const { name, kind } of listed) {
    const target = await realpath(path.join(real, name)).catch(() => undefined);
    if (target === undefined || !inside(top, target)) continue;
    if (files !== 'films') {
      if (kind === 'folder') entries.push({ name, kind: 'folder' });
      else if (wanted[files].test(name)) entries.push({ name, kind: 'file' });
    } else if (kind === 'folder') entries.push(await folderEntry(target, name));
    else if (isFilmName(name)) entries.push({ name, kind: 'film' });
  }
  return entries;
}

async function folderEntry(target: string, name: string): Promise<FolderEntry> {
  try {
    const reader = await readerOf({ path: target, kind: 'folder', entries: await listFolder(target) });
    // A folder with films is a folder one looks into; only a session is chosen whole.
    return reader === undefined || reader === bareFilm
      ? { name, kind: 'folder' }
      : { name, kind: 'session', detail: reader.title };
  } catch {
    return { name, kind: 'folder', detail: 'cannot be opened' };
  }
}
