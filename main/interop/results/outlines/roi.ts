// SPDX-License-Identifier: MIT

/** An outline of ImageJ as closed lines in its coordinates: the top-left pixel covers 0 to 1. What lies in an odd number of them is inside. */
export interface Outline {
  readonly name: string;
  /** Closed lines, x and y in turn. */
  readonly loops: readonly Float64Array[];
}

/** An ROI without an area: a point, a line, an angle, a text. */
export interface NoArea {
  readonly name: string;
  readonly kind: string;
}

/** An ROI that cannot be read, and why. */
export class RoiError extends Error {}

const withoutArea: Readonly<Record<number, string>> = {
  3: 'line',
  4: 'freehand line',
  5: 'segmented line',
  6: 'empty ROI',
  9: 'angle',
  10: 'point',
};
/** Options: coordinates with fractions follow the whole ones. */
const subpixel = 128;
/** Corners of a curve that stands for an ellipse or a bow. */
const [ellipseCorners, bowCorners] = [64, 8];

/**
 * Reads one `.roi` file of ImageJ (big-endian): rectangle, oval, polygon, freehand, traced, with whole or broken coordinates, and composite ones.
 *
 * @throws RoiError
 */
export function parseRoi(bytes: Buffer, name: string): Outline | NoArea {
  if (bytes.length < 64 || bytes.toString('latin1', 0, 4) !== 'Iout') throw new RoiError('it is no ROI of ImageJ');
  const version = bytes.readInt16BE(4);
  const type = bytes.readUInt8(6);
  const [top, left, bottom, right] = [8, 10, 12, 14].map((at) => bytes.readInt16BE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const options = bytes.readUInt16BE(50);
  const isFine = version >= 222 && (options & subpixel) !== 0;
  const composite = bytes.readInt32BE(36);
  if (composite > 0) return { name, loops: compositeLoops(bytes, composite) };
  const kind = withoutArea[type];
  if (kind !== undefined) return { name, kind };
  if (type === 1 || type === 2) {
    const box = isFine
      ? ([18, 22, 26, 30].map((at) => bytes.readFloatBE(at)) as [number, number, number, number])
      : ([left, top, right - left, bottom - top] as const);
    if (box.some((value) => !Number.isFinite(value)) || box[2] <= 0 || box[3] <= 0)
      throw new RoiError('its box has no area');
    return { name, loops: [type === 1 ? rectangle(box) : ellipse(box)] };
  }
  if (type !== 0 && type !== 7 && type !== 8) throw new RoiError(`ROIs of type ${type} are not read`);
  return { name, loops: [points(bytes, { left, top, isFine })] };
}

function points(
  bytes: Buffer,
  { left, top, isFine }: { readonly left: number; readonly top: number; readonly isFine: boolean },
): Float64Array {
  const count = bytes.readUInt16BE(16);
  const from = 64 + (isFine ? 4 * count : 0);
  const size = isFine ? 4 : 2;
  if (count < 3) throw new RoiError('it has fewer than three corners');
  if (bytes.length < from + 2 * count * size) throw new RoiError('it is cut off');
  const loop = new Float64Array(2 * count);
  for (let i = 0; i < count; i += 1) {
    const [x, y] = [from + i * size, from + (count + i) * size];
    loop[2 * i] = isFine ? bytes.readFloatBE(x) : left + bytes.readInt16BE(x);
    loop[2 * i + 1] = isFine ? bytes.readFloatBE(y) : top + bytes.readInt16BE(y);
  }
  if (loop.some((value) => !Number.isFinite(value))) throw new RoiError('it has corners that are nowhere');
  return loop;
}

const rectangle = ([x, y, w, h]: readonly [number, number, number, number]): Float64Array =>
  Float64Array.of(x, y, x + w, y, x + w, y + h, x, y + h);

function ellipse([x, y, w, h]: readonly [number, number, number, number]): Float64Array {
  const loop = new Float64Array(2 * ellipseCorners);
  for (let i = 0; i < ellipseCorners; i += 1) {
    const angle = (2 * Math.PI * i) / ellipseCorners;
    loop[2 * i] = x + (w / 2) * (1 + Math.cos(angle));
    loop[2 * i + 1] = y + (h / 2) * (1 + Math.sin(angle));
  }
  return loop;
}

/** Pieces of a path: 0 move, 1 line, 2 and 3 bows, 4 close, each with its coordinates. */
function compositeLoops(bytes: Buffer, count: number): readonly Float64Array[] {
  if (count > 1e6 || bytes.length < 64 + 4 * count) throw new RoiError('it is cut off');
  const at = (i: number): number => bytes.readFloatBE(64 + 4 * i);
  const loops: number[][] = [];
  let loop: number[] = [];
  for (let i = 0; i < count;) {
    const kind = at(i);
    const needed = { 0: 2, 1: 2, 2: 4, 3: 6, 4: 0 }[kind];
    if (needed === undefined || i + needed >= count + (needed === 0 ? 1 : 0)) throw new RoiError('its path is damaged');
    const values = Array.from({ length: needed }, (_, k) => at(i + 1 + k));
    if (values.some((value) => !Number.isFinite(value))) throw new RoiError('its path is damaged');
    if (kind === 0 || kind === 4) {
      if (loop.length >= 6) loops.push(loop);
      loop = kind === 0 ? values : [];
    } else if (kind === 1) loop.push(...values);
    else loop.push(...bow([...loop.slice(-2), ...values]));
    i += 1 + needed;
  }
  if (loop.length >= 6) loops.push(loop);
  return loops.map((each) => Float64Array.from(each));
}

/** Points of a Bézier curve after its first. */
function bow(control: readonly number[]): number[] {
  const out: number[] = [];
  for (let step = 1; step <= bowCorners; step += 1) {
    let points: readonly number[] = control;
    const t = step / bowCorners;
    while (points.length > 2) {
      const from = points;
      points = Array.from({ length: from.length - 2 }, (_, i) => (1 - t) * (from[i] ?? 0) + t * (from[i + 2] ?? 0));
    }
    out.push(...points);
  }
  return out;
}

/** Pixels whose centre lies inside, counted along rows; those outside the field are counted. */
export function pixelsOf(
  { loops }: Outline,
  { height, width }: { readonly height: number; readonly width: number },
): { readonly pixels: Uint32Array; readonly outside: number } {
  let [top, bottom] = [Infinity, -Infinity];
  for (const loop of loops)
    for (let i = 1; i < loop.length; i += 2)
      [top, bottom] = [Math.min(top, loop[i] ?? 0), Math.max(bottom, loop[i] ?? 0)];
  const pixels: number[] = [];
  let outside = 0;
  // ImageJ's coordinates are 16-bit; a row beyond is of no image.
  for (let y = Math.max(Math.floor(top), -32_768); y < Math.min(Math.ceil(bottom), 32_768); y += 1) {
    const crossings: number[] = [];
    for (const loop of loops) crossingsOf(loop, y + 0.5, crossings);
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const [from, to] = [Math.ceil((crossings[i] ?? 0) - 0.5), Math.ceil((crossings[i + 1] ?? 0) - 0.5)];
      const [first, last] = [Math.max(from, 0), Math.min(to, width)];
      const isIn = y >= 0 && y < height;
      if (isIn) for (let x = first; x < last; x += 1) pixels.push(y * width + x);
      outside += Math.max(0, to - from) - (isIn ? Math.max(0, last - first) : 0);
    }
  }
  return { pixels: Uint32Array.from(pixels), outside };
}

function crossingsOf(loop: Float64Array, y: number, into: number[]): void {
  const count = loop.length / 2;
  for (let i = 0; i < count; i += 1) {
    const j = (i + 1) % count;
    const [x1, y1, x2, y2] = [loop[2 * i] ?? 0, loop[2 * i + 1] ?? 0, loop[2 * j] ?? 0, loop[2 * j + 1] ?? 0];
    if (y1 <= y === y2 <= y) continue;
    into.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
  }
}

/** The smallest field that holds all outlines. */
export function fieldOf(outlines: readonly Outline[]): { readonly height: number; readonly width: number } {
  let [width, height] = [1, 1];
  for (const { loops } of outlines) {
    for (const loop of loops) {
      for (let i = 0; i + 1 < loop.length; i += 2)
        [width, height] = [Math.max(width, Math.ceil(loop[i] ?? 0)), Math.max(height, Math.ceil(loop[i + 1] ?? 0))];
    }
  }
  return { height: Math.min(height, 32_768), width: Math.min(width, 32_768) };
}
