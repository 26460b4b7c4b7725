// SPDX-License-Identifier: MIT
import { open, opendir, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  AppError,
  denial,
  type filesApi,
  type sessionsApi,
  type SessionRow,
  type SessionVerdict,
  type Source,
} from '../contract/index.ts';
import { assetsFolder } from '../installation/index.ts';
import type { Library, StoredSession } from '../library/index.ts';
import type { CallContext, Handlers } from '../rpc/index.ts';
import { listChoices, resolveFolder, type DataRoot } from './files.ts';
import { importSession, previewSession } from './import.ts';
import { openSession } from './open.ts';
import { relinkSession } from './relink.ts';
import type { ProbeFilm, ReadSession } from './types.ts';

/** What a look at every byte says of a device. */
interface VerifiedDevice {
  readonly device: string;
  readonly frames: number;
  readonly missing: number | null;
  readonly problems: readonly string[];
  readonly films: readonly { readonly isHashed: boolean }[];
}

/** Films of other programs: `main/interop/films`. */
export interface ForeignFilms {
  /** By its header; or where the film lies that a file only names; null for a place that is no such film. */
  readonly describe: (place: string, choice: FilmChoice) => Promise<ReadSession | { readonly film: string } | null>;
  /** Rewrites it, once; gives where it can be opened: a place that is no such film itself. */
  readonly rewrite: (
    place: string,
    choice: FilmChoice & { readonly ticket?: string | undefined },
    signal: AbortSignal,
  ) => Promise<string>;
}

interface FilmChoice {
  readonly fps?: number | undefined;
  readonly dataset?: string | undefined;
}

