// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { learn, leastDecisions, probability, type Example } from '../../../main/review/learn.ts';

/** A small generator of numbers between 0 and 1, always the same. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Cells judged by a known rule: log-odds 4 · (roundness − 0.7) / 0.1 + 2 · (ln(1 + snr) − 2) / 0.5, noise has no say. */
function judged(count: number, seed: number): Example[] {
  const next = numbers(seed);
  return Array.from({ length: count }, () => {
    const [roundness, snr] = [0.5 + 0.4 * next(), Math.expm1(1 + 2 * next())];
    const odds = (4 * (roundness - 0.7)) / 0.1 + (2 * (Math.log1p(snr) - 2)) / 0.5;
    return {
      metrics: { roundness, snr, skewness: next(), splitHalf: null, contrast: 0.5 },
      accepted: next() < 1 / (1 + Math.exp(-odds)),
    };
  });
}

describe('learning from decisions', () => {
  it('finds the rule behind the decisions', () => {
    const model = learn(judged(3000, 1));
    const weight = (metric: string): number => {
      const feature = model.features.find((candidate) => candidate.metric === metric);
      return (feature?.weight ?? 0) / (feature?.scale ?? 1);
    };
    expect(weight('roundness')).toBeGreaterThan(34);
    expect(weight('roundness')).toBeLessThan(46);
    expect(weight('snr')).toBeGreaterThan(3.3);
    expect(weight('snr')).toBeLessThan(4.7);
    expect(Math.abs(weight('skewness'))).toBeLessThan(0.6);
    expect(probability(model, { roundness: 0.85, snr: 10 })).toBeGreaterThan(0.95);
    expect(probability(model, { roundness: 0.55, snr: 5 })).toBeLessThan(0.05);
  });

  it('tells how well it judges cells it has not seen', () => {
    const clear = learn(judged(400, 2));
    expect(clear.accuracy).toBeGreaterThan(0.85);
    const next = numbers(3);
    const byChance = learn(judged(400, 4).map(({ metrics }) => ({ metrics, accepted: next() < 0.5 })));
    expect(byChance.balancedAccuracy).toBeGreaterThan(0.4);
    expect(byChance.balancedAccuracy).toBeLessThan(0.6);
  });

  it('leaves out what was never measured or is always the same, and an absent metric counts as average', () => {
    const model = learn(judged(200, 5));
    expect(model.features.map((feature) => feature.metric)).toEqual(['snr', 'roundness', 'skewness']);
    expect(probability(model, {})).toBeCloseTo(1 / (1 + Math.exp(-model.bias)), 12);
  });

  it('ends also where the two kinds are wholly apart', () => {
    const apart = Array.from({ length: 60 }, (_, i) => ({ metrics: { snr: i < 30 ? 2 : 20 + i }, accepted: i >= 30 }));
    const model = learn(apart);
    expect(model.accuracy).toBe(1);
    expect(Number.isFinite(model.bias)).toBe(true);
  });

  it('asks for enough decisions of both kinds', () => {
    const few = judged(400, 6).filter((example, index) => example.accepted || index < 20);
    expect(() => learn(few)).toThrow(`${leastDecisions} of each are needed`);
    expect(() => learn([])).toThrow('0 accepted and 0 rejected');
  });
});
