// SPDX-License-Identifier: MIT
import { contours } from 'd3-contour';

/** Where a footprint lies in the frame, and where its bytes are. */
export interface FootprintWindow {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly offset: number;
}

/** All footprints in one picture, 1 at the maximum of each; where several lie, the strongest. Row-major. */
export function footprintsPicture(
  windows: readonly FootprintWindow[],
  bytes: Uint8Array,
  size: { readonly height: number; readonly width: number },
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(size.height * size.width);
  for (const { top, left, height, width, offset } of windows) {
    for (let y = 0; y < height; y += 1) {
      const row = (top + y) * size.width + left;
      for (let x = 0; x < width; x += 1) {
        const value = (bytes[offset + y * width + x] ?? 0) / 255;
        if (value > (values[row + x] ?? 1)) values[row + x] = value;
      }
    }
  }
  return values;
}

/** A closed line: x, y, x, y, … without repeating the first point, in frame coordinates (pixel centres are whole numbers). */
export type Ring = Float32Array;

const halfMaximum = 127.5;

function area(ring: ReadonlyArray<readonly number[]>): number {
  let twice = 0;
  for (let index = 0; index < ring.length; index += 1) {
    const [x0 = 0, y0 = 0] = ring[index] ?? [];
    const [x1 = 0, y1 = 0] = ring[(index + 1) % ring.length] ?? [];
    twice += x0 * y1 - x1 * y0;
  }
  return Math.abs(twice) / 2;
}

/**
 * The outline of one footprint at half its maximum: its largest piece first, with every other piece of at least a tenth of that.
 * The window is padded by one pixel, so that an outline at the window's edge is closed.
 * @param bytes footprints of all cells, 255 at each one's maximum
 */
export function footprintRings(window: FootprintWindow, bytes: Uint8Array): readonly Ring[] {
  const width = window.width + 2;
  const height = window.height + 2;
  const padded = Array.from({ length: width * height }, () => 0);
  for (let y = 0; y < window.height; y += 1) {
    for (let x = 0; x < window.width; x += 1) {
      padded[(y + 1) * width + x + 1] = bytes[window.offset + y * window.width + x] ?? 0;
    }
  }
  const shape = contours().size([width, height]).contour(padded, halfMaximum);
  const pieces = shape.coordinates
    .flatMap((polygon) => polygon.slice(0, 1))
    .map((ring) => ({ ring, area: area(ring) }))
    .sort((a, b) => b.area - a.area);
  const least = (pieces[0]?.area ?? 0) / 10;
  // d3-contour puts the centre of pixel i at i + 0.5; ours is at i. The padding adds one more.
  const shiftX = window.left - 1 - 0.5;
  const shiftY = window.top - 1 - 0.5;
  return pieces
    .filter((piece) => piece.area >= least && piece.area > 0)
    .map(({ ring }) => Float32Array.from(ring.slice(0, -1).flatMap(([x = 0, y = 0]) => [x + shiftX, y + shiftY])));
}

/** All outlines as one buffer for drawing, with the part that belongs to each cell. */
export interface Outlines {
  /** Per point: x, y, length from the ring's start, cell (−1: joins no segment). Rings overlap by three points; see `outlineBuffer`. */
  readonly points: Float32Array;
  /** First segment and number of segments of each cell. */
  readonly ranges: ReadonlyArray<{ readonly start: number; readonly count: number }>;
  readonly rings: ReadonlyArray<readonly Ring[]>;
}

/**
 * Lays rings out so that segment `i` can be drawn from points `i … i + 3` (before, from, to, after) of one buffer: each ring is
 * its last point, all its points, and its first two again. Segments whose `from` is such a repeat carry cell −1 and are skipped.
 */
export function outlineBuffer(rings: ReadonlyArray<readonly Ring[]>): Outlines {
  const values: number[] = [];
  const ranges: Array<{ start: number; count: number }> = [];
  rings.forEach((pieces, cell) => {
    const start = values.length / 4;
    for (const ring of pieces) {
      const size = ring.length / 2;
      let length = 0;
      const at = (index: number): readonly [number, number] => {
        const wrapped = (index + size) % size;
        return [ring[wrapped * 2] ?? 0, ring[wrapped * 2 + 1] ?? 0];
      };
      for (let index = -1; index < size + 2; index += 1) {
        const [x, y] = at(index);
        if (index > 0) {
          const [px, py] = at(index - 1);
          length += Math.hypot(x - px, y - py);
        }
        values.push(x, y, length, index >= 0 && index < size ? cell : -1);
      }
    }
    ranges.push({ start, count: values.length / 4 - start });
  });
  return { points: Float32Array.from(values), ranges, rings };
}

/** Whether a point lies inside a ring. */
export function insideRing(ring: Ring, x: number, y: number): boolean {
  let inside = false;
  const size = ring.length / 2;
  for (let index = 0, before = size - 1; index < size; before = index, index += 1) {
    const x0 = ring[index * 2] ?? 0;
    const y0 = ring[index * 2 + 1] ?? 0;
    const x1 = ring[before * 2] ?? 0;
    const y1 = ring[before * 2 + 1] ?? 0;
    if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside;
  }
  return inside;
}

/**
 * The cell a person means by pointing at (x, y): the one whose outline holds the point and whose centre is nearest, else the
 * nearest centre within `reach` pixels, else −1.
 */
export function pickCell(
  outlines: Outlines,
  centres: ReadonlyArray<{ readonly x: number; readonly y: number }>,
  x: number,
  y: number,
  reach: number,
): number {
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  centres.forEach((centre, cell) => {
    const distance = Math.hypot(centre.x - x, centre.y - y);
    const holds = (outlines.rings[cell] ?? []).some((ring) => insideRing(ring, x, y));
    const rank = holds ? distance - 1e6 : distance <= reach ? distance : Number.POSITIVE_INFINITY;
    if (rank < bestDistance) {
      best = cell;
      bestDistance = rank;
    }
  });
  return best;
}
