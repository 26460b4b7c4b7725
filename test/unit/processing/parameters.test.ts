// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { readParameterSet } from '../../../main/processing/index.ts';
import { parameterFlags } from '../../../main/processing/parameters.ts';

const set = readParameterSet();
const spec = (name: string) => {
  const found = set.specs.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

describe('parameters', () => {
  it('take their defaults from the one file that describes them', () => {
    const values = set.complete({});
    expect(Object.keys(values)).toEqual(set.specs.map((entry) => entry.name));
    expect(values).toMatchObject({ diameterPx: null, firstFrame: 0, lastFrame: null, rounds: 4 });
  });

  it('are refused outside their range, by the name of the flag', () => {
    expect(() => set.complete({ rounds: 20 })).toThrow('--rounds must be a whole number from 1 to 10');
    expect(() => set.complete({ rounds: 1.5 })).toThrow('it is 1.5.');
    expect(() => set.complete({ diameterPx: 'big' })).toThrow(
      '--diameter-px must be a number from 3 to 120 (px); it is "big".',
    );
    expect(() => set.complete({ rounds: null })).toThrow('--rounds must be');
    expect(() => set.complete({ colour: 1 })).toThrow('There is no parameter “colour”.');
    expect(() => set.complete({ firstFrame: 10, lastFrame: 9 })).toThrow(
      '--last-frame 9 lies before --first-frame 10.',
    );
  });

  it('come in presets, which a single flag overrules', () => {
    expect(set.presets.map((preset) => preset.name)).toEqual(['strict', 'balanced', 'sensitive']);
    expect(set.complete(set.preset('balanced'))).toEqual(set.complete({}));
    expect(set.complete({ ...set.preset('strict'), minSnr: 4 })).toMatchObject({ minSnr: 4, minRValue: 0.8 });
    expect(() => set.preset('lax')).toThrow('There is no preset “lax”; there are strict, balanced, sensitive.');
  });

  it('take a diameter in micrometres only with the size of a pixel, and only once', () => {
    expect(set.complete({ diameterUm: 12, umPerPx: 1.5 })).toMatchObject({ diameterUm: 12, umPerPx: 1.5 });
    expect(() => set.complete({ diameterUm: 12 })).toThrow('--diameter-um needs --um-per-px');
    expect(() => set.complete({ diameterUm: 12, umPerPx: 10 })).toThrow(
      'is 1.20 px; the engine finds cells of 3 to 120 px',
    );
    expect(() => set.complete({ diameterUm: 12, umPerPx: 1, diameterPx: 8 })).toThrow('say different things');
    expect(set.complete({ diameterUm: 12, umPerPx: 1.5, diameterPx: 8 })).toMatchObject({ diameterPx: 8 });
  });

  it('are read from the text of a flag', () => {
    expect(set.parseText(spec('diameterPx'), '8.5')).toBe(8.5);
    expect(set.parseText(spec('diameterPx'), 'auto')).toBeNull();
    expect(set.parseText(spec('rounds'), '3')).toBe(3);
    for (const text of ['', '3.5', '0', 'three', '0x3', '1e9']) {
      expect(() => set.parseText(spec('rounds'), text)).toThrow('--rounds must be a whole number from 1 to 10');
    }
  });

  it('become flags again, without those at their default', () => {
    expect(parameterFlags(set, set.complete({ diameterPx: 9, rounds: 3, maxShiftPx: 20 }))).toEqual([
      '--diameter-px',
      '9',
      '--rounds',
      '3',
    ]);
  });
});
