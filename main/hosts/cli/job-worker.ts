// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import {
  AppError,
  ExportFormat,
  ExportMetadata,
  ExportMovie,
  ParameterValues,
  Uuid,
  type JobClaim,
  type JobRow,
} from '../../contract/index.ts';
import { z } from 'zod';
import { text, type Invocation } from './command.ts';
import type { CoreClient } from './connection.ts';
import { parametersFrom } from './run-request.ts';

export const leaseMs = 60_000;
const beatMs = 15_000;

/** What a step is given, as `jobs add` writes it. */
const inputs = {
  process: z.object({
    parameters: ParameterValues.default({}),
    parameterSet: z.string().optional(),
    budget: z.object({ threads: z.number().optional(), memoryBytes: z.number().optional() }).default({}),
  }),
  load: z.object({
    path: z.string().default(''),
    parameterSet: z.string().optional(),
    root: z.string().optional(),
  }),
  export: z.object({
    format: ExportFormat,
    out: z.string(),
    cells: z.enum(['all', 'accepted']).optional(),
    table: z.enum(['tidy', 'wide']).optional(),
    films: z.enum(['link', 'copy']).optional(),
    metadata: ExportMetadata.optional(),
    movie: ExportMovie.optional(),
    overwrite: z.boolean().default(false),
  }),
  quality: z.object({}),
  align: z.object({}),
};

/** What a step did. */
interface Done {
  readonly result: z.core.util.JSONType;
  readonly log: string;
}

/** A job in the hands of this worker. */
interface Task {
  readonly client: CoreClient;
  readonly claim: JobClaim;
  /** The run, recording or condition it is done to. */
  readonly target: string;
  /** Tells at once which run is under way for the job. */
  readonly started: (runUuid: string) => Promise<void>;
  readonly signal: AbortSignal;
  readonly follow: Follow;
}

/** Shows how far something is that the core names by a ticket, until it ends. */
export type Follow = (ticket: string, working: Promise<unknown>) => Promise<void>;

/** A kind of job: what it is done to, and how. */
interface Step {
  readonly target: string;
  /** Null: the run was cancelled. */
  readonly work: (task: Task) => Promise<Done | null>;
}

const held = ({ claim }: Task) => ({ jobUuid: claim.job.uuid, attempt: claim.attempt });

/** Kinds of jobs this worker can do. */
export const steps = {
  process: { target: 'recording', work: process },
  load: {
    target: 'recording',
    work: async (task) => {
      const { path, parameterSet, root } = inputs.load.parse(task.claim.job.input);
      const ticket = randomUUID();
      const importing = task.client.results.import(
        {
          ...(Uuid.safeParse(task.target).success ? { recordingUuid: task.target } : {}),
          ...(path === '' ? {} : { source: { path } }),
          ...(parameterSet === undefined ? {} : { parameterSet }),
          ...(root === undefined ? {} : { root }),
          job: held(task),
          ticket,
        },
        { signal: task.signal },
      );
      const [{ run, program }] = await Promise.all([importing, task.follow(ticket, importing)]);
      return { result: { runUuid: run.uuid, program, cells: run.cells }, log: '' };
    },
  },
  export: {
    target: 'run',
    work: async (task) => {
      const { out, overwrite, ...wish } = inputs.export.parse(task.claim.job.input);
      const ticket = randomUUID();
      const exporting = task.client.interop.export(
        // An attempt before this one may have written it; nobody else was told this name.
        { ...wish, target: task.target, destination: out, ticket, overwrite: overwrite || task.claim.attempt > 1 },
        { signal: task.signal },
      );
      const [{ path, bytes, components, accepted }] = await Promise.all([exporting, task.follow(ticket, exporting)]);
      return { result: { path, bytes, components, accepted }, log: '' };
    },
  },
  quality: {
    target: 'run',
    work: async (task) => {
      const { traces, motion } = await task.client.workflow.quality({ runUuid: task.target });
      return { result: { traces: traces.length, motion }, log: '' };
    },
  },
  align: {
    target: 'condition',
    work: async (task) => {
      const { cells, trials, bins } = await task.client.workflow.alignCondition({ conditionUuid: task.target });
      return { result: { cells, trials, bins }, log: '' };
    },
  },
} as const satisfies Readonly<Record<string, Step>>;

export const stepNames = Object.keys(steps) as readonly (keyof typeof steps)[];

/** What `jobs add` was told, as a job keeps it: paths are absolute, parameters checked. @throws AppError `usage.invalid` */
export async function inputOf(
  invocation: Invocation,
  step: keyof typeof steps,
): Promise<{ [name: string]: z.core.util.JSONType }> {
  const { flags, absolute, env } = invocation;
  const set = text(flags, 'paramset');
  const named: { parameterSet?: string } = set === undefined ? {} : { parameterSet: set };
  if (step === 'process') {
    const parameters = await parametersFrom({ flags, absolute });
    return Object.keys(parameters).length === 0 ? named : { parameters, ...named };
  }
  if (step === 'load') {
    const [from, root] = [text(flags, 'from'), text(flags, 'root') ?? env['CALYX_ROOT']];
    return {
      ...named,
      ...(from === undefined ? {} : { path: absolute(from) }),
      ...(root === undefined ? {} : { root: absolute(root) }),
    };
  }
  if (step === 'export') {
    const out = text(flags, 'out');
    const format = ExportFormat.safeParse(text(flags, 'format') ?? 'npy');
    if (!format.success)
      throw new AppError('usage.invalid', `--format must be one of ${ExportFormat.options.join(', ')}.`);
    if (out === undefined) throw new AppError('usage.invalid', 'jobs add --step export needs --out.');
    return { format: format.data, out: absolute(out) };
  }
  return {};
}

