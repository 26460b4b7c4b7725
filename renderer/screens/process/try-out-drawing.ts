// SPDX-License-Identifier: MIT
import type { FilmFrame } from '../../client/film.ts';
import { footprintRings, type Ring } from '../../gl/contours.ts';
import { percentileLevels } from '../../gl/levels.ts';
import { mapPixels } from '../../plots/heat-map.ts';
import type { Look, Pen, Pixels } from '../../plots/pen.ts';
import type { FormField } from '../../stores/parameters.ts';
import { seedCandidates, seedsOf, type Tried, type TryOutData } from '../../stores/try-out.ts';
import { plural } from '../../ui/format.ts';

/** How the sides of a try-out are drawn. No React. */

/** Colours of A and B on a picture, the same in both themes. */
export const tones = { a: '#5aa6f5', b: '#f0a93c', both: '#d0d2d4' } as const;

/** Outlines of the cells by row. */
export const ringsOf = (data: TryOutData | undefined): ReadonlyArray<readonly Ring[]> =>
  (data?.cells ?? []).map((cell) => (cell.width === 0 ? [] : footprintRings(cell, data?.bytes ?? new Uint8Array())));

/** The rectangle of a frame that was tried. */
export function cut(film: FilmFrame, place: Tried['result']['place']): Float32Array {
  const values = new Float32Array(place.height * place.width);
  for (let y = 0; y < place.height; y += 1) {
    for (let x = 0; x < place.width; x += 1)
      values[y * place.width + x] = film.bytes[(place.top + y) * film.width + place.left + x] ?? 0;
  }
  return values;
}

