// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { doubled, halved, NearFrames, placesInOrder } from '../../../main/media/near-frames.ts';

const grey = (height: number, width: number, level: number): Uint8Array => new Uint8Array(height * width).fill(level);

describe('small frames of a film', () => {
  it('are means of four pixels, and as large as the film when they are shown', () => {
    const bytes = Uint8Array.from([0, 2, 10, 10, 9, 4, 6, 10, 10, 9, 1, 1, 1, 1, 1]);
    expect([...halved(bytes, 3, 5)]).toEqual([3, 10]);
    expect([...doubled(Uint8Array.from([3, 10]), 3, 5)]).toEqual([
      3, 3, 10, 10, 10, 3, 3, 10, 10, 10, 3, 3, 10, 10, 10,
    ]);
  });

  it('are all frames of a short film, and a few spread over a long one: memory does not grow with its length', () => {
    expect(new NearFrames(600, 608, 608).stride).toBe(1);
    const long = new NearFrames(36_000, 608, 608);
    expect(long.places * 304 * 304).toBeLessThan(64 << 20);
    expect(long.places).toBeGreaterThan(600);
    expect(new NearFrames(1_080_000, 608, 608).places).toBeLessThanOrEqual(726);
  });

  it('come one after another where a decoder goes through them, else over all of the film first', () => {
    expect([...placesInOrder(10, 2)]).toEqual([0, 2, 4, 6, 8]);
    const order = [...placesInOrder(36_000, 50)];
    expect(new Set(order).size).toBe(720);
    expect(Math.max(...order.slice(0, 60))).toBeGreaterThan(35_000);
    expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 720 }, (_, i) => 50 * i));
  });

  it('stand in for frames beside them by their own number, and for none far away', () => {
    const near = new NearFrames(1000, 4, 4, 4 * 100);
    expect([near.stride, near.places]).toEqual([10, 100]);
    near.put(500, grey(4, 4, 7), false);
    near.put(503, grey(4, 4, 9), false);
    near.put(700, grey(4, 4, 8), true);
    expect([near.has(500), near.has(503), near.isWhole]).toEqual([true, false, false]);
    expect(near.near(504)).toEqual({ frame: 500, bytes: grey(4, 4, 7), unreadable: false });
    expect(near.near(481)).toMatchObject({ frame: 500 });
    expect(near.near(703)).toMatchObject({ frame: 700, unreadable: true });
    expect(near.near(600)).toBeUndefined();
  });
});
