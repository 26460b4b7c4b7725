// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { rowsBy } from './order.ts';

/** What can be shown in a panel of Explore. */
export const viewNames = [
  'activity',
  'correlation',
  'rates',
  'around',
  'quality',
  'orientation',
  'place',
  'runs',
  'sessions',
] as const;
export type ViewName = (typeof viewNames)[number];

export const viewTitles: Readonly<Record<ViewName, string>> = {
  activity: 'Activity of all cells',
  correlation: 'Correlation of cells',
  rates: 'Event rates',
  around: 'Around an event',
  quality: 'Quality',
  orientation: 'Head direction',
  place: 'Place',
  runs: 'Compare runs',
  sessions: 'Same cells over days',
};

/** In which order cells are shown. */
export const orderNames = ['row', 'rate', 'component', 'position', 'cluster'] as const;
export type OrderName = (typeof orderNames)[number];

export const orderTitles: Readonly<Record<OrderName, string>> = {
  row: 'number',
  rate: 'event rate',
  component: 'first component',
  position: 'place, left to right',
  cluster: 'cluster',
};

/** The panels of Explore, whichever of them are open. */
export const sides = ['left', 'right', 'third', 'fourth'] as const;
export type Side = (typeof sides)[number];

/** How each panel is spoken of. */
export const sideNames: Readonly<Record<Side, string>> = {
  left: 'at the left',
  right: 'at the right',
  third: 'in the third panel',
  fourth: 'in the fourth panel',
};

/** What each panel shows; no two the same. */
export type Shown = Readonly<Record<Side, ViewName>>;

const firstShown: Shown = { left: 'activity', right: 'correlation', third: 'rates', fourth: 'quality' };

/** Shows another view in a panel; one that another panel shows changes places with it. */
export function withView(shown: Shown, side: Side, view: ViewName): Shown {
  const other = sides.find((each) => shown[each] === view);
  const next = { ...shown, [side]: view };
  return other === undefined || other === side ? next : { ...next, [other]: shown[side] };
}

interface ExploreView extends Shown {
  readonly cells: 'kept' | 'accepted' | 'all';
  readonly trace: 'raw' | 'denoised' | 'deconvolved' | 'dff';
  readonly activityOrder: OrderName;
  readonly correlationOrder: OrderName;
  readonly binS: number;
  readonly alignment: string;
  readonly by: string;
  readonly scale: 'z' | 'own';
  readonly aroundOrder: 'latency' | 'size' | 'row';
  /** Cosine of footprints from which cells of two runs are the same. */
  readonly least: number;
  /** Score from which matches of sessions count. */
  readonly leastScore: number;
}

/** How Explore is arranged. Kept for the browser. */
export const useExplore = create<ExploreView>()(
  persist(
    (): ExploreView => ({
      ...firstShown,
      cells: 'kept',
      trace: 'dff',
      activityOrder: 'component',
      correlationOrder: 'cluster',
      binS: 0.2,
      alignment: '',
      by: '',
      scale: 'z',
      aroundOrder: 'latency',
      least: 0.5,
      leastScore: 0.5,
    }),
    {
      name: 'calyx.explore',
      version: 1,
      // There were two halves once, of which one could be none.
      migrate: (kept) => ({ ...(kept as ExploreView), ...firstShown }),
    },
  ),
);

interface Selected {
  /** Row of the cell that all views mark. */
  readonly row: number | null;
  readonly runB: string | null;
  readonly matchUuid: string | null;
  readonly group: number | null;
}

/** What is looked at now. */
export const useExploreSelection = create<Selected>(() => ({ row: null, runB: null, matchUuid: null, group: null }));

/** Order of cells by the time of their largest mean: the earliest first. */
export function latencyOrder(means: Float32Array, cells: number, bins: number): readonly number[] {
  const peak = Array.from({ length: cells }, (_, k) => {
    let [best, highest] = [bins, -Infinity];
    for (let bin = 0; bin < bins; bin += 1) {
      const value = means[k * bins + bin] ?? Number.NaN;
      if (value > highest) [best, highest] = [bin, value];
    }
    return best;
  });
  return rowsBy(cells, (k) => peak[k] ?? 0);
}

/** Order of cells by how much higher they are after the event than before, the largest first. */
export function responseOrder(means: Float32Array, cells: number, timesS: readonly number[]): readonly number[] {
  const bins = timesS.length;
  const response = Array.from({ length: cells }, (_, k) => {
    let [before, after, nBefore, nAfter] = [0, 0, 0, 0];
    for (const [bin, time] of timesS.entries()) {
      const value = means[k * bins + bin] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      if (time < 0) {
        before += value;
        nBefore += 1;
      } else {
        after += value;
        nAfter += 1;
      }
    }
    return (nAfter === 0 ? 0 : after / nAfter) - (nBefore === 0 ? 0 : before / nBefore);
  });
  return rowsBy(cells, (k) => response[k] ?? 0, true);
}
