// SPDX-License-Identifier: MIT
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A board that is there, or the simulated one. */
export interface FoundDevice {
  /** Names it from one start to the next: `simulator`, or `usb-` and the port it hangs on. The boards have no serial numbers. */
  readonly id: string;
  readonly name: string;
  readonly kind: 'miniscope-daq' | 'simulator';
  readonly state: 'ready' | 'problem';
  /** What is wrong, and what mends it; null when ready. */
  readonly problem: { readonly message: string; readonly fix: string } | null;
}

/** Where Linux shows what hangs on USB; replaced in tests. */
export interface UsbPlaces {
  readonly devices: string;
  readonly nodes: string;
}

const linux: UsbPlaces = { devices: '/sys/bus/usb/devices', nodes: '/dev/bus/usb' };

const cypress = '04b4';
const products = { super: '00f9', high: '00f8', bootLoader: '00f3' } as const;

/** The rule that lets everyone at the computer use the board. */
export const udevRule =
  'SUBSYSTEM=="usb", ATTR{idVendor}=="04b4", ATTR{idProduct}=="00f9", MODE="0660", TAG+="uaccess"';

const simulator: FoundDevice = {
  id: 'simulator',
  name: 'Simulated Miniscope V4',
  kind: 'simulator',
  state: 'ready',
  problem: null,
};

/** The boards on this machine's USB ports (Linux), by port, and the simulated one. */
export function listDevices(places: UsbPlaces = linux): readonly FoundDevice[] {
  return [...ports(places.devices).flatMap((port) => boardOn(port, places) ?? []), simulator];
}

/** Devices, not interfaces (`3-1:1.0`) and root hubs (`usb3`). */
function ports(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+-[\d.]+$/.test(name))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

function boardOn(port: string, { devices, nodes }: UsbPlaces): FoundDevice | undefined {
  const attribute = (name: string): string => {
    try {
      return readFileSync(path.join(devices, port, name), 'utf8').trim();
    } catch {
      return '';
    }
  };
  if (attribute('idVendor') !== cypress) return undefined;
  const product = attribute('idProduct');
  const problem = problemOf(product, () => {
    const node = path.join(nodes, attribute('busnum').padStart(3, '0'), attribute('devnum').padStart(3, '0'));
    return isWritable(node);
  });
  if (problem === undefined) return undefined;
  return {
    id: `usb-${port}`,
    name: `Miniscope DAQ on port ${port}`,
    kind: 'miniscope-daq',
    state: problem === null ? 'ready' : 'problem',
    problem,
  };
}

/** Undefined for something else of the same maker. */
function problemOf(product: string, mayUse: () => boolean): FoundDevice['problem'] | undefined {
  switch (product) {
    case products.high:
      return {
        message: 'The board is connected at USB 2 speed; no picture comes at that speed.',
        fix: 'Use a USB 3 port (blue) and a USB 3 cable, without a hub.',
      };
    case products.bootLoader:
      return {
        message: 'The board runs its boot loader: it has no firmware, or its PMODE jumper is set.',
        fix: 'Take the jumper off and plug it in again; else write the firmware to the board.',
      };
    case products.super:
      if (mayUse()) return null;
      return {
        message: 'You may not use the board: the system gives it to administrators only.',
        fix: `Put this line into /etc/udev/rules.d/70-miniscope.rules and plug the board in again: ${udevRule}`,
      };
    default:
      return undefined;
  }
}

function isWritable(node: string): boolean {
  try {
    accessSync(node, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
