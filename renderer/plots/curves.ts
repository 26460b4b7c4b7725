// SPDX-License-Identifier: MIT
import { type Box, extent, leftAxis, scale, type Scale } from './axes.ts';
import type { Look, Pen, Point } from './pen.ts';

/** A line with the band around it. */
export interface Curve {
  readonly name: string;
  /** Index of its colour; the brightest tone when absent. */
  readonly colour?: number;
  readonly dash?: readonly number[];
  readonly x: readonly number[];
  readonly mean: ReadonlyArray<number | null>;
  readonly low?: ReadonlyArray<number | null>;
  readonly high?: ReadonlyArray<number | null>;
}

const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** Pieces of a band between the gaps. */
function bands(curve: Curve, x: Scale, y: Scale): ReadonlyArray<ReadonlyArray<readonly [number, number]>> {
  const pieces: (readonly [number, number])[][] = [];
  let upper: [number, number][] = [];
  let lower: [number, number][] = [];
  const close = (): void => {
    if (upper.length > 1) pieces.push([...upper, ...lower.toReversed()]);
    upper = [];
    lower = [];
  };
  for (const [i, time] of curve.x.entries()) {
    const [low, high] = [curve.low?.[i], curve.high?.[i]];
    if (!known(low) || !known(high)) close();
    else {
      upper.push([x.at(time), y.at(high)]);
      lower.push([x.at(time), y.at(low)]);
    }
  }
  close();
  return pieces;
}

/** Curves over one scale, with numbers at the left. The scale of x is the caller's: maps below share it. */
export function drawCurves(
  pen: Pen,
  look: Look,
  box: Box,
  curves: readonly Curve[],
  options: {
    readonly x: readonly [number, number];
    readonly zero?: number;
    readonly include?: readonly number[];
    readonly lines?: boolean;
  },
): Scale {
  const x = scale(options.x[0], options.x[1], box.left, box.left + box.width);
  const [low, high] = extent(
    curves.flatMap((curve) => [curve.mean, curve.low ?? [], curve.high ?? []]),
    options.include,
  );
  const y = scale(low, high, box.top + box.height, box.top);
  leftAxis(pen, look, box, y, box.height > 80 ? 4 : 2);
  for (const curve of curves) {
    const colour =
      curve.colour === undefined ? look.bright : (look.series[curve.colour % look.series.length] ?? look.bright);
    for (const band of bands(curve, x, y)) pen.area(band, colour, 0.25);
  }
  for (const curve of curves) {
    const colour =
      curve.colour === undefined ? look.bright : (look.series[curve.colour % look.series.length] ?? look.bright);
    const points = curve.x.map((time, i): Point => {
      const value = curve.mean[i];
      return known(value) ? [x.at(time), y.at(value)] : null;
    });
    pen.line(points, { colour, width: 1.5, ...(curve.dash === undefined ? {} : { dash: curve.dash }) });
  }
  if (options.zero !== undefined) {
    pen.line(
      [
        [x.at(options.zero), box.top],
        [x.at(options.zero), box.top + box.height],
      ],
      { colour: look.dim, dash: [3, 3] },
    );
  }
  return y;
}

/** A legend from left to right: a stroke of the true weight and a word. Returns its right end. */
export function legend(pen: Pen, look: Look, left: number, y: number, curves: readonly Curve[]): number {
  let x = left;
  for (const curve of curves) {
    const colour =
      curve.colour === undefined ? look.bright : (look.series[curve.colour % look.series.length] ?? look.bright);
    pen.line(
      [
        [x, y],
        [x + 16, y],
      ],
      { colour, width: 1.5, ...(curve.dash === undefined ? {} : { dash: curve.dash }) },
    );
    pen.text(curve.name, x + 22, y, { colour: look.text });
    x += 22 + curve.name.length * 6.2 + 16;
  }
  return x;
}

/** Dashes that tell six curves apart without colour. */
export const dashes: ReadonlyArray<readonly number[]> = [[], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3]];
