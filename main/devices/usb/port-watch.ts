// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import { binding } from '../../media/index.ts';
import { type Clock, systemClock } from '../clock.ts';
import { type DeviceList, type FoundDevice, listDevices, type UsbBoards } from './listing.ts';

/** What following the ports needs of the world. */
export interface PortWorld {
  readonly clock: Clock;
  readonly look: () => Promise<UsbBoards>;
  /** Calls after each change at the ports; gives what ends that. @throws where the system gives no word */
  readonly watch: (onChange: () => void) => () => void;
}

/** After a change the system gives permissions and drivers; they are looked at once more after this time, ms. */
const settleMs = 700;
/** So often the ports are looked at without a word of the system, ms: it has none for a program that lets the camera go, or without udev. */
const slowMs = 3000;

/** This computer's ports. */
export const systemPorts: PortWorld = {
  clock: systemClock,
  look: () => binding().lookForUsbBoards(),
  watch: (onChange) => {
    const native = binding();
    const handle = native.watchUsbPorts(onChange);
    return () => native.unwatchUsbPorts(handle);
  },
};

/**
 * The devices of this computer now, and again after each change: a board that came or went, a permission that was given, a program that let its camera go. The system's
 * word is asked for only once the ports could be seen: where there is no USB there is none to hear, and some systems fail hard.
 */
export async function* followDevices(
  signal: AbortSignal,
  { clock, look, watch }: PortWorld = systemPorts,
): AsyncGenerator<DeviceList> {
  let told = '';
  let unwatch: (() => void) | undefined;
  let changes = 0;
  let wake: () => void = () => undefined;
  const changed = (): void => {
    changes += 1;
    wake();
  };
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      const seen = changes;
      const boards = await look().catch((error: unknown) => ({
        boards: [],
        unavailable: AppError.from(error).message,
      }));
      const list = listDevices(() => boards);
      if (signal.aborted) return;
      const text = JSON.stringify(list);
      if (text !== told) {
        told = text;
        yield list;
      }
      if (list.unavailable === null && unwatch === undefined) unwatch = watched(watch, changed);
      if (changes !== seen) continue;
      const waited = new AbortController();
      const word = new Promise<true>((resolve) => {
        wake = () => resolve(true);
      });
      const came = await Promise.race([word, clock.sleep(slowMs, waited.signal).catch(() => undefined)]);
      waited.abort();
      // At once, and once more when the system is done with it.
      if (came === true) void clock.sleep(settleMs, signal).then(changed, () => undefined);
    }
  } finally {
    unwatch?.();
  }
}

/** Where the system gives no word the slow looks are left. */
function watched(watch: PortWorld['watch'], changed: () => void): () => void {
  try {
    return watch(changed);
  } catch {
    return () => undefined;
  }
}

/** What came and went between two looks, in words; the simulated board never does. */
export function portNews(before: readonly FoundDevice[], now: readonly FoundDevice[]): readonly string[] {
  const has = (list: readonly FoundDevice[], id: string): boolean => list.some((device) => device.id === id);
  return [
    ...before
      .filter(({ id }) => !has(now, id))
      .map(({ usb }) => `The Miniscope DAQ board on USB port ${usb?.port ?? '?'} was unplugged.`),
    ...now
      .filter(({ id }) => !has(before, id))
      .map(
        ({ usb, problem }) =>
          `A Miniscope DAQ board was plugged in on USB port ${usb?.port ?? '?'}.${problem === null ? '' : ` ${problem.message}`}`,
      ),
  ];
}
