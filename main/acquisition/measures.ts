// SPDX-License-Identifier: MIT
/** What is seen in a frame while it is shown: pure functions on luma, `width × height` bytes row by row. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How often each grey level occurs: 256 counts. */
export function histogramOf(pixels: Uint8Array): Uint32Array {
  const counts = new Uint32Array(256);
  for (const value of pixels) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Mean grey level and share of pixels at the highest one, from a histogram. */
export function levelsOf(histogram: Uint32Array): { readonly mean: number; readonly saturated: number } {
  let sum = 0;
  let pixels = 0;
  for (const [level, count] of histogram.entries()) {
    sum += level * count;
    pixels += count;
  }
  if (pixels === 0) return { mean: 0, saturated: 0 };
  return { mean: sum / pixels, saturated: (histogram[255] ?? 0) / pixels };
}

/**
 * How much fine structure a picture has for its brightness: the mean square of the difference between neighbours of a picture averaged over 4 × 4 pixels
 * (which takes the shot noise of single pixels away), less what noise of that brightness would give, over the mean square of the grey level; square root, brought between 0 and 1. Null for a picture that is black.
 */
export function focusOf(pixels: Uint8Array, { width, height }: Size): number | null {
  const step = 4;
  const columns = Math.floor(width / step);
  const rows = Math.floor(height / step);
  if (columns < 3 || rows < 3) return null;
  const means = binned(pixels, width, step, columns, rows);
  let difference = 0;
  let level = 0;
  let count = 0;
  // The middle half: the rim of the field is dark and out of focus on any scope.
  for (let y = rows >> 2; y < rows - (rows >> 2); y += 1) {
    for (let x = columns >> 2; x < columns - (columns >> 2); x += 1) {
      const here = means[y * columns + x] ?? 0;
      const right = (means[y * columns + x + 1] ?? here) - here;
      const below = (means[(y + 1) * columns + x] ?? here) - here;
      difference += right * right + below * below;
      level += here;
      count += 1;
    }
  }
  const mean = level / count;
  if (mean < 1) return null;
  const noise = (2 * 2 * mean * photonsPerGrey) / (step * step);
  const structure = Math.sqrt(Math.max(0, difference / count - noise));
  const contrast = structure / mean;
  return contrast / (contrast + sharpContrast);
}

/** Variance of a grey level by shot noise, over the level. */
const photonsPerGrey = 0.25;
/** Contrast between neighbours 4 px apart, relative to the mean, of a picture that counts as half sharp. */
const sharpContrast = 0.05;

function binned(pixels: Uint8Array, width: number, step: number, columns: number, rows: number): Float32Array {
  const means = new Float32Array(columns * rows);
  for (let y = 0; y < rows; y += 1) {
    for (let dy = 0; dy < step; dy += 1) {
      const row = (y * step + dy) * width;
      for (let x = 0; x < columns; x += 1) {
        const at = row + x * step;
        const sum = (pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0) + (pixels[at + 3] ?? 0);
        means[y * columns + x] = (means[y * columns + x] ?? 0) + sum;
      }
    }
  }
  for (let n = 0; n < means.length; n += 1) means[n] = (means[n] ?? 0) / (step * step);
  return means;
}

/** Fine structure of a picture along each axis: what {@link shiftBetween} compares. */
export interface Profiles {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Columns and rows summed, without what changes slowly (the illumination, which moves with the scope and not with the tissue). */
export function profilesOf(pixels: Uint8Array, { width, height }: Size): Profiles {
  const x = new Float32Array(width);
  const y = new Float32Array(height);
  for (let row = 0; row < height; row += 1) {
    let sum = 0;
    for (let column = 0; column < width; column += 1) {
      const value = pixels[row * width + column] ?? 0;
      sum += value;
      x[column] = (x[column] ?? 0) + value;
    }
    y[row] = sum;
  }
  return { x: fine(x), y: fine(y) };
}

const slowReach = 12;

function fine(values: Float32Array): Float32Array {
  const out = new Float32Array(values.length);
  const running = new Float64Array(values.length + 1);
  for (let n = 0; n < values.length; n += 1) running[n + 1] = (running[n] ?? 0) + (values[n] ?? 0);
  for (let n = 0; n < values.length; n += 1) {
    const from = Math.max(0, n - slowReach);
    const to = Math.min(values.length, n + slowReach + 1);
    out[n] = (values[n] ?? 0) - ((running[to] ?? 0) - (running[from] ?? 0)) / (to - from);
  }
  return out;
}

const reachPx = 40;

/** How far the content of `now` is from that of `then`, (dy, dx) in px, up to 40 px; null where nothing in common is found. */
export function shiftBetween(then: Profiles, now: Profiles): { readonly dy: number; readonly dx: number } | null {
  const dx = bestShift(then.x, now.x);
  const dy = bestShift(then.y, now.y);
  return dx === null || dy === null ? null : { dy, dx };
}

const leastLikeness = 0.3;

function bestShift(then: Float32Array, now: Float32Array): number | null {
  const reach = Math.min(reachPx, then.length >> 2);
  let best = -Infinity;
  let at = 0;
  for (let shift = -reach; shift <= reach; shift += 1) {
    let product = 0;
    let a = 0;
    let b = 0;
    for (let n = Math.max(0, -shift); n < Math.min(then.length, now.length - shift); n += 1) {
      const p = then[n] ?? 0;
      const q = now[n + shift] ?? 0;
      product += p * q;
      a += p * p;
      b += q * q;
    }
    const likeness = a === 0 || b === 0 ? 0 : product / Math.sqrt(a * b);
    if (likeness > best) {
      best = likeness;
      at = shift;
    }
  }
  return best < leastLikeness ? null : at;
}

/** A region of the picture, px. */
export interface Region extends Size {
  readonly x: number;
  readonly y: number;
}

/** Mean grey level of the part of a region that lies in the picture; 0 where none does. */
export function meanOf(pixels: Uint8Array, { width, height }: Size, region: Region): number {
  let sum = 0;
  let count = 0;
  for (let y = region.y; y < Math.min(height, region.y + region.height); y += 1) {
    for (let x = region.x; x < Math.min(width, region.x + region.width); x += 1) {
      sum += pixels[y * width + x] ?? 0;
      count += 1;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Slope of a straight line through points, over the mean of their values; null for fewer than three, or a mean of zero. */
export function relativeSlope(points: readonly (readonly [x: number, y: number])[]): number | null {
  if (points.length < 3) return null;
  const mean = (pick: 0 | 1): number => points.reduce((sum, point) => sum + point[pick], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  let above = 0;
  let below = 0;
  for (const [px, py] of points) {
    above += (px - x) * (py - y);
    below += (px - x) * (px - x);
  }
  return below === 0 || y === 0 ? null : above / below / y;
}
