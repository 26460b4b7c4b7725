// SPDX-License-Identifier: MIT
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, type RunPicture, type RunProgress, type RunRow } from '../contract/index.ts';
import { isAlive, processRef, type Library, type NewRun, type RunDetail } from '../library/index.ts';
import { systemTimers, type Compute, type ComputeEnd, type Timers } from './compute.ts';
import type { EngineMessage } from './engine-output.ts';
import { errorClass } from './failure.ts';
import { jobFolderOf, writeJobFolder, type Limits } from './job-folder.ts';
import { removeLeftovers } from './local-compute.ts';
import { readResult } from './result.ts';
import { defaultCacheBytes, trimCache } from './stage-cache.ts';
import {
  changedRules,
  type RuleChange,
  type QueueRules,
  readRules,
  usualRules,
  waitForHours,
  type Waiting,
  whyWaiting,
  writeRules,
} from './queue-rules.ts';
import { advance, ended, waitingProgress, withPictures } from './tracker.ts';

/** What the queue works with. */
export interface RunQueueOptions {
  readonly library: Library;
  readonly compute: Compute;
  readonly limits: Limits;
  /** Called whenever a run's state changes. */
  readonly changed?: (runUuid: string) => void;
  readonly timers?: Timers;
  /** Kept results of stages may take so many bytes in the library's cache; {@link defaultCacheBytes} where nothing is said. */
  readonly cacheBytes?: () => number;
  /** Absolute file in which the queue's rules are kept; without it they last as long as the queue. */
  readonly rulesFile?: string;
  /** The time of the day; tests replace it. */
  readonly clock?: () => Date;
  /** Runs that go on at the same time. */
  readonly atOnce?: number;
}

/** A run is said to live, with its progress, this often. */
const heartbeatMs = 5000;

interface Active {
  progress: RunProgress;
  pictures: readonly RunPicture[];
  cancelled: boolean;
  /** Resolves when the run's end is in the library. */
  readonly finished: Promise<void>;
}

/** Runs the library's queued runs, one after another; a queue that is started again goes on with what was left queued. */
export interface RunQueue {
  /** Cleans up after a dead owner, then takes queued runs; with `takeQueued: false` only once a run is added. */
  start(options?: { readonly takeQueued?: boolean }): Promise<void>;
  add(run: NewRun): Promise<RunRow>;
  /** Stops a run and waits until it has ended. @throws AppError `run.not_found`, `run.already_ended` */
  cancel(runUuid: string): Promise<RunRow>;
  /** While a scope records, queued runs wait unless the rules say otherwise; what runs goes on. */
  hold(recording: boolean): void;
  /** When runs may begin, and what keeps them from it now. */
  rules(): { readonly rules: QueueRules; readonly waiting: Waiting | undefined };
  /** Changes rules and keeps them. @throws AppError `disk.io` */
  setRules(change: RuleChange): Promise<void>;
  /** The newest progress of a run, ended or not. @throws AppError `run.not_found` */
  progressOf(runUuid: string): Promise<RunProgress>;
  /** Progress until the run ends; the first value comes at once, values nobody waited for are skipped. */
  follow(runUuid: string, signal: AbortSignal): AsyncIterable<RunProgress>;
  /** Pictures of what a run has gathered, until it ends; sets nobody waited for are skipped. */
  pictures(runUuid: string, signal: AbortSignal): AsyncIterable<readonly RunPicture[]>;
  /** Resolves when nothing runs and nothing queued is about to. */
  idle(): Promise<void>;
  /** Cancels what runs (queued runs stay queued) and takes nothing more. */
  close(): Promise<void>;
}

/** Makes a queue over a library; nothing runs before {@link RunQueue.start}. */
export function createRunQueue(options: RunQueueOptions): RunQueue {
  return new Queue(options);
}

class Queue implements RunQueue {
  readonly #options: RunQueueOptions;
  readonly #timers: Timers;
  readonly #active = new Map<string, Active>();
  /** Ends of runs that the library could not take. */
  readonly #unsaved = new Map<string, RunProgress>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #idle: (() => void)[] = [];
  #pumping: Promise<void> | undefined;
  #again = false;
  #started = false;
  #closed = false;
  #recording = false;
  #rules: QueueRules = usualRules;
  #stopWaiting: () => void = () => undefined;

