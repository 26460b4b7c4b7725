// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { canonicalJson, djParamHash, parameterSetHash, type TypedJson } from '../../../main/library/index.ts';

const pair = (value: number): TypedJson => ({ $tuple: [value, value] });

/** The 35 parameters of the tutorial (datamodel.md 2.4). */
const tutorial: Record<string, TypedJson> = {
  decay_time: 0.4,
  pw_rigid: false,
  max_shifts: pair(5),
  gSig_filt: pair(3),
  strides: pair(48),
  overlaps: pair(24),
  max_deviation_rigid: 3,
  border_nan: 'copy',
  method_init: 'corr_pnr',
  K: null,
  gSig: pair(3),
  gSiz: pair(13),
  merge_thr: 0.7,
  p: 1,
  tsub: 2,
  ssub: 1,
  rf: 40,
  stride: 20,
  only_init: true,
  nb: 0,
  nb_patch: 0,
  method_deconvolution: 'oasis',
  low_rank_background: null,
  update_background_components: true,
  min_corr: 0.8,
  min_pnr: 10,
  normalize_init: false,
  center_psf: true,
  ssub_B: 2,
  ring_size_factor: 1.4,
  del_duplicates: true,
  border_pix: 0,
  min_SNR: 3,
  rval_thr: 0.85,
  use_cnn: false,
};

describe('the hash labs already have in their database', () => {
  it('is the published one for the tutorial', () => {
    expect(djParamHash(tutorial)).toBe('7ebfca75-7997-82ce-c46b-f0cc28f69308');
  });

  it('is the published one for a tuple, nothing and a dictionary', () => {
    expect(djParamHash({ a: 1, b: pair(5), c: null, d: { x: 1 } })).toBe('8432210c-ddd3-6b69-4577-c9e9cc285d03');
  });

  it('does not depend on the order of the keys', () => {
    expect(djParamHash(Object.fromEntries(Object.entries(tutorial).toReversed()))).toBe(djParamHash(tutorial));
  });

  it('tells a tuple from a list and a float from a whole number, as Python does', () => {
    const hashes = [{ $tuple: [5, 5] }, [5, 5], { $tuple: [{ $float: 5 }, 5] }, { $tuple: [5] }].map((b: TypedJson) =>
      djParamHash({ b }),
    );
    expect(new Set(hashes).size).toBe(4);
    expect(djParamHash({ a: { $float: 1 } })).toBe(djParamHash({ a: '1.0' }));
    expect(djParamHash({ a: 1 })).toBe(djParamHash({ a: '1' }));
  });

  it.each<[TypedJson, string]>([
    [0.1, '0.1'],
    [1e-5, '1e-05'],
    [0.0001, '0.0001'],
    [1.5e16, '15000000000000000'],
    [{ $float: 1.5e16 }, '1.5e+16'],
    [{ $float: 1e15 }, '1000000000000000.0'],
    [{ $float: 1e22 }, '1e+22'],
    [-2.5e-7, '-2.5e-07'],
    [123.456, '123.456'],
    [{ $float: 100 }, '100.0'],
    [[true, null], '[True, None]'],
    [{ $tuple: [1] }, '(1,)'],
    [{ $tuple: [] }, '()'],
    [["it's", 'a"b', 'x\\y\n', 'µ'], "[\"it's\", 'a\"b', 'x\\\\y\\n', 'µ']"],
    [['\u0007\u2028'], "['\\x07\\u2028']"],
    [{ k: { $float: 2 } }, "{'k': 2.0}"],
  ])('writes %j as Python would: %s', (value, text) => {
    expect(djParamHash({ v: value })).toBe(djParamHash({ v: text }));
  });

  it('sorts keys by code point', () => {
    // U+1F600 sorts after U+FFFD for Python, before it by UTF-16 units.
    expect(djParamHash({ '\u{1F600}': 'b', '\uFFFD': 'a' })).toBe(djParamHash({ '\uFFFD': 'a\u{1F600}b' }));
  });
});

describe('our own hash', () => {
  const base = {
    method: 'calyx',
    engineVersion: '0.1.0',
    parametersVersion: 1,
    parameters: { a: 1, b: { d: 2, c: 3 } },
  };

  it('is the SHA-256 of the canonical JSON', () => {
    expect(parameterSetHash(base)).toMatch(/^[0-9a-f]{64}$/);
    expect(canonicalJson({ b: { d: 2, c: [1, 'x'] }, a: null })).toBe('{"a":null,"b":{"c":[1,"x"],"d":2}}');
  });

  it('is the same for the same values in any order, at any depth', () => {
    expect(parameterSetHash({ ...base, parameters: { b: { c: 3, d: 2 }, a: 1 } })).toBe(parameterSetHash(base));
  });

  it('changes with a value, its type, the method and either version', () => {
    const hashes = [
      base,
      { ...base, parameters: { ...base.parameters, a: 2 } },
      { ...base, parameters: { ...base.parameters, a: '1' } },
      { ...base, parameters: { ...base.parameters, a: { $float: 1 } } },
      { ...base, method: 'caiman' },
      { ...base, engineVersion: '0.1.1' },
      { ...base, engineVersion: null },
      { ...base, parametersVersion: 2 },
    ].map(parameterSetHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('refuses what JSON has no word for', () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(RangeError);
  });
});
