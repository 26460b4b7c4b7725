// SPDX-License-Identifier: MIT
import { recordingFlags } from '../../supervisor/index.ts';

/** The part of the running process that is looked at; replaced in tests. */
export type RunningNode = Pick<NodeJS.Process, 'argv' | 'execArgv' | 'execPath' | 'env'> & {
  readonly execve?: NodeJS.Process['execve'] | undefined;
};

/**
 * Begins the program anew with the flags of a process that records, where the command is `record` and it has not got them: the heap is laid out at the start, so that they cannot be set later. The
 * same process goes on (its id, streams, signals and exit code); nothing that must be closed may be open yet. Where the system cannot do that (Windows, Node before 22.15) it records without them.
 */
export function beginAnewToRecord(node: RunningNode = process): void {
  const [, program = '', ...args] = node.argv;
  const missing = recordingFlags.filter((flag) => !node.execArgv.includes(flag));
  if (args[0] !== 'record' || missing.length === 0) return;
  if (node.execve === undefined || process.platform === 'win32') return;
  node.execve(node.execPath, [node.execPath, ...node.execArgv, ...missing, program, ...args], node.env);
}
