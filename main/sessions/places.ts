// SPDX-License-Identifier: MIT
import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { Place } from './types.ts';

const filmName = /\.(?:avi|mkv|mp4|mov|m4v|wmv)$/i;
const numberedFilm = /^(\d+)\.(avi|mkv|mp4|mov)$/i;
const leftFilm = /^\d+\.avi\.[a-z~]+$/i;

/** Is this the name of a film file? */
export const isFilmName = (name: string): boolean => filmName.test(name) && !name.startsWith('.');

/** Is this what a crashed recording left: `5.avi.bak`? */
export const isLeftFilm = (name: string): boolean => leftFilm.test(name);

function missing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/**
 * Looks at a folder or file: its kind and the names in it.
 *
 * @throws AppError `session.not_found`, `media.io`
 */
export async function lookAt(given: string): Promise<Place> {
  try {
    const resolved = await realpath(given);
    const info = await stat(resolved);
    if (info.isFile()) return { path: resolved, kind: 'file', entries: [] };
    if (!info.isDirectory()) throw new AppError('session.not_found', `${given} is neither a folder nor a file.`);
    return { path: resolved, kind: 'folder', entries: await listFolder(resolved) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (missing(error)) {
      throw new AppError('session.not_found', `There is no folder or film at ${given}.`, {
        hint: 'Check the path; give the recording folder, a device folder or one film.',
        cause: error,
      });
    }
    throw new AppError('media.io', `${given} cannot be read.`, {
      hint: 'Check its permissions and the disk.',
      cause: error,
    });
  }
}

/** Visible names of a folder; a symbolic link counts as what it points to, a dangling one is left out. */
export async function listFolder(folder: string): Promise<Place['entries']> {
  const entries: { name: string; kind: 'folder' | 'file' }[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) entries.push({ name: entry.name, kind: 'folder' });
    else if (entry.isFile()) entries.push({ name: entry.name, kind: 'file' });
    else if (entry.isSymbolicLink()) {
      const info = await stat(path.join(folder, entry.name)).catch(() => undefined);
      if (info?.isDirectory() === true) entries.push({ name: entry.name, kind: 'folder' });
      else if (info?.isFile() === true) entries.push({ name: entry.name, kind: 'file' });
    }
  }
  return entries.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** Film files of a folder. */
export interface FilmNames {
  /** `N.avi` and the like, by number: 10 after 9. */
  readonly numbered: readonly { readonly name: string; readonly number: number }[];
  /** All other films. */
  readonly others: readonly string[];
  /** What a crashed recording left: `5.avi.bak`. */
  readonly left: readonly string[];
}

/** Sorts the films of a folder. */
export function filmNames(entries: Place['entries']): FilmNames {
  const files = entries.filter((entry) => entry.kind === 'file').map((entry) => entry.name);
  const numbered: { name: string; number: number; extension: string }[] = [];
  const others: string[] = [];
  for (const name of files.filter(isFilmName)) {
    const match = numberedFilm.exec(name);
    if (match === null) others.push(name);
    else numbered.push({ name, number: Number(match[1]), extension: (match[2] ?? '').toLowerCase() });
  }
  numbered.sort((a, b) => a.number - b.number || a.name.localeCompare(b.name, 'en'));
  // One series has one extension; a `0.mp4` beside `0.avi` is a copy for looking, not the recording.
  const extension = numbered.some((film) => film.extension === 'avi') ? 'avi' : numbered[0]?.extension;
  return {
    numbered: numbered.filter((film) => film.extension === extension),
    others: [...numbered.filter((film) => film.extension !== extension).map((film) => film.name), ...others],
    left: files.filter((name) => leftFilm.test(name)),
  };
}

/** Has the folder a file of this name? */
export const hasFile = (entries: Place['entries'], name: string): boolean =>
  entries.some((entry) => entry.kind === 'file' && entry.name === name);
