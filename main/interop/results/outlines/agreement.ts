// SPDX-License-Identifier: MIT
import { fieldOf, type Outline, pixelsOf } from './roi.ts';

/** Two outlines that two people drew of one cell. */
export interface OutlinePair {
  readonly first: number;
  readonly second: number;
  /** Between the centres, px. */
  readonly distancePx: number;
  /** Shared pixels over all pixels of both. */
  readonly overlap: number;
}

/** How far two people's outlines agree. */
export interface OutlineAgreement {
  readonly pairs: readonly OutlinePair[];
  readonly onlyFirst: readonly number[];
  readonly onlySecond: readonly number[];
  /** 2 · pairs / (all of both); null where nobody drew anything. */
  readonly f1: number | null;
}

/** Where a cell lies: its pixels (y · {@link widest} + x) and the centre of them, px. */
export interface Area {
  readonly pixels: ReadonlySet<number>;
  readonly x: number;
  readonly y: number;
}

/** Wider than any picture: pixels of pictures of different sizes are counted alike. */
const widest = 2 ** 16;

/** @param pixels - counted along rows of `width` pixels; null for none */
export function areaOfPixels(pixels: ArrayLike<number>, width: number): Area | null {
  if (pixels.length === 0) return null;
  const own = new Set<number>();
  let [x, y] = [0, 0];
  for (let i = 0; i < pixels.length; i += 1) {
    const [row, column] = [Math.floor((pixels[i] ?? 0) / width), (pixels[i] ?? 0) % width];
    own.add(row * widest + column);
    x += column;
    y += row;
  }
  return { pixels: own, x: x / pixels.length, y: y / pixels.length };
}

/** Areas of outlines, in their order; null for one without a pixel. */
export function areasOf(outlines: readonly Outline[]): readonly (Area | null)[] {
  const field = fieldOf(outlines);
  return outlines.map((outline) => areaOfPixels(pixelsOf(outline, field).pixels, field.width));
}

/** As {@link agreementOfAreas}, of outlines. */
export const agreementOf = (first: readonly Outline[], second: readonly Outline[], mostPx: number): OutlineAgreement =>
  agreementOfAreas(areasOf(first), areasOf(second), mostPx);

/**
 * Pairs outlines whose centres lie within a distance, nearest first, each at most once.
 *
 * @param mostPx - largest distance between centres, px
 */
export function agreementOfAreas(
  a: readonly (Area | null)[],
  b: readonly (Area | null)[],
  mostPx: number,
): OutlineAgreement {
  const near: { readonly i: number; readonly j: number; readonly distance: number }[] = [];
  for (const [i, one] of a.entries()) {
    for (const [j, other] of b.entries()) {
      if (one === null || other === null) continue;
      const distance = Math.hypot(one.x - other.x, one.y - other.y);
      if (distance <= mostPx) near.push({ i, j, distance });
    }
  }
  near.sort((p, q) => p.distance - q.distance);
  const [usedFirst, usedSecond] = [new Set<number>(), new Set<number>()];
  const pairs: OutlinePair[] = [];
  for (const { i, j, distance } of near) {
    if (usedFirst.has(i) || usedSecond.has(j)) continue;
    usedFirst.add(i);
    usedSecond.add(j);
    pairs.push({ first: i, second: j, distancePx: distance, overlap: overlapOf(a[i], b[j]) });
  }
  const rest = (all: readonly unknown[], used: ReadonlySet<number>): number[] =>
    all.flatMap((_, i) => (used.has(i) ? [] : [i]));
  return {
    pairs: pairs.toSorted((p, q) => p.first - q.first),
    onlyFirst: rest(a, usedFirst),
    onlySecond: rest(b, usedSecond),
    f1: a.length + b.length === 0 ? null : (2 * pairs.length) / (a.length + b.length),
  };
}

function overlapOf(one: Area | null | undefined, other: Area | null | undefined): number {
  if (one === null || other === null || one === undefined || other === undefined) return 0;
  let shared = 0;
  for (const pixel of one.pixels) if (other.pixels.has(pixel)) shared += 1;
  return shared / (one.pixels.size + other.pixels.size - shared);
}
