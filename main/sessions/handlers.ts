// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type filesApi, type sessionsApi, type SessionRow, type Source } from '../contract/index.ts';
import { assetsFolder } from '../installation/index.ts';
import type { Library, StoredSession } from '../library/index.ts';
import type { CallContext, Handlers } from '../rpc/index.ts';
import { listChoices, resolveFolder, type DataRoot } from './files.ts';
import { importSession, previewSession } from './import.ts';
import { openSession } from './open.ts';
import type { ProbeFilm } from './types.ts';

/** What the session procedures need. */
export interface SessionsDependencies {
  readonly library: Library;
  readonly probeFilm: ProbeFilm;
  readonly roots: readonly DataRoot[];
  /** Called after the library's sessions changed. */
  readonly changed?: (sessionUuid: string) => void;
  /** Folder of the sample session; the one that ships with the program when absent. */
  readonly sampleFolder?: string;
}

/** Adds what only the disk knows and leaves out absolute paths. */
async function toRows(library: Library, stored: readonly StoredSession[]): Promise<SessionRow[]> {
  const present = await library.filesPresent(stored.map((session) => session.uuid));
  return stored.map(({ folder: _folder, format: _format, contentDigest: _digest, ...row }) => ({
    ...row,
    filesPresent: present.get(row.uuid) ?? false,
  }));
}

async function toRow(library: Library, stored: StoredSession): Promise<SessionRow> {
  const [row] = await toRows(library, [stored]);
  if (row === undefined) throw new AppError('session.not_imported', 'This session is not in the library.');
  return row;
}

/**
 * The absolute path of what a caller chose: windows name folders, programs of this machine give paths.
 *
 * @throws AppError `rpc.not_allowed`, `usage.invalid`, `files.*`
 */
export async function pathOfSource(source: Source, roots: readonly DataRoot[], context: CallContext): Promise<string> {
  if ('folder' in source) return await resolveFolder(roots, source.folder);
  if (context.audience !== 'local')
    throw new AppError('rpc.not_allowed', 'A window chooses folders by name, not by path.');
  if (!path.isAbsolute(source.path)) throw new AppError('usage.invalid', `The path must be absolute: ${source.path}`);
  return source.path;
}

/** Serves `sessions.*`. */
export function createSessionsHandlers(dependencies: SessionsDependencies): Handlers<typeof sessionsApi.procedures> {
  const { library, probeFilm, roots } = dependencies;
  const sampleFolder = dependencies.sampleFolder ?? path.join(assetsFolder, 'sample-session');
  const open = async (source: Source, fps: number | undefined, context: CallContext) =>
    await openSession(await pathOfSource(source, roots, context), { probeFilm, fps });
  const presentSample = async (): Promise<StoredSession | null> => {
    const sample = await library.sessions.findSample();
    if (sample === null) return null;
    return (await library.filesPresent([sample.uuid])).get(sample.uuid) === true ? sample : null;
  };
  return {
    preview: async ({ source, fps }, context) => await previewSession(await open(source, fps, context), library),
    import: async ({ source, device, fps, subject }, context) => {
      const { session, alreadyImported } = await importSession(
        await open(source, fps, context),
        { device, subject },
        library,
      );
      if (!alreadyImported) dependencies.changed?.(session.uuid);
      return { session: await toRow(library, session), alreadyImported };
    },
    list: async ({ search }) => await toRows(library, await library.sessions.list({ search })),
    get: async ({ sessionUuid }) => ({
      session: await toRow(library, await library.sessions.get(sessionUuid)),
      runs: [...(await library.runs.list({ sessionUuid }))],
    }),
    sample: async () => {
      const sample = await presentSample();
      const shipped = await openSession(sampleFolder, { probeFilm }).then(
        (session) => session.devices.some((device) => device.error === null),
        () => false,
      );
      return { available: shipped, sessionUuid: sample?.uuid ?? null };
    },
    openSample: async () => {
      const sample = await presentSample();
      if (sample !== null) return { session: await toRow(library, sample) };
      const read = await openSession(sampleFolder, { probeFilm });
      const { session } = await importSession(read, { sample: true }, library);
      dependencies.changed?.(session.uuid);
      return { session: await toRow(library, session) };
    },
  };
}

/** Serves `files.*`. */
export function createFilesHandlers(dependencies: {
  readonly roots: readonly DataRoot[];
}): Handlers<typeof filesApi.procedures> {
  const { roots } = dependencies;
  return {
    roots: () => Promise.resolve(roots.map(({ id, name }) => ({ root: id, name }))),
    list: async ({ folder }) => ({ folder, entries: [...(await listChoices(roots, folder))] }),
  };
}
