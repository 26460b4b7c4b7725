// SPDX-License-Identifier: MIT
import { AppError, type ExportFinding, type ExportTask } from '../contract/index.ts';
import { Followers } from '../rpc/index.ts';
import type { OnProgress } from './job.ts';

/** What one export has written. */
interface Written {
  /** Below the chosen folder. */
  readonly written: string;
  readonly bytes: number;
  readonly findings: readonly ExportFinding[];
}

/** An export that is to be queued. */
export interface QueuedExport {
  readonly task: Pick<ExportTask, 'uuid' | 'target' | 'name' | 'format'>;
  /** Writes it; rejects where it cannot, or when the signal comes. Nothing half-written may stay. */
  readonly write: (progress: OnProgress, signal: AbortSignal) => Promise<Written>;
  /** An error as it may be shown. */
  readonly tell: (error: unknown) => NonNullable<ExportTask['error']>;
}

interface Entry {
  task: ExportTask;
  readonly stop: AbortController;
  readonly wanted: QueuedExport;
}

const isOver = ({ state }: ExportTask): boolean => state !== 'waiting' && state !== 'running';

/**
 * Exports that are written one after another, so that forty of them need the memory of one. Whoever asked may leave; the list is kept until somebody takes what
 * has ended off it, or the core ends.
 */
export class ExportQueue implements AsyncDisposable {
  #entries: readonly Entry[] = [];
  readonly #followers = new Followers(() => this.tasks);
  readonly #closing = new AbortController();
  #working: Promise<void> | undefined;

  /** All exports in their order. */
  get tasks(): ExportTask[] {
    return this.#entries.map(({ task }) => task);
  }

  /** Adds exports at the end. @throws AppError `rpc.cancelled` when the core is ending */
  add(exports: readonly QueuedExport[]): void {
    if (this.#closing.signal.aborted)
      throw new AppError('rpc.cancelled', 'The program is ending; nothing was exported.');
    const fresh = exports.map((wanted): Entry => {
      const start = { state: 'waiting', step: '', fraction: 0, written: null, bytes: null } as const;
      return { task: { ...wanted.task, ...start, findings: [], error: null }, stop: new AbortController(), wanted };
    });
    this.#entries = [...this.#entries, ...fresh];
    this.#followers.notify();
    this.#working ??= this.#work();
  }

  /** Cancels those that have not ended; tells how many. */
  cancel(uuids: readonly string[]): number {
    const meant = this.#entries.filter(({ task }) => uuids.includes(task.uuid) && !isOver(task));
    for (const entry of meant) {
      entry.stop.abort();
      // One under way ends when its thread has: until then its place is still being cleared.
      if (entry.task.state === 'waiting') this.#set(entry, { state: 'cancelled' });
    }
    return meant.length;
  }

  /** Takes those that have ended off the list; tells how many. */
  forget(): number {
    const kept = this.#entries.filter(({ task }) => !isOver(task));
    const forgotten = this.#entries.length - kept.length;
    this.#entries = kept;
    if (forgotten > 0) this.#followers.notify();
    return forgotten;
  }

  /** The list now and after each change, until the signal or the core's end; changes that nobody has fetched yet are told as one. */
  follow(signal: AbortSignal): AsyncGenerator<ExportTask[]> {
    return this.#followers.follow(AbortSignal.any([signal, this.#closing.signal]));
  }

  /** Until nothing waits and nothing is under way. */
  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.cancel(this.#entries.map(({ task }) => task.uuid));
    await this.idle();
  }

  async #work(): Promise<void> {
    for (;;) {
      const entry = this.#entries.find(({ task }) => task.state === 'waiting');
      if (entry === undefined) break;
      await this.#one(entry);
    }
    this.#working = undefined;
  }

  async #one(entry: Entry): Promise<void> {
    this.#set(entry, { state: 'running' });
    try {
      const report: OnProgress = (step, fraction) => this.#set(entry, { step, fraction });
      const { written, bytes, findings } = await entry.wanted.write(report, entry.stop.signal);
      this.#set(entry, { state: 'done', fraction: 1, written, bytes, findings: [...findings] });
    } catch (error) {
      if (entry.stop.signal.aborted) this.#set(entry, { state: 'cancelled' });
      else this.#set(entry, { state: 'failed', error: entry.wanted.tell(error) });
    }
  }

  #set(entry: Entry, change: Partial<ExportTask>): void {
    entry.task = { ...entry.task, ...change };
    this.#followers.notify();
  }
}
