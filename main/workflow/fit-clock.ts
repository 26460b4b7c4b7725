// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';

/** Map from one clock to another: time = offset + rate · behaviour time. */
export interface FittedClock {
  readonly offsetS: number;
  readonly rate: number;
  /** Pulses that both clocks saw. */
  readonly pairs: number;
  /** Root mean square of what the fit leaves, s. */
  readonly residualS: number;
}

/** Clocks of computers and boards run apart by less than this: 0.2 %, 7 s in an hour. */
const mostDrift = 2e-3;
/** Pulses are matched when they lie this near once the clocks are fitted: a frame or two. */
const nearS = 0.05;
/** First pulses of the behaviour that are tried against all of the miniscope's. */
const tried = 12;
/** Best of them that are fitted whole. */
const settled = 200;
/** Candidates between two turns of the event loop: a core serves others meanwhile. */
const atOnce = 40;
const others = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
/** A second way to lay one row of pulses on the other that matches this share of the best makes both worthless. */
const ambiguous = 0.9;

/**
 * Fits the behaviour's clock to the miniscope's by pulses that both saw, some of which may be missing on either side or have come twice. The
 * pattern of the intervals tells which is which; pulses at one steady interval have none, so they must be as many on both sides.
 *
 * @param scopeS - s on the miniscope's clock
 * @param behaviorS - s on the behaviour's
 * @throws AppError `usage.invalid` when they do not fit, or fit in several ways
 */
export async function fitClock(scopeS: readonly number[], behaviorS: readonly number[]): Promise<FittedClock> {
  const [scope, behavior] = [ordered(scopeS), ordered(behaviorS)];
  if (scope.length < 2 || behavior.length < 2)
    throw new AppError(
      'usage.invalid',
      `At least two pulses are needed on each clock; there are ${scope.length} and ${behavior.length}.`,
    );
  if (scope.length === behavior.length) {
    const whole = refine(
      scope,
      behavior,
      scope.map((_, i) => [i, i] as const),
    );
    if (whole !== null && whole.residualS <= nearS / 2) return whole;
  }
  const maps: FittedClock[] = [];
  for (const [i, candidate] of (await candidates(scope, behavior)).entries()) {
    if (i % atOnce === 0) await others();
    const map = settle(scope, behavior, candidate);
    if (map !== null) maps.push(map);
  }
  maps.sort((a, b) => b.pairs - a.pairs || a.residualS - b.residualS);
  const [best] = maps;
  const enough = Math.max(3, Math.ceil(0.5 * Math.min(scope.length, behavior.length)));
  if (best === undefined || best.pairs < enough) {
    throw new AppError(
      'usage.invalid',
      `The pulses do not fit: at most ${best?.pairs ?? 0} of ${scope.length} and ${behavior.length} lie on each other.`,
      { hint: 'Are they of the same line, both in s, and of this session?' },
    );
  }
  const ends = [behavior[0] ?? 0, behavior.at(-1) ?? 0];
  const differs = (other: FittedClock): boolean =>
    ends.some((at) => Math.abs(other.offsetS + other.rate * at - (best.offsetS + best.rate * at)) > 2 * nearS);
  const rival = maps.find((map) => differs(map));
  if (rival !== undefined && rival.pairs >= ambiguous * best.pairs) {
    throw new AppError(
      'usage.invalid',
      `The pulses fit in several ways: ${best.pairs} lie on each other with an offset of ${best.offsetS.toFixed(3)} s, ${rival.pairs} with ${rival.offsetS.toFixed(3)} s.`,
      {
        hint: 'Pulses at one steady interval tell nothing of the offset; give it with --offset, or leave out what only one side saw.',
      },
    );
  }
  return best;
}

interface Candidate {
  readonly offset: number;
  /** Behaviour time at which it is exact, s. */
  readonly anchor: number;
  readonly pairs: number;
}

