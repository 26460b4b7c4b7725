// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { Cell } from '../../main/contract/index.ts';

/**
 * Whether the machine's opinion of a cell is hidden until a person has one. On at first: who starts with the scores in sight decides as they do. Kept for the
 * browser; each decision notes what was seen.
 */
export const useBlind = create<{ readonly blind: boolean }>()(
  persist((): { readonly blind: boolean } => ({ blind: true }), {
    name: 'calyx.blind',
    storage: createJSONStorage(() => localStorage),
  }),
);

/** Are the figures and the suggestion of this cell hidden now? */
export function hidden(blind: boolean, cell: Pick<Cell, 'label'>): boolean {
  return blind && cell.label === 'undecided';
}
