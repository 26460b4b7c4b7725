// SPDX-License-Identifier: MIT
import { lutBytes, paint, differenceBytes } from '../gl/lut.ts';
import { bottomAxis, type Box, scale } from './axes.ts';
import type { Figure, Look, Pen, Pixels } from './pen.ts';

/** Rows of numbers as a picture. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row-major; NaN = nothing there. */
  readonly values: Float32Array;
}

export type MapColours = 'viridis' | 'magma' | 'grey' | 'difference';

/** Where nothing was recorded. */
const nothing = [42, 43, 45, 255] as const;

/**
 * The matrix through a lookup table, its rows (and, with `square`, its columns) in an order.
 */
export function mapPixels(
  matrix: Matrix,
  order: readonly number[],
  levels: { readonly low: number; readonly high: number },
  colours: MapColours,
  square = false,
): Pixels {
  const height = order.length;
  const width = square ? order.length : matrix.columns;
  const ordered = new Float32Array(width * height);
  for (const [line, row] of order.entries()) {
    const from = row * matrix.columns;
    if (square)
      for (const [column, other] of order.entries())
        ordered[line * width + column] = matrix.values[from + other] ?? Number.NaN;
    else ordered.set(matrix.values.subarray(from, from + matrix.columns), line * width);
  }
  const data = new Uint8ClampedArray(4 * width * height);
  paint(ordered, levels, colours === 'difference' ? differenceBytes() : lutBytes(colours), data);
  for (let i = 0; i < ordered.length; i += 1) if (Number.isNaN(ordered[i])) data.set(nothing, 4 * i);
  return { width, height, data };
}

export interface MapParts {
  readonly pixels: Pixels;
  readonly x: { readonly from: number; readonly to: number; readonly unit: string };
  /** What the rows are: `cells`, `trials`. */
  readonly rowsName: string;
  /** A row to mark, from the top, with its name. */
  readonly marked?: { readonly line: number; readonly name: string } | undefined;
  /** A moment to mark. */
  readonly zero?: number | undefined;
}

/** Left edge of the data: the same in all figures that share an axis. */
export const leftRoom = 60;
const rightRoom = 16;

/** The box of a heat map that fills the pen between two heights. */
export function mapBox(pen: Pick<Pen, 'width'>, top: number, bottom: number): Box {
  return {
    left: leftRoom,
    top,
    width: Math.max(10, pen.width - leftRoom - rightRoom),
    height: Math.max(10, bottom - top),
  };
}

/** A heat map with its axes. */
export function drawMap(pen: Pen, look: Look, box: Box, parts: MapParts): void {
  const { pixels, x, rowsName, marked, zero } = parts;
  pen.image(pixels, box.left, box.top, box.width, box.height);
  const across = scale(x.from, x.to, box.left, box.left + box.width);
  bottomAxis(pen, look, box, across, x.unit, box.width > 420 ? 7 : 4);
  const lines = pixels.height;
  const y = (line: number): number => box.top + ((line + 0.5) / Math.max(1, lines)) * box.height;
  const free = (at: number): boolean => marked === undefined || Math.abs(y(marked.line) - at) > 14;
  if (lines > 0) {
    if (free(y(0))) pen.text('1', box.left - 8, Math.max(y(0), box.top + 6), { colour: look.dim, align: 'right' });
    const last = Math.min(y(lines - 1), box.top + box.height - 6);
    if (lines > 1 && free(last)) pen.text(String(lines), box.left - 8, last, { colour: look.dim, align: 'right' });
  }
  pen.text(rowsName, 12, box.top + box.height / 2, { colour: look.dim, align: 'center', upwards: true });
  if (zero !== undefined && zero >= x.from && zero <= x.to) {
    pen.line(
      [
        [across.at(zero), box.top],
        [across.at(zero), box.top + box.height],
      ],
      { colour: '#ffffff', dash: [3, 3] },
    );
  }
  if (marked !== undefined) {
    const at = Math.max(box.top + 6, Math.min(box.top + box.height - 6, y(marked.line)));
    pen.text(`${marked.name} ▸`, box.left - 4, at, { colour: look.bright, align: 'right', weight: 500 });
    const half = Math.max(1, box.height / Math.max(1, lines) / 2);
    for (const edge of [y(marked.line) - half, y(marked.line) + half]) {
      pen.line(
        [
          [box.left, edge],
          [box.left + box.width, edge],
        ],
        { colour: look.accent, width: 1 },
      );
    }
  }
}

/** A heat map alone. */
export function heatMap(parts: MapParts): Figure {
  return (pen, look) => drawMap(pen, look, mapBox(pen, 8, pen.height - 24), parts);
}

/** Which line of a heat map a point lies in; −1 outside. */
export function lineAt(box: Box, lines: number, x: number, y: number): number {
  if (x < 0 || x > box.left + box.width || y < box.top || y >= box.top + box.height) return -1;
  return Math.floor(((y - box.top) / box.height) * lines);
}
