// SPDX-License-Identifier: MIT
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { currentProcess, isAlive } from '../library/index.ts';
import { fileError } from './failure.ts';
import { makeFolders } from './make-folders.ts';

/** In a scratch folder: who made it, and for what. */
const ownerFile = 'calyx-owner.json';

const Owner = z.object({
  program: z.literal('calyx'),
  host: z.string(),
  process: z.object({ pid: z.number(), bootId: z.string(), startTicks: z.string().nullable() }),
  /** Name of what is being written beside the folder. */
  place: z.string(),
});

/** What a folder that is replaced lies under meanwhile. */
const previous = 'previous';

/** A folder for what is unfinished, on the disk of its destination. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
  /** Where an earlier export lies while the new one takes its place. */
  readonly previous: string;
}

/**
 * A fresh folder beside a place. Those beside it that belong to programs of this machine which were killed are put away first.
 *
 * @param place - absolute
 * @param doing - what an error says was tried
 * @throws AppError `disk.io`, `disk.full`
 */
export async function scratchBeside(place: string, doing = `exporting to ${place}`): Promise<Scratch> {
  const [parent, name] = [path.dirname(place), path.basename(place)];
  try {
    await makeFolders(parent);
    await sweepScratch(parent);
    // A name may be as long as a file system allows.
    const folder = await mkdtemp(path.join(parent, `.${name.slice(0, 40)}.tmp-`));
    const put = async (): Promise<void> => await putAway(folder, place);
    const owner: z.infer<typeof Owner> = {
      program: 'calyx',
      host: hostname(),
      process: currentProcess(),
      place: name,
    };
    await writeFile(path.join(folder, ownerFile), `${JSON.stringify(owner)}\n`).catch(async (error: unknown) => {
      await put();
      throw error;
    });
    return { folder, previous: path.join(folder, previous), [Symbol.asyncDispose]: put };
  } catch (error) {
    throw fileError(error, doing);
  }
}

/** Whether a folder is one that {@link scratchBeside} made: its path may come from a file that somebody changed. */
export function isScratch(folder: string): boolean {
  return /^\..+\.tmp-[\w-]+$/.test(path.basename(folder));
}

/** Removes what killed programs of this machine left in a folder: only what says itself whose it is. An export that was being replaced goes back to its place. */
export async function sweepScratch(parent: string): Promise<void> {
  const names = (await readdir(parent).catch((): string[] => [])).filter((name) => isScratch(name));
  for (const folder of names.map((name) => path.join(parent, name))) {
    const owner = await ownerOf(folder);
    if (owner === null || owner.host !== hostname() || isAlive(owner.process)) continue;
    // Somebody else's may not be removable: it stays, and is no reason not to export.
    await putAway(folder, path.join(parent, path.basename(owner.place))).catch(() => undefined);
  }
}

/** Removes a scratch folder; an export that was to be replaced and has no successor goes back to its place first. */
async function putAway(folder: string, place: string): Promise<void> {
  const kept = path.join(folder, previous);
  if ((await isThere(kept)) && !(await isThere(place))) await rename(kept, place);
  await rm(folder, { recursive: true, force: true });
}

async function ownerOf(folder: string): Promise<z.infer<typeof Owner> | null> {
  try {
    return Owner.parse(JSON.parse(await readFile(path.join(folder, ownerFile), 'utf8')));
  } catch {
    return null;
  }
}

const isThere = async (place: string): Promise<boolean> =>
  await stat(place).then(
    () => true,
    () => false,
  );