/** Pairs follow from the map and the map from the pairs; the window around what is expected closes step by step. Null for no possible clock. */
function settle(
  scope: readonly number[],
  behavior: readonly number[],
  { offset, anchor }: Candidate,
): FittedClock | null {
  let fit = refine(
    scope,
    behavior,
    matches(scope, behavior, { offsetS: offset, rate: 1 }, (at) => window(at, anchor)),
  );
  for (let round = 0; fit !== null && round < 3; round += 1) {
    const next = refine(
      scope,
      behavior,
      matches(scope, behavior, fit, () => nearS),
    );
    if (next === null) return null;
    fit = next;
  }
  return fit !== null && Math.abs(fit.rate - 1) <= mostDrift ? fit : null;
}

/** How far from the expected a pulse may lie while only the offset at one time is known. */
const window = (at: number, anchor: number): number => nearS + mostDrift * Math.abs(at - anchor);

function ordered(times: readonly number[]): readonly number[] {
  const sorted = times.filter((time) => Number.isFinite(time)).toSorted((a, b) => a - b);
  // A pulse that was noted twice is one.
  return sorted.filter((time, i) => i === 0 || time - (sorted[i - 1] ?? 0) > 1e-3);
}

/** Offsets that lay a pulse of the behaviour on one of the miniscope's, those by which most others then lie on each other. */
async function candidates(scope: readonly number[], behavior: readonly number[]): Promise<readonly Candidate[]> {
  const step = Math.max(1, Math.floor(behavior.length / tried));
  const found: Candidate[] = [];
  for (let j = 0; j < behavior.length; j += step) {
    const anchor = behavior[j] ?? 0;
    for (const [i, time] of scope.entries()) {
      if (i % atOnce === 0) await others();
      const offset = time - anchor;
      const { length } = matches(scope, behavior, { offsetS: offset, rate: 1 }, (at) => window(at, anchor));
      found.push({ offset, anchor, pairs: length });
    }
  }
  return found.toSorted((a, b) => b.pairs - a.pairs).slice(0, settled);
}

/** Pulses that lie on each other, nearest first for each, both in order. */
function matches(
  scope: readonly number[],
  behavior: readonly number[],
  { offsetS, rate }: { readonly offsetS: number; readonly rate: number },
  windowAt: (at: number) => number,
): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  let i = 0;
  for (const [j, time] of behavior.entries()) {
    const expected = offsetS + rate * time;
    while (i + 1 < scope.length && Math.abs((scope[i + 1] ?? 0) - expected) <= Math.abs((scope[i] ?? 0) - expected))
      i += 1;
    if (Math.abs((scope[i] ?? 0) - expected) > windowAt(time)) continue;
    const last = pairs.at(-1);
    if (last?.[0] === i) {
      const before = Math.abs((scope[i] ?? 0) - (offsetS + rate * (behavior[last[1]] ?? 0)));
      if (before <= Math.abs((scope[i] ?? 0) - expected)) continue;
      pairs.pop();
    }
    pairs.push([i, j]);
  }
  return pairs;
}

/** Least squares through pairs; null with fewer than two, or all at one time. */
function refine(
  scope: readonly number[],
  behavior: readonly number[],
  pairs: readonly (readonly [number, number])[],
): FittedClock | null {
  const count = pairs.length;
  if (count < 2) return null;
  let [meanX, meanY] = [0, 0];
  for (const [i, j] of pairs) {
    meanX += (behavior[j] ?? 0) / count;
    meanY += (scope[i] ?? 0) / count;
  }
  let [sumXX, sumXY] = [0, 0];
  for (const [i, j] of pairs) {
    const x = (behavior[j] ?? 0) - meanX;
    sumXX += x * x;
    sumXY += x * ((scope[i] ?? 0) - meanY);
  }
  if (sumXX === 0) return null;
  const rate = sumXY / sumXX;
  const offsetS = meanY - rate * meanX;
  let squares = 0;
  for (const [i, j] of pairs) squares += ((scope[i] ?? 0) - offsetS - rate * (behavior[j] ?? 0)) ** 2;
  return { offsetS, rate, pairs: count, residualS: Math.sqrt(squares / count) };
}
