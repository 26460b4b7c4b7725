// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';
import { binding, fromNative } from '../../media/index.ts';
import type { BoardLink } from '../board-link.ts';
import type { RawFrame } from '../miniscope/frame-assembler.ts';
import type { Selector } from '../miniscope/uvc.ts';
import { isOnPort, onCamera, onPort } from './listing.ts';

/** A board that is served over a socket by the protocol usbredir, as the simulated one can be. */
const served = 'redir:';

/** True for an address that {@link usbLink} opens. */
export function isUsbAddress(address: string): boolean {
  return isOnPort(address) || address.startsWith(served);
}

/**
 * Opens the way to a board on a USB port. Transfers, reassembly and waiting frames are native threads (`native/usb`): a busy event loop delays frames here, and
 * loses none until 128 wait.
 *
 * @throws AppError `device.not_found`, `device.no_permission`, `device.in_use`, `device.no_answer`, `engine.missing`
 */
export async function usbLink(address: string): Promise<BoardLink> {
  const native = binding();
  const port = address.startsWith(onPort) ? address.slice(onPort.length) : address;
  let leave: (why: string) => void = () => undefined;
  const gone = new Promise<string>((resolve) => {
    leave = resolve;
  });
  let onFrame: ((frame: RawFrame) => void) | undefined;
  let handle: number | undefined;
  let isDue = false;
  /** Hands over one that waits, and the next after whatever else this process has to do: a computer that is too slow for the frames must still be able to stop them. */
  const hand = (): void => {
    isDue = false;
    const raw = handle === undefined ? null : native.takeUsbFrame(handle);
    if (raw === null) return;
    due();
    onFrame?.({
      pixels: raw.pixels,
      oddBytes: raw.oddBytes,
      firstNs: raw.firstNs,
      lastNs: raw.lastNs,
      controls: new Map(raw.controls.map(({ selector, value }) => [selector as Selector, value ?? null])),
    });
  };
  const due = (): void => {
    if (!isDue) setImmediate(hand);
    isDue = true;
  };
  const opened = await asked(
    native.openUsbBoard(port, process.hrtime.bigint(), (why) => {
      if (why === null || why === undefined) due();
      else leave(why);
    }),
  );
  handle = opened;
  return {
    gone,
    port,
    remembersReads: address.startsWith(onCamera),
    start: async ({ width, height }, take) => {
      onFrame = take;
      await asked(native.startUsbBoard(opened, width, height));
    },
    stop: async () => {
      await asked(native.stopUsbBoard(opened));
      onFrame = undefined;
    },
    readWithFrames: (controls) => native.watchUsbControls(opened, [...controls]),
    setControl: async (control, value) => {
      await asked(native.setUsbControl(opened, control, value));
    },
    getControl: async (control) => await asked(native.getUsbControl(opened, control)),
    counts: () => {
      const stats = native.usbStats(opened);
      return stats === null
        ? { short: 0, unended: 0, badHeaders: 0 }
        : {
            short: stats.short + stats.oversize + stats.faulty,
            unended: stats.unended,
            badHeaders: stats.badHeaders,
          };
    },
    [Symbol.asyncDispose]: async () => {
      onFrame = undefined;
      handle = undefined;
      await asked(native.closeUsbBoard(opened));
    },
  };
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { code, message, hint } = fromNative(error);
    // Plugged in again, given free, or asked again: it may work.
    throw new AppError(code, message, { hint, retryable: true, cause: error });
  }
}
