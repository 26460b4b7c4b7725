// SPDX-License-Identifier: MIT
import type { Quaternion } from '../miniscope/quaternion.ts';

type Axis = readonly [x: number, y: number, z: number];

/** How a head's rotation becomes turns of a commutator (acquisition.md 4.8 and 6). */
export interface TwistOptions {
  /** The tether's direction at the head, in the head's own axes. */
  readonly headstageAxis: Axis;
  /** The commutator's axis in the room. */
  readonly commutatorAxis: Axis;
  /** Where the tether hangs more upside down than this (cosine), the usual sum of both rotations is not defined. */
  readonly fallbackThreshold: number;
  readonly fallbackMode: 'global' | 'local';
}

/** A head that turned further than this between two readings was misread, turns. */
export const mostTurnsPerStep = 0.25;

const dot = (a: Axis, b: Axis): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function normalised(axis: Axis): Axis {
  const length = Math.hypot(...axis);
  return length === 0 ? [0, 0, 1] : [axis[0] / length, axis[1] / length, axis[2] / length];
}

function product(a: Quaternion, b: Quaternion): Quaternion {
  return {
    w: a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
    x: a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
    y: a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
    z: a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
  };
}

const conjugate = ({ w, x, y, z }: Quaternion): Quaternion => ({ w, x: -x, y: -y, z: -z });

/** A vector turned by a unit quaternion. */
function rotated(q: Quaternion, [x, y, z]: Axis): Axis {
  const { x: rx, y: ry, z: rz } = product(product(q, { w: 0, x, y, z }), conjugate(q));
  return [rx, ry, rz];
}

/** Twists of a tether, from one orientation of the head to the next. */
export class Twist {
  readonly #options: TwistOptions;
  #before: Quaternion | undefined;

  constructor(options: TwistOptions) {
    this.#options = options;
  }

  /**
   * Turns that the commutator has to make for the rotation since the reading before; 0 for the first one, and for one of zeros, which says nothing. A quaternion and its negative are the
   * same orientation: a change of sign is no turn.
   */
  take(reading: Quaternion): number {
    const length = Math.hypot(reading.w, reading.x, reading.y, reading.z);
    if (!Number.isFinite(length) || length < 1e-6) return 0;
    const now = { w: reading.w / length, x: reading.x / length, y: reading.y / length, z: reading.z / length };
    const before = this.#before;
    this.#before = now;
    if (before === undefined) return 0;
    const turned = product(now, conjugate(before));
    const sign = turned.w < 0 ? -1 : 1;
    const w = sign * turned.w;
    const rotation: Axis = [sign * turned.x, sign * turned.y, sign * turned.z];
    const { headstageAxis, commutatorAxis, fallbackThreshold, fallbackMode } = this.#options;
    const axis = normalised(commutatorAxis);
    const tether = normalised(rotated(before, normalised(headstageAxis)));
    const local = 2 * Math.atan2(dot(rotation, tether), w);
    const global = 2 * Math.atan2(dot(rotation, axis), w);
    const along = dot(tether, axis);
    const twist =
      along > fallbackThreshold ? (local + global) / (1 + along) : fallbackMode === 'local' ? local : global;
    const turns = -twist / (2 * Math.PI);
    return Math.max(-mostTurnsPerStep, Math.min(mostTurnsPerStep, turns));
  }

  /** The next reading is a first one: the head was not followed for a while. */
  forget(): void {
    this.#before = undefined;
  }
}
