// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { CommandQueue } from '../../../main/devices/miniscope/command-queue.ts';
import { FrameCounter } from '../../../main/devices/miniscope/frame-counter.ts';
import { packWords, unpackWords } from '../../../main/devices/miniscope/i2c-packet.ts';
import { orientationOf } from '../../../main/devices/miniscope/quaternion.ts';

/** Published vectors: packet, CONTRAST, GAMMA, SHARPNESS. */
const vectors = [
  [[0xc0, 0x1f, 0x10], 0x03c0, 0x101f, 0x0000],
  [[0xc0], 0x01c0, 0x0000, 0x0000],
  [[0xaa, 0x01, 0x02, 0x03, 0x04], 0x05aa, 0x0201, 0x0403],
  [[0xb0, 0x05, 0x20, 0x11, 0x22, 0x33], 0x05b1, 0x1120, 0x3322],
  [[0x20, 0x01, 0xe5], 0x0320, 0xe501, 0x0000],
] as const;

describe('a command', () => {
  it.each(vectors)('%j is packed as published, and unpacked again', (packet, ...words) => {
    expect(packWords(packet)).toEqual(words);
    expect(unpackWords(words)).toEqual(packet);
  });

  it.each([[[]], [[0xc1, 1]], [[0xc0, 1, 2, 3, 4, 5, 6]], [[0xc0, 256]], [[0xc0, 1.5]]])('%j is refused', (packet) => {
    expect(() => packWords(packet)).toThrow(expect.objectContaining({ code: 'device.bad_command' }));
  });
});

describe('the queue of commands', () => {
  it('sends the newest value of a control at the place of the first', async () => {
    const queue = new CommandQueue();
    const settled: string[] = [];
    const put = (key: string, value: number): Promise<void> =>
      queue.put(key, [0x20, 1, value]).then(() => void settled.push(`${key}${value}`));
    const puts = [put('led', 1), put('gain', 2), put('led', 3), put('led', 4)];
    expect(queue.length).toBe(2);
    expect(unpackWords(queue.take()!)).toEqual([0x20, 1, 4]);
    expect(unpackWords(queue.take()!)).toEqual([0x20, 1, 2]);
    expect(queue.take()).toBeUndefined();
    await Promise.all(puts);
    expect(settled.sort()).toEqual(['gain2', 'led1', 'led3', 'led4']);
  });

  it('lets nobody wait for what it forgets', async () => {
    const queue = new CommandQueue();
    const waiting = queue.put('led', [0x20, 1, 1]);
    queue.clear();
    await waiting;
    expect(queue.take()).toBeUndefined();
  });
});

describe('the frame counter', () => {
  const frames = (readings: readonly (number | null)[]): (number | null)[] => {
    const counter = new FrameCounter();
    return readings.map((raw) => counter.take(raw).frame);
  };

  it('counts a reading that did not change as unread: no frame leaves the counter as it was', () => {
    const counter = new FrameCounter();
    counter.take(500);
    expect(counter.take(500)).toMatchObject({ frame: null, lost: 0, restarted: false });
    expect(counter.take(502)).toMatchObject({ frame: 3, lost: 0, restarted: false });
    expect(counter.restarts).toBe(0);
  });

  it('starts at 1 whatever the board counted before, and goes on over the end of its 16 bits', () => {
    expect(frames([65_534, 65_535, 0, 1, 5])).toEqual([1, 2, 3, 4, 8]);
  });

  it('says how many frames never came', () => {
    const counter = new FrameCounter();
    counter.take(65_530);
    expect(counter.take(4)).toEqual({ frame: 11, lost: 9, restarted: false });
    expect(counter.take(5)).toEqual({ frame: 12, lost: 0, restarted: false });
  });

  it('is exact over twelve hours at 30 frames a second', () => {
    const counter = new FrameCounter();
    const total = 12 * 3600 * 30;
    let lost = 0;
    let last: number | null = null;
    for (let n = 0; n < total; n += 1) {
      // Each 10 000th frame is lost on its way, each 777th reading fails.
      if (n % 10_000 === 9999) continue;
      const reading = counter.take(n % 777 === 0 && n > 0 ? null : (n + 40_000) & 0xffff);
      lost += reading.lost;
      last = reading.frame ?? last;
    }
    expect(last).toBe(total);
    expect(lost).toBe(Math.floor(total / 10_000));
  });

  it('counts a reading that failed as a frame that came', () => {
    const counter = new FrameCounter();
    expect(counter.take(null)).toEqual({ frame: null, lost: 0, restarted: false });
    expect(counter.take(7)).toEqual({ frame: 2, lost: 0, restarted: false });
    counter.take(null);
    counter.take(null);
    expect(counter.take(11)).toEqual({ frame: 6, lost: 1, restarted: false });
  });

  it('goes on where it was when the board starts anew, and tells', () => {
    const counter = new FrameCounter();
    for (const raw of [500, 501, 502]) counter.take(raw);
    expect(counter.take(1)).toEqual({ frame: 4, lost: 0, restarted: true });
    expect(counter.restarts).toBe(1);
    counter.reconnected();
    expect(counter.take(900)).toEqual({ frame: 5, lost: 0, restarted: true });
    expect(counter.restarts).toBe(2);
  });
});

describe('an orientation', () => {
  it('is a quarter of a turn when the words say so', () => {
    const { quaternion, good } = orientationOf([0x2d41, 0x2d41, 0, 0]);
    expect(quaternion.w).toBeCloseTo(Math.SQRT1_2, 3);
    expect(good).toBe(true);
    expect(orientationOf([0, 0xd2bf, 0x2d41, 0]).quaternion.x).toBeCloseTo(-Math.SQRT1_2, 3);
  });

  it('is bad when its length is not 1', () => {
    expect(orientationOf([0, 0, 0, 0])).toMatchObject({ normError: 1, good: false });
    expect(orientationOf([0x7fff, 0x7fff, 0x7fff, 0x7fff]).good).toBe(false);
    expect(orientationOf([Math.round(1.049 * 16_384), 0, 0, 0]).good).toBe(true);
    expect(orientationOf([Math.round(1.051 * 16_384), 0, 0, 0]).good).toBe(false);
  });
});
