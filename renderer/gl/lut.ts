// SPDX-License-Identifier: MIT
import { interpolateCividis, interpolateMagma, interpolateViridis } from 'd3-scale-chromatic';

/** Lookup tables offered, grey first. Jet is not offered. */
export const lutNames = ['grey', 'viridis', 'cividis', 'magma'] as const;
export type LutName = (typeof lutNames)[number];

const interpolators = { viridis: interpolateViridis, cividis: interpolateCividis, magma: interpolateMagma } as const;

function rgb(text: string): readonly [number, number, number] {
  const hex = /^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(text);
  if (hex !== null) {
    return [Number.parseInt(hex[1] ?? '0', 16), Number.parseInt(hex[2] ?? '0', 16), Number.parseInt(hex[3] ?? '0', 16)];
  }
  const [red = 0, green = 0, blue = 0] = (text.match(/\d+(\.\d+)?/g) ?? []).map((part) => Math.round(Number(part)));
  return [red, green, blue];
}

/** A table of 256 colours as RGBA bytes. */
export function lutBytes(name: LutName): Uint8Array {
  const table = new Uint8Array(256 * 4);
  for (let index = 0; index < 256; index += 1) {
    const colour = name === 'grey' ? ([index, index, index] as const) : rgb(interpolators[name](index / 255));
    table.set([...colour, 255], index * 4);
  }
  return table;
}

/** Values through a table, as the pixels of an ImageData. */
export function paint(
  values: ArrayLike<number>,
  levels: { readonly low: number; readonly high: number },
  table: Uint8Array,
  pixels: Uint8ClampedArray,
): void {
  const scale = 255 / (levels.high - levels.low);
  for (let index = 0; index < values.length; index += 1) {
    const value = ((values[index] ?? 0) - levels.low) * scale;
    const entry = 4 * (value > 0 ? (value < 255 ? Math.round(value) : 255) : 0);
    const at = index * 4;
    pixels[at] = table[entry] ?? 0;
    pixels[at + 1] = table[entry + 1] ?? 0;
    pixels[at + 2] = table[entry + 2] ?? 0;
    pixels[at + 3] = 255;
  }
}

const differenceStops = ['#2f7fb8', '#9cc4dd', '#1a1a1b', '#e3b27c', '#c46a14'] as const;

/** A table for signed differences, dark in the middle: `--lut-diff` of the tokens. */
export function differenceBytes(): Uint8Array {
  const table = new Uint8Array(256 * 4);
  const stops = differenceStops.map(rgb);
  for (let index = 0; index < 256; index += 1) {
    const place = (index / 255) * (stops.length - 1);
    const left = Math.min(stops.length - 2, Math.floor(place));
    const colour = [0, 1, 2].map((channel) => {
      const [from, to] = [stops[left]?.[channel] ?? 0, stops[left + 1]?.[channel] ?? 0];
      return Math.round(from + (to - from) * (place - left));
    });
    table.set([...colour, 255], index * 4);
  }
  return table;
}
