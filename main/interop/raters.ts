// SPDX-License-Identifier: MIT
import type { ExportCell } from './job.ts';

/** A rater who judged the cells of an export. */
export interface ExportRater {
  readonly initials: string;
  /** `said_` and the initials, fit for the name of a column anywhere. */
  readonly column: string;
}

/** Who judged the cells, by initials; nobody where fewer than two did. */
export function ratersOf(cells: readonly ExportCell[]): readonly ExportRater[] {
  const taken = new Set<string>();
  return [...new Set(cells.flatMap((cell) => Object.keys(cell.said ?? {})))].toSorted().map((initials) => {
    const plain = `said_${initials.replaceAll(/[^A-Za-z0-9_]/g, '_')}`;
    let column = plain;
    for (let n = 2; taken.has(column); n += 1) column = `${plain}_${n}`;
    taken.add(column);
    return { initials, column };
  });
}
