// SPDX-License-Identifier: MIT
import type { BoardLink } from '../board-link.ts';
import { resolveSetting, type ScopeType } from '../catalogue/index.ts';
import type { Clock } from '../clock.ts';
import { packWords } from './i2c-packet.ts';
import { linkPackets } from './miniscope.ts';
import { persist } from './persist.ts';
import { selector, type Selector } from './uvc.ts';

/** A frame that has not come within this time does not come any more, ms. */
const overdueMs = 1500;

/**
 * Switches the LEDs of a scope off that somebody left without a word (its process died): lets frames come, since the board executes commands at their end only,
 * sends, waits until a frame has ended after the last command, and stops. Nothing else of the scope is touched.
 *
 * @throws AppError `device.no_answer`
 */
export async function darkenBoard(type: ScopeType, link: BoardLink, clock: Clock): Promise<void> {
  const gone = new Set<BoardLink>();
  void link.gone.then(() => gone.add(link));
  const put = (control: Selector, value: number): Promise<void> =>
    persist(
      clock,
      () => link.setControl(control, value),
      () => gone.has(link),
    );
  let seen = 0;
  let sentNs: bigint | undefined;
  let wake: () => void = () => undefined;
  await link.start({ width: type.width, height: type.height }, ({ lastNs }) => {
    // Frames that had come before the last command and were waiting to be taken do not count.
    if (sentNs === undefined || lastNs <= sentNs) return;
    seen += 1;
    wake();
  });
  try {
    const leds = Object.keys(type.controls).filter((name) => name.startsWith('led'));
    for (const packet of [...linkPackets(type), ...leds.flatMap((name) => resolveSetting(type, name, 0).packets)]) {
      const [contrast, gamma, sharpness] = packWords(packet);
      await put(selector.contrast, contrast);
      await put(selector.gamma, gamma);
      await put(selector.sharpness, sharpness);
    }
    await put(selector.saturation, 0);
    sentNs = clock.nowNs();
    // Two: the one under way may have ended just before the commands came.
    for (let n = 0; n < 2; n += 1) {
      const before = seen;
      const waited = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        clock.sleep(overdueMs, waited.signal).catch(() => undefined),
      ]);
      waited.abort();
      if (seen === before) break;
    }
  } finally {
    await link[Symbol.asyncDispose]();
  }
}
