// SPDX-License-Identifier: MIT
import type { ExportRun } from '../job.ts';
import type { Footprint } from '../run-arrays.ts';

/** The outline of a cell as pixels. */
export interface Border {
  /** Pixels y·W + x at the inner edge of the half-maximum area. */
  readonly pixels: readonly number[];
  /** Red, green, blue. */
  readonly colour: typeof accepted | typeof rejected;
}

/** Colours that people with any colour vision tell apart on grey (Okabe and Ito: bluish green, vermilion). */
const accepted = [0, 158, 115] as const;
const rejected = [213, 94, 0] as const;

/** Outlines of the cells that are written: the pixels of the half-maximum area that touch what lies outside of it. */
export function bordersOf(run: ExportRun, footprints: readonly Footprint[]): readonly Border[] {
  const { width, height } = run;
  const borders = footprints.map(({ pixels, weights }, k) => {
    const level = 0.5 * weights.reduce((most, weight) => Math.max(most, weight), 0);
    const inside = new Set([...pixels].filter((_, i) => (weights[i] ?? 0) > 0 && (weights[i] ?? 0) >= level));
    const isEdge = (pixel: number): boolean => {
      const x = pixel % width;
      const y = (pixel - x) / width;
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1) return true;
      return [pixel - 1, pixel + 1, pixel - width, pixel + width].some((neighbour) => !inside.has(neighbour));
    };
    return {
      pixels: [...inside].filter((pixel) => isEdge(pixel)),
      colour: run.cells[k]?.accepted === true ? accepted : rejected,
    };
  });
  // Accepted cells last, on top.
  return borders.toSorted((a, b) => Number(a.colour === accepted) - Number(b.colour === accepted));
}

/** A grey picture in colour with outlines on it, moved by whole pixels (dy, dx). */
export function drawBorders(
  picture: Uint8Array,
  width: number,
  height: number,
  borders: readonly Border[],
  [dy, dx]: readonly [number, number],
): Uint8Array {
  const out = new Uint8Array(3 * width * height);
  for (let p = 0, at = 0; p < width * height; p += 1, at += 3) {
    const level = picture[p] ?? 0;
    out[at] = level;
    out[at + 1] = level;
    out[at + 2] = level;
  }
  const [down, right] = [Math.round(dy), Math.round(dx)];
  for (const { pixels, colour } of borders) {
    for (const pixel of pixels) {
      const x = (pixel % width) + right;
      const y = Math.floor(pixel / width) + down;
      if (x >= 0 && x < width && y >= 0 && y < height) out.set(colour, 3 * (y * width + x));
    }
  }
  return out;
}
