// SPDX-License-Identifier: MIT
/** Running the engine and what becomes of its results. See README.md. */
import { availableParallelism, totalmem } from 'node:os';
import { engineExecutable, engineProblem } from '../installation/index.ts';
import type { Compute } from './compute.ts';
import type { Limits } from './job-folder.ts';
import { createLocalCompute } from './local-compute.ts';

export { checkExportDestination } from './export.ts';
export { cancelEngine, engineEnd, keepWords, startEngine } from './engine-process.ts';
export { failureOf, fileError } from './failure.ts';
export { makeFolders } from './make-folders.ts';
export { isScratch, scratchBeside } from './scratch.ts';
export { readResult } from './result.ts';
export { createProcessingHandlers } from './handlers.ts';
export type { ProcessingDependencies } from './handlers.ts';
export { queueRuns } from './preset-runs.ts';
export { createRunQueue } from './queue.ts';
export { TryOuts } from './try-out.ts';
export type { RunQueue, RunQueueOptions } from './queue.ts';
export { cacheLimit, trimCache } from './stage-cache.ts';
export { parseTypedParameters } from './asked-set.ts';
export { importCaiman, parseCaimanText } from './caiman-parameters.ts';
export { parameterFlags, readParameterSet } from './parameters.ts';
export type { ParameterSet, ParameterSpec } from './parameters.ts';
export type { Compute } from './compute.ts';
export type { Limits } from './job-folder.ts';

/** Cores and memory of a run that says nothing else: all cores, 2 GiB or half of what the machine has. */
export function machineLimits(): Limits {
  return { threads: availableParallelism(), memoryBytes: Math.min(2 * 1024 ** 3, Math.floor(totalmem() / 2)) };
}

/** The engine of this installation. `ffmpeg` finds the decoder of compressed films. */
export function localCompute(ffmpeg: () => string | undefined): Compute {
  return createLocalCompute({ engine: engineExecutable(), engineProblem: () => engineProblem(), ffmpeg });
}
