// SPDX-License-Identifier: MIT
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { AppError, type Deletion, type jobsApi, type libraryApi, type tablesApi } from '../contract/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { listBackups, makeBackup } from './backup.ts';
import type { Reader } from './reader/reader.ts';
import type { Library } from './types.ts';
import { verifyLibrary } from './verify.ts';

/** What the library's procedures need. */
export interface LibraryDependencies {
  readonly library: Library;
  readonly reader: Reader;
  /** Told when rows went or came back. */
  readonly changed?: () => void;
}

/** Removes the folders of a deletion, then its rows: interrupted, it is done again the next time. */
async function purge(library: Library, { uuid, folders }: Deletion): Promise<Deletion> {
  for (const folder of folders) await rm(join(library.folders.root, folder), { recursive: true, force: true });
  return await library.deletions.purge(uuid);
}

/** Removes for good what was deleted and whose grace time is over. */
export async function sweepDeletions(library: Library): Promise<void> {
  if (library.readOnly !== null) return;
  for (const deletion of await library.deletions.due()) await purge(library, deletion);
}

/** Serves `library.*`. */
export function createLibraryHandlers({
  library,
  reader,
  changed = () => undefined,
}: LibraryDependencies): Handlers<typeof libraryApi.procedures> {
  const { deletions, folders } = library;
  const told = async <T>(act: Promise<T>): Promise<T> => {
    const value = await act;
    changed();
    return value;
  };
  return {
    views: () => reader.views(),
    query: (selection, { signal }) => reader.select(selection, signal),
    sql: (question, { signal }) => reader.sql(question, signal),
    diagram: (wish, { signal }) => reader.diagram(wish, signal),
    deletePreview: (target) => deletions.preview(target),
    delete: (target) => told(deletions.remove(target)),
    deletions: async () => [...(await deletions.list())],
    undelete: ({ uuid }) => told(deletions.undo(uuid)),
    purge: async ({ uuid }) => {
      const found = (await deletions.list()).find((deletion) => deletion.uuid === uuid);
      if (found === undefined) throw new AppError('delete.not_found', `No deletion ${uuid} is in this library.`);
      if (found.state !== 'held') throw new AppError('delete.refused', `This deletion is ${found.state} already.`);
      return await purge(library, found);
    },
    backup: ({ to }, { signal }) => {
      if (to !== undefined && !isAbsolute(to))
        throw new AppError('usage.invalid', `The folder must be absolute: ${to}`);
      return makeBackup(folders, reader, { kind: 'manual', now: new Date(), to }, signal);
    },
    backups: () => listBackups(folders),
    verify: ({ quarantine }, { signal }) =>
      verifyLibrary(library, reader, { quarantine, now: () => new Date() }, signal),
  };
}

/** Serves `tables.*`. */
export function createTablesHandlers({
  library,
  reader,
  changed = () => undefined,
}: LibraryDependencies): Handlers<typeof tablesApi.procedures> {
  return {
    catalogue: (_input, { signal }) => reader.catalogue(signal),
    rows: (request, { signal }) => reader.rows(request, signal),
    choices: (request, { signal }) => reader.choices(request, signal),
    changes: (request, { signal }) => reader.changes(request, signal),
    save: async (row) => {
      const saved = await library.rows.save(row);
      changed();
      return saved;
    },
  };
}

/** Serves `jobs.*`. `cancelRun` ends the run that is under way for a cancelled job. */
export function createJobsHandlers(
  library: Library,
  cancelRun: (runUuid: string) => Promise<unknown>,
): Handlers<typeof jobsApi.procedures> {
  const { jobs } = library;
  return {
    list: async (filter) => [...(await jobs.list(filter))],
    get: async ({ jobUuid }) => {
      const { job, attempts } = await jobs.get(jobUuid);
      return { job, attempts: [...attempts] };
    },
    pending: async ({ limit }) => [...(await jobs.pending(limit))],
    add: async ({ jobs: given }) => ({ jobs: [...(await jobs.add(given))] }),
    claim: async (wish) => ({ claim: await jobs.claim(wish) }),
    heartbeat: (beat) => jobs.heartbeat(beat),
    finish: async (end) => ({ job: await jobs.finish(end) }),
    fail: async (end) => ({ job: await jobs.fail(end) }),
    retry: async ({ jobUuids }) => ({ jobs: [...(await jobs.retry(jobUuids))] }),
    ignore: async ({ jobUuids }) => ({ jobs: [...(await jobs.ignore(jobUuids))] }),
    cancel: async ({ jobUuids }) => {
      const cancelled = await jobs.cancel(jobUuids);
      // A run that has ended meanwhile is no reason to complain.
      for (const { runUuid } of cancelled) if (runUuid !== null) await cancelRun(runUuid).catch(() => undefined);
      return { jobs: [...cancelled] };
    },
  };
}
