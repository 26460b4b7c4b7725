// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../contract/index.ts';
import {
  systemTimers,
  type Compute,
  type ComputeEnd,
  type ComputeJob,
  type Submission,
  type Timers,
} from './compute.ts';
import { EngineMessage, EngineOutput, EnginePlan } from './engine-output.ts';
import { cancelEngine, engineEnd, type EngineChild, keepWords, startEngine } from './engine-process.ts';
import { failureOf, type ProcessEnd } from './failure.ts';

/** What the engine on this machine needs. */
export interface LocalComputeOptions {
  /** Absolute path of the engine. */
  readonly engine: string;
  /** Said when the engine is not there. */
  readonly engineProblem: () => string | undefined;
  /** Handed to the engine as FFMPEG_BIN; undefined leaves the search to it. */
  readonly ffmpeg: () => string | undefined;
  readonly timers?: Timers;
  /** Arguments before `run <job folder>`; tests run a script in the engine's place. */
  readonly engineArguments?: readonly string[];
}

/** Asked to stop, the engine has so long; then it is told by signal, then killed. */
const politeMs = 1500;
const killMs = 2000;

interface Job {
  readonly child: EngineChild;
  cancelled: boolean;
  running: boolean;
  stopTimer: () => void;
}

/** Computes runs in an engine process on this machine. */
export function createLocalCompute(options: LocalComputeOptions): Compute {
  const timers = options.timers ?? systemTimers;
  const jobs = new Map<string, Job>();
  return {
    plan: (jobFolder) => planOf(jobFolder, options),
    submit: (job, onMessage) => submit(job, onMessage, options, jobs),
    poll: (runUuid) => {
      const job = jobs.get(runUuid);
      return job === undefined ? undefined : { running: job.running };
    },
    cancel: (runUuid) => {
      const job = jobs.get(runUuid);
      if (job === undefined || job.cancelled) return;
      job.cancelled = true;
      cancelEngine(job.child);
      job.stopTimer = timers.after(politeMs, () => {
        signal(job.child, 'SIGTERM');
        job.stopTimer = timers.after(killMs, () => signal(job.child, 'SIGKILL'));
      });
    },
    fetch: (_runUuid, output) => Promise.resolve(output),
  };
}

/** Signals the engine with its decoders: it leads a process group of its own. */
function signal(child: EngineChild, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === 'win32') child.kill(name);
    else process.kill(-child.pid, name);
  } catch {
    child.kill(name);
  }
}

/** A plan that takes longer than this will not come. */
const planMs = 30_000;

async function planOf(jobFolder: string, options: LocalComputeOptions): Promise<EnginePlan> {
  const problem = options.engineProblem();
  if (problem !== undefined) throw new AppError('engine.missing', problem);
  const ffmpeg = options.ffmpeg();
  const env = { ...process.env, ...(ffmpeg === undefined ? {} : { FFMPEG_BIN: ffmpeg }) };
  const args = [...(options.engineArguments ?? []), 'plan', jobFolder];
  const said = await new Promise<string>((resolve) => {
    execFile(options.engine, args, { env, timeout: planMs, windowsHide: true }, (_error, stdout) => resolve(stdout));
  });
  let value: unknown;
  try {
    value = JSON.parse(said);
  } catch {
    throw new AppError('engine.crashed', 'The engine did not say what the run would need.', { retryable: true });
  }
  const plan = EnginePlan.safeParse(value);
  if (plan.success) return plan.data;
  const error = EngineMessage.safeParse(value);
  throw failureOf({
    code: 70,
    signal: null,
    error: error.success && error.data.type === 'error' ? error.data : null,
    stage: null,
    lastWords: [said.slice(0, 500)],
  });
}

function start(job: ComputeJob, options: LocalComputeOptions): EngineChild {
  const problem = options.engineProblem();
  if (problem !== undefined) throw new AppError('engine.missing', problem);
  const ffmpeg = options.ffmpeg();
  const env = { ...process.env, ...(ffmpeg === undefined ? {} : { FFMPEG_BIN: ffmpeg }) };
  return startEngine(options.engine, [...(options.engineArguments ?? []), 'run', job.jobFolder], env);
}

async function submit(
  job: ComputeJob,
  onMessage: (message: EngineMessage) => void,
  options: LocalComputeOptions,
  jobs: Map<string, Job>,
): Promise<Submission> {
  mkdirSync(path.dirname(job.logFile), { recursive: true });
  const child = start(job, options);
  const entry: Job = { child, cancelled: false, running: true, stopTimer: () => undefined };
  jobs.set(job.runUuid, entry);
  const ended = supervise(job, entry, onMessage).finally(() => {
    entry.running = false;
    entry.stopTimer();
    jobs.delete(job.runUuid);
  });
  return { pid: child.pid ?? null, ended };
}

async function supervise(
  job: ComputeJob,
  entry: Job,
  onMessage: (message: EngineMessage) => void,
): Promise<ComputeEnd> {
  const { child } = entry;
  const log = createWriteStream(job.logFile, { flags: 'a' });
  // A log on a full disk must not end the run; the engine tells of a full disk itself.
  log.on('error', () => undefined);
  const lastWords: string[] = [];
  let stage: string | null = null;
  let done: Extract<EngineMessage, { type: 'done' }> | null = null;
  let error: Extract<EngineMessage, { type: 'error' }> | null = null;
  const other = (line: string): void => {
    keepWords(lastWords, line);
    log.write(`${line}\n`);
  };
  const output = new EngineOutput((message) => {
    if (message.type === 'progress' || (message.type === 'stage' && message.state === 'started')) ({ stage } = message);
    if (message.type === 'done') done = message;
    if (message.type === 'error') error = message;
    if (message.type !== 'progress' && message.type !== 'preview') log.write(`${JSON.stringify(message)}\n`);
    onMessage(message);
  }, other);
  const complaints = new EngineOutput(() => undefined, other);
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => complaints.push(bytes));
  const end = await engineEnd(child);
  output.end();
  complaints.end();
  log.end(`ended: exit code ${end.code ?? '-'}, signal ${end.signal ?? '-'}\n`);
  return judge({ job, entry, end, stage, done, error, lastWords });
}

interface Facts {
  readonly job: ComputeJob;
  readonly entry: Job;
  readonly end: ProcessEnd;
  readonly stage: string | null;
  readonly done: Extract<EngineMessage, { type: 'done' }> | null;
  readonly error: Extract<EngineMessage, { type: 'error' }> | null;
  readonly lastWords: readonly string[];
}

function judge({ job, entry, end, stage, done, error, lastWords }: Facts): ComputeEnd {
  // 6: a result was written although part of the input could not be read.
  if ((end.code === 0 || end.code === 6) && done !== null && existsSync(path.join(job.output, 'run.json'))) {
    return { kind: 'succeeded', components: done.components, accepted: done.accepted };
  }
  removeLeftovers(job.output);
  if (entry.cancelled || (end.code === 130 && error?.code === 'engine.cancelled')) return { kind: 'cancelled' };
  return { kind: 'failed', error: failureOf({ ...end, error, stage, lastWords }), exitCode: end.code };
}

/** Removes what an engine that could not clean up left: the output itself and its temporary siblings. */
export function removeLeftovers(output: string): void {
  const folder = path.dirname(output);
  const prefix = `${path.basename(output)}.tmp-`;
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (name === path.basename(output) || name.startsWith(prefix))
      rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}
