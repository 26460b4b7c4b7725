// SPDX-License-Identifier: MIT
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { AppError, type Budget, ParameterValues, type processingApi, type QueueState } from '../contract/index.ts';
import type { AskedParameters, Library, RunDetail, StoredRecording, TypedJson } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { wantedParameters } from './asked-set.ts';
import { type CellCollector, checkExportDestination, exportRun } from './export.ts';
import type { FileStore } from './file-store.ts';
import type { Limits } from './job-folder.ts';
import { readParameterSet, type ParameterSet } from './parameters.ts';
import { planRun, type AskEngine } from './plan.ts';
import type { RunQueue } from './queue.ts';
import type { TryOuts } from './try-out.ts';

/** What the processing procedures need. */
export interface ProcessingDependencies {
  readonly library: Library;
  readonly queue: RunQueue;
  readonly limits: Limits;
  /** Gathers cells that were edited; without it a run with edits cannot be exported. */
  readonly editor?: CellCollector;
  readonly parameters?: ParameterSet;
  /** The engine's own plan of a job; without it a plan knows of no kept results. */
  readonly ask?: AskEngine;
  /** Called after the rules or the order of the queue changed. */
  readonly queueChanged?: () => void;
  /** Runs pieces of recordings; without it nothing can be tried out. */
  readonly tryOuts?: TryOuts;
  /** When the frames of a run were taken, on one axis for all its recordings; without it exports keep each recording's own. */
  readonly runTimes?: (detail: RunDetail) => Promise<Float64Array | null>;
  /** Replaced in tests by a disk that fills. */
  readonly store?: FileStore;
}

type Json = z.core.util.JSONType;

function toAsked(asked: AskedParameters | null) {
  return asked === null
    ? null
    : {
        set: asked.set,
        parameters: asked.parameters.map(({ value, ...rest }) => ({ ...rest, value: value as Json })),
      };
}

/** Lines of a run's log that are shown. */
const shownLines = 200;
const tailBytes = 64 * 1024;

async function tail(file: string): Promise<string[]> {
  const size = await stat(file).then(
    (info) => info.size,
    () => 0,
  );
  if (size === 0) return [];
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    await handle.read(buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer.toString('utf8').trimEnd().split('\n');
    return (size > tailBytes ? lines.slice(1) : lines).slice(-shownLines);
  } finally {
    await handle.close();
  }
}

function plainParameters(detail: RunDetail): ParameterValues {
  const values: ParameterValues = {};
  for (const [name, value] of Object.entries(detail.parameters)) {
    if (value === null || typeof value !== 'object') values[name] = value;
  }
  return values;
}

