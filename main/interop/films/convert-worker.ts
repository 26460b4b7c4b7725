// SPDX-License-Identifier: MIT
/** The thread that rewrites a foreign film: reading and scaling frames never hold up the core. */
import { parentPort, workerData } from 'node:worker_threads';
import { AppError, type ErrorData } from '../../contract/index.ts';
import { convertFilm, type ConvertJob } from './convert.ts';

/** What the core is told. */
export type ConvertAnswer =
  | { readonly type: 'share'; readonly share: number }
  | { readonly type: 'done'; readonly place: string }
  | { readonly type: 'failed'; readonly error: ErrorData };

const answer = (message: ConvertAnswer): void => parentPort?.postMessage(message);
let told = -1;

await convertFilm(workerData as ConvertJob, (share) => {
  const percent = Math.floor(100 * share);
  if (percent > told) answer({ type: 'share', share });
  told = percent;
}).then(
  (place) => answer({ type: 'done', place }),
  (error: unknown) => answer({ type: 'failed', error: AppError.from(error).toData() }),
);
