// SPDX-License-Identifier: MIT
import { AppError, type ParameterValues } from '../contract/index.ts';
import type { ParameterSet } from './parameters.ts';
import { literalOf, plain } from './python-literal.ts';

/** A parameter of CaImAn that became one of ours. */
export interface Translated {
  readonly from: string;
  readonly value: unknown;
  readonly to: string;
  readonly result: number;
  /** How one becomes the other. */
  readonly formula: string;
}

/** A parameter of CaImAn that has no place here. */
export interface LeftOut {
  readonly name: string;
  readonly value: unknown;
  readonly why: string;
}

/** What an import made of CaImAn's parameters. */
export interface CaimanImport {
  readonly parameters: ParameterValues;
  readonly translated: readonly Translated[];
  readonly leftOut: readonly LeftOut[];
  /** Names that CaImAn does not have either, as far as is known here. */
  readonly unknown: readonly string[];
}

/** Half-maximum diameter of a Gaussian over its standard deviation (2·√(2·ln 2) = 2.355). */
const diameterOverSigma = 2.36;

/** CaImAn's groups; a nested dictionary uses them as keys. */
const groups = new Set([
  'data',
  'init',
  'init_params',
  'merging',
  'motion',
  'online',
  'patch',
  'patch_params',
  'preprocess',
  'preprocess_params',
  'quality',
  'ring_CNN',
  'spatial',
  'spatial_params',
  'temporal',
  'temporal_params',
]);

/** Why CaImAn's other parameters have no counterpart, by what they are about. */
const reasons: readonly (readonly [why: string, names: string])[] = [
  ['the time stamps tell the rate; where they are wrong, give --frame-rate', 'fr'],
  ['the decay of the calcium is measured from the traces', 'decay_time'],
  ['films and sizes come with the recording', 'fnames dims caiman_version last_commit var_name_hdf5 mmap_F mmap_C'],
  [
    'the engine works in tiles that the memory limit sets',
    'rf stride n_pixels_per_process block_size_spat block_size_temp num_blocks_per_run_spat num_blocks_per_run_temp in_memory memory_efficient only_init p_patch p_ssub p_tsub skip_refinement remove_very_bad_comps',
  ],
  ['binning in space follows from the diameter (or --bin), in time from the rate', 'ssub tsub ssub_B downscale_factor'],
  ['the number of cells is not limited; seeds need only stand out of the noise', 'K expected_comps max_num_added'],
  ['follows from the diameter', 'gSiz gSig_filt gSig_range stride_online'],
  [
    'the search on the residual is part of demixing',
    'init_iter nIter maxIter kernel alpha_snmf sigma_smooth_snmf max_iter_snmf perc_baseline_snmf SC_kernel SC_sigma SC_thr SC_normalize SC_use_NN SC_nnn seed_method rolling_sum rolling_length options_local_NMF lambda_gnmf greedyroi_nmf_init_method greedyroi_nmf_max_iter',
  ],
  [
    'the background is always the ring with shared courses',
    'nb gnb nb_patch low_rank_background update_background_components center_psf normalize_init method_init nmf_init_method medw_background',
  ],
  ['duplicates are always merged or named', 'del_duplicates do_merge merge_parallel max_merge_area'],
  [
    'one kind of footprint update: non-negative, support by a two-sigma threshold',
    'method_exp method_ls expandCore dist thr_method nrgthr maxthr medw se ss extract_cc normalize_yyt_one max_size min_size n_pixels_per_process_spat thresh_overlap',
  ],
  [
    'the model and its constants are estimated for each cell and drawn to the recording',
    'p method_deconvolution bas_nonneg fudge_factor s_min lags noise_range noise_method max_num_samples_fft optimize_g solvers verbosity ITER check_nan compute_g include_noise pixels sn',
  ],
  [
    'frames are corrected whole first, in blocks where the residual says so',
    'pw_rigid strides overlaps max_deviation_rigid upsample_factor_grid upsample_factor niter_rig splits_rig splits_els num_frames_split num_splits_to_process_rig num_splits_to_process_els shifts_opencv shifts_interpolate use_cuda is3D indices nonneg_movie border_nan border_pix min_mov template rigid_corr',
  ],
  [
    'cells are judged by rules with reasons; there is no network',
    'use_cnn min_cnn_thr cnn_lowest use_ecc max_ecc SNR_lowest rval_lowest gSig_range_cnn',
  ],
  [
    'this engine runs on finished recordings',
    'init_batch init_method min_num_trial minibatch_shape minibatch_suff_stat n_refit N_samples_exceptionality thresh_CNN_noisy thresh_fitness_raw thresh_fitness_delta update_freq iters_shape update_num_comps use_dense ds_factor epochs max_shifts_online W_update_factor dist_shape_update sniper_mode batch_update_suff_stat simultaneously use_corr_img num_times_comp_updated use_peak_max path_to_model motion_correct movie_name_online normalize opencv_codec save_online_movie show_movie test_both ring_CNN full_XXt max_comp_update_shape',
  ],
  [
    'belongs to the ring network, which is not used',
    'n_channels width use_bias use_add loss loss_fn pct patience max_epochs lr lr_scheduler path_to_model_ring remove_activity reuse_model',
  ],
];

