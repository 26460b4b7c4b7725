// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Acquisition, createAcquireHandlers, recordedSessions } from '../../acquisition/index.ts';
import { AppError, type appApi, contractVersion, type coreApis } from '../../contract/index.ts';
import { systemClock } from '../../devices/index.ts';
import { createExploreHandlers } from '../../explore/index.ts';
import { createPositionHandlers, trackOf } from '../../position/index.ts';
import { programVersion } from '../../installation/index.ts';
import {
  createDatajointHandlers,
  createInteropHandlers,
  createResultsHandlers,
  ExportQueue,
  describeFilm,
  keptExports,
  knownFacts,
  Progresses,
  readablePlace,
  runTimes,
  sweepImports,
} from '../../interop/index.ts';
import {
  acquireOwnership,
  createJobsHandlers,
  createLibraryHandlers,
  type BackupSchedule,
  createReader,
  createTablesHandlers,
  type Library,
  openLibrary,
  placeProblem,
  type PlaceProblem,
  startBackups,
  sweepDeletions,
  systemWait,
  type OtherOwner,
  type Ownership,
} from '../../library/index.ts';
import {
  createFramesHandlers,
  findFfmpeg,
  type Media,
  type Movie,
  probeFilm,
  startEditor,
  readStill,
  startMedia,
} from '../../media/index.ts';
import {
  createProcessingHandlers,
  type Limits,
  createRunQueue,
  localCompute,
  queueRuns,
  readParameterSet,
  type RunQueue,
  TryOuts,
} from '../../processing/index.ts';
import { verifySession } from '../../recording/index.ts';
import { cameraFilms, createRecordedHandlers, createReviewHandlers } from '../../review/index.ts';
import type { DomainHandlers, Handlers } from '../../rpc/index.ts';
import {
  createFilesHandlers,
  createSessionsHandlers,
  dataRoots,
  makeFolder,
  openSession,
} from '../../sessions/index.ts';
import { superviseNodeChild } from '../../supervisor/index.ts';
import { createTravelHandlers, sweepStages } from '../../travel/index.ts';
import { createWorkflowHandlers } from '../../workflow/index.ts';
import { ChangeHub } from './changes.ts';
import { doctor, engineVersion } from './doctor.ts';
import { openMachine } from './machine-settings.ts';
import { RemoteAccess } from './remote.ts';

/** A library with everything that works on it: the one composition of the domains. */
export interface Core {
  readonly handlers: DomainHandlers<typeof coreApis>;
  readonly library: Library;
  readonly media: Media;
  readonly acquisition: Acquisition;
  /** Who may drive the rig from outside. */
  readonly remote: RemoteAccess;
  /** Null when the folder cannot be written, so that nobody can be told that it is held. */
  readonly ownership: Ownership | null;
  /** Says where the window is served; other programs that want it ask for this. */
  readonly setWindowAddress: (address: string) => void;
  /** Resolves when no run is queued or under way. */
  readonly idle: () => Promise<void>;
  /** Ends runs that are under way (queued ones stay queued), closes the library and gives it free. */
  readonly close: () => Promise<void>;
}

export interface CoreOptions {
  /** Absolute; made when it does not exist. */
  readonly libraryDirectory: string;
  /** What this process calls itself to others that want the library. */
  readonly program: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Go on with runs that were left queued (else they wait until one is added); true when absent. */
  readonly takeQueued?: boolean;
  /** Told when the process that shows films had to be started again, with the cause. */
  readonly onMediaCrash?: (cause: string) => void;
  /** Milliseconds since 1970 for tests, see `OpenLibraryOptions`. */
  readonly sharedClock?: SharedArrayBuffer;
}

export type OpenedCore =
  | { readonly kind: 'owner'; readonly core: Core }
  | { readonly kind: 'other'; readonly owner: OtherOwner };

/**
 * Opens a library as its one owner, or says who owns it.
 *
 * @throws AppError `library.*`
 */
export async function openCore(options: CoreOptions): Promise<OpenedCore> {
  const place = await fitPlace(options);
  const acquired = acquireOwnership(options.libraryDirectory, { program: options.program });
  if (acquired.kind === 'other') return acquired;
  const ownership = acquired.kind === 'owner' ? acquired.ownership : null;
  try {
    return {
      kind: 'owner',
      core: await createCore(options, place, ownership, acquired.kind === 'read-only' ? acquired.reason : undefined),
    };
  } catch (error) {
    ownership?.release();
    throw error;
  }
}

/** A new library is not begun where it can be damaged without a word; one that is there opens, with a warning. */
async function fitPlace({ libraryDirectory, env = process.env }: CoreOptions): Promise<PlaceProblem | null> {
  const problem = await placeProblem(libraryDirectory);
  if (problem === null || env['CALYX_LIBRARY_ANYWHERE'] === '1') return null;
  if (existsSync(path.join(libraryDirectory, 'library.sqlite'))) return problem;
  throw new AppError('library.bad_place', `${problem.message} No library was begun there.`, {
    hint: 'Choose a folder on a disk of this computer (--library), and let calyx backup --to put copies elsewhere. CALYX_LIBRARY_ANYWHERE=1 begins it all the same.',
  });
}

