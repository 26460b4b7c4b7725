// SPDX-License-Identifier: MIT
import type { AppError } from '../contract/index.ts';
import type { EngineMessage, EnginePlan } from './engine-output.ts';

/** A job that is written and waits to be computed. */
export interface ComputeJob {
  readonly runUuid: string;
  /** Absolute job folder: job.json and its arrays. */
  readonly jobFolder: string;
  /** Absolute folder that holds the result when the job has succeeded; nothing is there before. */
  readonly output: string;
  /** Absolute file that takes what the engine says. */
  readonly logFile: string;
}

/** How a job ended. */
export type ComputeEnd =
  | { readonly kind: 'succeeded'; readonly components: number; readonly accepted: number }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly error: AppError; readonly exitCode: number | null };

/** A submitted job. */
export interface Submission {
  /** Process id where there is a local process, null elsewhere. */
  readonly pid: number | null;
  /** Resolves, never rejects, when the job has ended and nothing of it runs any more. */
  readonly ended: Promise<ComputeEnd>;
}

/** Where runs are computed: this machine now, a cluster later. */
export interface Compute {
  /** What a job would do and need, by the engine itself. @throws AppError what is wrong with the job; `engine.missing` */
  plan(jobFolder: string): Promise<EnginePlan>;
  /** @throws AppError `engine.missing`, `disk.full`, `disk.io` */
  submit(job: ComputeJob, onMessage: (message: EngineMessage) => void): Promise<Submission>;
  /** The state of a job; undefined for one that is not known (any more). */
  poll(runUuid: string): { readonly running: boolean } | undefined;
  /** Asks a job to stop; resolves at once. It ends as `cancelled`, unless it succeeded just before. */
  cancel(runUuid: string): void;
  /** Brings the result of a succeeded job to its output folder on this machine; returns that folder. */
  fetch(runUuid: string, output: string): Promise<string>;
}

/** Timers that tests replace. */
export interface Timers {
  readonly now: () => number;
  /** Runs once after so many milliseconds; the returned function prevents it. */
  readonly after: (ms: number, act: () => void) => () => void;
}

/** The system's timers; they keep no process alive. */
export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
