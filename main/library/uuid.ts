// SPDX-License-Identifier: MIT
import { randomFillSync } from 'node:crypto';
import type { Uuid } from '../contract/index.ts';

/** Milliseconds since 1970. */
export type Clock = () => number;
/** Fills the array with random bytes. */
export type RandomBytes = (into: Uint8Array) => void;

/** The system's randomness. */
export const systemRandom: RandomBytes = (into) => {
  randomFillSync(into);
};

/** A repeatable stream of bytes for tests (a 32-bit counter mixed by multiplication and shifts). */
export function seededRandom(seed: number): RandomBytes {
  let state = seed >>> 0;
  return (into) => {
    for (let i = 0; i < into.length; i += 1) {
      state = (state + 0x9e37_79b9) >>> 0;
      let mixed = state;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
      into[i] = (mixed ^ (mixed >>> 16)) & 0xff;
    }
  };
}

/** The text form of 16 bytes. */
export function uuidText(bytes: Uint8Array): Uuid {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The 16 bytes of a text form. */
export function uuidBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

/**
 * Makes version-7 UUIDs (RFC 9562, 5.7): 48 bits of milliseconds, then 12 bits that count within one millisecond, then 62 random bits.
 * Each is greater than the one before, also when the clock stands still or goes back, so rows made later sort later.
 */
export function createUuid7(clock: Clock, random: RandomBytes): () => Uuid {
  let lastMs = -1;
  let counter = 0;
  return () => {
    const bytes = new Uint8Array(16);
    random(bytes);
    const now = clock();
    if (now > lastMs) {
      lastMs = now;
      // The top bit stays clear so that a burst within one millisecond has room to count.
      counter = (((bytes[6] ?? 0) << 8) | (bytes[7] ?? 0)) & 0x7ff;
    } else {
      counter += 1;
      if (counter > 0xfff) {
        counter = 0;
        lastMs += 1;
      }
    }
    const view = new DataView(bytes.buffer);
    view.setUint16(0, Math.floor(lastMs / 2 ** 32));
    view.setUint32(2, lastMs % 2 ** 32);
    view.setUint16(6, 0x7000 | counter);
    view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
    return uuidText(bytes);
  };
}
