// SPDX-License-Identifier: MIT
/** Pose and position of behaviour recordings. See README.md. */
export { createPositionHandlers } from './handlers.ts';
export { trackOf } from './track.ts';
export type { Track } from './track.ts';
