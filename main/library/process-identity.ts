// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import type { ProcessRef } from './process-ref.ts';

/**
 * Who a process is, beyond its number: numbers are reused after a crash and after a restart of the machine, so a reference carries
 * the boot's id and the process's start time (`/proc`, proc(5)). Where the system has neither, the number alone decides.
 */

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The id of this boot; empty where the system has none. */
export function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** Start time in ticks since boot and state letter of a process; null when it is not there or the system does not say. */
function processStat(pid: number): { readonly startTicks: string; readonly state: string } | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The second field is the name in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  return state === undefined || startTicks === undefined ? null : { startTicks, state };
}

/** A reference to a running process of this machine. */
export function processRef(pid: number): ProcessRef {
  return { pid, bootId: bootId(), startTicks: processStat(pid)?.startTicks ?? null };
}

/** The calling process. */
export function currentProcess(): ProcessRef {
  return processRef(process.pid);
}

/** Whether the very process that a reference was taken of still runs (a zombie does not). */
export function isAlive(ref: ProcessRef): boolean {
  if (ref.bootId !== bootId()) return false;
  const stat = processStat(ref.pid);
  if (stat !== null) {
    if (stat.state === 'Z' || stat.state === 'X') return false;
    return ref.startTicks === null || ref.startTicks === stat.startTicks;
  }
  // With /proc at hand, no entry means no process.
  if (processStat(process.pid) !== null) return false;
  try {
    process.kill(ref.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
