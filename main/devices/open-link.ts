// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { BoardLink } from './board-link.ts';
import { socketLink } from './simulator/board-socket.ts';
import { isUsbAddress, usbLink } from './usb/link.ts';
import { isOnPort, notYet } from './usb/listing.ts';

/** A back-end: opens a board on a USB port of this system. @throws AppError `device.*` */
type BackEnd = (address: string) => Promise<BoardLink>;

/** What gives boards to Calyx, by system. Media Foundation and AVFoundation belong here once somebody can try them with a board. */
const backEnds: Readonly<Partial<Record<NodeJS.Platform, BackEnd>>> = { linux: usbLink };

/**
 * Opens the way to a board by its address: `usb-` and a port for a real one, `v4l2:` and a camera for one behind the system's camera driver, else the socket of a simulated one.
 *
 * @throws AppError `device.*`
 */
export function openLink(address: string, platform: NodeJS.Platform = process.platform): Promise<BoardLink> {
  if (!isUsbAddress(address)) return socketLink(address);
  if (!isOnPort(address)) return usbLink(address);
  const open = backEnds[platform];
  if (open !== undefined) return open(address);
  const { message, fix } = notYet(platform) ?? { message: 'Boards cannot be used on this system yet.', fix: undefined };
  return Promise.reject(new AppError('device.not_found', message, { hint: fix }));
}
