// SPDX-License-Identifier: MIT
import type { BoardLink } from './board-link.ts';
import { socketLink } from './simulator/board-socket.ts';
import { isUsbAddress, usbLink } from './usb/link.ts';

/** Opens the way to a board by its address: `usb-` and a port for a real one, else the socket of a simulated one. @throws AppError `device.*` */
export function openLink(address: string): Promise<BoardLink> {
  return isUsbAddress(address) ? usbLink(address) : socketLink(address);
}
