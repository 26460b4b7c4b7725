// SPDX-License-Identifier: MIT
/** The thread that rewrites a foreign film: reading and scaling frames never hold up the core. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../contract/index.ts';
import type { ThreadEnd } from '../../threads/index.ts';
import { convertFilm, type ConvertJob } from './convert.ts';

/** How much is done, 0 … 1. */
export interface ConvertShare {
  readonly type: 'share';
  readonly share: number;
}

const answer = (message: ThreadEnd<string> | ConvertShare): void => parentPort?.postMessage(message);
let told = -1;

await convertFilm(workerData as ConvertJob, (share) => {
  const percent = Math.floor(100 * share);
  if (percent > told) answer({ type: 'share', share });
  told = percent;
}).then(
  (place) => answer({ type: 'done', value: place }),
  (error: unknown) => answer({ type: 'failed', error: AppError.from(error).toData() }),
);
