// SPDX-License-Identifier: MIT
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import type { Library, Reader } from '../../../library/index.ts';
import { fileError } from '../../../processing/index.ts';
import { openSession, plannedSession, type ProbeFilm } from '../../../sessions/index.ts';
import { inThread } from '../../../threads/index.ts';
import type { OnProgress } from '../../job.ts';
import type { Generation, ServerAddress } from '../server.ts';
import type { FromImport, ImportJob, ToImport } from './import-worker.ts';
import { belowRoot, type Intake } from './intake.ts';
import type { AxesChoice } from './results.ts';
import type { KnownSession } from './sessions.ts';

/** What is brought, and how. */
export interface ImportWish {
  readonly address: ServerAddress;
  readonly prefix: string;
  readonly subject: string | null;
  readonly root: string | null;
  readonly axes: AxesChoice;
  readonly isDry: boolean;
}

/** What an import did, or would do. */
export interface Imported {
  readonly generation: Generation;
  readonly tables: readonly { readonly table: string; readonly inserted: number; readonly present: number }[];
  readonly runs: Intake['runs'];
  readonly runsHere: number;
  readonly notes: readonly string[];
  readonly isImported: boolean;
}

/** Removed by the sweep that follows an interrupted unpacking: such a stage is one, too. */
const stagePrefix = '.unpack-datajoint-';

/**
 * Brings a lab's DataJoint database into the library: everything is read first, as of one moment, run folders beside the library's own; then
 * they are moved to their places and all rows go in by one transaction. What goes wrong, or a server that drops, leaves the library as it was.
 *
 * @throws AppError `datajoint.*`, `interop.unreadable`, `disk.*`, `library.read_only`, `travel.deleted`, `rpc.cancelled`
 */
export async function importDatajoint(
  wish: ImportWish,
  { library, reader, probeFilm }: { readonly library: Library; readonly reader: Reader; readonly probeFilm: ProbeFilm },
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Imported> {
  if (library.readOnly !== null && !wish.isDry) throw new AppError('library.read_only', library.readOnly);
  const stage = await mkdtemp(path.join(library.folders.root, stagePrefix)).catch((error: unknown) => {
    throw fileError(error, 'making room for the import');
  });
  try {
    const [catalogue, sessions, runs, folders] = await Promise.all([
      reader.catalogue(signal),
      knownSessions(library),
      library.runs.list(),
      readdir(library.folders.runs).catch(() => []),
    ]);
    const job: ImportJob = {
      address: wish.address,
      subject: wish.subject,
      wish: {
        prefix: wish.prefix,
        catalogue,
        sessions,
        runs: new Set(runs.map(({ uuid }) => uuid)),
        runFolders: new Set(folders),
        root: wish.root,
        axes: wish.axes,
        isDry: wish.isDry,
        stage,
        now: new Date().toISOString(),
      },
    };
    const lookAt = async (directory: string, subject: string): Promise<ToImport['plan']> =>
      await lookAtFolder(directory, subject, wish.root, library, probeFilm);
    const intake = await readAside(job, lookAt, onProgress, signal);
    onProgress('adding', 0.97);
    signal.throwIfAborted();
    const moved = wish.isDry ? [] : await place(stage, library, intake);
    try {
      const { inserted, present, refused } = await library.travel.adopt({
        rows: intake.rows,
        judgements: intake.judgements,
        who: 'datajoint',
        dryRun: wish.isDry,
      });
      const names = [...new Set([...Object.keys(inserted), ...Object.keys(present)])].sort();
      return {
        generation: intake.generation,
        tables: names.map((table) => ({ table, inserted: inserted[table] ?? 0, present: present[table] ?? 0 })),
        runs: intake.runs,
        runsHere: intake.runsHere,
        notes: [
          ...intake.notes,
          ...refused.map((sentence) => `Left out, since this library’s rules refuse it: ${sentence}.`),
        ],
        isImported: !wish.isDry,
      };
    } catch (error) {
      for (const folder of moved) await rm(folder, { recursive: true, force: true });
      throw error;
    }
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function knownSessions(library: Library): Promise<readonly KnownSession[]> {
  const known: KnownSession[] = [];
  const limit = 500;
  for (;;) {
    const page = await library.sessions.list({ limit, offset: known.length });
    for (const { uuid, subject, startedAt, tzOffsetMin, recordings } of page)
      known.push({
        uuid,
        subject,
        startedAt,
        tzOffsetMin,
        recordings: recordings.map(({ uuid: recording, frames, height, width }) => ({
          uuid: recording,
          frames,
          height,
          width,
        })),
      });
    if (page.length < limit) return known;
  }
}

async function lookAtFolder(
  directory: string,
  subject: string,
  root: string | null,
  library: Library,
  probeFilm: ProbeFilm,
): Promise<ToImport['plan']> {
  const folder = root === null ? null : belowRoot(root, directory);
  if (
    folder === null ||
    !(await stat(folder).then(
      (info) => info.isDirectory(),
      () => false,
    ))
  )
    return null;
  try {
    const read = await openSession(folder, { probeFilm, fps: undefined });
    const { session } = await plannedSession(read, { subject }, library);
    const times = session.recordings.map(
      ({ device }) => read.devices.find(({ name }) => name === device)?.timeS ?? null,
    );
    return { session, times };
  } catch (error) {
    return AppError.from(error).message;
  }
}

async function readAside(
  job: ImportJob,
  lookAt: (directory: string, subject: string) => Promise<ToImport['plan']>,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Intake> {
  return await inThread<Intake, FromImport>({
    module: new URL('import-worker.ts', import.meta.url),
    name: 'datajoint',
    data: job,
    signal,
    cancelled: 'The import was stopped before it was done; nothing was added.',
    hear: (said, answer) => {
      if (said.type === 'progress') onProgress(said.step, said.fraction);
      else {
        const { id, directory, subject } = said;
        lookAt(directory, subject).then((plan) => answer.post({ id, plan } satisfies ToImport), answer.reject);
      }
    },
  });
}

/** Moves run folders to their places; back out again where one cannot be. */
async function place(stage: string, library: Library, { runs }: Intake): Promise<readonly string[]> {
  const moved: string[] = [];
  try {
    await mkdir(library.folders.runs, { recursive: true });
    for (const { uuid } of runs) {
      const target = library.runFolder(uuid);
      await rename(path.join(stage, uuid), target);
      moved.push(target);
    }
    return moved;
  } catch (error) {
    for (const folder of moved) await rm(folder, { recursive: true, force: true });
    throw fileError(error, 'placing the imported results');
  }
}
