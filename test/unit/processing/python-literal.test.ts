// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { djParamHash } from '../../../main/library/index.ts';
import { parseTypedParameters } from '../../../main/processing/asked-set.ts';
import { parseCaimanText } from '../../../main/processing/index.ts';
import { LiteralError, parsePythonDictionary } from '../../../main/processing/python-literal.ts';

/** The dictionary of element-miniscope's tutorial, as its notebook has it. */
const tutorial = `params = dict(
    decay_time=0.4,
    pw_rigid=False,
    max_shifts=(5, 5),
    gSig_filt=(3, 3),  # half size of a neuron
    strides=(48, 48),
    overlaps=(24, 24),
    max_deviation_rigid=3,
    border_nan="copy",
    method_init="corr_pnr",
    K=None,
    gSig=(3, 3),
    gSiz=(13, 13),
    merge_thr=0.7,
    p=1,
    tsub=2,
    ssub=1,
    rf=40,
    stride=20,
    only_init=True,
    nb=0,
    nb_patch=0,
    method_deconvolution="oasis",
    low_rank_background=None,
    update_background_components=True,
    min_corr=0.8,
    min_pnr=10,
    normalize_init=False,
    center_psf=True,
    ssub_B=2,
    ring_size_factor=1.4,
    del_duplicates=True,
    border_pix=0,
    min_SNR=3,
    rval_thr=0.85,
    use_cnn=False,
)`;

describe('a dictionary of Python', () => {
  it('from the tutorial’s notebook has the hash that its notebook prints', () => {
    const parameters = parseTypedParameters(tutorial);
    expect(Object.keys(parameters)).toHaveLength(35);
    expect(djParamHash(parameters)).toBe('7ebfca75-7997-82ce-c46b-f0cc28f69308');
    expect(parseCaimanText(tutorial)).toMatchObject({ gSig: [3, 3], K: null, use_cnn: false, merge_thr: 0.7 });
  });

  it('keeps tuples, lists, whole and broken numbers apart', () => {
    const text = `{'a': 1, "b": (5, 5), 'c': None, 'd': {'x': 1}, 'e': [1, 2.0,], 'f': (1,), 'g': (2), 'h': 1e3, 'i': -.5, 'j': 'it''s', 'k': np.array([1, 2]), 'l': float('nan') if False else None}`;
    expect(() => parsePythonDictionary(text)).toThrow(LiteralError);
    const read = parsePythonDictionary(text.replace(", 'l': float('nan') if False else None", ", 'l': nan"));
    expect(read).toEqual({
      a: 1,
      b: { $tuple: [5, 5] },
      c: null,
      d: { x: 1 },
      e: [1, { $float: 2 }],
      f: { $tuple: [1] },
      g: 2,
      h: { $float: 1000 },
      i: -0.5,
      j: 'its',
      k: [1, 2],
      l: null,
    });
    const { a, b, c, d } = read;
    expect(djParamHash({ a: a ?? null, b: b ?? null, c: c ?? null, d: d ?? null })).toBe(
      '8432210c-ddd3-6b69-4577-c9e9cc285d03',
    );
  });

  it.each([
    ['{"a": sigma}', 'line 1, column 7: “sigma” is no literal'],
    ["{'a': __import__('os').system('x')}", '“__import__” is no literal'],
    ["{'a': 1", '“}” is missing'],
    ["{'a': 'x", 'a text has no end'],
    ["{'a': 1} + {}", 'something follows'],
    ['(1, 2)', 'it is no dictionary'],
    [`{'a': ${'['.repeat(100)}`, 'nested too deeply'],
  ])('that is none is refused with where (%s)', (text, sentence) => {
    expect(() => parsePythonDictionary(text)).toThrow(sentence);
    expect(() => parseTypedParameters(text)).toThrow(/neither JSON .* nor a dictionary of Python/);
  });
});
