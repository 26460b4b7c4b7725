// SPDX-License-Identifier: MIT

/** Orientation of the head, unit quaternion. */
export interface Quaternion {
  readonly w: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** One reading of the orientation sensor. */
export interface Orientation {
  readonly quaternion: Quaternion;
  /** How far the length of what was read is from 1. */
  readonly normError: number;
  /** False for readings a disturbed link falsified. */
  readonly good: boolean;
}

/** The sensor's unit: 2⁻¹⁴. */
const scale = 1 / 16_384;

/** A reading whose length is further from 1 was disturbed on its way (acquisition.md 2.7). */
export const largestNormError = 0.05;

const signed = (word: number): number => (word << 16) >> 16;

/** A quaternion from the four 16-bit words w, x, y, z of the sensor. */
export function orientationOf(words: readonly [w: number, x: number, y: number, z: number]): Orientation {
  const [w, x, y, z] = words.map((word) => signed(word) * scale) as [number, number, number, number];
  const normError = Math.abs(Math.hypot(w, x, y, z) - 1);
  return { quaternion: { w, x, y, z }, normError, good: normError < largestNormError };
}
