// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { Clock } from '../clock.ts';

/** A request without an answer is made again for so long, and this often, ms. */
const persistMs = 1000;
const againMs = 20;

/**
 * Asks a board that may not answer in time again: a command that never came would leave a light on, or a setting undone.
 *
 * @throws the last error, when the board stays silent for a second or is gone
 */
export async function persist(clock: Clock, ask: () => Promise<void>, isGone: () => boolean): Promise<void> {
  const since = clock.nowNs();
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      const isLate = Number(clock.nowNs() - since) / 1e6 >= persistMs;
      if (!(error instanceof AppError && error.code === 'device.no_answer') || isLate || isGone()) throw error;
      await clock.sleep(againMs);
    }
  }
}
