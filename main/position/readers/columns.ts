// SPDX-License-Identifier: MIT
import type { PositionPart } from '../../library/index.ts';
import { unreadable } from '../text.ts';

/** Parts from columns called `[part, x | y | likelihood]`; other coordinates (`z`, `x_pinned` …) are left out and told. @throws AppError `position.unreadable` */
export function partsOf(
  names: readonly (readonly [part: string, coordinate: string])[],
  table: readonly Float32Array[],
  file: string,
): { readonly parts: readonly PositionPart[]; readonly findings: readonly string[] } {
  const column = (part: string, coordinate: string): Float32Array | null => {
    const at = names.findIndex(([name, kind]) => name === part && kind === coordinate);
    return at < 0 ? null : (table[at] ?? null);
  };
  const parts: PositionPart[] = [];
  for (const part of new Set(names.map(([name]) => name))) {
    const [x, y] = [column(part, 'x'), column(part, 'y')];
    if (x === null || y === null) throw unreadable(file, `the part “${part}” has no x or no y.`);
    parts.push({ part, x, y, likelihood: column(part, 'likelihood') });
  }
  const others = new Set(names.map(([, kind]) => kind).filter((kind) => !['x', 'y', 'likelihood'].includes(kind)));
  return {
    parts,
    findings: others.size === 0 ? [] : [`Columns that are not kept: ${[...others].join(', ')}.`],
  };
}
