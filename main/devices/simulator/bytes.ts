// SPDX-License-Identifier: MIT
/** Little-endian numbers and their joining, as descriptors and requests are made of them. */

export const u16 = (value: number): readonly number[] => [value & 0xff, (value >>> 8) & 0xff];

export const u32 = (value: number): readonly number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];

/** All parts one after the other. */
export function concat(...parts: readonly ArrayLike<number>[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
