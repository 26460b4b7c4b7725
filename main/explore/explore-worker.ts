// SPDX-License-Identifier: MIT
/** The thread that reads traces and computes: neither its arithmetic nor its memory stands in the core's way; ending it takes the question back. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../contract/index.ts';
import type { ThreadEnd } from '../threads/index.ts';
import { around } from './around.ts';
import { compareRuns } from './compare.ts';
import { population } from './population.ts';
import { eventProfiles } from './profiles.ts';
import type { ExploreTask, TaskAnswer } from './tasks.ts';
import { orientationTuning, placeMaps } from './tuning.ts';

function perform(task: ExploreTask): Promise<TaskAnswer> {
  if (task.type === 'population') return population(task);
  if (task.type === 'around') return around(task);
  if (task.type === 'tuning') return orientationTuning(task);
  if (task.type === 'place') return placeMaps(task);
  return task.type === 'profiles' ? eventProfiles(task) : compareRuns(task);
}

try {
  const answer = await perform(workerData as ExploreTask);
  const bytes = answer.bytes;
  parentPort?.postMessage(
    { type: 'done', value: answer } satisfies ThreadEnd<TaskAnswer>,
    bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [],
  );
} catch (error) {
  parentPort?.postMessage({ type: 'failed', error: AppError.from(error).toData() } satisfies ThreadEnd<TaskAnswer>);
}
