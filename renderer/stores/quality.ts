// SPDX-License-Identifier: MIT
import type { Cell } from '../../main/contract/index.ts';

type Judged = Pick<Cell, 'metrics'>;

/** The figures that are shown, in this order, with words for them. A limit keeps what reaches it. */
const known: Readonly<Record<string, { readonly title: string; readonly unit?: string; readonly parameter?: string }>> =
  {
    snr: { title: 'Signal to noise', unit: 'σ', parameter: 'minSnr' },
    rValue: { title: 'Fit in space', unit: 'r', parameter: 'minRValue' },
    splitHalf: { title: 'Agreement of halves', unit: 'r', parameter: 'minSplitHalf' },
    roundness: { title: 'Roundness', parameter: 'minRoundness' },
    probability: { title: 'By your decisions', parameter: 'minProbability' },
    skewness: { title: 'Skewness of the trace' },
    variance: { title: 'Variance of the trace' },
    eventRate: { title: 'Events', unit: 'a second' },
    seedPnr: { title: 'Peak to noise of the seed', unit: 'σ' },
    seedCorrelation: { title: 'Local correlation of the seed', unit: 'r' },
    diameterPx: { title: 'Diameter', unit: 'px' },
    decayS: { title: 'Decay', unit: 's' },
    noise: { title: 'Noise', unit: 'grey levels' },
    overlap: { title: 'Overlap with a neighbour' },
    crossTalk: { title: 'Cross-talk' },
    motionCorrelation: { title: 'Correlation with motion', unit: 'r' },
  };

export const metricTitle = (name: string): string => known[name]?.title ?? name;
export const metricUnit = (name: string): string => known[name]?.unit ?? '';

/** Figures that tell cells apart: known for some, and not the same for all. */
export function qualityMetrics(rows: readonly Judged[]): readonly string[] {
  return Object.keys(known).filter((name) => {
    const values = rows.flatMap(({ metrics }) => metrics[name] ?? []);
    return values.some((value) => value !== values[0]);
  });
}

/** The limits that the run itself had, by metric. */
export function startingLimits(parameters: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const [metric, { parameter }] of Object.entries(known)) {
    const value = parameter === undefined ? undefined : parameters[parameter];
    if (typeof value === 'number' && !(metric === 'probability' && value === 0)) limits[metric] = value;
  }
  return limits;
}

/** Whether a cell reaches every limit; a figure that is not known reaches none. */
export function passes({ metrics }: Judged, limits: Readonly<Record<string, number>>): boolean {
  return Object.entries(limits).every(([name, limit]) => (metrics[name] ?? -Infinity) >= limit);
}