  constructor(options: RunQueueOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
  }

  async start({ takeQueued = true }: { readonly takeQueued?: boolean } = {}): Promise<void> {
    const { library } = this.#options;
    for (const { runUuid, engine } of library.recovered) {
      if (engine !== null && isAlive(engine)) endProcess(engine.pid);
      removeLeftovers(library.runFolder(runUuid));
      await rm(jobFolderOf(library, runUuid), { recursive: true, force: true });
    }
    if (this.#options.rulesFile !== undefined) this.#rules = await readRules(this.#options.rulesFile);
    this.#started = true;
    if (takeQueued && library.readOnly === null) await this.#pump();
  }

  async add(run: NewRun): Promise<RunRow> {
    if (this.#closed) throw new AppError('run.not_ready', 'The program is being closed.', { retryable: true });
    const row = await this.#options.library.runs.create(run);
    this.#changed(row.uuid);
    this.#pumpQuietly();
    return row;
  }

  async cancel(runUuid: string): Promise<RunRow> {
    const { library, compute } = this.#options;
    const active = this.#active.get(runUuid);
    if (active === undefined) {
      const row = await library.runs.cancel(runUuid);
      this.#changed(runUuid);
      return row;
    }
    active.cancelled = true;
    compute.cancel(runUuid);
    await active.finished;
    return (await library.runs.get(runUuid)).run;
  }

  hold(recording: boolean): void {
    this.#recording = recording;
    if (!recording) this.#pumpQuietly();
  }

  #now(): Date {
    return this.#options.clock?.() ?? new Date();
  }

  rules(): { readonly rules: QueueRules; readonly waiting: Waiting | undefined } {
    return { rules: this.#rules, waiting: whyWaiting(this.#rules, this.#recording, this.#now()) };
  }

  async setRules(change: RuleChange): Promise<void> {
    await this.#keepRules(changedRules(this.#rules, change));
    this.#pumpQuietly();
  }

  async #keepRules(rules: QueueRules): Promise<void> {
    if (this.#options.rulesFile !== undefined) await writeRules(this.#options.rulesFile, rules);
    this.#rules = rules;
  }

  /** Nothing may begin now; comes back by itself when the hours begin. */
  #mustWait(): boolean {
    this.#stopWaiting();
    const waiting = whyWaiting(this.#rules, this.#recording, this.#now());
    if (waiting === 'hours') {
      const ms = waitForHours(this.#rules.hours, this.#now());
      this.#stopWaiting = this.#timers.after(ms, () => this.#pumpQuietly());
    }
    return waiting !== undefined;
  }

  /** The run whose turn it is: by hand, else by the library. */
  async #next(): Promise<string | null> {
    const { library } = this.#options;
    const { order } = this.#rules;
    if (order.length === 0) return await library.runs.next();
    const queued = new Set((await library.runs.list({ state: 'queued' })).map(({ uuid }) => uuid));
    return order.find((uuid) => queued.has(uuid)) ?? (await library.runs.next());
  }

  async progressOf(runUuid: string): Promise<RunProgress> {
    const active = this.#active.get(runUuid);
    if (active !== undefined) return active.progress;
    const unsaved = this.#unsaved.get(runUuid);
    if (unsaved !== undefined) return unsaved;
    const detail = await this.#options.library.runs.get(runUuid);
    const limit = detail.budget.memoryBytes ?? this.#options.limits.memoryBytes;
    const saved = detail.progress ?? waitingProgress(runUuid, detail.run.state, limit);
    const { state, error } = detail.run;
    return goesOn(state) ? { ...saved, state } : ended(saved, state, error);
  }

  async *follow(runUuid: string, signal: AbortSignal): AsyncGenerator<RunProgress> {
    for await (const progress of this.#news(runUuid, signal, () => this.progressOf(runUuid))) {
      yield progress;
      if (!goesOn(progress.state)) return;
    }
  }

  async *pictures(runUuid: string, signal: AbortSignal): AsyncGenerator<readonly RunPicture[]> {
    let shown: readonly RunPicture[] = [];
    const look = async () => ({
      goesOn: goesOn((await this.progressOf(runUuid)).state),
      pictures: this.#active.get(runUuid)?.pictures ?? [],
    });
    for await (const now of this.#news(runUuid, signal, look)) {
      if (now.pictures.length > 0 && now.pictures !== shown) {
        shown = now.pictures;
        yield shown;
      }
      if (!now.goesOn) return;
    }
  }

  /** What `look` gives now and after each change of a run; changes while the caller holds a value are one. */
  async *#news<T>(runUuid: string, signal: AbortSignal, look: () => Promise<T>): AsyncGenerator<T> {
    let wake = (): void => undefined;
    let news = true;
    const listener = (): void => {
      news = true;
      wake();
    };
    const listeners = this.#listeners.get(runUuid) ?? new Set();
    this.#listeners.set(runUuid, listeners.add(listener));
    signal.addEventListener('abort', listener);
    try {
      while (!signal.aborted) {
        news = false;
        yield await look();
        // oxlint-disable-next-line typescript/no-unnecessary-condition -- the listener sets it while the caller holds the value
        if (!news && !signal.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener('abort', listener);
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(runUuid);
    }
  }

  async idle(): Promise<void> {
    await this.#pumping;
    if (this.#active.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWaiting();
    await this.#pumping?.catch(() => undefined);
    const running = [...this.#active.entries()];
    for (const [runUuid, active] of running) {
      active.cancelled = true;
      this.#options.compute.cancel(runUuid);
    }
    await Promise.all(running.map(([, active]) => active.finished));
  }

  /** Takes queued runs while there is room. Calls meet in one loop, so that two never claim for the same room. */
  #pump(): Promise<void> {
    this.#again = true;
    this.#pumping ??= this.#take().finally(() => {
      this.#pumping = undefined;
      // Asked for between the loop's last look and now.
      if (this.#again) this.#pumpQuietly();
    });
    return this.#pumping;
  }

  /** A library that cannot be asked (closed, disk gone) leaves its runs queued; the next start takes them. */
  #pumpQuietly(): void {
    void this.#pump().catch(() => undefined);
  }

  async #take(): Promise<void> {
    const { library, atOnce = 1 } = this.#options;
    while (this.#again) {
      this.#again = false;
      while (this.#started && !this.#closed && this.#active.size < atOnce && !this.#mustWait()) {
        const runUuid = await this.#next();
        if (runUuid === null) break;
        const claim = { runUuid, logFile: `logs/${runUuid}.log` };
        const detail = await library.runs.claim(claim).catch((error: unknown) => this.#refused(runUuid, error));
        if (detail === undefined) break;
        if (detail !== null) this.#begin(detail);
      }
    }
    if (this.#active.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** A run that could not be taken (the disk is full) stays queued for a later start; those who wait for it are told. */
  #refused(runUuid: string, error: unknown): undefined {
    const { code, message, hint } = AppError.from(error);
    const waiting = waitingProgress(runUuid, 'queued', this.#options.limits.memoryBytes);
    this.#unsaved.set(runUuid, ended(waiting, 'failed', { code, message, ...(hint === undefined ? {} : { hint }) }));
    this.#tell(runUuid);
  }

  #begin(detail: RunDetail): void {
    const runUuid = detail.run.uuid;
    const limit = detail.budget.memoryBytes ?? this.#options.limits.memoryBytes;
    const { promise, resolve } = Promise.withResolvers<void>();
    const active: Active = {
      progress: waitingProgress(runUuid, 'running', limit),
      pictures: [],
      cancelled: false,
      finished: promise,
    };
    this.#active.set(runUuid, active);
    this.#unsaved.delete(runUuid);
    this.#changed(runUuid);
    void this.#run(detail, active).finally(() => {
      this.#active.delete(runUuid);
      this.#changed(runUuid);
      resolve();
      this.#pumpQuietly();
    });
  }

  async #run(detail: RunDetail, active: Active): Promise<void> {
    const runUuid = detail.run.uuid;
    let end: ComputeEnd;
    const stopBeating = this.#beat(runUuid, active);
    try {
      end = await this.#compute(detail, active);
    } catch (error) {
      end = { kind: 'failed', error: AppError.from(error), exitCode: null };
    } finally {
      stopBeating();
    }
    await this.#putAway(runUuid, end.kind === 'failed');
    await this.#settle(detail, active, end);
    if (end.kind === 'failed' && !this.#rules.goOn) {
      await this.#keepRules({ ...this.#rules, paused: true, pausedByFailure: true }).catch(() => undefined);
    }
    const { library, cacheBytes } = this.#options;
    await trimCache(library.folders.cache, cacheBytes?.() ?? defaultCacheBytes).catch(() => undefined);
  }

