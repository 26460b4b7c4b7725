// SPDX-License-Identifier: MIT
import type { Look, Pen, Point } from './pen.ts';

export interface PolarCurve {
  /** By direction, from 0° on; null where nothing is known. */
  readonly values: ReadonlyArray<number | null>;
  readonly colour?: number;
  readonly filled?: boolean;
}

/** Curves over directions: 0° at the right, turning counter-clockwise, each scaled to its own maximum. */
export function drawPolar(
  pen: Pen,
  look: Look,
  centre: readonly [number, number],
  radius: number,
  curves: readonly PolarCurve[],
  preferredDeg: number | null,
): void {
  const [cx, cy] = centre;
  const at = (degrees: number, length: number): readonly [number, number] => {
    const angle = (degrees * Math.PI) / 180;
    return [cx + length * Math.cos(angle), cy - length * Math.sin(angle)];
  };
  for (const share of [0.5, 1]) {
    pen.line(
      Array.from({ length: 73 }, (_, i) => at(i * 5, radius * share)),
      { colour: share === 1 ? look.axis : look.grid },
    );
  }
  for (const degrees of [0, 90, 180, 270]) {
    pen.line([at(degrees, 0), at(degrees, radius)], { colour: look.grid });
    const [x, y] = at(degrees, radius + 12);
    pen.text(`${String(degrees)}°`, x, y, {
      colour: look.dim,
      align: degrees === 0 ? 'left' : degrees === 180 ? 'right' : 'center',
    });
  }
  for (const { values, colour, filled = false } of curves) {
    const most = values.reduce<number>((high, value) => Math.max(high, value ?? 0), 0);
    if (most <= 0) continue;
    const tone = colour === undefined ? look.bright : (look.series[colour] ?? look.bright);
    const points = values.map((value, bin): Point =>
      value === null ? null : at(((bin + 0.5) / values.length) * 360, (Math.max(0, value) / most) * radius),
    );
    const whole = points.filter((point) => point !== null);
    if (filled) pen.area(whole, tone, 0.2);
    pen.line([...points, points[0] ?? null], { colour: tone, width: filled ? 1 : 1.5 });
  }
  if (preferredDeg !== null)
    pen.line([at(preferredDeg, 0), at(preferredDeg, radius)], { colour: look.accent, width: 2 });
}
