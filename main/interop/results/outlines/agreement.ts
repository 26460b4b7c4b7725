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

interface Area {
  readonly pixels: ReadonlySet<number>;
  readonly x: number;
  readonly y: number;
}

/**
 * Pairs outlines whose centres lie within a distance, nearest first, each at most once.
 *
 * @param mostPx - largest distance between centres, px
 */
export function agreementOf(first: readonly Outline[], second: readonly Outline[], mostPx: number): OutlineAgreement {
  const field = fieldOf([...first, ...second]);
  const areas = (outlines: readonly Outline[]): readonly (Area | null)[] =>
    outlines.map((outline) => areaOf(outline, field));
  const [a, b] = [areas(first), areas(second)];
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

function areaOf(outline: Outline, field: { readonly height: number; readonly width: number }): Area | null {
  const { pixels } = pixelsOf(outline, field);
  if (pixels.length === 0) return null;
  let [x, y] = [0, 0];
  for (const pixel of pixels) {
    x += pixel % field.width;
    y += Math.floor(pixel / field.width);
  }
  return { pixels: new Set(pixels), x: x / pixels.length, y: y / pixels.length };
}

function overlapOf(one: Area | null | undefined, other: Area | null | undefined): number {
  if (one === null || other === null || one === undefined || other === undefined) return 0;
  let shared = 0;
  for (const pixel of one.pixels) if (other.pixels.has(pixel)) shared += 1;
  return shared / (one.pixels.size + other.pixels.size - shared);
}
