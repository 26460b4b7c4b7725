// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorData } from '../contract/index.ts';
import type { ExploreTask, TaskAnswer } from './tasks.ts';

/** What the thread says. */
export type ThreadMessage =
  | { readonly type: 'done'; readonly answer: TaskAnswer }
  | { readonly type: 'failed'; readonly error: ErrorData };

/** Threads at once: a screen asks several questions together, and a laptop has other things to do. */
const atOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** Answers a question in a thread of its own; aborting ends the thread. @throws AppError whatever the task threw, `rpc.cancelled` */
export async function answerInThread(task: ExploreTask, signal: AbortSignal): Promise<TaskAnswer> {
  if (running >= atOnce) {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  } else running += 1;
  try {
    if (signal.aborted) throw cancelled();
    return await inThread(task, signal);
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

async function inThread(task: ExploreTask, signal: AbortSignal): Promise<TaskAnswer> {
  const worker = new Worker(new URL('./explore-worker.ts', import.meta.url), { workerData: task, name: 'explore' });
  let abort: () => void = () => undefined;
  try {
    return await new Promise<TaskAnswer>((resolve, reject) => {
      abort = () => reject(cancelled());
      signal.addEventListener('abort', abort, { once: true });
      worker.on('message', (message: ThreadMessage) => {
        if (message.type === 'done') resolve(message.answer);
        else reject(AppError.fromData(message.error));
      });
      worker.on('error', reject);
      worker.on('exit', (code) =>
        reject(new AppError('rpc.internal', `The exploring thread ended with code ${code}.`)),
      );
    });
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}

const cancelled = (): AppError => new AppError('rpc.cancelled', 'The question was taken back.');
