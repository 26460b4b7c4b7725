// SPDX-License-Identifier: MIT

/** The process that answers for a run, or the engine it started. */
export interface ProcessRef {
  readonly pid: number;
  readonly bootId: string;
  /** Start of the process in clock ticks since boot; null where the system does not say. */
  readonly startTicks: string | null;
}
