// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import type { ScopeType, Setting } from '../catalogue/index.ts';
import type { BoardLink } from '../board-link.ts';
import type { Clock } from '../clock.ts';
import { Miniscope } from './miniscope.ts';

/** How often and how long the light shows, ms: seen across a room, and no flicker. */
const blinks = { times: 3, onMs: 400, offMs: 400 } as const;
/** Share of the LED's range: seen, and not too bright for an animal that wears the scope. */
const brightness = 0.3;

/**
 * Shows a person which scope it is: the LED goes on and off some times and is left as it was.
 *
 * @param set sends a value to the LED; resolves when the board has been told
 * @param shown the LED's value as it should be, asked for when it is restored: somebody may have set it meanwhile
 * @throws AppError `device.bad_setting` for a scope without an LED, and whatever `set` could not do
 */
export async function blinkLed(
  type: ScopeType,
  clock: Clock,
  {
    set,
    shown,
    signal,
  }: { set: (led: string, value: Setting) => Promise<unknown>; shown: () => Setting; signal?: AbortSignal },
): Promise<void> {
  const led = ledOf(type);
  if (led === null) throw new AppError('device.bad_setting', `${type.label ?? type.type} has no LED that could blink.`);
  try {
    for (let n = 0; n < blinks.times; n += 1) {
      if (signal?.aborted === true) break;
      await set(led.name, led.bright);
      await clock.sleep(blinks.onMs);
      await set(led.name, led.dark);
      await clock.sleep(blinks.offMs);
    }
  } finally {
    await set(led.name, shown());
  }
}

/**
 * The same with a board that nobody has open: its scope is set up for it, and is dark afterwards.
 *
 * @throws AppError `device.*`
 */
export async function blinkBoard(
  type: ScopeType,
  open: () => Promise<BoardLink>,
  clock: Clock,
  signal?: AbortSignal,
): Promise<void> {
  const led = ledOf(type);
  const settings = led === null ? {} : { [led.name]: led.dark };
  await using scope = new Miniscope({ type, clock, open, settings, onFrame: () => undefined });
  await scope.connect();
  const set = (name: string, value: Setting): Promise<unknown> => scope.set(name, value);
  await blinkLed(type, clock, { set, shown: () => led?.dark ?? 0, ...(signal === undefined ? {} : { signal }) });
}

/** The LED that blinks; null for a scope without one. */
export function ledOf(
  type: ScopeType,
): { readonly name: string; readonly bright: number; readonly dark: number } | null {
  const control = type.controls['led0'];
  if (control?.kind !== 'range') return null;
  const { min, max } = control;
  return { name: 'led0', bright: Math.round(min + brightness * (max - min)), dark: min };
}