async function createCore(
  options: CoreOptions,
  place: PlaceProblem | null,
  ownership: Ownership | null,
  readOnly: string | undefined,
): Promise<Core> {
  const library = await openLibrary({
    directory: options.libraryDirectory,
    readOnly,
    sharedClock: options.sharedClock,
  });
  const hub = new ChangeHub();
  let windowAddress: string | null = null;
  const machine = openMachine(options.env ?? process.env);
  const { limits } = machine;
  const media = startMedia({
    logFolder: library.folders.logs,
    ...(options.onMediaCrash === undefined ? {} : { onCrash: options.onMediaCrash }),
  });
  const compute = localCompute(() => findFfmpeg(options.env));
  const reader = createReader(library.folders.database);
  const editor = startEditor({ logFolder: library.folders.logs });
  const queue = createRunQueue({
    library,
    limits,
    cacheBytes: machine.cacheBytes,
    compute,
    rulesFile: path.join(library.folders.root, 'queue.json'),
    changed: (uuid) => {
      hub.notify('runs', uuid);
      hub.notify('sessions', null);
    },
  });
  let isRecording = false;
  const backups =
    library.readOnly === null
      ? startBackups({
          folders: library.folders,
          reader,
          now: () => new Date(),
          wait: systemWait,
          isBusy: () => isRecording,
        })
      : null;
  await sweepDeletions(library);
  await sweepStages(library);
  await sweepImports(library);
  await queue.start({ takeQueued: options.takeQueued ?? true });
  const roots = dataRoots(options.env ?? process.env);
  const sessionsChanged = (uuid: string): void => hub.notify('sessions', uuid);
  const rowsChanged = (): void => {
    hub.notify('sessions', null);
    hub.notify('runs', null);
  };
  const remote = new RemoteAccess();
  const tryOuts = new TryOuts(library, readParameterSet(), limits, compute);
  const processing = createProcessingHandlers({
    library,
    queue,
    limits,
    editor,
    ask: (folder) => compute.plan(folder),
    tryOuts,
    queueChanged: () => hub.notify('runs', null),
    runTimes: (detail) => runTimes(library, detail),
  });
  const sessions = recordedSessions({
    library,
    open: (folder) => openSession(folder, { probeFilm, fps: undefined }),
    changed: sessionsChanged,
    process: (uuid, preset, devices) =>
      queueRuns(library, uuid, { preset, ...(devices === undefined ? {} : { devices }) }, (input) =>
        processing.start(input, { signal: new AbortController().signal, audience: 'local' }),
      ),
    now: () => new Date(),
    clock: systemClock,
  });
  const acquisition = new Acquisition({
    clock: systemClock,
    now: () => new Date(),
    logFolder: library.folders.logs,
    planFile: path.join(library.folders.root, 'acquire.json'),
    firstRoot: roots[0]?.id ?? 'home',
    makeFolder: (folder) => makeFolder(roots, folder),
    sessions,
    supervise: superviseNodeChild,
    readRig: machine.readRig,
    onRecording: (recording) => {
      isRecording = recording;
      queue.hold(recording);
    },
  });
  const progresses = new Progresses();
  const exportQueue = await ExportQueue.open(keptExports(library));
  const libraryHandlers = createLibraryHandlers({ library, reader, changed: rowsChanged });
  const handlers: DomainHandlers<typeof coreApis> = {
    app: createAppHandlers(library, limits, hub, { place, backups }, () => windowAddress),
    files: createFilesHandlers({ roots }),
    workflow: createWorkflowHandlers({
      library,
      probeFilm,
      roots,
      progresses,
      sessionsChanged: () => hub.notify('sessions', null),
      curationChanged: (uuid) => hub.notify('curation', uuid),
    }),
    sessions: createSessionsHandlers({
      library,
      probeFilm,
      roots,
      changed: sessionsChanged,
      verifySession,
      foreign: {
        describe: describeFilm,
        rewrite: async (place, { ticket, ...choice }, signal) => {
          using progress = progresses.begin(ticket);
          const onShare = (share: number): void => progress.report('converting the film', share);
          return await readablePlace(place, choice, library, { signal, onShare });
        },
      },
    }),
    library: libraryHandlers,
    tables: createTablesHandlers({ library, reader, changed: rowsChanged }),
    jobs: createJobsHandlers(library, (uuid) => queue.cancel(uuid)),
    processing,
    datajoint: createDatajointHandlers({
      library,
      reader,
      editor,
      progresses,
      probeFilm,
      roots,
      changed: rowsChanged,
    }),
    interop: createInteropHandlers({
      library,
      editor,
      progresses,
      roots,
      queue: exportQueue,
      knownFacts: (run, signal) => knownFacts(reader, run, signal),
      exportNpy: ({ signal, ...run }) => processing.export(run, { signal, audience: 'local' }),
    }),
    recorded: createRecordedHandlers({ library, probeFilm }),
    review: createReviewHandlers({
      library,
      editor,
      readFrame: readStill,
      changed: (uuid) => {
        hub.notify('curation', uuid);
        hub.notify('sessions', null);
      },
    }),
    travel: createTravelHandlers({
      library,
      changed: (uuid) => {
        hub.notify('runs', uuid);
        hub.notify('curation', uuid);
        hub.notify('sessions', null);
      },
    }),
    results: createResultsHandlers({
      library,
      roots,
      progresses,
      changed: (runUuid, sessionUuid) => {
        hub.notify('runs', runUuid);
        sessionsChanged(sessionUuid);
      },
    }),
    frames: createFramesHandlers({
      media,
      movieOf: async (uuid, version) => (await tryOuts.movie(uuid)) ?? (await movieOf(library, uuid, version)),
      cameraOf: (uuid, camera) => cameraFilms({ library, probeFilm }, uuid, camera),
    }),
    acquire: createAcquireHandlers(acquisition, remote),
    settings: machine.handlers({
      library,
      roots,
      backup: (signal) => libraryHandlers.backup({}, { signal, audience: 'local' }),
    }),
    explore: createExploreHandlers({ library, limits, position: (sessionUuid) => trackOf(library, sessionUuid) }),
    position: createPositionHandlers({ library, roots, progresses, changed: sessionsChanged }),
  };
  return {
    handlers,
    library,
    media,
    acquisition,
    remote,
    ownership,
    setWindowAddress: (address) => {
      windowAddress = address;
      remote.served(new URL(address).origin);
    },
    idle: async () => {
      await Promise.all([queue.idle(), exportQueue.idle()]);
    },
    close: closer(
      library,
      acquisition,
      [...(backups === null ? [] : [backups]), exportQueue, tryOuts, media, editor, reader],
      queue,
      ownership,
    ),
  };
}