/** A part of the figure, CSS px. */
export interface Square {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** One side on a picture: its cells, their outlines, and which only it has. */
export interface Side {
  readonly data: TryOutData;
  readonly rings: ReadonlyArray<readonly Ring[]>;
  readonly only: readonly number[];
  readonly tone: string;
}

function inner(
  box: Square,
  view: { readonly height: number; readonly width: number },
): Square & { readonly scale: number } {
  const scale = Math.min(box.width / view.width, box.height / view.height);
  const [width, height] = [view.width * scale, view.height * scale];
  return { left: box.left + (box.width - width) / 2, top: box.top + (box.height - height) / 2, width, height, scale };
}

/** A picture with the outlines of some sides, and its name in the corner. */
export function drawView(
  pen: Pen,
  _look: Look,
  box: Square,
  view: { readonly height: number; readonly width: number },
  pixels: Pixels | null,
  title: string,
  sides: readonly Side[],
): void {
  const at = inner(box, view);
  if (pixels === null) pen.rect(at.left, at.top, at.width, at.height, '#0a0a0a');
  else pen.image(pixels, at.left, at.top, at.width, at.height);
  for (const side of sides) drawOutlines(pen, at, side, Number.POSITIVE_INFINITY);
  if (title !== '') {
    pen.rect(at.left + 6, at.top + 6, title.length * 6 + 10, 16, '#000000', 0.62);
    pen.text(title, at.left + 10, at.top + 14, { colour: '#f0f0ef' });
  }
}

function drawOutlines(pen: Pen, at: Square & { readonly scale: number }, side: Side, until: number): void {
  for (const cell of side.data.cells) {
    if (!cell.suggested) continue;
    const alone = side.only.includes(cell.row);
    for (const ring of side.rings[cell.row] ?? []) {
      const points = Array.from({ length: ring.length / 2 }, (_, i): readonly [number, number] => [
        at.left + ((ring[2 * i] ?? 0) + 0.5) * at.scale,
        at.top + ((ring[2 * i + 1] ?? 0) + 0.5) * at.scale,
      ]);
      const [first] = points;
      if (first === undefined || points.some(([x]) => x > until)) continue;
      pen.line([...points, first], { colour: alone ? side.tone : tones.both, width: alone ? 2 : 1 });
    }
  }
}

/** The ends of the difference, named, at the lower right of its view. */
export function drawDifferenceBar(pen: Pen, box: Square): void {
  const [width, x, y] = [72, box.left + box.width - 118, box.top + box.height - 22];
  pen.rect(x - 62, y - 4, width + 108, 18, '#000000', 0.62);
  pen.text('more in A', x - 6, y + 5, { colour: '#f0f0ef', align: 'right' });
  pen.image(differenceRamp, x, y, width, 10);
  pen.text('in B', x + width + 6, y + 5, { colour: '#f0f0ef' });
}

const differenceRamp = mapPixels(
  { rows: 1, columns: 64, values: Float32Array.from({ length: 64 }, (_, i) => i / 63) },
  [0],
  { low: 0, high: 1 },
  'difference',
);

/** The left part of a picture, up to the wipe. */
export function drawWiped(
  pen: Pen,
  look: Look,
  box: Square,
  view: { readonly height: number; readonly width: number },
  pixels: Pixels,
  sides: readonly Side[],
  wipe: number,
): void {
  const at = inner(box, view);
  const edge = Math.max(at.left, Math.min(at.left + at.width, wipe * pen.width));
  const columns = Math.round((edge - at.left) / at.scale);
  if (columns > 0) {
    const data = new Uint8ClampedArray(4 * columns * pixels.height);
    for (let y = 0; y < pixels.height; y += 1)
      data.set(pixels.data.subarray(4 * y * pixels.width, 4 * (y * pixels.width + columns)), 4 * y * columns);
    pen.image({ width: columns, height: pixels.height, data }, at.left, at.top, columns * at.scale, at.height);
    for (const side of sides) drawOutlines(pen, at, side, edge);
  }
  pen.line(
    [
      [edge, at.top],
      [edge, at.top + at.height],
    ],
    { colour: look.accent, width: 2 },
  );
}

/** Limits of seeds as the form has them; those the engine chose where the form leaves them to it. */
export function seedLimits(
  fields: readonly FormField[],
  tried: Tried,
): { readonly pnr: number; readonly correlation: number } {
  const typed = (name: string): number | null => {
    const value = fields.find((field) => field.spec.name === name)?.value;
    return typeof value === 'number' ? value : null;
  };
  return {
    pnr: typed('minPnr') ?? tried.result.minPnr ?? 0,
    correlation: typed('minCorrelation') ?? tried.result.minCorrelation ?? 0,
  };
}

const candidateLists = new WeakMap<TryOutData, ReturnType<typeof seedCandidates>>();

/** Places that could be seeds in a piece; looked for once. */
export function candidatesOf(data: TryOutData, tried: Tried): ReturnType<typeof seedCandidates> {
  const known = candidateLists.get(data);
  if (known !== undefined) return known;
  const [pnr, correlation] = [data.images.get('pnr'), data.images.get('correlation')];
  const list =
    pnr === undefined || correlation === undefined
      ? []
      : seedCandidates(pnr, correlation, data.height, data.width, tried.result.diameterPx ?? 10);
  candidateLists.set(data, list);
  return list;
}

/** Peak-to-noise and local correlation of the piece with the seeds that the limits of the form would leave. */
export function drawSeeds(pen: Pen, look: Look, data: TryOutData, tried: Tried, fields: readonly FormField[]): void {
  const limits = seedLimits(fields, tried);
  const all = candidatesOf(data, tried);
  const kept = new Set(seedsOf(all, limits.pnr, limits.correlation));
  const lines = Array.from({ length: data.height }, (_, line) => line);
  const width = pen.width / 2;
  for (const [index, name] of (['pnr', 'correlation'] as const).entries()) {
    const values = data.images.get(name);
    const box = { left: index * width, top: 0, width: width - 1, height: pen.height };
    const view = { height: data.height, width: data.width };
    const title = name === 'pnr' ? `peak to noise, ${plural(kept.size, 'seed')}` : 'local correlation';
    drawView(
      pen,
      look,
      box,
      view,
      values === undefined
        ? null
        : mapPixels({ rows: data.height, columns: data.width, values }, lines, percentileLevels(values), 'magma'),
      title,
      [],
    );
    const at = inner(box, view);
    for (const seed of all) {
      const [x, y] = [at.left + (seed.x + 0.5) * at.scale, at.top + (seed.y + 0.5) * at.scale];
      if (kept.has(seed)) {
        pen.circle(x, y, 4, '#000000');
        pen.circle(x, y, 2.5, '#ffffff');
      } else pen.circle(x, y, 1.25, '#9a9da1');
    }
  }
}