const whyNot: ReadonlyMap<string, string> = new Map(
  reasons.flatMap(([why, names]) => names.split(' ').map((name): [string, string] => [name, why])),
);

/** Names that are translated. */
const translatedNames = new Set([
  'gSig',
  'dxy',
  'max_shifts',
  'min_corr',
  'min_pnr',
  'ring_size_factor',
  'merge_thr',
  'min_SNR',
  'rval_thr',
]);

/**
 * Reads CaImAn's parameters from JSON text, flat or in CaImAn's groups, as `CNMFParams.to_json`, a demo's dictionary or a parameter set of element-miniscope hold them. Python's
 * `NaN` and `Infinity` are read as nothing.
 *
 * @throws AppError `usage.invalid`
 */
export function parseCaimanText(text: string): Readonly<Record<string, unknown>> {
  const readable = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) =>
    token.startsWith('"') ? token : 'null',
  );
  let value: unknown;
  try {
    value = JSON.parse(readable);
  } catch (error) {
    value = plain(literalOf(text, error));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new AppError('usage.invalid', 'CaImAn’s parameters are a dictionary: {"gSig": [3, 3], …}.');
}

/** The dictionary without its groups. @throws AppError `usage.invalid` where one of the names we use is given twice, differently */
function flat(given: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const take = (name: string, value: unknown): void => {
    const before = values.get(name);
    if (translatedNames.has(name) && values.has(name) && JSON.stringify(before) !== JSON.stringify(value)) {
      throw new AppError(
        'usage.invalid',
        `${name} is given twice, as ${JSON.stringify(before)} and as ${JSON.stringify(value)}.`,
      );
    }
    values.set(name, value);
  };
  for (const [name, value] of Object.entries(given)) {
    const inside = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : null;
    if (inside !== null && groups.has(name)) for (const [inner, each] of inside) take(inner, each);
    else take(name, value);
  }
  return values;
}

/** Numbers of a value that may be one number or a list of them; null and absent give none. @throws AppError `usage.invalid` by name */
function numbers(values: ReadonlyMap<string, unknown>, name: string): readonly number[] {
  const value = values.get(name);
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const found = list.filter((each): each is number => typeof each === 'number' && Number.isFinite(each));
  if (found.length > 0 && found.length === list.length) return found;
  throw new AppError('usage.invalid', `${name} must be a number or a list of numbers; it is ${JSON.stringify(value)}.`);
}

const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;

const short = (value: number): number => Number(value.toPrecision(6));

/** A translation that could be made: its number, or why not. */
interface Rule {
  readonly from: string;
  readonly to: string;
  readonly formula: string;
  readonly make: (own: readonly number[]) => number | { readonly why: string };
}

