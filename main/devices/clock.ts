// SPDX-License-Identifier: MIT
import { setTimeout } from 'node:timers/promises';

/** Time, injected so that tests need none to pass. */
export interface Clock {
  /** Monotonic, ns. */
  readonly nowNs: () => bigint;
  /** Resolves after some milliseconds. @throws the signal's reason when it is aborted */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The computer's clock. */
export const systemClock: Clock = {
  nowNs: () => process.hrtime.bigint(),
  sleep: async (ms, signal) => {
    await setTimeout(ms, undefined, signal === undefined ? {} : { signal });
  },
};
