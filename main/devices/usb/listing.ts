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
  /** How it is opened. */
  readonly address: string;
  /** What it can be used without, and what mends that; null when nothing is lost. */
  readonly loss: { readonly message: string; readonly fix: string } | null;
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
  /** The system's camera of it, where raw access is refused and that may be used. */
  readonly camera?: string | null;
}

/** What a look at the ports gave. */
export interface UsbBoards {
  readonly boards: readonly UsbBoard[];
  /** Why no board could be looked for. */
  readonly unavailable?: string | null;
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

/** What the address of a board behind the system's camera driver begins with. */
export const onCamera = 'v4l2:';

/** What the address of a board on a USB port begins with. */
export const onPort = 'usb-';

/** True for the address of a board on a USB port, or of the system's camera of one. */
export const isOnPort = (address: string): boolean => address.startsWith(onPort) || address.startsWith(onCamera);

const missingBackEnd: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  win32: 'capture through Media Foundation',
  darwin: 'capture through AVFoundation',
};

/** Why boards cannot be used on a system, and what to do; null where they can. */
export function notYet(platform: NodeJS.Platform): FoundDevice['problem'] {
  const missing = missingBackEnd[platform];
  if (missing === undefined) return null;
  return {
    message: `Boards cannot be used on this system yet: ${missing} is not built.`,
    fix: 'Record with Miniscope-DAQ and import the folder, or use the simulated scope to practise.',
  };
}

const permissionFix = `Put this line into ${udevRuleFile}, run \`sudo udevadm control --reload\` and plug the board in again: ${udevRule}`;

const cameraLoss =
  'The system gives only the camera of the board to you, so that its frame counter, orientation and trigger input cannot be read: lost frames are those the camera driver counts.';

const simulator: FoundDevice = {
  id: 'simulator',
  name: 'Simulated Miniscope V4',
  kind: 'simulator',
  state: 'ready',
  problem: null,
  address: 'simulator',
  loss: null,
  usb: null,
};

/**
 * The boards on this computer's USB ports, by port, and the simulated one, which is there always: a computer without USB, or a Calyx whose native part is not
 * built, has a sentence instead of boards.
 */
export function listDevices(
  look: () => UsbBoards = () => binding().listUsbBoards(),
  platform: NodeJS.Platform = process.platform,
): DeviceList {
  try {
    const { boards, unavailable } = look();
    return { devices: [...boards.map((board) => found(board, platform)), simulator], unavailable: unavailable ?? null };
  } catch (error) {
    return { devices: [simulator], unavailable: error instanceof Error ? error.message : String(error) };
  }
}

function found(board: UsbBoard, platform: NodeJS.Platform): FoundDevice {
  const { port, speedMbps = null, serial = null, driver = null } = board;
  const problem = problemOf(board) ?? notYet(platform);
  const camera = board.permitted === false && problem === null ? (board.camera ?? null) : null;
  return {
    id: `${onPort}${port}`,
    name: `Miniscope DAQ on USB port ${port}`,
    kind: 'miniscope-daq',
    state: problem === null ? 'ready' : 'problem',
    problem,
    address: camera === null ? `${onPort}${port}` : `${onCamera}${camera}`,
    loss: camera === null ? null : { message: cameraLoss, fix: permissionFix },
    usb: { port, speedMbps, serial, driver },
  };
}

function problemOf({ kind, speedMbps, permitted, users, driver, camera }: UsbBoard): FoundDevice['problem'] {
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
  if (permitted === false && camera == null) {
    return {
      message: 'You may not use the board: the system gives it to administrators only.',
      fix: permissionFix,
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
