// SPDX-License-Identifier: MIT
/** Looking at a finished run and judging its cells. See README.md. */
export { cameraFilms, createRecordedHandlers } from './recorded.ts';
export { createReviewHandlers } from './handlers.ts';
export type { ReviewDependencies } from './handlers.ts';
export { opinions } from './agreement.ts';
export { CellTraces, countsAsNeuron } from './cell-traces.ts';
export type { CellChoice } from './cell-traces.ts';
export { activeLayers } from './edits.ts';
export { RunFolder } from './run-folder.ts';
export { matchSessions } from './identity.ts';
export type { MatchOptions, MatchReport, SessionSource } from './identity.ts';