function closer(
  library: Library,
  acquisition: Acquisition,
  children: readonly AsyncDisposable[],
  queue: RunQueue,
  ownership: Ownership | null,
): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    try {
      // The light and the recording first: a run can wait.
      await acquisition.close();
      await queue.close();
      for (const child of children) await child[Symbol.asyncDispose]();
      await library.close();
    } finally {
      ownership?.release();
    }
  };
  return () => (closing ??= close());
}

/** What is known of a library's safety. */
interface Trust {
  readonly place: PlaceProblem | null;
  readonly backups: BackupSchedule | null;
}

function createAppHandlers(
  library: Library,
  limits: Limits,
  hub: ChangeHub,
  trust: Trust,
  windowAddress: () => string | null,
): Handlers<typeof appApi.procedures> {
  return {
    info: async () => {
      return {
        version: programVersion(),
        contractVersion,
        library: {
          name: path.basename(library.folders.root),
          readOnly: library.readOnly !== null,
          readOnlyReason: library.readOnly,
          placeProblem: trust.place?.message ?? null,
        },
        engineVersion: await engineVersion(),
        threads: limits.threads,
        memoryBytes: limits.memoryBytes,
      };
    },
    doctor: async () => doctor(library, { place: trust.place, backups: (await trust.backups?.state()) ?? null }),
    windowAddress: () => Promise.resolve({ windowAddress: windowAddress() }),
    changes: (_input, { signal }) => hub.follow(signal),
  };
}

/** The films of a run's input, and its motion and times. */
async function movieOf(library: Library, runUuid: string, version?: number): Promise<Movie> {
  const detail = await library.runs.get(runUuid);
  const inputs = await Promise.all(
    detail.inputs.map(async ({ recordingUuid, firstFrame, lastFrame }) => {
      const recording = await library.sessions.recording(recordingUuid);
      const present = await library.filesPresent([recording.sessionUuid]);
      // A small copy has the same frames in the same size; it stands in where the films are not here.
      const proxy = present.get(recording.sessionUuid) === true ? null : await library.travel.proxy(recordingUuid);
      return {
        films:
          proxy === null
            ? recording.files.map((film) => film.path)
            : [path.join(library.folders.root, ...proxy.path.split('/'))],
        firstFrame,
        lastFrame: lastFrame ?? recording.frames - 1,
      };
    }),
  );
  if (detail.run.state !== 'succeeded') throw new AppError('run.not_ready', 'This run has no result to look at.');
  const edits = await library.curation.edits(runUuid, version);
  return {
    inputs,
    motionFile: path.join(detail.folder, 'motion.npy'),
    timeFile: path.join(detail.folder, 'time.npy'),
    model: { folder: detail.folder, layers: edits.filter(({ active }) => active).map(({ folder }) => folder) },
  };
}
