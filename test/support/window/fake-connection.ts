// SPDX-License-Identifier: MIT
import {
  type AbortSignalLike,
  AppError,
  type Cell,
  type CellLabel,
  type LogEntry,
  type QueueState,
  type Rater,
  type RunProgress,
  type RunRow,
  type SessionRow,
  stageNames,
} from '../../../main/contract/index.ts';
import type { Connection, CoreClient, MediaClient, OpenStream, Packet } from '../../../renderer/client/types.ts';
import { fakeAcquire } from './fake-acquire.ts';
import { fakeReadings, fakeRecorded } from './fake-recorded.ts';
import { session } from './fake-sessions.ts';
import { fakeUuid, frameOf, makeScene, pictureOf } from './fake-scene.ts';

const wait = (ms: number, signal?: AbortSignalLike): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new AppError('rpc.cancelled', 'cancelled'));
    });
  });

const refuseEdit = (): never => {
  throw new AppError('review.unknown_cell', 'This window has no cells to edit.');
};

const never = <T>(): Promise<T> => new Promise(() => undefined);

type Sent<H> = Omit<Packet<H>, 'skipped'>;

function single<H>(packet: () => Sent<H>): OpenStream<H, never> {
  return {
    packets: (async function* packets() {
      await wait(20);
      yield { ...packet(), skipped: 0 };
    })(),
    update: () => undefined,
    close: () => undefined,
  };
}

