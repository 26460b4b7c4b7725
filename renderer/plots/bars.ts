// SPDX-License-Identifier: MIT
import { bottomAxis, type Box, leftAxis, scale, type Scale } from './axes.ts';
import type { Look, Pen } from './pen.ts';

/** Counts of values in equal bins. */
export interface Histogram {
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
}

/** Sorts finite values into equal bins over their range, or over a given one (values beyond fall into the outermost). */
export function histogram(values: readonly number[], bins: number, range?: readonly [number, number]): Histogram {
  const finite = values.filter(Number.isFinite);
  const from = range?.[0] ?? finite.reduce((low, value) => Math.min(low, value), Infinity);
  const to = range?.[1] ?? finite.reduce((high, value) => Math.max(high, value), -Infinity);
  const counts = Array.from({ length: bins }, () => 0);
  if (!(to > from)) {
    if (finite.length > 0) counts[0] = finite.length;
    return { from: Number.isFinite(from) ? from : 0, to: Number.isFinite(from) ? from + 1 : 1, counts };
  }
  for (const value of finite) {
    const bin = Math.max(0, Math.min(bins - 1, Math.floor(((value - from) / (to - from)) * bins)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { from, to, counts };
}

/** The middle value; null of none. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const place = share * (sorted.length - 1);
  const [low, high] = [Math.floor(place), Math.ceil(place)];
  const [a, b] = [sorted[low] ?? 0, sorted[high] ?? 0];
  return a + (b - a) * (place - low);
}

export interface HistogramParts {
  readonly histogram: Histogram;
  readonly unit: string;
  /** Bars on the wrong side of it are dim. */
  readonly limit?: number | undefined;
  /** What passes lies above the limit; below it when false. */
  readonly above?: boolean;
  readonly numbers?: boolean;
}

/** A histogram; what a limit cuts is dim, and the limit stands in the accent. Returns the scale of its values. */
export function drawHistogram(pen: Pen, look: Look, box: Box, parts: HistogramParts): Scale {
  const { histogram: h, limit, above = true } = parts;
  const x = scale(h.from, h.to, box.left, box.left + box.width);
  const most = Math.max(1, ...h.counts);
  const y = scale(0, most, box.top + box.height, box.top + 4);
  if (parts.numbers !== false) leftAxis(pen, look, box, y, box.height > 80 ? 3 : 2);
  const width = box.width / h.counts.length;
  for (const [bin, count] of h.counts.entries()) {
    if (count === 0) continue;
    const middle = h.from + ((bin + 0.5) / h.counts.length) * (h.to - h.from);
    const cut = limit !== undefined && (above ? middle < limit : middle > limit);
    pen.rect(
      box.left + bin * width + 0.5,
      y.at(count),
      Math.max(1, width - 1),
      box.top + box.height - y.at(count),
      cut ? look.axis : look.text,
    );
  }
  bottomAxis(pen, look, box, x, parts.unit, box.width > 260 ? 5 : 3);
  if (limit !== undefined && limit >= h.from && limit <= h.to) {
    pen.rect(x.at(limit) - 1, box.top, 2, box.height, look.accent);
  }
  return x;
}
