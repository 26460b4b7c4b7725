// SPDX-License-Identifier: MIT
import type { BoardLink } from '../board-link.ts';
import { selector } from './uvc.ts';

/** What runs on a board, as far as it can be told. */
export interface Firmware {
  /** By what the board writes into its frames' odd bytes (acquisition.md 1.6, 2.8); null before the first frame. */
  readonly variant: 'stock' | 'openEphys' | null;
  /** The version of its control interface; null where the board does not say. */
  readonly abi: number | null;
}

/** Written as SATURATION, it lets the next read of HUE be the version of the interface, once (acquisition.md 2.6). */
const abiQuery = 0x02;
/** A version is a small number; a quaternion's part seldom is. */
const highestAbi = 99;

/**
 * Asks a board for the version of its control interface. Only before anything is recorded and before orientations are read: the question clears the recording bit, and
 * its answer comes in place of the quaternion's x. Null where the board does not know the question: it answers x then, both times.
 */
export async function askAbi(link: BoardLink): Promise<number | null> {
  // What remembers its answers gives an old one.
  if (link.remembersReads === true) return null;
  try {
    await link.setControl(selector.saturation, abiQuery);
    const asked = await link.getControl(selector.hue);
    const next = await link.getControl(selector.hue);
    return asked > 0 && asked <= highestAbi && asked !== next ? asked : null;
  } catch {
    return null;
  }
}

/** A board's firmware in words; what is not known is said. */
export function firmwareWords({ variant, abi }: Firmware): string | null {
  const version = abi === null ? 'version of its interface unknown' : `interface version ${String(abi)}`;
  if (variant === null) return null;
  return variant === 'stock'
    ? `stock firmware, ${version}`
    : `Open Ephys’ firmware (1.1 or newer: it writes counter, clock and inputs into each frame), ${version}`;
}
