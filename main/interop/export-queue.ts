// SPDX-License-Identifier: MIT
import { rm } from 'node:fs/promises';
import { AppError, type ExportFinding, type ExportTask } from '../contract/index.ts';
import { Followers } from '../rpc/index.ts';
import { isScratch } from '../processing/index.ts';
import type { ExportOrder, KeptExport, KeptExports } from './kept-exports.ts';
import type { OnProgress } from './job.ts';

/** What one export has written. */
interface Written {
  readonly runUuid: string;
  /** Below the chosen folder. */
  readonly written: string;
  readonly bytes: number;
  readonly findings: readonly ExportFinding[];
}

/** How an export is written. */
export interface ExportWork {
  /** Writes it; rejects where it cannot, or when the signal comes. Nothing half-written may stay; `scratch` is told where it lies meanwhile. */
  readonly write: (progress: OnProgress, signal: AbortSignal, scratch: (folder: string) => void) => Promise<Written>;
  /** An error as it may be shown. */
  readonly tell: (error: unknown) => NonNullable<ExportTask['error']>;
}

/** An export that is to be queued. */
export interface QueuedExport extends ExportWork {
  readonly task: Pick<ExportTask, 'uuid' | 'target' | 'name' | 'format'>;
  readonly order: ExportOrder;
}

interface Entry extends Omit<KeptExport, 'task' | 'runUuid' | 'scratch'> {
  task: ExportTask;
  stop: AbortController;
  /** Null for one that was kept from before: it is made anew when it is wanted again. */
  work: ExportWork | null;
  runUuid: string | null;
  scratch: string | null;
}

const begin = { state: 'waiting', step: '', fraction: 0, written: null, bytes: null, error: null } as const;

const isOver = ({ state }: ExportTask): boolean => state !== 'waiting' && state !== 'running';

/**
 * Exports that are written one after another, so that forty of them need the memory of one. Whoever asked may leave; the list is kept until somebody takes what
 * has ended off it, over the core's end where it has a place: what had not ended then is interrupted, and can be wanted again.
 */
export class ExportQueue implements AsyncDisposable {
  #entries: readonly Entry[];
  readonly #place: KeptExports | null;
  #saving: Promise<void> = Promise.resolve();
  readonly #followers = new Followers(() => this.tasks);
  readonly #closing = new AbortController();
  #working: Promise<void> | undefined;

  constructor(place: KeptExports | null = null, kept: readonly KeptExport[] = []) {
    this.#place = place;
    this.#entries = kept.map((entry) => ({ ...entry, scratch: null, stop: new AbortController(), work: null }));
  }

  /**
   * The list as it was kept. What was not written when the core ended is interrupted; what it had begun is removed.
   *
   * @throws nothing: a list that cannot be read is a new one
   */
  static async open(place: KeptExports): Promise<ExportQueue> {
    const kept = await place.read();
    const entries = kept.map((entry): KeptExport => {
      const { task } = entry;
      return isOver(task) ? entry : { ...entry, task: { ...task, state: 'interrupted', step: '', fraction: 0 } };
    });
    for (const { scratch } of kept)
      if (scratch !== null && isScratch(scratch))
        await rm(scratch, { recursive: true, force: true }).catch(() => undefined);
    const queue = new ExportQueue(place, entries);
    if (entries.some((entry, i) => entry !== kept[i])) queue.#save();
    return queue;
  }

  /** All as they are kept. */
  get kept(): readonly KeptExport[] {
    return this.#entries.map(({ task, order, runUuid, scratch }) => ({ task, order, runUuid, scratch }));
  }

  /** All exports in their order. */
  get tasks(): ExportTask[] {
    return this.#entries.map(({ task }) => task);
  }

  /** Adds exports at the end. @throws AppError `rpc.cancelled` when the core is ending */
  add(exports: readonly QueuedExport[]): void {
    if (this.#closing.signal.aborted)
      throw new AppError('rpc.cancelled', 'The program is ending; nothing was exported.');
    const fresh = exports.map(({ task, order, ...work }): Entry => ({
      task: { ...task, ...begin, findings: [] },
      order,
      work,
      runUuid: null,
      scratch: null,
      stop: new AbortController(),
    }));
    this.#entries = [...this.#entries, ...fresh];
    this.#changed();
    this.#working ??= this.#work();
  }

  /**
   * Queues exports again that ended without having been written; tells how many.
   *
   * @param again - how an order is carried out
   * @throws AppError `rpc.cancelled` when the core is ending
   */
  repeat(uuids: readonly string[], again: (target: string, order: ExportOrder) => ExportWork): number {
    if (this.#closing.signal.aborted)
      throw new AppError('rpc.cancelled', 'The program is ending; nothing was exported.');
    const meant = this.#entries.filter(
      ({ task }) => uuids.includes(task.uuid) && isOver(task) && task.state !== 'done',
    );
    for (const entry of meant) {
      entry.stop = new AbortController();
      entry.work = again(entry.task.target, entry.order);
      entry.task = { ...entry.task, ...begin, findings: [] };
    }
    this.#changed();
    this.#working ??= this.#work();
    return meant.length;
  }

  /** Cancels those that have not ended; tells how many. */
  cancel(uuids: readonly string[]): number {
    const meant = this.#entries.filter(({ task }) => uuids.includes(task.uuid) && !isOver(task));
    for (const entry of meant) {
      entry.stop.abort();
      // One under way ends when its thread has: until then its place is still being cleared.
      if (entry.task.state === 'waiting') this.#set(entry, { state: this.#stopped });
    }
    return meant.length;
  }

  /** Takes those that have ended off the list; tells how many. */
  forget(): number {
    const kept = this.#entries.filter(({ task }) => !isOver(task));
    const forgotten = this.#entries.length - kept.length;
    this.#entries = kept;
    if (forgotten > 0) this.#changed();
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
    await this.#saving;
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
    const { work, stop } = entry;
    if (work === null) throw new Error('an export without work waits');
    this.#set(entry, { state: 'running' });
    try {
      const report: OnProgress = (step, fraction) => this.#set(entry, { step, fraction });
      const scratch = (folder: string): void => {
        entry.scratch = folder;
        this.#save();
      };
      const { runUuid, written, bytes, findings } = await work.write(report, stop.signal, scratch);
      entry.runUuid = runUuid;
      entry.scratch = null;
      this.#set(entry, { state: 'done', fraction: 1, written, bytes, findings: [...findings] });
    } catch (error) {
      entry.scratch = null;
      if (stop.signal.aborted) this.#set(entry, { state: this.#stopped });
      else this.#set(entry, { state: 'failed', error: work.tell(error) });
    }
  }

  /** What an export is that was stopped: nobody cancelled it where the core is ending. */
  get #stopped(): 'cancelled' | 'interrupted' {
    return this.#closing.signal.aborted ? 'interrupted' : 'cancelled';
  }

  #set(entry: Entry, change: Partial<ExportTask>): void {
    entry.task = { ...entry.task, ...change };
    // How far it is need not be known after the core's end.
    if (change.state === undefined) this.#followers.notify();
    else this.#changed();
  }

  #changed(): void {
    this.#followers.notify();
    this.#save();
  }

  /** Writes the list down, one state after the other. An export is not lost for a list that cannot be written. */
  #save(): void {
    const place = this.#place;
    if (place === null) return;
    this.#saving = this.#saving.then(() => place.write(this.kept)).catch(() => undefined);
  }
}