/** Serves `processing.*`. */
export function createProcessingHandlers(
  dependencies: ProcessingDependencies,
): Handlers<typeof processingApi.procedures> {
  const { library, queue, limits } = dependencies;
  const set = dependencies.parameters ?? readParameterSet();

  /** A run that could start, checked; it is not queued yet. */
  const prepare = async (input: {
    readonly recordingUuids: string[];
    readonly parameters: ParameterValues;
    readonly parameterSet?: string | undefined;
    readonly budget: Budget;
  }) => {
    const { parameters, asked } = await wantedParameters(library, set, input);
    const plan = await planRun(library, set, limits, { ...input, parameters });
    await refuseUnusable(library, plan.recordings);
    return {
      name: plan.recordings.map((recording) => recording.device).join(' + '),
      inputs: plan.inputs,
      parameters: plan.parameters,
      parametersVersion: set.version,
      engineVersion: null,
      budget: input.budget,
      commandLine: plan.commandLine,
      asked,
    };
  };

  const queueState = async (): Promise<QueueState> => {
    const { rules, waiting } = queue.rules();
    const queued = (await library.runs.list({ state: 'queued' })).toReversed().map(({ uuid }) => uuid);
    const first = rules.order.filter((uuid) => queued.includes(uuid));
    return {
      paused: rules.paused,
      goOn: rules.goOn,
      whileRecording: rules.whileRecording,
      hours: rules.hours,
      order: [...first, ...queued.filter((uuid) => !first.includes(uuid))],
      waiting: waiting ?? null,
    };
  };

  const tried = (): TryOuts => {
    if (dependencies.tryOuts === undefined) throw new AppError('engine.missing', 'Nothing can be tried out here.');
    return dependencies.tryOuts;
  };

  return {
    plan: async (input) => {
      const wanted = await wantedParameters(library, set, input);
      const {
        recordings: _recordings,
        inputs: _inputs,
        parameters: _parameters,
        ...plan
      } = await planRun(library, set, limits, { ...input, parameters: wanted.parameters }, dependencies.ask);
      return { ...plan, warnings: [...plan.warnings, ...wanted.warnings] };
    },
    start: async (input) => {
      const run = await queue.add({ ...(await prepare(input)), job: input.job, priority: input.priority });
      return { run };
    },
    retry: async ({ runUuid }) => {
      const { run, inputs, parameters, budget, commandLine } = await library.runs.get(runUuid);
      if (run.state !== 'failed' && run.state !== 'cancelled') {
        throw new AppError(
          'run.not_ready',
          `This run is ${run.state}; only one that failed or was cancelled is tried again.`,
        );
      }
      const recordings: StoredRecording[] = [];
      for (const { recordingUuid } of inputs) recordings.push(await library.sessions.recording(recordingUuid));
      await refuseUnusable(library, recordings);
      return {
        run: await queue.add({
          name: run.name,
          inputs,
          parameters,
          parametersVersion: set.version,
          engineVersion: null,
          budget,
          commandLine,
        }),
      };
    },
    queue: () => queueState(),
    setQueue: async (change) => {
      await queue.setRules(change);
      dependencies.queueChanged?.();
      return await queueState();
    },
    batches: async () => [...(await library.batches.list())],
    startBatch: async ({ name, inputs, sets, budget }) => {
      const wanted: { readonly set: number; readonly run: Awaited<ReturnType<typeof prepare>> }[] = [];
      for (const recordingUuids of inputs) {
        for (const [number, { parameters }] of sets.entries())
          wanted.push({ set: number, run: await prepare({ recordingUuids, parameters, budget }) });
      }
      const runs: { readonly runUuid: string; readonly set: number }[] = [];
      let uuid: string;
      try {
        for (const { set: number, run } of wanted) runs.push({ runUuid: (await queue.add(run)).uuid, set: number });
        uuid = await library.batches.add({ name, sets: sets.map((each) => each.name), runs });
      } catch (error) {
        // All of it or nothing: what was queued before it went wrong does not run.
        for (const { runUuid } of runs) await queue.cancel(runUuid).catch(() => undefined);
        throw error;
      }
      dependencies.queueChanged?.();
      const batch = (await library.batches.list()).find((each) => each.uuid === uuid);
      if (batch === undefined) throw new AppError('rpc.internal', 'The entry was not kept.');
      return { batch };
    },
    tryOut: (wish, { signal }) => tried().run(wish, signal),
    tryOutPictures: async function* tryOutPictures({ ticket }) {
      yield await tried().pictures(ticket);
    },
    cancel: async ({ runUuid }) => ({ run: await queue.cancel(runUuid) }),
    runs: async ({ sessionUuid }) => [...(await library.runs.list({ sessionUuid }))],
    run: async ({ runUuid }) => {
      const detail = await library.runs.get(runUuid);
      return {
        run: detail.run,
        progress: await queue.progressOf(runUuid),
        parameters: plainParameters(detail),
        asked: toAsked(await library.parameterSets.asked(runUuid)),
        commandLine: detail.commandLine,
        log: await tail(path.join(library.folders.logs, `${runUuid}.log`)),
      };
    },
    parameterSets: async () => (await library.parameterSets.list()).map(({ parameters: _parameters, ...info }) => info),
    parameterSet: async ({ name }) => {
      const { parameters, ...info } = await library.parameterSets.find(name);
      return { set: info, parameters: parameters as Record<string, Json> };
    },
    addParameterSet: async ({ method, description, parameters }) => {
      if (Object.keys(parameters).length === 0) throw new AppError('usage.invalid', 'A parameter set needs a value.');
      const typed = parameters as Readonly<Record<string, TypedJson>>;
      // A set of this engine that could not be run is refused here and not in the night.
      if (method.toLowerCase() === 'calyx') set.complete(ParameterValues.parse(parameters));
      const { set: made, added } = await library.parameterSets.add({ method, description, parameters: typed });
      const { parameters: _parameters, ...info } = made;
      return { set: info, added };
    },
    progress: ({ runUuid }, context) => queue.follow(runUuid, context.signal),
    previews: async function* ({ runUuid }, context) {
      for await (const pictures of queue.pictures(runUuid, context.signal)) {
        yield { runUuid, pictures: [...pictures] };
      }
    },
    export: async ({ runUuid, destination }) => {
      if (!path.isAbsolute(destination))
        throw new AppError('usage.invalid', `The destination must be absolute: ${destination}`);
      const detail = await library.runs.get(runUuid);
      if (detail.run.state !== 'succeeded') {
        throw new AppError('run.not_ready', `This run is ${detail.run.state}; only a finished run can be exported.`);
      }
      await checkExportDestination(destination, dependencies.store);
      const layers = (await library.curation.edits(runUuid)).filter((edit) => edit.active);
      return await exportRun(detail.folder, destination, dependencies.store, {
        cells: await library.runs.cells(runUuid),
        layers: layers.map((layer) => layer.folder),
        collector: dependencies.editor,
        times: detail.inputs.length > 1 ? ((await dependencies.runTimes?.(detail)) ?? null) : null,
      });
    },
  };
}

/** What would only fail later in the queue is refused at once. */
async function refuseUnusable(
  library: Library,
  recordings: readonly { readonly sessionUuid: string; readonly device: string; readonly fps: number | null }[],
): Promise<void> {
  const noRate = recordings.find((recording) => recording.fps === null);
  if (noRate !== undefined) {
    throw new AppError('usage.invalid', `Nothing says how many frames per second ${noRate.device} has.`, {
      hint: 'Import it again with --fps.',
    });
  }
  const present = await library.filesPresent(recordings.map((recording) => recording.sessionUuid));
  const gone = recordings.find((recording) => present.get(recording.sessionUuid) !== true);
  if (gone !== undefined) {
    throw new AppError('session.no_films', `The films of ${gone.device} are no longer where they were imported from.`, {
      hint: 'Connect the disk they lie on, or import the session again from where it is now.',
    });
  }
}