  async #compute(detail: RunDetail, active: Active): Promise<ComputeEnd> {
    const { library, compute, limits } = this.#options;
    const runUuid = detail.run.uuid;
    const jobFolder = await writeJobFolder(library, { ...detail, runUuid, output: detail.folder }, limits);
    if (active.cancelled) return { kind: 'cancelled' };
    const logFile = path.join(library.folders.logs, `${runUuid}.log`);
    const hear = (message: EngineMessage): void => {
      active.progress = advance(active.progress, message);
      active.pictures = withPictures(active.pictures, message);
      this.#tell(runUuid);
    };
    const submission = await compute.submit({ runUuid, jobFolder, output: detail.folder, logFile }, hear);
    if (submission.pid !== null) {
      await library.runs
        .heartbeat(runUuid, { engine: processRef(submission.pid), progress: active.progress })
        .catch(() => undefined);
    }
    // Asked to stop while the job was being written: the process was not there to be told.
    if (active.cancelled) compute.cancel(runUuid);
    return await submission.ended;
  }

  /** The job folder goes when the run has ended; that of a failed run stays beside its log, so that it can be repeated by hand. */
  async #putAway(runUuid: string, keep: boolean): Promise<void> {
    const { library } = this.#options;
    const folder = jobFolderOf(library, runUuid);
    const kept = path.join(library.folders.logs, `${runUuid}.job`);
    await rm(kept, { recursive: true, force: true }).catch(() => undefined);
    if (keep) await rename(folder, kept).catch(() => undefined);
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Writes the run's end into the library; what cannot be written there leaves no result behind. */
  async #settle(detail: RunDetail, active: Active, end: ComputeEnd): Promise<void> {
    const { library, compute } = this.#options;
    const runUuid = detail.run.uuid;
    try {
      if (end.kind === 'succeeded') {
        const result = await readResult(await compute.fetch(runUuid, detail.folder));
        active.progress = ended(active.progress, 'succeeded', null);
        const engineVersion = result.run.engineVersion;
        await library.runs.finish(runUuid, {
          cells: result.cells,
          arrays: result.arrays,
          progress: active.progress,
          exitCode: 0,
          ...(engineVersion === undefined ? {} : { engineVersion }),
        });
        return;
      }
      await library.runs.heartbeat(runUuid, { progress: active.progress }).catch(() => undefined);
      if (end.kind === 'cancelled') await library.runs.cancel(runUuid);
      else await this.#fail(runUuid, end.error, end.exitCode);
    } catch (error) {
      removeLeftovers(detail.folder);
      const failure = AppError.from(error);
      await this.#fail(runUuid, failure, null).catch(() => {
        // The library cannot be written: those who wait are told here; its next owner finds the run unfinished and marks it.
        const { code, message, hint } = failure;
        this.#unsaved.set(
          runUuid,
          ended(active.progress, 'failed', { code, message, ...(hint === undefined ? {} : { hint }) }),
        );
      });
    }
  }

  async #fail(runUuid: string, error: AppError, exitCode: number | null): Promise<void> {
    await this.#options.library.runs.fail(runUuid, {
      code: error.code,
      message: error.message,
      hint: error.hint,
      exitCode,
      errorClass: errorClass(error.code),
    });
  }

  #beat(runUuid: string, active: Active): () => void {
    let stop = (): void => undefined;
    const beat = (): void => {
      stop = this.#timers.after(heartbeatMs, () => {
        void this.#options.library.runs.heartbeat(runUuid, { progress: active.progress }).catch(() => undefined);
        beat();
      });
    };
    beat();
    return () => stop();
  }

  #tell(runUuid: string): void {
    for (const listener of this.#listeners.get(runUuid) ?? []) listener();
  }

  #changed(runUuid: string): void {
    this.#tell(runUuid);
    this.#options.changed?.(runUuid);
  }
}

function goesOn(state: RunProgress['state']): boolean {
  return state === 'queued' || state === 'running';
}

/** Ends an engine that outlived its owner, with its decoders. */
function endProcess(pid: number): void {
  for (const target of process.platform === 'win32' ? [pid] : [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}
