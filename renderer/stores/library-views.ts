// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { Filter, Sort } from './session-list.ts';

export type Grouping = 'animal' | 'day' | 'timeline';

/** How the list of sessions is looked at. */
export interface LibraryView {
  readonly query: string;
  readonly filters: readonly Filter[];
  readonly grouping: Grouping;
  readonly sort: Sort;
}

interface Views extends LibraryView {
  readonly saved: readonly (LibraryView & { readonly name: string })[];
}

export const plainView: LibraryView = {
  query: '',
  filters: [],
  grouping: 'animal',
  sort: { key: 'date', descending: true },
};

/** The list's filters, and those saved under a name. Kept for the browser. */
export const useLibraryView = create<Views>()(
  persist((): Views => ({ ...plainView, saved: [] }), {
    name: 'calyx.library',
    storage: createJSONStorage(() => localStorage),
  }),
);

/** Adds a filter once. */
export function addFilter(filter: Filter): void {
  useLibraryView.setState(({ filters }) => ({
    filters: [...filters.filter(({ kind, value }) => kind !== filter.kind || value !== filter.value), filter],
  }));
}

/** Takes a filter away. */
export function dropFilter(filter: Filter): void {
  useLibraryView.setState(({ filters }) => ({ filters: filters.filter((other) => other !== filter) }));
}

/** Keeps the present look under a name; one of that name is replaced. */
export function saveView(name: string): void {
  useLibraryView.setState(({ saved, query, filters, grouping, sort }) => ({
    saved: [...saved.filter((view) => view.name !== name), { name, query, filters, grouping, sort }].toSorted((a, b) =>
      a.name.localeCompare(b.name),
    ),
  }));
}
