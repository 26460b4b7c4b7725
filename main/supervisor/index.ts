// SPDX-License-Identifier: MIT
/** Children of the core. See README.md. */
export { recordingFlags } from './node-flags.ts';
export { superviseNodeChild, type Child, type ChildOptions, type ChildProcessLike } from './node-child.ts';
