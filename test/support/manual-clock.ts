// SPDX-License-Identifier: MIT
import type { Clock } from '../../main/devices/index.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Lets so many milliseconds pass: everybody who sleeps until then wakes in the order of time, and gets to act before the next one does. */
  readonly advance: (ms: number) => Promise<void>;
}

interface Sleeper {
  readonly untilNs: bigint;
  readonly wake: () => void;
}

/** Lets promises that can go on do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Makes a clock that shows 0. */
export function manualClock(): ManualClock {
  let nowNs = 0n;
  const sleepers = new Set<Sleeper>();
  const next = (until: bigint): Sleeper | undefined =>
    [...sleepers].filter(({ untilNs }) => untilNs <= until).sort((a, b) => Number(a.untilNs - b.untilNs))[0];
  return {
    nowNs: () => nowNs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper: Sleeper = { untilNs: nowNs + BigInt(Math.round(ms * 1e6)), wake: () => resolve() };
        const stop = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason as Error);
        };
        if (signal?.aborted === true) stop();
        else {
          sleepers.add(sleeper);
          signal?.addEventListener('abort', stop, { once: true });
        }
      }),
    advance: async (ms) => {
      const until = nowNs + BigInt(Math.round(ms * 1e6));
      await settle();
      for (let sleeper = next(until); sleeper !== undefined; sleeper = next(until)) {
        sleepers.delete(sleeper);
        if (sleeper.untilNs > nowNs) nowNs = sleeper.untilNs;
        sleeper.wake();
        await settle();
      }
      nowNs = until;
    },
  };
}
