// SPDX-License-Identifier: MIT
import { AppError, type Cell } from '../contract/index.ts';

/** Learning which components a person accepts: logistic regression on the metrics of judged cells. Pure: numbers in, a model out. */

/** A judged cell: its metrics, and whether it was accepted. */
export interface Example {
  readonly metrics: Cell['metrics'];
  readonly accepted: boolean;
}

/** One metric's part in the model, as the engine reads it. */
export interface Feature {
  readonly metric: string;
  readonly transform: 'identity' | 'log1p';
  readonly mean: number;
  readonly scale: number;
  readonly weight: number;
}

/** The model's file (docs/formats.md): what the engine needs, and how far it can be trusted. */
export interface LearnedModel {
  readonly formatVersion: 1;
  readonly bias: number;
  readonly features: readonly Feature[];
  readonly accepted: number;
  readonly rejected: number;
  /** Share of cells that a model judged rightly without having seen them. */
  readonly accuracy: number;
  /** The same, mean of accepted and rejected cells: chance is 0.5. */
  readonly balancedAccuracy: number;
}

/** Decisions of each kind that are needed at least. */
export const leastDecisions = 20;

/** Folds of the cross-validation. */
const folds = 5;
/** Strength of the pull of the weights to 0, in decisions: one decision's worth of doubt for each metric. */
const ridge = 1;

/** Metrics that are looked at; those without a limit upwards by their logarithm. Names and transforms are the engine's. */
const metrics: ReadonlyArray<Pick<Feature, 'metric' | 'transform'>> = [
  { metric: 'snr', transform: 'log1p' },
  { metric: 'rValue', transform: 'identity' },
  { metric: 'splitHalf', transform: 'identity' },
  { metric: 'relativeArea', transform: 'log1p' },
  { metric: 'roundness', transform: 'identity' },
  { metric: 'skewness', transform: 'identity' },
  { metric: 'contrast', transform: 'identity' },
  { metric: 'eventRatePerMinute', transform: 'log1p' },
  { metric: 'overlap', transform: 'identity' },
  { metric: 'crossTalk', transform: 'identity' },
  { metric: 'motionCorrelation', transform: 'identity' },
];

/** A metric's value as the model sees it; undefined where it was not measured. */
function valueOf({ metric, transform }: Pick<Feature, 'metric' | 'transform'>, example: Example): number | undefined {
  const value = example.metrics[metric];
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return transform === 'log1p' ? Math.log1p(Math.max(0, value)) : value;
}

/** Solves A x = b for a symmetric positive definite A by Cholesky's factors; `a` and `b` are overwritten. */
function solve(a: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length;
  const at = (i: number, j: number): number => a[i]?.[j] ?? 0;
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = at(i, j);
      for (let k = 0; k < j; k += 1) sum -= at(i, k) * at(j, k);
      const row = a[i];
      if (row !== undefined) row[j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / at(j, j);
    }
  }
  for (let i = 0; i < n; i += 1) {
    let sum = b[i] ?? 0;
    for (let k = 0; k < i; k += 1) sum -= at(i, k) * (b[k] ?? 0);
    b[i] = sum / at(i, i);
  }
  for (let i = n - 1; i >= 0; i -= 1) {
    let sum = b[i] ?? 0;
    for (let k = i + 1; k < n; k += 1) sum -= at(k, i) * (b[k] ?? 0);
    b[i] = sum / at(i, i);
  }
  return b;
}

