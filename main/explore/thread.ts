// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import { inThread } from '../threads/index.ts';
import type { ExploreTask, TaskAnswer } from './tasks.ts';

const takenBack = 'The question was taken back.';

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
    if (signal.aborted) throw new AppError('rpc.cancelled', takenBack);
    return await inThread<TaskAnswer>({
      module: new URL('./explore-worker.ts', import.meta.url),
      name: 'explore',
      data: task,
      signal,
      cancelled: takenBack,
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
