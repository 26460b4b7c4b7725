// SPDX-License-Identifier: MIT
import { binding } from '../../media/index.ts';

/** A board that is there, or the simulated one. */
export interface FoundDevice {
  /** Names it from one start to the next: `simulator`, or `usb-` and the port it hangs on. The boards have no serial numbers. */
  readonly id: string;
  readonly name: string;
  readonly kind: 'miniscope-daq' | 'simulator';
  readonly state: 'ready' | 'problem';
  /** What is wrong, and what mends it; null when ready. */
  readonly problem: { readonly message: string; readonly fix: string } | null;
  /** What the system tells of its connection; null for the simulated one. */
  readonly usb: {
    readonly port: string;
    readonly speedMbps: number | null;
    readonly serial: string | null;
    /** Driver that has its video interface. */
    readonly driver: string | null;
  } | null;
}

/** A board as the system shows it (`native/usb`). */
export interface UsbBoard {
  readonly port: string;
  readonly kind: string;
  readonly speedMbps?: number | null;
  readonly serial?: string | null;
  readonly driver?: string | null;
  /** Whether the system lets this person use it; null where that is not known before. */
  readonly permitted?: boolean | null;
  /** Programs that have its camera open. */
  readonly users: readonly string[];
}

/** The devices of this computer. */
export interface DeviceList {
  readonly devices: readonly FoundDevice[];
  /** Why no board could be looked for; null where the ports can be seen. */
  readonly unavailable: string | null;
}

/** The rule that lets everyone at the computer use the board. */
export const udevRule =
  'SUBSYSTEM=="usb", ATTR{idVendor}=="04b4", ATTR{idProduct}=="00f9", MODE="0660", TAG+="uaccess"';

/** Where that rule belongs. */
export const udevRuleFile = '/etc/udev/rules.d/70-miniscope.rules';

const superSpeedMbps = 5000;

const simulator: FoundDevice = {
  id: 'simulator',
  name: 'Simulated Miniscope V4',
  kind: 'simulator',
  state: 'ready',
  problem: null,
  usb: null,
};

/**
 * The boards on this computer's USB ports, by port, and the simulated one, which is there always: a computer without USB, or a Calyx whose native part is not
 * built, has a sentence instead of boards.
 */
export function listDevices(
  look: () => { readonly boards: readonly UsbBoard[]; readonly unavailable?: string | null } = () =>
    binding().listUsbBoards(),
): DeviceList {
  try {
    const { boards, unavailable } = look();
    return { devices: [...boards.map(found), simulator], unavailable: unavailable ?? null };
  } catch (error) {
    return { devices: [simulator], unavailable: error instanceof Error ? error.message : String(error) };
  }
}

function found(board: UsbBoard): FoundDevice {
  const { port, speedMbps = null, serial = null, driver = null } = board;
  const problem = problemOf(board);
  return {
    id: `usb-${port}`,
    name: `Miniscope DAQ on USB port ${port}`,
    kind: 'miniscope-daq',
    state: problem === null ? 'ready' : 'problem',
    problem,
    usb: { port, speedMbps, serial, driver },
  };
}

function problemOf({ kind, speedMbps, permitted, users, driver }: UsbBoard): FoundDevice['problem'] {
  if (kind === 'boot-loader') {
    return {
      message: 'The board runs its boot loader: it has no firmware, or its PMODE jumper is set.',
      fix: 'Take the jumper off and plug it in again; else write the firmware to the board.',
    };
  }
  if (kind === 'high-speed' || (speedMbps != null && speedMbps < superSpeedMbps)) {
    return {
      message: 'The board is connected at USB 2 speed; no picture comes at that speed.',
      fix: 'Use a USB 3 port (blue) and a USB 3 cable, without a hub.',
    };
  }
  if (permitted === false) {
    return {
      message: 'You may not use the board: the system gives it to administrators only.',
      fix: `Put this line into ${udevRuleFile}, run \`sudo udevadm control --reload\` and plug the board in again: ${udevRule}`,
    };
  }
  if (users.length > 0 || driver === 'usbfs') {
    return {
      message: `The board is in use by ${users.length > 0 ? users.join(' and ') : 'another program'}.`,
      fix: 'Close that program; a board sends its picture to one program only.',
    };
  }
  return null;
}