function rules(values: ReadonlyMap<string, unknown>): readonly Rule[] {
  const same = (from: string, to: string, formula: string): Rule => ({
    from,
    to,
    formula,
    make: ([value = 0]) => value,
  });
  return [
    {
      from: 'gSig',
      to: 'diameterPx',
      formula: 'diameterPx = 2.36 · mean(gSig): a standard deviation becomes the width at half height',
      make: (own) => diameterOverSigma * mean(own),
    },
    {
      from: 'dxy',
      to: 'umPerPx',
      formula: 'umPerPx = dxy',
      make: (own) =>
        own.every((value) => value === own[0]) ? mean(own) : { why: 'pixels that are not square have no counterpart' },
    },
    {
      from: 'max_shifts',
      to: 'maxShiftPx',
      formula: 'maxShiftPx = max(max_shifts)',
      make: (own) => Math.max(...own),
    },
    same(
      'min_corr',
      'minCorrelation',
      'minCorrelation = min_corr; the film is filtered otherwise, so look at the seeds',
    ),
    same('min_pnr', 'minPnr', 'minPnr = min_pnr; the film is filtered otherwise, so look at the seeds'),
    {
      from: 'ring_size_factor',
      to: 'ringRadiusFactor',
      formula:
        'ringRadiusFactor = ring_size_factor · gSiz / (2.36 · gSig); without gSiz it is 2·gSig + 1, as CaImAn has it',
      make: ([factor = 0]) => {
        const sigma = numbers(values, 'gSig');
        if (sigma.length === 0) return { why: 'it counts in units of gSiz, and gSig is not given' };
        const window = numbers(values, 'gSiz');
        const half = window.length === 0 ? 2 * mean(sigma) + 1 : mean(window);
        return (factor * half) / (diameterOverSigma * mean(sigma));
      },
    },
    same('merge_thr', 'mergeCorrelation', 'mergeCorrelation = merge_thr'),
    same(
      'min_SNR',
      'minSnr',
      'minSnr = min_SNR; ours is the highest event over the noise, CaImAn’s the rareness of an event as long as decay_time',
    ),
    same('rval_thr', 'minRValue', 'minRValue = rval_thr; ours is taken without the background'),
  ];
}

/**
 * Turns CaImAn's parameters into ours. Nothing is guessed: every name is translated, left out with its reason, or told to be unknown.
 *
 * @throws AppError `usage.invalid`, naming the parameter, when a value has the wrong type
 */
export function importCaiman(given: Readonly<Record<string, unknown>>, set: ParameterSet): CaimanImport {
  const values = flat(given);
  const parameters: ParameterValues = {};
  const translated: Translated[] = [];
  const leftOut: LeftOut[] = [];
  for (const { from, to, formula, make } of rules(values)) {
    if (!values.has(from)) continue;
    const value = values.get(from);
    const own = numbers(values, from);
    const made = own.length === 0 ? { why: 'it has no value' } : make(own);
    const outside = typeof made === 'number' ? rangeProblem(set, to, made) : made.why;
    if (typeof made !== 'number' || outside !== undefined) {
      leftOut.push({ name: from, value, why: outside ?? '' });
      continue;
    }
    const result = short(made);
    parameters[to] = result;
    translated.push({ from, value, to, result, formula });
  }
  const unknown: string[] = [];
  for (const [name, value] of values) {
    const why = whyNot.get(name);
    if (translatedNames.has(name)) continue;
    if (why === undefined) unknown.push(name);
    else leftOut.push({ name, value, why });
  }
  set.complete(parameters);
  return { parameters, translated, leftOut, unknown };
}

function rangeProblem(set: ParameterSet, name: string, value: number): string | undefined {
  const spec = set.specs.find((candidate) => candidate.name === name);
  if (spec === undefined) return `this engine has no ${name}`;
  const { minimum = -Infinity, maximum = Infinity } = spec;
  return value >= minimum && value <= maximum
    ? undefined
    : `${name} would be ${short(value)}, and must lie between ${minimum} and ${maximum}`;
}
