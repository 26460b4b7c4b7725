// SPDX-License-Identifier: MIT
/** Children of the core. See README.md. */
export { superviseNodeChild, type Child, type ChildOptions, type ChildProcessLike } from './node-child.ts';
