// SPDX-License-Identifier: MIT
/** Jobs in threads. See README.md. */
export { inPercents } from './percents.ts';
export { inThread } from './thread.ts';
export type { Answer, ThreadEnd, ThreadJob } from './thread.ts';
