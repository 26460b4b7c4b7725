// SPDX-License-Identifier: MIT
import { z } from 'zod';
import { command, defineApi, query, stream, subscription } from '../define.ts';
import { RunPicture, RunProgress, RunRow, StageName, Uuid } from '../types.ts';

/** Parameters by the names of assets/engine-parameters.json; absent ones take their defaults. Checked against that file. */
export const ParameterValues = z.record(z.string(), z.union([z.number(), z.boolean(), z.string(), z.null()]));
export type ParameterValues = z.infer<typeof ParameterValues>;

export const Budget = z.object({
  threads: z.number().int().min(1).max(256).optional(),
  memoryBytes: z
    .number()
    .int()
    .min(64 * 1024 * 1024)
    .optional(),
});
export type Budget = z.infer<typeof Budget>;

const RunInput = z.object({
  /** Ordered recordings of one field; at least one. */
  recordingUuids: z.array(Uuid).min(1),
  parameters: ParameterValues,
  /** Number, uuid, hash or description of a set of the library; `parameters` go over its values. A set of CaImAn is translated. */
  parameterSet: z.string().max(300).optional(),
  budget: Budget,
});

/** A parameter set of the library. */
export const ParameterSetInfo = z.object({
  /** `paramset_idx` of DataJoint-shaped views. */
  idx: z.number().int(),
  uuid: Uuid,
  method: z.string(),
  description: z.string(),
  engineVersion: z.string().nullable(),
  /** The MD5 of element-miniscope, as a uuid. */
  djHash: z.string(),
  sha256: z.string(),
  builtin: z.boolean(),
  createdAt: z.string(),
  runs: z.number().int(),
});
export type ParameterSetInfo = z.infer<typeof ParameterSetInfo>;

/** Values as typed JSON: `{"$tuple": […]}` is a tuple, `{"$float": 5}` a float that is whole. */
const TypedParameters = z.record(z.string(), z.json());

/** A claimed job, by the attempt at it. */
export const ForJob = z.object({ jobUuid: Uuid, attempt: z.number().int().min(1) });

export const PlanStep = z.object({
  stage: StageName,
  state: z.enum(['cached', 'will-run']),
  seconds: z.number().nullable(),
});

/** A rectangle of the frame and a stretch of the film. */
export const TryOutPlace = z.object({
  top: z.number().int().min(0),
  left: z.number().int().min(0),
  height: z.number().int().min(16),
  width: z.number().int().min(16),
  firstFrame: z.number().int().min(0),
  /** Inclusive. */
  lastFrame: z.number().int().min(0),
});
export type TryOutPlace = z.infer<typeof TryOutPlace>;

export const TryOutResult = z.object({
  /** Names its pictures and its film; the last few are kept. */
  ticket: Uuid,
  place: TryOutPlace,
  fps: z.number(),
  cells: z.number().int(),
  suggested: z.number().int(),
  medianSnr: z.number().nullable(),
  diameterPx: z.number().nullable(),
  /** Limits of the seeds that were used. */
  minPnr: z.number().nullable(),
  minCorrelation: z.number().nullable(),
  seconds: z.number(),
  /** What the whole recording would take, by what this piece took. */
  wholeSeconds: z.number(),
  peakMemoryBytes: z.number().nullable(),
});
export type TryOutResult = z.infer<typeof TryOutResult>;

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'A time of the day, as in 20:00.');

/** When runs begin, and in which order. */
export const QueueState = z.object({
  paused: z.boolean(),
  /** After a failure the next run begins all the same. */
  goOn: z.boolean(),
  /** Runs begin beside a recording, too. */
  whileRecording: z.boolean(),
  /** Runs begin only between these times of the day of this machine. */
  hours: z.object({ from: timeOfDay, to: timeOfDay }).nullable(),
  /** Queued runs, the next one first. */
  order: z.array(Uuid),
  /** Why nothing begins now. */
  waiting: z.enum(['paused', 'failure', 'recording', 'hours']).nullable(),
});
export type QueueState = z.infer<typeof QueueState>;

/** Several parameter sets on several recordings, as one entry of the queue. */
export const RunBatch = z.object({
  uuid: Uuid,
  name: z.string(),
  createdAt: z.string(),
  sets: z.array(z.string()),
  runs: z.array(z.object({ runUuid: Uuid, set: z.number().int(), recordingUuids: z.array(Uuid) })),
});
export type RunBatch = z.infer<typeof RunBatch>;

