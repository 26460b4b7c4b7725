// SPDX-License-Identifier: MIT
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  focusOf,
  histogramOf,
  levelsOf,
  meanOf,
  profilesOf,
  relativeSlope,
  shiftBetween,
} from '../../../main/acquisition/measures.ts';
import { greyPng } from '../../../main/arrays/index.ts';
import { QualityWatch } from '../../../main/acquisition/quality.ts';

const size = { width: 200, height: 160 };

/** Dark lines of a width on a bright ground, moved by some px. */
function vessels(softness: number, moved = { dy: 0, dx: 0 }, light = 1): Uint8Array {
  const pixels = new Uint8Array(size.width * size.height);
  for (let y = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1) {
      const [u, v] = [x - moved.dx, y - moved.dy];
      const near = Math.min(
        ...[30, 85, 97, 160].map((at) => Math.abs(u - at)),
        ...[25, 60, 71, 130].map((at) => Math.abs(v - at)),
      );
      pixels[y * size.width + x] = light * (120 - 25 * Math.exp(-((near / softness) ** 2)));
    }
  }
  return pixels;
}

describe('a look at a frame', () => {
  it('counts grey levels, their mean and what is saturated', () => {
    const levels = levelsOf(histogramOf(Uint8Array.from([0, 100, 255, 255])));
    expect(levels).toEqual({ mean: 152.5, saturated: 0.5 });
    expect(meanOf(Uint8Array.from([1, 2, 3, 4]), { width: 2, height: 2 }, { x: 1, y: 0, width: 5, height: 2 })).toBe(3);
  });

  it('knows a sharp picture from a soft one, whatever its brightness, and nothing of a black one', () => {
    const sharp = focusOf(vessels(3), size)!;
    const soft = focusOf(vessels(16), size)!;
    expect(sharp).toBeGreaterThan(soft + 0.2);
    expect(sharp).toBeLessThan(1);
    expect(focusOf(vessels(3, undefined, 0.6), size)).toBeCloseTo(sharp, 1);
    expect(focusOf(new Uint8Array(size.width * size.height), size)).toBeNull();
  });

  it('finds how far the content has moved', () => {
    const first = profilesOf(vessels(3), size);
    expect(shiftBetween(first, profilesOf(vessels(3, { dy: -4, dx: 7 }), size))).toEqual({ dy: -4, dx: 7 });
    const noise = Uint8Array.from({ length: size.width * size.height }, (_, n) => (n * 2_654_435_761) % 251);
    expect(shiftBetween(first, profilesOf(noise, size))).toBeNull();
  });

  it('fits a slope relative to the level', () => {
    expect(
      relativeSlope([
        [0, 100],
        [1, 99],
        [2, 98],
      ]),
    ).toBeCloseTo(-1 / 99, 9);
    expect(
      relativeSlope([
        [0, 100],
        [1, 99],
      ]),
    ).toBeNull();
  });
});

describe('the advice', () => {
  it('names saturation, drift and bleaching once they matter, and begins anew with a setting', () => {
    const watch = new QualityWatch(size);
    for (let second = 0; second <= 40; second += 1) watch.take(vessels(3, undefined, 1 - 0.001 * second), second);
    const bleached = watch.report(true);
    expect(bleached.bleachingPer10Min).toBeLessThan(-0.4);
    expect(bleached.advice.map(({ text }) => text).join()).toMatch(/loses \d+ % of its light in 10 min/);
    watch.settingChanged();
    expect(watch.report(true).bleachingPer10Min).toBeNull();
    watch.take(vessels(3, { dy: 0, dx: 12 }), 41);
    expect(watch.report(true)).toMatchObject({ driftPx: 12 });
    expect(
      watch
        .report(true)
        .advice.map(({ text }) => text)
        .join(),
    ).toMatch(/moved by 12 px/);
    watch.take(new Uint8Array(size.width * size.height).fill(255), 42);
    expect(watch.report(true).advice[0]?.text).toMatch(/^100\.0 % of the pixels are saturated/);
    // With the light off nothing is judged.
    expect(watch.report(false)).toMatchObject({ focus: null, driftPx: null, advice: [] });
  });
});

describe('a screenshot', () => {
  it('is a PNG of the very grey levels', () => {
    const png = greyPng(Uint8Array.from([1, 2, 3, 4, 5, 6]), 3, 2);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const at = png.indexOf('IDAT');
    const length = png.readUInt32BE(at - 4);
    expect([...inflateSync(png.subarray(at + 4, at + 4 + length))]).toEqual([0, 1, 2, 3, 0, 4, 5, 6]);
  });
});
