// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import type { Library, StoredSession } from '../library/index.ts';
import { importDigest } from './digest.ts';
import { openSession } from './open.ts';
import type { ProbeFilm, ReadSession } from './types.ts';

/** A session that was found again. */
export interface Relinked {
  readonly uuid: string;
  readonly name: string;
}

/** Does the folder hold the films that the library knows as this session? */
async function isSame(read: ReadSession, stored: StoredSession): Promise<boolean> {
  const usable = read.devices.filter((device) => device.kind === 'miniscope' && device.error === null);
  const sets = [usable, ...usable.map((device) => [device])].filter((set) => set.length > 0);
  for (const set of sets) {
    const digest = await importDigest(read, set);
    // An entry that was made while its films had moved before carries the folder of that time in its digest.
    const own = createHash('sha256').update(`${digest}\n${stored.folder}`).digest('hex');
    if (digest === stored.contentDigest || own === stored.contentDigest) return true;
  }
  return false;
}

/** What two folders have in common at their ends: `/a/x/s1` and `/b/x/s1` → `/a`, `/b`. */
export function movedBase(
  before: string,
  after: string,
  at: Pick<path.PlatformPath, 'sep'> = path,
): { readonly from: string; readonly to: string } {
  const [old, now] = [before.split(/[/\\]/), after.split(at.sep)];
  while (old.length > 1 && now.length > 1 && old.at(-1) === now.at(-1)) {
    old.pop();
    now.pop();
  }
  return { from: old.join('/'), to: now.join(at.sep) };
}

/**
 * Says where a session lies now. The films must be the same, by their digest. Sessions that moved with it (the same change at the start
 * of their path) are found again in the same go.
 *
 * @throws AppError `session.other_films`, `session.*` for what cannot be read, `library.read_only`
 */
export async function relinkSession(
  stored: StoredSession,
  folder: string,
  library: Library,
  probeFilm: ProbeFilm,
): Promise<{ readonly relinked: Relinked[]; readonly stillMissing: number }> {
  const read = await openSession(folder, { probeFilm });
  if (!(await isSame(read, stored)))
    throw new AppError('session.other_films', `“${read.name}” holds other films than “${stored.name}”.`, {
      hint: 'Choose the folder that this session was moved to. A different recording is imported, not relinked.',
    });
  await library.sessions.relink(stored.uuid, read.folder);
  const relinked: Relinked[] = [{ uuid: stored.uuid, name: stored.name }];
  const { from, to } = movedBase(stored.folder, read.folder);
  const all = await library.sessions.list();
  const present = await library.filesPresent(all.map(({ uuid }) => uuid));
  const missing = all.filter(({ uuid }) => present.get(uuid) !== true);
  for (const other of missing) {
    const rest = other.folder.split(/[/\\]/).join('/');
    if (!rest.startsWith(`${from}/`)) continue;
    const there = path.join(to, ...rest.slice(from.length + 1).split('/'));
    const found = await openSession(there, { probeFilm }).catch(() => undefined);
    if (found === undefined || !(await isSame(found, other))) continue;
    await library.sessions.relink(other.uuid, found.folder);
    relinked.push({ uuid: other.uuid, name: other.name });
  }
  return { relinked, stillMissing: missing.length - (relinked.length - 1) };
}
