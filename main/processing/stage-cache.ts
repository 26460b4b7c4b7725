// SPDX-License-Identifier: MIT
import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../contract/index.ts';

/**
 * Bytes that kept results of stages may take where nothing else is said. A recording of 20 minutes (608 × 608 at 30 frames a second) leaves about 4 GB, so the
 * last five stay at hand; a laptop's disk has that to spare.
 */
export const defaultCacheBytes = 20 * 1024 ** 3;

const checkpointName = /^[0-9a-f]{64}$/;
const manifest = 'checkpoint.json';
const temporary = /^tmp-(\d+)$/;
const mark = /^in-use-(\d+)$/;

/** Is there a process of this number on this machine? */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it lives.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Size of the cache from the environment's `CALYX_CACHE_SIZE` (bytes, or as in 20G). @throws AppError `usage.invalid` */
export function cacheLimit(env: Readonly<Record<string, string | undefined>>): number {
  const given = env['CALYX_CACHE_SIZE'];
  if (given === undefined || given === '') return defaultCacheBytes;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(given.trim());
  const bytes = Number(match?.[1]) * 1024 ** ' kmgt'.indexOf((match?.[2] ?? '').toLowerCase() || ' ');
  if (match !== null && Number.isSafeInteger(Math.round(bytes))) return Math.round(bytes);
  throw new AppError('usage.invalid', `CALYX_CACHE_SIZE must be a size, as in 20G, or 0; it is “${given}”.`);
}

interface Checkpoint {
  readonly folder: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/** What {@link trimCache} did. */
export interface Trimmed {
  /** Bytes that stay. */
  readonly bytes: number;
  /** Checkpoints that went. */
  readonly removed: number;
}

/**
 * Brings the kept results of stages below a size: those that nobody has used for the longest go first. One that a living process has marked as in use stays, whatever the
 * size; what engines that were killed left unfinished goes.
 *
 * @param folder the library's cache folder, absolute; may be missing
 * @param limitBytes at most so much stays
 * @param isAlive tells whether a process lives; tests replace it
 */
export async function trimCache(
  folder: string,
  limitBytes: number,
  isAlive: (pid: number) => boolean = lives,
): Promise<Trimmed> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    const pid = temporary.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await remove(path.join(folder, name));
    // Somebody was killed while it removed this.
    if (name.endsWith('.removed')) await rm(path.join(folder, name), { recursive: true, force: true });
  }
  const found: Checkpoint[] = [];
  let bytes = 0;
  for (const name of names.filter((each) => checkpointName.test(each))) {
    const checkpoint = await look(path.join(folder, name));
    bytes += checkpoint.bytes;
    if (!(await isUsed(checkpoint.folder, isAlive))) found.push(checkpoint);
  }
  let removed = 0;
  for (const oldest of found.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= limitBytes) break;
    if (await remove(oldest.folder)) {
      bytes -= oldest.bytes;
      removed += 1;
    }
  }
  return { bytes, removed };
}

async function look(folder: string): Promise<Checkpoint> {
  let bytes = 0;
  // One without its list of files is no checkpoint: it goes first.
  let usedMs = 0;
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const info = await stat(path.join(folder, name)).catch(() => null);
    bytes += info?.size ?? 0;
    if (name === manifest) usedMs = info?.mtimeMs ?? 0;
  }
  return { folder, bytes, usedMs };
}

async function isUsed(folder: string, isAlive: (pid: number) => boolean): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.some((name) => {
    const pid = mark.exec(name)?.[1];
    return pid !== undefined && isAlive(Number(pid));
  });
}

/** Renamed first: a folder that is half removed must not look like a checkpoint. */
async function remove(folder: string): Promise<boolean> {
  const doomed = `${folder}.removed`;
  try {
    await rename(folder, doomed);
    await rm(doomed, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}
