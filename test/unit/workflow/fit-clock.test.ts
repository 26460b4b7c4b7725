// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { fitClock } from '../../../main/workflow/fit-clock.ts';

/** Intervals of 0.5 to 4 s that never repeat, from a seed. */
function pulses(count: number, seed: number): number[] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  let at = 3;
  return Array.from({ length: count }, () => (at += 0.5 + 3.5 * random()));
}

describe('a clock fitted to pulses', () => {
  const behavior = pulses(300, 7);
  const [offset, rate] = [12.345, 1.0004];
  const scope = behavior.map((time, i) => offset + rate * time + ((i % 5) - 2) * 1e-3);

  it('is found although each side lacks pulses, saw others, and one was noted twice', async () => {
    const fewer = [...scope.filter((_, i) => i % 7 !== 3 && i > 11), 55.5, 200.25, scope[40] ?? 0];
    const others = [...behavior.filter((_, i) => i % 11 !== 5 && i < 290), 1.5];
    const fit = await fitClock(fewer, others);
    expect(fit.offsetS).toBeCloseTo(offset, 2);
    expect(fit.rate).toBeCloseTo(rate, 5);
    expect(fit.pairs).toBeGreaterThan(200);
    expect(fit.residualS).toBeLessThan(0.003);
    // At the end of ten minutes the two clocks are a quarter of a second apart; a map of rate 1 would not do.
    const last = behavior.at(-1) ?? 0;
    expect(Math.abs(fit.offsetS + fit.rate * last - (offset + rate * last))).toBeLessThan(0.005);
  });

  it('of steady pulses is theirs one by one where both saw all, and is refused where they fit in several ways', async () => {
    const steady = Array.from({ length: 60 }, (_, i) => i);
    expect(
      await fitClock(
        steady.map((time) => 5 + 1.0001 * time),
        steady,
      ),
    ).toMatchObject({ pairs: 60 });
    await expect(
      fitClock(
        steady.slice(0, 58).map((time) => time + 5),
        steady,
      ),
    ).rejects.toThrow(/fit in several ways/);
  });

  it('is refused for pulses of something else, and for too few', async () => {
    await expect(fitClock(pulses(40, 1), pulses(80, 99))).rejects.toThrow(/do not fit/);
    await expect(fitClock([1], [1, 2])).rejects.toThrow(/At least two/);
  });
});
