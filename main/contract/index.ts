// SPDX-License-Identifier: MIT
/**
 * What main publishes to a window: procedures, streams, domain types, errors, the rpc's wire format and client. The only part of
 * `main/` that `renderer/` may import. Imports zod and nothing else.
 */
export * from './define.ts';
export * from './errors.ts';
export * from './given.ts';
export * from './types.ts';
export * from './api/index.ts';
export * from './api/acquire.ts';
export * from './api/app.ts';
export * from './api/datajoint.ts';
export * from './api/explore.ts';
export * from './api/files.ts';
export * from './api/frames.ts';
export * from './api/jobs.ts';
export * from './api/library.ts';
export * from './api/interop.ts';
export * from './api/position.ts';
export * from './api/processing.ts';
export * from './api/recorded.ts';
export * from './api/results.ts';
export * from './api/review.ts';
export * from './api/sessions.ts';
export * from './api/settings.ts';
export * from './api/tables.ts';
export * from './api/travel.ts';
export * from './api/workflow.ts';
export * from './rpc/index.ts';
