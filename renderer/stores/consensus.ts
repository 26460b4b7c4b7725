// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import type { Cell, CellLabel } from '../../main/contract/index.ts';

/** What is known of raters' agreement, as far as it is needed here. */
interface Told {
  readonly raters: ReadonlyArray<{ readonly rater: { readonly uuid: string; readonly initials: string } }>;
  readonly pairs: ReadonlyArray<{
    readonly first: string;
    readonly second: string;
    readonly disagreements: ReadonlyArray<{
      readonly cellUuid: string;
      readonly first: CellLabel;
      readonly second: CellLabel;
    }>;
  }>;
  readonly settled: ReadonlyArray<{ readonly cellUuid: string; readonly label: CellLabel }>;
}

/** A cell on which raters differ. */
export interface Disagreement {
  readonly cell: Cell;
  /** What each said, by initials. */
  readonly said: ReadonlyMap<string, CellLabel>;
  /** The raters agreed on the label that the cell has now. */
  readonly settled: boolean;
}

/** The run whose disagreements are being settled: the list shows only those, and a decision is what the raters agreed on. */
export const useConsensus = create<{ readonly runUuid: string | null }>(() => ({ runUuid: null }));

/** The cells on which any two raters differ, by row; cells that edits removed are left out. */
export function disagreements(told: Told, cells: readonly Cell[]): readonly Disagreement[] {
  const initials = new Map(told.raters.map(({ rater }) => [rater.uuid, rater.initials]));
  const said = new Map<string, Map<string, CellLabel>>();
  for (const { first, second, disagreements: differ } of told.pairs) {
    for (const one of differ) {
      const labels = said.get(one.cellUuid) ?? new Map<string, CellLabel>();
      said.set(one.cellUuid, labels);
      labels.set(initials.get(first) ?? '?', one.first);
      labels.set(initials.get(second) ?? '?', one.second);
    }
  }
  const agreed = new Map(told.settled.map(({ cellUuid, label }) => [cellUuid, label]));
  return cells.flatMap((cell) => {
    const labels = said.get(cell.uuid);
    return labels === undefined ? [] : [{ cell, said: labels, settled: agreed.get(cell.uuid) === cell.label }];
  });
}

/** The next cell that is in a set, after (or before) the selected one, going round once. */
export function nextOf(
  list: readonly Cell[],
  open: ReadonlySet<string>,
  uuid: string | null,
  step: 1 | -1,
): Cell | undefined {
  const at = list.findIndex((cell) => cell.uuid === uuid);
  const from = at < 0 ? (step === 1 ? -1 : list.length) : at;
  for (let far = 1; far <= list.length; far += 1) {
    const cell = list[(((from + step * far) % list.length) + list.length) % list.length];
    if (cell !== undefined && open.has(cell.uuid) && cell.uuid !== uuid) return cell;
  }
  return undefined;
}

/** How κ is usually read (Landis and Koch 1977). */
export function kappaWord(kappa: number): string {
  if (kappa < 0) return 'less than by chance';
  if (kappa <= 0.2) return 'slight';
  if (kappa <= 0.4) return 'fair';
  if (kappa <= 0.6) return 'moderate';
  return kappa <= 0.8 ? 'substantial' : 'almost perfect';
}
