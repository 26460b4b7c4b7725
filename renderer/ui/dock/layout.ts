// SPDX-License-Identifier: MIT
/** Layouts of places, kept for the browser. A layout that cannot be read is none: the place begins as it was made. */

const prefix = 'calyx.layout.';

/** What storage has to offer. */
export type LayoutStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Keeps the layout of a place. A full or forbidden storage keeps nothing; the window goes on. */
export function keepLayout(storage: LayoutStorage, place: string, layout: unknown): void {
  try {
    storage.setItem(prefix + place, JSON.stringify(layout));
  } catch {
    // Only the next visit misses it.
  }
}

/** Forgets it. */
export function forgetLayout(storage: LayoutStorage, place: string): void {
  storage.removeItem(prefix + place);
}

/** The kept layout of a place when it can be read and names known panels only; else undefined. */
export function keptLayout(storage: LayoutStorage, place: string, known: ReadonlySet<string>): object | undefined {
  try {
    const text = storage.getItem(prefix + place);
    if (text === null) return undefined;
    const layout: unknown = JSON.parse(text);
    if (typeof layout !== 'object' || layout === null || !('panels' in layout) || !('grid' in layout)) return undefined;
    const { panels } = layout;
    if (typeof panels !== 'object' || panels === null) return undefined;
    return Object.keys(panels).length > 0 && Object.keys(panels).every((id) => known.has(id)) ? layout : undefined;
  } catch {
    return undefined;
  }
}
