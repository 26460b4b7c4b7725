// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { Cell } from '../../main/contract/index.ts';

/** Limits that a person sets to be given suggestions. They decide nothing. */

/** A metric one can set a limit for; `least`: a cell needs at least so much, else at most. */
export interface LimitedMetric {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  readonly places: number;
  readonly least: boolean;
}

/** Those offered, in the order of the panel. */
export const limitedMetrics: readonly LimitedMetric[] = [
  { key: 'snr', title: 'SNR of trace', unit: '', places: 1, least: true },
  { key: 'rValue', title: 'Shape agreement', unit: '', places: 2, least: true },
  { key: 'areaPx', title: 'Area', unit: 'px', places: 0, least: true },
  { key: 'events', title: 'Events', unit: '', places: 0, least: true },
  { key: 'roundness', title: 'Roundness', unit: '', places: 2, least: true },
  { key: 'overlap', title: 'Overlap', unit: '', places: 2, least: false },
  { key: 'motionCorrelation', title: 'Follows motion', unit: '', places: 2, least: false },
];

/** Limits by metric; a metric without one is not looked at. */
export type Limits = Readonly<Record<string, number>>;

interface Suggestions {
  /** By run. */
  readonly limits: Readonly<Record<string, Limits>>;
}

/** Kept for the browser, as a person's own view of a run. */
export const useSuggestions = create<Suggestions>()(
  persist((): Suggestions => ({ limits: {} }), {
    name: 'calyx.suggestions',
    storage: createJSONStorage(() => localStorage),
  }),
);

/** Runs whose limits are remembered. */
const kept = 50;

/** Sets a limit of a run, or takes it away. */
export function setLimit(runUuid: string, metric: string, value: number | undefined): void {
  useSuggestions.setState(({ limits }) => {
    const { [metric]: _before, ...others } = limits[runUuid] ?? {};
    const now = value === undefined ? others : { ...others, [metric]: value };
    const { [runUuid]: _run, ...runs } = limits;
    const newest = Object.entries(runs).slice(-(kept - 1));
    return { limits: Object.fromEntries([...newest, [runUuid, now]]) };
  });
}

/** Figures that the engine's own suggestion is limited by, and the parameter that does it. */
const parameterOf: Readonly<Record<string, string>> = {
  snr: 'minSnr',
  rValue: 'minRValue',
  roundness: 'minRoundness',
};

/** Limits as parameters of a run, and the titles of those the engine has no parameter for. */
export function asParameters(limits: Limits): {
  readonly parameters: Readonly<Record<string, number>>;
  readonly without: readonly string[];
} {
  const parameters: Record<string, number> = {};
  const without: string[] = [];
  for (const { key, title, places } of limitedMetrics) {
    const limit = limits[key];
    if (limit === undefined) continue;
    const name = parameterOf[key];
    // As shown: nobody means the fourth decimal of a slider.
    if (name === undefined) without.push(title);
    else parameters[name] = Number(limit.toFixed(places));
  }
  return { parameters, without };
}

/** Takes limits over, all at once. */
export function takeLimits(runUuid: string, limits: Limits): void {
  useSuggestions.setState(({ limits: runs }) => ({ limits: { ...runs, [runUuid]: limits } }));
}

/** What the limits say of a cell: the metrics that speak against it, as sentences' parts; empty speaks for it. */
export function reasonsAgainst(cell: Cell, limits: Limits): readonly string[] {
  return limitedMetrics.flatMap(({ key, title, least, places }) => {
    const limit = limits[key];
    if (limit === undefined) return [];
    const value = cell.metrics[key];
    if (value === null || value === undefined) return [`${title} is unknown`];
    if (least ? value >= limit : value <= limit) return [];
    return [`${title} ${value.toFixed(places)} is ${least ? 'below' : 'above'} ${limit.toFixed(places)}`];
  });
}

/** How many cells the limits would accept and reject, all and among the undecided. */
export function limitCounts(
  cells: readonly Cell[],
  limits: Limits,
): {
  readonly accept: number;
  readonly reject: number;
  readonly undecidedAccept: number;
  readonly undecidedReject: number;
} {
  const counts = { accept: 0, reject: 0, undecidedAccept: 0, undecidedReject: 0 };
  for (const cell of cells) {
    const good = reasonsAgainst(cell, limits).length === 0;
    counts[good ? 'accept' : 'reject'] += 1;
    if (cell.label === 'undecided') counts[good ? 'undecidedAccept' : 'undecidedReject'] += 1;
  }
  return counts;
}

/** Bars of a histogram between the smallest and the largest value. */
export function histogram(
  values: readonly number[],
  bars: number,
): { readonly low: number; readonly high: number; readonly counts: readonly number[] } {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (values.length === 0) return { low: 0, high: 1, counts: Array.from({ length: bars }, () => 0) };
  const counts = Array.from({ length: bars }, () => 0);
  const width = high > low ? (high - low) / bars : 1;
  for (const value of values) {
    const bar = Math.min(bars - 1, Math.floor((value - low) / width));
    counts[bar] = (counts[bar] ?? 0) + 1;
  }
  return { low, high: high > low ? high : low + 1, counts };
}