/** Running the engine. */
export const processingApi = defineApi('processing', {
  plan: query(
    RunInput,
    z.object({
      steps: z.array(PlanStep),
      frames: z.number().int(),
      /** Estimate of the whole run, null where nothing has been measured on this machine. */
      seconds: z.number().nullable(),
      memoryBytes: z.number(),
      /** On the disk of the library's cache; null where the engine could not be asked. */
      scratchBytes: z.number().nullable(),
      /** Raw pixels per pixel of the working grid; null while the neurons' size is not known. */
      bin: z.number().nullable(),
      /** The neurons' diameter as given or as measured before; null while it is not known. */
      diameterPx: z.number().nullable(),
      commandLine: z.string(),
      warnings: z.array(z.string()),
    }),
    { doc: 'What would run and what it would cost.' },
  ),
  start: command(
    RunInput.extend({
      /** The claimed job it is run for; without one it becomes a job of its own. */
      job: ForJob.optional(),
      /** Of a job of its own: lower first, 5 when absent. */
      priority: z.number().int().min(0).max(1000).optional(),
    }),
    z.object({ run: RunRow }),
    { doc: 'Queues a run; it survives the window.' },
  ),
  parameterSets: query(z.object({}), z.array(ParameterSetInfo), { doc: 'Parameter sets of the library by number.' }),
  parameterSet: query(
    z.object({ name: z.string().max(300) }),
    z.object({ set: ParameterSetInfo, parameters: TypedParameters }),
    { doc: 'One set with its values, by number, uuid, either hash or description.' },
  ),
  addParameterSet: command(
    z.object({
      method: z.string().max(100),
      description: z.string().max(1000).optional(),
      parameters: TypedParameters,
    }),
    z.object({ set: ParameterSetInfo, added: z.boolean() }),
    { doc: 'Adds a set; one with the same method and values is that one.' },
  ),
  cancel: command(z.object({ runUuid: Uuid }), z.object({ run: RunRow }), {
    doc: 'Stops a run; nothing half-written stays.',
  }),
  runs: query(z.object({ sessionUuid: Uuid.optional() }), z.array(RunRow), { doc: 'Runs, newest first.' }),
  run: query(
    z.object({ runUuid: Uuid }),
    z.object({
      run: RunRow,
      progress: RunProgress,
      parameters: ParameterValues,
      /** The set it was asked to use, where that had to be translated: what became of each parameter. */
      asked: z
        .object({
          set: ParameterSetInfo,
          parameters: z.array(
            z.object({
              parameter: z.string(),
              value: z.json(),
              /** Null where it has no counterpart. */
              became: z.string().nullable(),
              result: z.number().nullable(),
              explanation: z.string(),
            }),
          ),
        })
        .nullish(),
      commandLine: z.string(),
      log: z.array(z.string()),
    }),
    { doc: 'One run with its parameters, last progress and the tail of its log.' },
  ),
  retry: command(z.object({ runUuid: Uuid }), z.object({ run: RunRow }), {
    doc: 'Queues a run again that failed or was cancelled: same recordings, same settings, a new run.',
  }),
  queue: query(z.object({}), QueueState, { doc: 'The rules of the queue, its order, and why nothing begins now.' }),
  setQueue: command(
    QueueState.pick({ paused: true, goOn: true, whileRecording: true, hours: true, order: true }).partial(),
    QueueState,
    { doc: 'Pauses or orders the queue, or says when runs may begin. Kept over a restart.' },
  ),
  batches: query(z.object({}), z.array(RunBatch), { doc: 'Entries of several runs, newest first.' }),
  startBatch: command(
    z.object({
      name: z.string().trim().min(1).max(200),
      /** Each an input of one run. */
      inputs: z.array(z.array(Uuid).min(1)).min(1).max(200),
      sets: z
        .array(z.object({ name: z.string().trim().min(1).max(200), parameters: ParameterValues }))
        .min(1)
        .max(20),
      budget: Budget,
    }),
    z.object({ batch: RunBatch }),
    { doc: 'Queues every set on every input; all are checked before the first is queued.' },
  ),
  tryOut: subscription(
    z.object({ recordingUuid: Uuid, place: TryOutPlace, parameters: ParameterValues, budget: Budget }),
    z.object({
      stage: StageName.nullable(),
      overall: z.number(),
      /** The last value has it. */
      result: TryOutResult.nullable(),
    }),
    { doc: 'Runs the engine on a piece of a recording; nothing of it enters the library. Leaving cancels.' },
  ),
  tryOutPictures: stream(
    z.object({ ticket: Uuid }),
    z.object({
      height: z.number().int(),
      width: z.number().int(),
      frames: z.number().int(),
      images: z.array(z.string()),
      cells: z.array(
        z.object({
          row: z.number().int(),
          suggested: z.boolean(),
          snr: z.number().nullable(),
          top: z.number().int(),
          left: z.number().int(),
          height: z.number().int(),
          width: z.number().int(),
          offset: z.number().int(),
        }),
      ),
    }),
    z.never(),
    {
      doc: 'One packet: the images (height × width float32 each), denoised traces (cells × frames float32), then footprints as bytes at their offsets, 255 = 1. Places are those of the piece.',
    },
  ),
  progress: subscription(z.object({ runUuid: Uuid }), RunProgress, {
    doc: 'Progress of a run until it ends; the first value comes at once.',
  }),
  previews: subscription(z.object({ runUuid: Uuid }), z.object({ runUuid: Uuid, pictures: z.array(RunPicture) }), {
    doc: 'Pictures of what a run has gathered, newest of each name, until it ends; nothing comes before there are any.',
  }),
  export: command(
    z.object({ runUuid: Uuid, destination: z.string() }),
    z.object({ files: z.array(z.string()), components: z.number().int(), accepted: z.number().int() }),
    { doc: 'Writes a run as flat NumPy files into an absolute folder.', audience: 'local' },
  ),
});
