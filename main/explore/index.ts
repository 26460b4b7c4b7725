// SPDX-License-Identifier: MIT
/** Many cells at once, two runs, several sessions. See README.md. */
export { createExploreHandlers } from './handlers.ts';
export type { ExploreDependencies } from './handlers.ts';
export type { PositionTrack } from './tasks.ts';