/** What a job is done to: as it says, or the run that the job it waited for made. @throws AppError `job.not_found`, `job.not_allowed` */
async function targetOf(client: CoreClient, job: JobRow): Promise<string> {
  if (!job.target.startsWith('job:')) return job.target;
  const { job: earlier } = await client.jobs.get({ jobUuid: job.target.slice(4) });
  const made = z.object({ runUuid: Uuid }).safeParse(earlier.result);
  if (made.success) return made.data.runUuid;
  throw new AppError('job.not_allowed', `The job ${earlier.uuid} made no run.`);
}

/** Works one claimed job off and says what became of it. */
export async function work(
  client: CoreClient,
  claim: JobClaim,
  signal: AbortSignal,
  follow: Follow = () => Promise.resolve(),
): Promise<JobRow> {
  const mine = { jobUuid: claim.job.uuid, attempt: claim.attempt };
  let runUuid: string | undefined;
  // A cancelled job is noticed at the next heartbeat; Ctrl-C at once.
  const cancelled = new AbortController();
  const stop = (): void => {
    cancelled.abort();
    if (runUuid !== undefined) void client.processing.cancel({ runUuid }).catch(() => undefined);
  };
  const beat = async (): Promise<void> => {
    const run = runUuid === undefined ? {} : { runUuid };
    if ((await client.jobs.heartbeat({ ...mine, leaseMs, ...run })).cancelled) stop();
  };
  const timer = setInterval(() => void beat().catch(() => undefined), beatMs);
  signal.addEventListener('abort', stop, { once: true });
  const started = async (uuid: string): Promise<void> => {
    runUuid = uuid;
    await beat();
  };
  const set = async (): Promise<JobRow> => {
    const { job } = await client.jobs.get({ jobUuid: mine.jobUuid });
    return job.state === 'cancelled' ? job : ((await client.jobs.cancel({ jobUuids: [mine.jobUuid] })).jobs[0] ?? job);
  };
  try {
    const step: Step | undefined = Object.entries(steps).find(([name]) => name === claim.job.step)?.[1];
    if (step === undefined) throw new AppError('job.not_allowed', `Nobody here can do “${claim.job.step}”.`);
    const target = await targetOf(client, claim.job);
    const done = await step.work({ client, claim, target, started, signal: cancelled.signal, follow });
    return done === null ? await set() : (await client.jobs.finish({ ...mine, ...done })).job;
  } catch (thrown) {
    if (cancelled.signal.aborted) return await set();
    const { code, message, log } =
      thrown instanceof RunFailed
        ? thrown
        : { ...(thrown instanceof z.ZodError ? badInput(thrown) : AppError.from(thrown)).toData(), log: undefined };
    if (code === 'job.lease_lost' || code === 'rpc.disconnected') throw thrown;
    return (
      await client.jobs.fail({
        ...mine,
        errorClass: classOf(code),
        code,
        message,
        ...(log === undefined ? {} : { log }),
      })
    ).job;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
  }
}

const badInput = (error: z.ZodError): AppError =>
  new AppError('usage.invalid', `The job’s input is not right: ${z.prettifyError(error)}`);

/** A run that failed, with the end of its log. */
class RunFailed extends Error {
  readonly code: string;
  readonly log: string;

  constructor({ code, message }: { readonly code: string; readonly message: string }, log: string) {
    super(message);
    this.code = code;
    this.log = log;
  }
}

async function process(task: Task): Promise<Done | null> {
  const { client, started } = task;
  const runUuid = await runOf(task);
  await started(runUuid);
  for await (const progress of client.processing.progress({ runUuid })) void progress;
  const { run: ended, log } = await client.processing.run({ runUuid });
  const said = `${log.slice(-50).join('\n')}\n`.slice(-100_000);
  if (ended.state === 'cancelled') return null;
  if (ended.state === 'succeeded') {
    return { result: { runUuid, cells: ended.cells, suggested: ended.suggested }, log: said };
  }
  throw new RunFailed(ended.error ?? { code: 'engine.crashed', message: 'The run ended without a word.' }, said);
}

/** The run of an earlier attempt if it still goes on or has succeeded; else a new one. */
async function runOf(task: Task): Promise<string> {
  const { client, claim, target } = task;
  if (claim.earlierRunUuid !== null) {
    const earlier = await client.processing.run({ runUuid: claim.earlierRunUuid }).catch(() => null);
    if (earlier !== null && ['queued', 'running', 'succeeded'].includes(earlier.run.state)) return claim.earlierRunUuid;
  }
  const { parameters, parameterSet, budget } = inputs.process.parse(claim.job.input);
  const { run: made } = await client.processing.start({
    recordingUuids: target.split(','),
    parameters,
    ...(parameterSet === undefined ? {} : { parameterSet }),
    budget,
    job: held(task),
  });
  return made.uuid;
}

/** Would the same job succeed when it is tried again unchanged? */
function classOf(code: string): string {
  if (code === 'engine.crashed') return 'transient';
  if (code === 'engine.out_of_memory' || code.startsWith('disk.')) return 'resource';
  if (code === 'engine.missing' || code === 'media.ffmpeg_missing') return 'environment';
  return code.startsWith('engine.internal') || code.startsWith('rpc.') ? 'bug' : 'input';
}