/** Answers each update with one packet, newest first. */
function answering<H, U>(answer: (update: U) => Sent<H>): OpenStream<H, U> {
  let newest: U | undefined;
  let wake: (() => void) | undefined;
  const line = { closed: false };
  const nudge = (): void => {
    wake?.();
    wake = undefined;
  };
  return {
    packets: (async function* packets() {
      while (!line.closed) {
        if (newest === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const update = newest;
        newest = undefined;
        await wait(8);
        yield { ...answer(update), skipped: 0 };
      }
    })(),
    update: (value) => {
      newest = value;
      nudge();
    },
    close: () => {
      line.closed = true;
      nudge();
    },
  };
}

/** A domain no screen of these tests asks. */
function unserved<K extends keyof CoreClient>(domain: K): CoreClient[K] {
  const refuse = (): Promise<never> =>
    Promise.reject(new AppError('rpc.unknown_procedure', `Nobody serves ${domain} here.`));
  return new Proxy({}, { get: () => refuse }) as CoreClient[K];
}

/**
 * A core in memory. Scenes: `full`, `empty` (first start), `loading` (nothing answers), `error` (everything fails), `lost`, `large` (1,500 cells).
 */
export function createFakeConnection(sceneName: string): Connection {
  const scene = sceneName === 'large' ? makeScene(1500, 600, 608, 2000) : makeScene(140);
  let cells: Cell[] = scene.cells.map((cell) => ({
    ...cell,
    label: cell.row < 60 ? (cell.row % 5 === 4 ? 'rejected' : 'accepted') : 'undecided',
  }));
  let sessions: SessionRow[] =
    sceneName === 'empty'
      ? []
      : [
          session(0, null, 1),
          session(1, 'm12', 1),
          session(2, 'm12', 2),
          session(3, 'm14', 0),
          session(4, 'm14', 1),
          session(5, 'm14', 0),
        ];
  const log: LogEntry[] = [];
  const redo: LogEntry[] = [];
  const run = (index: number, state: RunRow['state']): RunRow => ({
    uuid: fakeUuid(3, index),
    sessionUuid: fakeUuid(1, index % 3),
    recordingUuids: [fakeUuid(2, index % 3)],
    name: `run ${String(index + 1)}`,
    state,
    createdAt: '2026-11-21T09:12:00.000Z',
    startedAt: '2026-11-21T09:12:01.000Z',
    endedAt: state === 'succeeded' ? '2026-11-21T09:13:10.000Z' : null,
    cells: state === 'succeeded' ? 140 : null,
    suggested: state === 'succeeded' ? 112 : null,
    decided: state === 'succeeded' ? cells.filter((cell) => cell.label !== 'undecided').length : 0,
    engineVersion: '0.1.0',
    error:
      state === 'failed'
        ? {
            code: 'engine.out_of_memory',
            message: 'Step Demix needs about 2.9 GB, the limit is 2 GB.',
            hint: 'Raise the memory limit to 3 GB, or bin the frames once more.',
          }
        : null,
  });
  let queueRules: QueueState = {
    paused: false,
    goOn: true,
    whileRecording: false,
    hours: null,
    order: [],
    waiting: null,
  };
  let runs: RunRow[] = sceneName === 'empty' ? [] : [run(0, 'succeeded'), run(1, 'failed'), run(2, 'succeeded')];
  const changes: Array<(change: { topic: 'sessions' | 'runs' | 'curation'; uuid: string | null }) => void> = [];
  const tell = (topic: 'sessions' | 'runs' | 'curation'): void => {
    for (const listener of changes) listener({ topic, uuid: null });
  };
  const curation = () => {
    const of = (label: CellLabel): number => cells.filter((cell) => cell.label === label).length;
    return {
      uuid: fakeUuid(6, 0),
      runUuid: fakeUuid(3, 0),
      createdAt: '2026-11-21T09:20:00.000Z',
      canUndo: log.length > 0,
      canRedo: redo.length > 0,
      counts: { accepted: of('accepted'), rejected: of('rejected'), undecided: of('undecided') },
    };
  };
  const apply = (entries: LogEntry[]) => {
    for (const entry of entries) {
      cells = cells.map((cell) => (cell.uuid === entry.cellUuid ? Object.assign({}, cell, { label: entry.to }) : cell));
    }
    tell('curation');
    return { curation: curation(), entries };
  };
  const progressOf = (target: RunRow, overall: number): RunProgress => {
    const index = Math.min(6, Math.floor(overall * 7));
    const done = target.state === 'succeeded' || overall >= 1;
    return {
      runUuid: target.uuid,
      state: done ? 'succeeded' : target.state,
      stages: stageNames.map((stage, at) => ({
        stage,
        state:
          done || at < index
            ? 'done'
            : target.state === 'failed' && at === 4
              ? 'failed'
              : at === index && target.state === 'running'
                ? 'running'
                : 'waiting',
        fraction: at === index ? overall * 7 - index : at < index ? 1 : 0,
        seconds: done || at < index ? 2.4 * (at + 1) : null,
      })),
      stage: done ? null : (stageNames[index] ?? null),
      overall,
      framesPerSecond: 1940,
      etaSeconds: overall > 0.02 ? (1 - overall) * 40 : null,
      memoryBytes: 0.9 * 1024 ** 3,
      memoryLimitBytes: 2 * 1024 ** 3,
      warnings: [],
      error: target.error,
    };
  };
  let rater: Rater | undefined;
  const guard = async <T>(answer: () => T, signal?: AbortSignalLike): Promise<T> => {
    if (sceneName === 'loading') return never<T>();
    await wait(15, signal);
    if (sceneName === 'error') {
      throw new AppError('library.corrupt', 'The library file is damaged: page 14 does not check.', {
        hint: 'A backup of this morning is in the folder backups; restore it with `calyx doctor`.',
      });
    }
    return answer();
  };
  const core: CoreClient = {
    app: {
      info: (_input, options) =>
        guard(
          () => ({
            version: '0.1.0',
            contractVersion: 1,
            library: { name: 'calyx', readOnly: false, readOnlyReason: null, placeProblem: null },
            engineVersion: '0.1.0',
            threads: 2,
            memoryBytes: 16 * 1024 ** 3,
          }),
          options?.signal,
        ),
      doctor: () => guard(() => []),
      windowAddress: () => guard(() => ({ windowAddress: null })),
      changes: (_input, options) =>
        (async function* follow() {
          const queue: Array<{ topic: 'sessions' | 'runs' | 'curation'; uuid: string | null }> = [];
          let wake: (() => void) | undefined;
          changes.push((change) => {
            queue.push(change);
            wake?.();
          });
          while (options?.signal?.aborted !== true) {
            const next = queue.shift();
            if (next === undefined) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            } else yield next;
          }
        })(),
    },
    acquire: fakeAcquire(),
    library: unserved('library'),
    results: unserved('results'),
    explore: unserved('explore'),
    interop: unserved('interop'),
    datajoint: unserved('datajoint'),
    tables: unserved('tables'),
    settings: unserved('settings'),
    jobs: unserved('jobs'),
    workflow: unserved('workflow'),
    position: unserved('position'),
    travel: unserved('travel'),
    files: {
      roots: () =>
        guard(() => [
          { root: 'home', name: 'Home' },
          { root: 'data', name: 'Recordings' },
        ]),
      list: ({ folder }) =>
        guard(() => ({
          folder,
          entries:
            folder.path === ''
              ? [
                  { name: 'm12', kind: 'folder' as const },
                  { name: '2026_11_20', kind: 'session' as const, detail: 'Miniscope V4, 36 films' },
                  { name: 'demo.avi', kind: 'film' as const, detail: '1,000 frames' },
                ]
              : [{ name: '12_03_20', kind: 'session' as const, detail: 'Miniscope V4' }],
        })),
    },
    sessions: {
      preview: () =>
        guard(() => ({
          format: 'Miniscope-DAQ V4 session',
          name: '2026_11_20',
          subject: 'm12',
          startedAt: '2026-11-20T11:03:20.000Z',
          tzOffsetMin: 60,
          devices: [
            {
              name: 'Miniscope',
              kind: 'miniscope' as const,
              deviceType: 'Miniscope_V4_BNO',
              films: 36,
              frames: 35_997,
              csvRows: 36_000,
              height: 608,
              width: 608,
              fps: 29.97,
              durationS: 1201,
              codec: 'FFV1',
              bytes: 5.6 * 1024 ** 3,
            },
          ],
          findings: [
            {
              severity: 'warning' as const,
              code: 'session.csv_longer',
              message: 'timeStamps.csv has 36,000 rows, the films hold 35,997 frames: three rows have no frame.',
              where: 'Miniscope/timeStamps.csv',
            },
          ],
          canImport: true,
          importedAs: null,
        })),
      import: () => guard(() => ({ session: session(1, 'm12', 1), alreadyImported: false })),
      list: (_input, options) => guard(() => sessions, options?.signal),
      get: ({ sessionUuid }) =>
        guard(() => {
          const found = sessions.find((candidate) => candidate.uuid === sessionUuid) ?? session(0, null, 1);
          return { session: found, runs: runs.filter((candidate) => candidate.sessionUuid === sessionUuid) };
        }),
      facts: () =>
        guard(() =>
          sessions.map((row, index) => ({
            uuid: row.uuid,
            bytes: (5.6 - index * 0.7) * 1024 ** 3,
            place: index % 2 === 0 ? 'D:' : 'N:',
            tags: index === 1 ? ['pilot'] : [],
            note: index === 2 ? 'Novel arena, second day.' : '',
            remarks: '',
            projects: [],
            locations: [],
            missing: index === 2 ? 3 : 0,
            suggested: row.runs > 0 ? 112 : null,
            verified: null,
          })),
        ),
      relink: () => Promise.reject(new AppError('session.other_films', 'Nothing moves in this window.')),
      verify: () => guard(() => ({ at: '2026-11-21T08:00:00.000Z', sound: true, devices: [] })),
      annotate: () => guard(() => ({})),
      sample: () => guard(() => ({ available: true, sessionUuid: null })),
      openSample: () =>
        guard(() => {
          sessions = [session(0, null, 0)];
          tell('sessions');
          return { session: session(0, null, 0) };
        }),
    },
    processing: {
      plan: ({ recordingUuids }) =>
        guard(() => ({
          steps: stageNames.map((stage, index) => ({
            stage,
            state: index < 2 ? ('cached' as const) : ('will-run' as const),
            seconds: index < 2 ? null : 3 * index,
          })),
          frames: 3000 * recordingUuids.length,
          seconds: 46,
          memoryBytes: 0.9 * 1024 ** 3,
          scratchBytes: 0.3 * 1024 ** 3,
          bin: 2,
          diameterPx: 7.1,
          commandLine: 'npm run -s calyx -- process "…/sample-session" --library "…/calyx" --memory 2G',
          warnings: [],
        })),
      start: () =>
        guard(() => {
          const started = run(runs.length, 'running');
          runs = [{ ...started, sessionUuid: fakeUuid(1, 0) }, ...runs];
          tell('runs');
          return { run: started };
        }),
      cancel: ({ runUuid }) =>
        guard(() => {
          runs = runs.map((candidate) =>
            candidate.uuid === runUuid ? Object.assign({}, candidate, { state: 'cancelled' as const }) : candidate,
          );
          tell('runs');
          return { run: run(0, 'cancelled') };
        }),
      runs: () => guard(() => runs),
      run: ({ runUuid }) =>
        guard(() => {
          const found = runs.find((candidate) => candidate.uuid === runUuid) ?? run(0, 'succeeded');
          return {
            run: found,
            progress: progressOf(found, found.state === 'succeeded' ? 1 : found.state === 'failed' ? 0.6 : 0),
            parameters: {},
            commandLine: 'npm run -s calyx -- process "…/sample-session" --library "…/calyx"',
            log: ['09:12:01 read: 3,000 frames of 320 × 240 px', '09:12:04 motion: largest shift 6.1 px'],
          };
        }),
      // oxlint-disable-next-line require-yield -- the engine of this window shows nothing while it runs
      previews: () => (async function* nothing() {})(),
      progress: ({ runUuid }, options) =>
        (async function* follow() {
          const found = runs.find((candidate) => candidate.uuid === runUuid);
          if (found === undefined || sceneName === 'loading') return;
          if (found.state !== 'running') {
            yield progressOf(found, found.state === 'succeeded' ? 1 : 0.6);
            return;
          }
          for (let step = 0; step <= 200; step += 1) {
            if (options?.signal?.aborted === true) return;
            const now = runs.find((candidate) => candidate.uuid === runUuid) ?? found;
            if (now.state !== 'running') {
              yield progressOf(now, step / 200);
              return;
            }
            yield progressOf(now, step / 200);
            await wait(60);
          }
          runs = runs.map((candidate) =>
            candidate.uuid === runUuid
              ? Object.assign(run(0, 'succeeded'), { uuid: runUuid, name: found.name })
              : candidate,
          );
          tell('runs');
        })(),
      export: () => guard(() => ({ files: [], components: 0, accepted: 0 })),
      retry: () => guard(() => ({ run: run(0, 'queued') })),
      queue: () => guard(() => queueRules),
      setQueue: (change) =>
        guard(() => {
          queueRules = {
            paused: change.paused ?? queueRules.paused,
            goOn: change.goOn ?? queueRules.goOn,
            whileRecording: change.whileRecording ?? queueRules.whileRecording,
            hours: change.hours === undefined ? queueRules.hours : change.hours,
            order: change.order ?? queueRules.order,
            waiting: (change.paused ?? queueRules.paused) ? 'paused' : null,
          };
          return queueRules;
        }),
      batches: () => guard(() => []),
      startBatch: () => {
        throw new AppError('usage.invalid', 'This window runs one recording at a time.');
      },
      tryOut: () => {
        throw new AppError('engine.missing', 'This window has no engine.');
      },
      tryOutPictures: () => {
        throw new AppError('run.not_found', 'This window has no engine.');
      },
      parameterSets: () => guard(() => []),
      parameterSet: () => Promise.reject(new Error('the stand-in has no parameter sets')),
      addParameterSet: () => Promise.reject(new Error('the stand-in has no parameter sets')),
    },
    recorded: fakeRecorded(guard, single),
    review: {
      open: () =>
        guard(() => ({
          run: run(0, 'succeeded'),
          session: sessions[0] ?? session(0, null, 1),
          frames: scene.frames,
          height: scene.height,
          width: scene.width,
          fps: scene.fps,
          startS: 0,
          endS: (scene.frames - 1) / scene.fps,
          diameterPx: 7,
          images: ['mean', 'max', 'correlation', 'pnr'],
          traces: ['raw', 'denoised', 'deconvolved', 'dff'],
          filmsPresent: true,
          film: 'recorded',
          filmNote: null,
          movieLayers: ['raw', 'registered'],
          curation: curation(),
          version: 1,
          reading: null,
          readings: [],
          raters: [],
          readOnly: null,
        })),
      ...fakeReadings(guard),
      // No window asks for edits yet.
      editPreview: () => guard(refuseEdit),
      editCommit: () => guard(refuseEdit),
      edit: () => guard(refuseEdit),
      edits: () => guard(() => []),
      neighbours: () => guard(() => []),
      events: () => guard(() => ({ count: 0, strongest: [] })),
      cells: () => guard(() => cells),
      image: ({ image }) =>
        single(() => {
          const values = pictureOf(scene, image);
          return {
            header: {
              height: scene.height,
              width: scene.width,
              minimum: values.reduce((least, value) => Math.min(least, value)),
              maximum: values.reduce((most, value) => Math.max(most, value)),
            },
            bytes: new Uint8Array(values.buffer),
          };
        }),
      thumbnail: () => guard(() => null),
      footprints: () =>
        single(() => ({
          header: { height: scene.height, width: scene.width, cells: [...scene.windows] },
          bytes: scene.footprints,
        })),
      traces: () =>
        answering((asked) => {
          const span = asked.lastFrame - asked.firstFrame + 1;
          const bytes = new Uint8Array(asked.columns * 8 + asked.rows.length * asked.kinds.length * asked.columns * 8);
          const view = new DataView(bytes.buffer);
          const edge = (column: number): number => asked.firstFrame + Math.floor((column * span) / asked.columns);
          for (let column = 0; column < asked.columns; column += 1) {
            view.setFloat64(
              column * 8,
              (edge(column) + Math.max(edge(column), edge(column + 1) - 1)) / 2 / scene.fps,
              true,
            );
          }
          let offset = asked.columns * 8;
          for (const row of asked.rows) {
            for (const kind of asked.kinds) {
              const source = kind === 'raw' ? scene.raw : kind === 'deconvolved' ? scene.deconvolved : scene.denoised;
              for (const pick of [Math.min, Math.max]) {
                for (let column = 0; column < asked.columns; column += 1) {
                  const values = source[row]?.subarray(edge(column), Math.max(edge(column) + 1, edge(column + 1)));
                  view.setFloat32(offset, values === undefined ? Number.NaN : pick(...values), true);
                  offset += 4;
                }
              }
            }
          }
          return { header: { ...asked }, bytes };
        }),
      addRater: ({ initials, name }) =>
        guard(() => {
          rater = { uuid: fakeUuid(4, 0), initials, name: name ?? null };
          return rater;
        }),
      decide: ({ cellUuids, to }) =>
        guard(() => {
          redo.length = 0;
          const entries = cellUuids.map((cellUuid, index): LogEntry => {
            const cell = cells.find((candidate) => candidate.uuid === cellUuid);
            return {
              seq: log.length + index,
              at: new Date().toISOString(),
              rater: rater ?? { uuid: fakeUuid(4, 0), initials: 'AB', name: null },
              cellUuid,
              row: cell?.row ?? 0,
              from: cell?.label ?? 'undecided',
              to,
              kind: 'decide',
            };
          });
          log.push(...entries);
          return apply(entries);
        }),
      undo: () =>
        guard(() => {
          const last = log.pop();
          if (last === undefined) throw new AppError('review.nothing_to_undo', 'There is no decision to take back.');
          redo.push(last);
          return apply([{ ...last, from: last.to, to: last.from, kind: 'undo' }]);
        }),
      redo: () =>
        guard(() => {
          const last = redo.pop();
          if (last === undefined) throw new AppError('review.nothing_to_undo', 'There is no decision to repeat.');
          log.push(last);
          return apply([{ ...last, kind: 'redo' }]);
        }),
      log: () => guard(() => [...log]),
    },
    frames: { ticket: () => guard(() => ({ ticket: 'x', path: '/media' })) },
  };
  const media: MediaClient = {
    movie: {
      frames: ({ layer }) =>
        answering(({ frame }) => ({
          header: {
            frame,
            height: scene.height,
            width: scene.width,
            layer,
            timeS: frame / scene.fps,
            unreadable: frame === 777,
          },
          bytes: frameOf(scene, frame, layer),
        })),
    },
  };
  const line =
    sceneName === 'lost'
      ? ({
          state: 'lost',
          error: new AppError('rpc.disconnected', 'The connection to the core was lost.'),
          retryInMs: 4000,
        } as const)
      : ({ state: 'open' } as const);
  return {
    core,
    openMovie: async () => {
      await wait(10);
      return { client: media, close: () => undefined };
    },
    openLive: () => Promise.reject(new AppError('acquire.not_now', 'This window has no scope.')),
    line: () => line,
    subscribe: () => () => undefined,
    reconnect: () => undefined,
  };
}
