// SPDX-License-Identifier: MIT
import { AppError } from '../../contract/index.ts';

/** Bytes of one I²C transaction: the 8-bit address (even), then register and data. */
export type I2cPacket = readonly number[];

/** A packet as the three 16-bit values that carry it to the board, in the order in which they must be sent. */
export type PacketWords = readonly [contrast: number, gamma: number, sharpness: number];

/** Address, register and data together: more the three controls cannot carry. */
const longestPacket = 6;

/**
 * Packs an I²C packet into the words for CONTRAST, GAMMA and SHARPNESS (acquisition.md 2.2): up to five bytes carry their count in the second
 * byte, exactly six mark themselves by the lowest bit of the address.
 *
 * @throws AppError `device.bad_command` for an empty or too long packet, an odd address or a value that is no byte
 */
export function packWords(packet: I2cPacket): PacketWords {
  const [address, ...payload] = packet;
  const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xff;
  if (address === undefined || packet.length > longestPacket || address % 2 !== 0 || !packet.every(isByte)) {
    throw new AppError(
      'device.bad_command',
      `A command to the scope has 1 to ${longestPacket} bytes after one another, the first an even address; this one is “${showPacket(packet)}”.`,
    );
  }
  const head = packet.length === longestPacket ? [address | 1] : [address, packet.length];
  const bytes = [...head, ...payload];
  const word = (at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return [word(0), word(2), word(4)];
}

/** The packet that three words carry: what the board's firmware makes of them. */
export function unpackWords([contrast, gamma, sharpness]: PacketWords): I2cPacket {
  const bytes = [contrast, gamma, sharpness].flatMap((word) => [word & 0xff, word >> 8]);
  const [first = 0, second = 0, ...rest] = bytes;
  if (first % 2 === 1) return [first - 1, second, ...rest];
  return [first, ...rest.slice(0, Math.max(0, second - 1))];
}

/** A packet for messages and logs: `20 01 E5`. */
export function showPacket(packet: I2cPacket): string {
  return packet.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');
}
