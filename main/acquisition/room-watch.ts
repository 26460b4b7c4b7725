// SPDX-License-Identifier: MIT
import type { Clock } from '../devices/index.ts';
import { freeBytesOf } from '../recording/index.ts';

/** The disk is asked this often, ms. */
const askedMs = 5000;
/** Without a scope nobody needs to know, but soon after one is there, ms. */
const idleMs = 500;

/** How much room the data folder has, asked again and again while a scope is there. */
export class RoomWatch {
  #freeBytes: number | null = null;

  /** Null while it is not known. */
  get freeBytes(): number | null {
    return this.#freeBytes;
  }

  /** Looks until the signal. */
  async follow(
    rig: {
      readonly clock: Clock;
      readonly isIdle: () => boolean;
      /** The data folder of the plan; made when it is not there. @throws AppError */
      readonly dataFolder: () => Promise<string>;
      readonly changed: () => void;
    },
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      if (!rig.isIdle()) {
        const folder = await rig.dataFolder().catch(() => null);
        this.#freeBytes = folder === null ? null : await freeBytesOf(folder);
        rig.changed();
      }
      await rig.clock.sleep(rig.isIdle() ? idleMs : askedMs, signal).catch(() => undefined);
    }
  }
}
