// SPDX-License-Identifier: MIT
import type { AcquireScope } from '../contract/index.ts';

/** Without a frame for so long, the person is told why, ms. */
export const silentMs = 1200;

/** Why a scope has no picture, and what comes next; null while frames come. */
export function troubleOf({
  lost,
  silentForMs,
  isRecording,
  hasOthers,
}: {
  /** What was said when the board was lost; null while it is there. */
  readonly lost: string | null;
  /** Since the last frame; null before the first. */
  readonly silentForMs: number | null;
  readonly isRecording: boolean;
  /** Other devices are recorded beside it. */
  readonly hasOthers: boolean;
}): AcquireScope['trouble'] {
  if (lost !== null) {
    const others = hasOthers ? ' The other devices are recorded on meanwhile.' : '';
    return {
      text: lost,
      next: isRecording
        ? `The recording stays open and goes on with all settings; the gap is marked in it.${others}`
        : 'It comes back by itself, with all settings.',
    };
  }
  if (silentForMs === null || silentForMs < silentMs) return null;
  return {
    text: `No frame for ${(silentForMs / 1000).toFixed(1)} s: the scope's video link stopped, or this computer is too busy to take frames.`,
    next: 'Check the coax connector. When nothing comes for 2 s Calyx opens the board again by itself, with all settings.',
  };
}
