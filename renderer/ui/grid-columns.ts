// SPDX-License-Identifier: MIT

/** One column: its width in the grid's terms, and how its header sorts. */
export interface Column {
  readonly key: string;
  readonly title: string;
  readonly width: string;
  readonly number?: boolean;
  /** Stands apart from the number at its left. */
  readonly apart?: boolean;
  /** What it holds always fits, or is cut by itself: a cut of its own in each row makes drawing a leap slower. */
  readonly fits?: boolean;
  /** Full name where the title is short. */
  readonly hint?: string;
  readonly sortable?: boolean;
  /** Goes where there is no room for all columns, the lowest number first; those without one stay. */
  readonly yields?: number;
}

/** Space between two columns and at both edges, px; as in the style sheet. */
const gapPx = 8;
const edgePx = 12;

/** Widths in px grow with the text they hold. */
export function scaled(width: string, scale: number): string {
  return width.replaceAll(/(\d+(?:\.\d+)?)px/g, (_all, px: string) => `${String(Number(px) * scale)}px`);
}

function leastPx({ width }: Column, scale: number): number {
  return Number(/(\d+(?:\.\d+)?)px/.exec(width)?.[1] ?? 0) * scale;
}

/** Which columns stand in a table so wide: a number that would be cut is left out with its column. */
export function columnsWithin(columns: readonly Column[], widthPx: number, scale: number): readonly number[] {
  const shown = new Set(columns.keys());
  const needed = (): number =>
    [...shown].reduce((sum, at) => sum + leastPx(columns[at] ?? { key: '', title: '', width: '0px' }, scale), 0) +
    gapPx * (shown.size - 1) +
    2 * edgePx;
  const order = [...columns.entries()]
    .filter(([, { yields }]) => yields !== undefined)
    .toSorted(([, a], [, b]) => (a.yields ?? 0) - (b.yields ?? 0));
  for (const [at] of order) {
    if (needed() <= widthPx) break;
    shown.delete(at);
  }
  return [...shown];
}
