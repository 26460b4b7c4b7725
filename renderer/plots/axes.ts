// SPDX-License-Identifier: MIT
import type { Look, Pen } from './pen.ts';

/** Where the data of a figure lies. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** From values to pixels along one side. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly at: (value: number) => number;
}

/** A straight scale; equal ends are drawn apart. */
export function scale(from: number, to: number, start: number, end: number): Scale {
  const span = to - from === 0 ? 1 : to - from;
  return { from, to, at: (value) => start + ((value - from) / span) * (end - start) };
}

/** A number of an axis: a real minus, no more digits than it needs. */
export function tickText(value: number): string {
  const text = String(Number(Math.abs(value).toPrecision(6)));
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Round numbers (steps of 1, 2 or 5) within the scale, about as many as wanted. */
export function ticks({ from, to }: Pick<Scale, 'from' | 'to'>, wanted = 5): readonly number[] {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const raw = (high - low) / Math.max(1, wanted);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const error = raw / power;
  const step = power * (error >= Math.sqrt(50) ? 10 : error >= Math.sqrt(10) ? 5 : error >= Math.SQRT2 ? 2 : 1);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The line at the bottom with its numbers; the unit stands on the first. */
export function bottomAxis(pen: Pen, look: Look, box: Box, x: Scale, unit: string, wanted = 5): void {
  const y = box.top + box.height;
  pen.line(
    [
      [box.left, y + 0.5],
      [box.left + box.width, y + 0.5],
    ],
    { colour: look.axis },
  );
  for (const value of ticks(x, wanted)) {
    const at = x.at(value);
    pen.line(
      [
        [at, y],
        [at, y + 4],
      ],
      { colour: look.axis },
    );
    const text = unit === '' ? tickText(value) : `${tickText(value)} ${unit}`;
    const align = at < box.left + 8 ? 'left' : at > box.left + box.width - 8 ? 'right' : 'center';
    pen.text(text, at, y + 12, { colour: look.dim, align });
  }
}

/** Numbers at the left with faint lines where values are read off. */
export function leftAxis(pen: Pen, look: Look, box: Box, y: Scale, wanted = 4, lines = true): void {
  for (const value of ticks(y, wanted)) {
    const at = y.at(value);
    if (at < box.top - 0.5 || at > box.top + box.height + 0.5) continue;
    if (lines) {
      pen.line(
        [
          [box.left, Math.round(at) + 0.5],
          [box.left + box.width, Math.round(at) + 0.5],
        ],
        { colour: look.grid },
      );
    }
    pen.text(tickText(value), box.left - 8, at, { colour: look.dim, align: 'right' });
  }
}

/** The name of the left axis, reading upwards. */
export function leftName(pen: Pen, look: Look, box: Box, name: string, x = 12): void {
  pen.text(name, x, box.top + box.height / 2, { colour: look.dim, align: 'center', upwards: true });
}

/** Lowest and highest finite values, with a little room; 0 … 1 without any. */
export function extent(
  lists: ReadonlyArray<ReadonlyArray<number | null>>,
  include: readonly number[] = [],
): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of [...lists.flat(), ...include]) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.06 || 0.5;
  return [low - room, high + room];
}
