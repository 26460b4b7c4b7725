// SPDX-License-Identifier: MIT
/** The thread that reads, hashes and writes packages, so that gigabytes do not stand in the core's way. */
import { open } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
// Not the whole contract: this thread starts for every package.
import { AppError } from '../contract/errors.ts';
import type { TravelJob, TravelMessage } from './job.ts';
import { checkPackage, stagePackage } from './read-package.ts';
import { cancelled, type Watch } from './stream.ts';
import { writePackage } from './write-package.ts';

const port = parentPort;
const aborted = new AbortController();
const { signal } = aborted;
port?.on('message', () => aborted.abort());
const tell = (message: TravelMessage): void => port?.postMessage(message);
const watch: Watch = { signal, progress: (step, fraction) => tell({ type: 'progress', step, fraction }) };

async function run(job: TravelJob): Promise<unknown> {
  if (job.type === 'pack') return await writePackage(job, watch);
  const file = await open(job.file, 'r');
  try {
    return job.type === 'check' ? await checkPackage(file, watch) : await stagePackage(file, job.places, watch);
  } finally {
    await file.close();
  }
}

const job = workerData as TravelJob;
try {
  tell({ type: 'done', value: await run(job) });
} catch (error) {
  if (signal.aborted || error instanceof AppError)
    tell({ type: 'failed', error: (error instanceof AppError && !signal.aborted ? error : cancelled()).toData() });
  else
    tell({
      type: 'broken',
      code: error instanceof Error && 'code' in error ? String(error.code) : '',
      message: error instanceof Error ? error.message : String(error),
    });
}
port?.close();
