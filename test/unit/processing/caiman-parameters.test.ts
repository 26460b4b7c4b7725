// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { importCaiman, parseCaimanText, parameterFlags, readParameterSet } from '../../../main/processing/index.ts';

const set = readParameterSet();

/** The parameters that element-miniscope's tutorial ships. */
const tutorial = `{"decay_time": 0.4, "pw_rigid": false, "max_shifts": [5, 5], "gSig_filt": [3, 3], "strides": [48, 48], "overlaps": [24, 24],
 "max_deviation_rigid": 3, "border_nan": "copy", "method_init": "corr_pnr", "K": null, "gSig": [3, 3], "gSiz": [13, 13], "merge_thr": 0.7,
 "p": 1, "tsub": 2, "ssub": 1, "rf": 40, "stride": 20, "only_init": true, "nb": 0, "nb_patch": 0, "method_deconvolution": "oasis",
 "low_rank_background": null, "update_background_components": true, "min_corr": 0.8, "min_pnr": 10, "normalize_init": false,
 "center_psf": true, "ssub_B": 2, "ring_size_factor": 1.4, "del_duplicates": true, "border_pix": 0, "min_SNR": 3, "rval_thr": 0.85,
 "use_cnn": false}`;

const read = (text: string) => importCaiman(parseCaimanText(text), set);

describe('parameters of CaImAn', () => {
  it('become ours by formulas that are told, and nothing of the tutorial’s set is lost', () => {
    const { parameters, translated, leftOut, unknown } = read(tutorial);
    expect(parameters).toEqual({
      diameterPx: 7.08,
      maxShiftPx: 5,
      minCorrelation: 0.8,
      minPnr: 10,
      // 1.4 · 13 px, in diameters of 7.08 px.
      ringRadiusFactor: 2.57062,
      mergeCorrelation: 0.7,
      minSnr: 3,
      minRValue: 0.85,
    });
    expect(translated.find(({ from }) => from === 'gSig')?.formula).toContain('2.36');
    expect(unknown).toEqual([]);
    expect(translated.length + leftOut.length).toBe(Object.keys(JSON.parse(tutorial) as object).length);
    expect(leftOut.every(({ why }) => why.length > 10)).toBe(true);
  });

  it('come round: as flags, and as a parameter file', () => {
    const { parameters } = read(tutorial);
    const flags = parameterFlags(set, set.complete(parameters));
    const again = Object.fromEntries(
      set.specs.flatMap((spec) => {
        const at = flags.indexOf(spec.cliFlag);
        return at === -1 ? [] : [[spec.name, set.parseText(spec, flags[at + 1] ?? '')]];
      }),
    );
    // minSnr 3 is the default: no flag is needed for it.
    expect(set.complete(again)).toEqual(set.complete(parameters));
    expect(set.complete(JSON.parse(JSON.stringify(parameters)) as typeof parameters)).toEqual(set.complete(parameters));
  });

  it('may lie in CaImAn’s groups, with Python’s infinities', () => {
    const { parameters, unknown } = read(
      '{"init": {"gSig": [4, 4], "nb": 0, "K": null}, "merging": {"merge_thr": 0.9}, "data": {"fr": 20, "dxy": [1.5, 1.5]},' +
        ' "online": {"num_times_comp_updated": Infinity, "thresh_fitness_raw": -Infinity}, "spatial": {"nb": 0}, "temporal": {"bas_nonneg": NaN}}',
    );
    expect(parameters).toEqual({ diameterPx: 9.44, mergeCorrelation: 0.9, umPerPx: 1.5 });
    expect(unknown).toEqual([]);
  });

  it('leave texts that speak of NaN alone', () => {
    expect(parseCaimanText(String.raw`{"border_nan": "NaN \" Infinity"}`)).toEqual({ border_nan: 'NaN " Infinity' });
  });

  it('that nobody knows are told, and those that do not fit are left out with the reason', () => {
    const { parameters, leftOut, unknown } = read(
      '{"gsig": 3, "max_shifts": [500, 6], "dxy": [1, 2], "ring_size_factor": 1.4, "min_pnr": null}',
    );
    expect(unknown).toEqual(['gsig']);
    expect(parameters).toEqual({});
    expect(Object.fromEntries(leftOut.map(({ name, why }) => [name, why]))).toEqual({
      max_shifts: 'maxShiftPx would be 500, and must lie between 0 and 200',
      dxy: 'pixels that are not square have no counterpart',
      ring_size_factor: 'it counts in units of gSiz, and gSig is not given',
      min_pnr: 'it has no value',
    });
  });

  it('of the wrong type are refused by name', () => {
    expect(() => read('{"gSig": "three"}')).toThrow('gSig must be a number or a list of numbers; it is "three".');
    expect(() => read('{"max_shifts": [5, "6"]}')).toThrow('max_shifts must be');
    expect(() => read('{"gSig": [3, 3], "init": {"gSig": [4, 4]}}')).toThrow('gSig is given twice');
    expect(() => read('[1]')).toThrow('dictionary');
    expect(() => read('gSig = 3')).toThrow('neither JSON');
  });
});
