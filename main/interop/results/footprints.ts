// SPDX-License-Identifier: MIT
import type { ForeignFootprint, OnShare } from './foreign-result.ts';

/** Footprints made one after another; before each it is told how many there are of all. */
export function cellByCell(
  cells: number,
  onShare: OnShare | undefined,
  make: (row: number) => ForeignFootprint,
): ForeignFootprint[] {
  return Array.from({ length: cells }, (_, row) => {
    onShare?.(row / cells);
    return make(row);
  });
}

/** The footprint of a whole image, `height × width` along rows: its positive, finite pixels. */
export function ofImage(image: ArrayLike<number>): ForeignFootprint {
  const pixels: number[] = [];
  for (let i = 0; i < image.length; i += 1) if (Number(image[i]) > 0 && Number.isFinite(image[i])) pixels.push(i);
  return { pixels: Uint32Array.from(pixels), values: Float32Array.from(pixels, (pixel) => Number(image[pixel])) };
}

/**
 * A footprint whose pixels are counted along columns (MATLAB, CaImAn: x · height + y).
 *
 * @param pixels - counted along columns, any order
 */
export function ofColumns(
  pixels: ArrayLike<number>,
  values: ArrayLike<number>,
  height: number,
  width: number,
): ForeignFootprint {
  const order: { pixel: number; value: number }[] = [];
  for (let i = 0; i < pixels.length; i += 1) {
    const value = Number(values[i]);
    if (!(value > 0) || !Number.isFinite(value)) continue;
    const at = Number(pixels[i]);
    order.push({ pixel: (at % height) * width + Math.floor(at / height), value });
  }
  order.sort((a, b) => a.pixel - b.pixel);
  return {
    pixels: Uint32Array.from(order, ({ pixel }) => pixel),
    values: Float32Array.from(order, ({ value }) => value),
  };
}
