// SPDX-License-Identifier: MIT
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import { fileError } from './failure.ts';

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/**
 * Makes a folder and what is missing above it, one by one: Node's own way (`recursive`) never ends where a file system takes no folders at all, as
 * `/proc` does.
 *
 * @param folder - absolute
 * @throws AppError `disk.io` that says which part of the path is in the way, `disk.full`
 */
export async function makeFolders(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; ; at = path.dirname(at)) {
    const info = await stat(at).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
      throw fileError(error, `looking at ${at}`);
    });
    if (info === null) missing.push(at);
    else if (info.isDirectory()) break;
    else throw refused(folder, `${at} is a file, not a folder.`);
  }
  for (const at of missing.toReversed()) {
    try {
      await mkdir(at);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EEXIST') continue;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
        throw refused(folder, `you may not write in ${path.dirname(at)}.`, error);
      if (code === 'ENOENT') throw refused(folder, `${path.dirname(at)} takes no new folders.`, error);
      throw fileError(error, `making the folder ${at}`);
    }
  }
}

function refused(folder: string, why: string, cause?: unknown): AppError {
  return new AppError('disk.io', `${folder} cannot be written: ${why}`, { hint: 'Choose another place.', cause });
}
