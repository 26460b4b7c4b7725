// SPDX-License-Identifier: MIT
import type { Ring } from '../gl/contours.ts';
import type { Look, Pen, Pixels } from './pen.ts';

/** How a session lies against the first: the engine's turn about the middle of the first frame, then its shift. */
export interface Placement {
  readonly shiftPx: { readonly y: number; readonly x: number };
  readonly rotationDegrees: number;
}

/** Where a point of a session lies in the first one's frame. */
export function backToFirst(
  { shiftPx, rotationDegrees }: Placement,
  centre: { readonly y: number; readonly x: number },
): (x: number, y: number) => readonly [x: number, y: number] {
  const angle = (rotationDegrees * Math.PI) / 180;
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return (x, y) => {
    const [dy, dx] = [y - centre.y - shiftPx.y, x - centre.x - shiftPx.x];
    return [centre.x + sin * dy + cos * dx, centre.y + cos * dy - sin * dx];
  };
}

/** Outlines of some cells of one run or session. */
export interface FieldLayer {
  readonly rings: ReadonlyArray<readonly Ring[]>;
  readonly place: (x: number, y: number) => readonly [number, number];
  readonly colour: string;
  readonly dash: readonly number[];
  readonly width: number;
  /** Opacity of the fill; 0 for none. */
  readonly fill: number;
  /** Rows to draw; all when absent. */
  readonly rows: readonly number[];
}

export interface FieldView {
  readonly height: number;
  readonly width: number;
  readonly background: Pixels | undefined;
  readonly layers: readonly FieldLayer[];
  /** Drawn over everything, white on black. */
  readonly selected: ReadonlyArray<{ readonly layer: number; readonly row: number }>;
}

/** Where the field lies in a canvas: whole, in the middle. */
export function fieldBox(
  size: { readonly width: number; readonly height: number },
  field: Pick<FieldView, 'height' | 'width'>,
): { readonly left: number; readonly top: number; readonly scale: number } {
  const scale = Math.min(size.width / field.width, size.height / field.height);
  return { left: (size.width - field.width * scale) / 2, top: (size.height - field.height * scale) / 2, scale };
}

/** Outlines over a picture of the field. Pixel (0, 0) has its centre at (0, 0). */
export function drawField(pen: Pen, _look: Look, field: FieldView): void {
  const { left, top, scale } = fieldBox(pen, field);
  pen.rect(left, top, field.width * scale, field.height * scale, '#0a0a0a');
  if (field.background !== undefined) pen.image(field.background, left, top, field.width * scale, field.height * scale);
  const ringPoints = (layer: FieldLayer, ring: Ring): (readonly [number, number])[] => {
    const points: (readonly [number, number])[] = [];
    for (let i = 0; i < ring.length; i += 2) {
      const [x, y] = layer.place(ring[i] ?? 0, ring[i + 1] ?? 0);
      points.push([left + (x + 0.5) * scale, top + (y + 0.5) * scale]);
    }
    return points;
  };
  const closed = (points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] =>
    points[0] === undefined ? [] : [...points, points[0]];
  for (const layer of field.layers) {
    for (const row of layer.rows) {
      for (const ring of layer.rings[row] ?? []) {
        const points = ringPoints(layer, ring);
        if (layer.fill > 0) pen.area(points, layer.colour, layer.fill);
        pen.line(closed(points), { colour: layer.colour, width: layer.width, dash: layer.dash });
      }
    }
  }
  for (const { layer: index, row } of field.selected) {
    const layer = field.layers[index];
    if (layer === undefined) continue;
    for (const ring of layer.rings[row] ?? []) {
      const points = closed(ringPoints(layer, ring));
      pen.line(points, { colour: '#000000', width: 5 });
      pen.line(points, { colour: '#ffffff', width: 2 });
    }
  }
}

/** The point of the field under a point of the canvas. */
export function fieldPoint(
  at: readonly [number, number],
  size: { readonly width: number; readonly height: number },
  field: Pick<FieldView, 'height' | 'width'>,
): readonly [x: number, y: number] {
  const { left, top, scale } = fieldBox(size, field);
  return [(at[0] - left) / scale - 0.5, (at[1] - top) / scale - 0.5];
}