const logistic = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** Weights of ridge-penalised logistic regression by Newton's method; the last is the bias and is not penalised. */
function regress(rows: readonly Float64Array[], accepted: readonly boolean[]): Float64Array {
  const n = (rows[0]?.length ?? 0) + 1;
  const weights = new Float64Array(n);
  for (let round = 0; round < 100; round += 1) {
    const gradient = new Float64Array(n);
    const hessian = Array.from({ length: n }, () => new Float64Array(n));
    for (const [index, row] of rows.entries()) {
      const x = [...row, 1];
      const p = logistic(x.reduce((sum, v, i) => sum + v * (weights[i] ?? 0), 0));
      const miss = (accepted[index] === true ? 1 : 0) - p;
      for (const [i, v] of x.entries()) {
        gradient[i] = (gradient[i] ?? 0) + miss * v;
        const line = hessian[i];
        if (line !== undefined)
          for (let j = 0; j <= i; j += 1) line[j] = (line[j] ?? 0) + p * (1 - p) * v * (x[j] ?? 0);
      }
    }
    for (let i = 0; i < n; i += 1) {
      const pull = i + 1 < n ? ridge : 1e-6;
      gradient[i] = (gradient[i] ?? 0) - pull * (weights[i] ?? 0);
      const line = hessian[i];
      if (line !== undefined) line[i] = (line[i] ?? 0) + pull;
    }
    const step = solve(hessian, gradient);
    let largest = 0;
    for (let i = 0; i < n; i += 1) {
      // Longer steps overshoot where the kinds are far apart.
      const part = Math.max(-2, Math.min(2, step[i] ?? 0));
      weights[i] = (weights[i] ?? 0) + part;
      largest = Math.max(largest, Math.abs(part));
    }
    if (largest < 1e-9) break;
  }
  return weights;
}

function fit(examples: readonly Example[]): Pick<LearnedModel, 'bias' | 'features'> {
  const standards = metrics.flatMap((metric) => {
    const values = examples.map((example) => valueOf(metric, example)).filter((value) => value !== undefined);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const scale = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    // What was never measured, or is the same everywhere, teaches nothing.
    return values.length > 0 && scale > 1e-9 ? [{ ...metric, mean, scale }] : [];
  });
  const rows = examples.map((example) =>
    Float64Array.from(standards, (standard) => {
      const value = valueOf(standard, example);
      return value === undefined ? 0 : (value - standard.mean) / standard.scale;
    }),
  );
  const weights = regress(
    rows,
    examples.map((example) => example.accepted),
  );
  return {
    bias: weights.at(-1) ?? 0,
    features: standards.map((standard, i) => Object.assign({}, standard, { weight: weights[i] ?? 0 })),
  };
}

/** Probability that a component would be accepted; what was not measured counts as average. The engine computes the same. */
export function probability(model: Pick<LearnedModel, 'bias' | 'features'>, metricsOf: Cell['metrics']): number {
  const example = { metrics: metricsOf, accepted: false };
  const odds = model.features.reduce((sum, feature) => {
    const value = valueOf(feature, example);
    return value === undefined ? sum : sum + ((value - feature.mean) / feature.scale) * feature.weight;
  }, model.bias);
  return logistic(odds);
}

/**
 * Learns from judged cells. The same examples in the same order give the same model.
 *
 * @throws AppError `review.too_few_decisions` with fewer than {@link leastDecisions} of a kind
 */
export function learn(examples: readonly Example[]): LearnedModel {
  const kinds = [true, false].map((kind) => examples.filter((example) => example.accepted === kind));
  const [accepted = 0, rejected = 0] = kinds.map((kind) => kind.length);
  if (Math.min(accepted, rejected) < leastDecisions) {
    throw new AppError(
      'review.too_few_decisions',
      `There are ${accepted} accepted and ${rejected} rejected cells; ${leastDecisions} of each are needed.`,
      { hint: 'Judge more cells in Review, those that are left out too.', details: { accepted, rejected } },
    );
  }
  const right = [0, 0];
  for (let fold = 0; fold < folds; fold += 1) {
    const held = (_: Example, index: number): boolean => index % folds === fold;
    const model = fit(kinds.flatMap((kind) => kind.filter((example, index) => !held(example, index))));
    for (const [which, kind] of kinds.entries()) {
      const hits = kind.filter(held).filter((e) => probability(model, e.metrics) >= 0.5 === e.accepted).length;
      right[which] = (right[which] ?? 0) + hits;
    }
  }
  const [rightAccepted = 0, rightRejected = 0] = right;
  return {
    formatVersion: 1,
    ...fit(examples),
    accepted,
    rejected,
    accuracy: (rightAccepted + rightRejected) / (accepted + rejected),
    balancedAccuracy: (rightAccepted / accepted + rightRejected / rejected) / 2,
  };
}
