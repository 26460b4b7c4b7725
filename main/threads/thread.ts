// SPDX-License-Identifier: MIT
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { AppError, type ErrorData } from '../contract/index.ts';

/** How a thread's last message looks. */
export type ThreadEnd<Result> =
  | { readonly type: 'done'; readonly value: Result }
  | { readonly type: 'failed'; readonly error: ErrorData };

/** Ends the wait, or speaks to the thread. */
export interface Answer {
  readonly reject: (error: unknown) => void;
  readonly post: (message: unknown) => void;
}

export interface ThreadJob<Said> {
  /** The thread's module. */
  readonly module: URL;
  /** A word for messages and debuggers: `export`. */
  readonly name: string;
  /** What the thread finds in `workerData`. */
  readonly data: unknown;
  readonly signal: AbortSignal;
  readonly resourceLimits?: ResourceLimits;
  /** What a caller that took the job back is told. */
  readonly cancelled: string;
  /**
   * ms that a thread has to end what it began (another program, half a file) after it was sent `'abort'`; what it says in that time counts.
   * Without it the thread is ended at once.
   */
  readonly graceMs?: number;
  /** What the thread says before its end. */
  readonly hear?: (said: Said, answer: Answer) => void;
}

/**
 * Does a job in a thread of its own and gives what it ends with.
 *
 * @throws AppError whatever the thread threw; `rpc.cancelled`; `rpc.internal` when it ends without a word
 */
export async function inThread<Result, Said extends { readonly type: string } = never>(
  job: ThreadJob<Said>,
): Promise<Result> {
  const { signal, name, graceMs, resourceLimits } = job;
  if (signal.aborted) throw new AppError('rpc.cancelled', job.cancelled);
  const worker = new Worker(job.module, {
    workerData: job.data,
    name,
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  });
  let abort: () => void = () => undefined;
  let grace: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Result>((resolve, reject) => {
      const takenBack = (): void => reject(new AppError('rpc.cancelled', job.cancelled));
      abort = () => {
        if (graceMs === undefined) takenBack();
        else {
          worker.postMessage('abort');
          grace = setTimeout(takenBack, graceMs);
        }
      };
      signal.addEventListener('abort', abort, { once: true });
      const answer: Answer = { reject, post: (message) => worker.postMessage(message) };
      worker.on('message', (message: ThreadEnd<Result> | Said) => {
        if (message.type === 'done') resolve((message as ThreadEnd<Result> & { type: 'done' }).value);
        else if (message.type !== 'failed') job.hear?.(message as Said, answer);
        else if (signal.aborted) takenBack();
        else reject(AppError.fromData((message as ThreadEnd<Result> & { type: 'failed' }).error));
      });
      worker.on('error', reject);
      worker.on('exit', (code) =>
        reject(new AppError('rpc.internal', `The thread for ${name} ended with code ${code} and without an answer.`)),
      );
    });
  } finally {
    clearTimeout(grace);
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}
