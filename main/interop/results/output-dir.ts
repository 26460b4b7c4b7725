// SPDX-License-Identifier: MIT
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type Uuid } from '../../contract/index.ts';
import type { Library } from '../../library/index.ts';
import { readerOf } from './readers/index.ts';

/** Where element-miniscope's workflow puts, or looks for, the result of a task. */
export interface OutputDir {
  /** Relative to the root, forward slashes: `processing_output_dir`. */
  readonly relative: string;
  /** Absolute. */
  readonly folder: string;
}

/**
 * Upstream's rule (datamodel.md 2.5): processed root / session directory / method_paramsetindex, dots of the method as dashes. Used for
 * results that are loaded and for exports that upstream shall find; runs of this program have folders of their own.
 *
 * @param root - absolute; the folder the session's directory is below when absent
 * @throws AppError `session.not_imported`, `usage.invalid` for a session that is not below the root
 */
export async function outputDir(
  library: Library,
  task: {
    readonly recordingUuid: Uuid;
    readonly method: string;
    readonly paramsetIdx: number;
    readonly root?: string | undefined;
  },
): Promise<OutputDir> {
  const { sessionUuid } = await library.sessions.recording(task.recordingUuid);
  const { folder, directory } = await library.sessions.directory(sessionUuid);
  const name = `${task.method.replaceAll('.', '-')}_${task.paramsetIdx}`;
  const { root } = task;
  if (directory !== null) {
    const above = folder.split(path.sep).join('/');
    const own = above.endsWith(`/${directory}`) ? above.slice(0, -directory.length - 1) || '/' : folder;
    const relative = `${directory}/${name}`;
    return { relative, folder: path.join(root ?? own, ...relative.split('/')) };
  }
  const base = root ?? path.dirname(folder);
  const below = path.relative(base, folder);
  if (below.startsWith('..') || path.isAbsolute(below)) {
    throw new AppError('usage.invalid', `The session does not lie below ${base}, and no session_dir of it is known.`, {
      hint: 'Give the root its folder is below, or name the file of the result.',
    });
  }
  const relative = [...below.split(path.sep).filter((part) => part !== ''), name].join('/');
  return { relative, folder: path.join(base, ...relative.split('/')) };
}

/**
 * The result in such a folder: the folder itself, or the newest file in it or one level below that can be read.
 *
 * @throws AppError `interop.unreadable`
 */
export async function resultIn(folder: string): Promise<string> {
  const absent = (): AppError =>
    new AppError('interop.unreadable', `There is no result that can be read in ${folder}.`, {
      hint: 'Put the file of CaImAn (or MiniAn, MIN1PIPE, Inscopix) there, or name it.',
    });
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw absent();
  });
  if ((await readerOf(folder)) !== null) return folder;
  const places: string[] = [];
  for (const entry of entries) {
    const place = path.join(folder, entry.name);
    places.push(place);
    if (entry.isDirectory()) for (const inner of await readdir(place)) places.push(path.join(place, inner));
  }
  const found: { readonly place: string; readonly at: number }[] = [];
  for (const place of places.sort()) {
    if ((await readerOf(place).catch(() => null)) !== null) found.push({ place, at: (await stat(place)).mtimeMs });
  }
  const newest = found.reduce<(typeof found)[number] | undefined>(
    (best, each) => (best === undefined || each.at > best.at ? each : best),
    undefined,
  );
  if (newest === undefined) throw absent();
  return newest.place;
}
