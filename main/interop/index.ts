// SPDX-License-Identifier: MIT
/** Results for other programs, and theirs for us. See README.md. */
export { createDatajointHandlers } from './datajoint/handlers.ts';
export { isDamage } from './results/check.ts';
export { isHdf5, openHdf5 } from './results/hdf5.ts';
export { seedsOfFile, seedsOutside } from './results/outlines/seeds.ts';
export { sweepImports } from './results/import-result.ts';
export { createResultsHandlers } from './results/handlers.ts';
export { describeFilm, readablePlace } from './films/index.ts';
export { knownFacts } from './known-facts.ts';
export { ExportQueue } from './export-queue.ts';
export { keptExports } from './kept-exports.ts';
export { Progresses } from './progresses.ts';
export { runTimes } from './gather.ts';
export { createInteropHandlers } from './handlers.ts';
export type { InteropDependencies } from './handlers.ts';