/** What the session procedures need. */
export interface SessionsDependencies {
  readonly library: Library;
  readonly probeFilm: ProbeFilm;
  /** Films that must be rewritten before they can be opened as a session. */
  readonly foreign?: ForeignFilms;
  readonly roots: readonly DataRoot[];
  /** Called after the library's sessions changed. */
  readonly changed?: (sessionUuid: string) => void;
  /** Looks at every byte of a session's folder. */
  readonly verifySession?: (
    folder: string,
  ) => Promise<Omit<SessionVerdict, 'at' | 'devices'> & { readonly devices: readonly VerifiedDevice[] }>;
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
 * @throws AppError `rpc.not_allowed`, `usage.invalid`, `files.*`, `disk.io` for one that may not be read
 */
export async function pathOfSource(source: Source, roots: readonly DataRoot[], context: CallContext): Promise<string> {
  if ('folder' in source) {
    const folder = await resolveFolder(roots, source.folder);
    await mustBeReadable(folder, path.basename(folder));
    return folder;
  }
  if (context.audience !== 'local')
    throw new AppError('rpc.not_allowed', 'A window chooses folders by name, not by path.');
  if (!path.isAbsolute(source.path)) throw new AppError('usage.invalid', `The path must be absolute: ${source.path}`);
  await mustBeReadable(source.path, source.path);
  return source.path;
}

/** A place that may not be read is told as that: readers which look whether it is theirs would say that it is nobody's. @throws AppError `disk.io` */
async function mustBeReadable(place: string, shown: string): Promise<void> {
  try {
    const info = await stat(place);
    if (info.isDirectory()) await (await opendir(place)).close();
    else if (info.isFile()) await (await open(place, 'r')).close();
  } catch (error) {
    // What is not there is told by whoever wants it.
    if (denial(error) === null) return;
    throw new AppError('disk.io', `You may not read ${shown}.`, {
      hint: 'Ask whoever owns it for the permission.',
      cause: error,
    });
  }
}

/** Where a folder lies, without its path: the root it is below, else its drive or the start of its path. */
export function placeOf(folder: string, roots: readonly DataRoot[]): string {
  // The deepest root says the most.
  const root = roots
    .filter(({ path: top }) => folder === top || folder.startsWith(top.endsWith(path.sep) ? top : `${top}${path.sep}`))
    .toSorted((a, b) => b.path.length - a.path.length)[0];
  if (root !== undefined) return root.name;
  return /^[A-Za-z]:/.exec(folder)?.[0] ?? `/${folder.split(/[/\\]/).find((part) => part !== '') ?? ''}`;
}

/** Serves `sessions.*`. */
export function createSessionsHandlers(dependencies: SessionsDependencies): Handlers<typeof sessionsApi.procedures> {
  const { library, probeFilm, roots } = dependencies;
  const sampleFolder = dependencies.sampleFolder ?? path.join(assetsFolder, 'sample-session');
  const { foreign } = dependencies;
  const look = async (source: Source, choice: FilmChoice, context: CallContext): Promise<ReadSession> => {
    let place = await pathOfSource(source, roots, context);
    const described = (await foreign?.describe(place, choice)) ?? null;
    if (described !== null) {
      if (!('film' in described)) return described;
      place = described.film;
    }
    return await openSession(place, { probeFilm, fps: choice.fps });
  };
  const presentSample = async (): Promise<StoredSession | null> => {
    const sample = await library.sessions.findSample();
    if (sample === null) return null;
    return (await library.filesPresent([sample.uuid])).get(sample.uuid) === true ? sample : null;
  };
  return {
    preview: async ({ source, ...choice }, context) =>
      await previewSession(await look(source, choice, context), library),
    import: async ({ source, device, subject, fps, dataset, ticket }, context) => {
      const given = await pathOfSource(source, roots, context);
      const place = (await foreign?.rewrite(given, { fps, dataset, ticket }, context.signal)) ?? given;
      const read = await openSession(place, { probeFilm, fps });
      const { session, alreadyImported } = await importSession(read, { device, subject }, library);
      if (!alreadyImported) dependencies.changed?.(session.uuid);
      return { session: await toRow(library, session), alreadyImported };
    },
    list: async (filter) => await toRows(library, await library.sessions.list(filter)),
    get: async ({ sessionUuid }) => ({
      session: await toRow(library, await library.sessions.get(sessionUuid)),
      runs: [...(await library.runs.list({ sessionUuid }))],
    }),
    facts: async () =>
      (await library.sessions.facts()).map(({ folder, ...facts }) =>
        Object.assign(facts, { place: placeOf(folder, roots) }),
      ),
    relink: async ({ sessionUuid, source }, context) => {
      const stored = await library.sessions.get(sessionUuid);
      const answer = await relinkSession(stored, await pathOfSource(source, roots, context), library, probeFilm);
      for (const { uuid } of answer.relinked) dependencies.changed?.(uuid);
      return answer;
    },
    verify: async ({ sessionUuid }) => {
      const { folder, name } = await library.sessions.get(sessionUuid);
      if (dependencies.verifySession === undefined)
        throw new AppError('rpc.not_allowed', 'Sessions cannot be verified here.');
      if ((await library.filesPresent([sessionUuid])).get(sessionUuid) !== true)
        throw new AppError('session.not_found', `The files of “${name}” are not where they were.`, {
          hint: 'Say where they lie now, then verify.',
        });
      const { sound, devices } = await dependencies.verifySession(folder);
      const verified = { at: new Date().toISOString(), sound };
      if (library.readOnly === null) await library.sessions.annotate({ sessionUuid, verified, who: '' });
      dependencies.changed?.(sessionUuid);
      return {
        ...verified,
        devices: devices.map(({ device, frames, missing, problems, films }) => ({
          device,
          frames,
          missing,
          hashed: films.filter(({ isHashed }) => isHashed).length,
          films: films.length,
          problems: [...problems],
        })),
      };
    },
    annotate: async (change) => {
      await library.sessions.annotate(change);
      dependencies.changed?.(change.sessionUuid);
      return {};
    },
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
    list: async ({ folder, files }) => ({ folder, entries: [...(await listChoices(roots, folder, files))] }),
  };
}
