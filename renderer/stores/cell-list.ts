// SPDX-License-Identifier: MIT
import type { Cell, CellLabel } from '../../main/contract/index.ts';
import { byValue } from './order.ts';

/** Order and filter of the list of cells. Pure: commands, list and tests use the same functions. */

/** Columns the list can be sorted by. */
export type SortKey = 'row' | 'label' | 'snr' | 'rValue' | 'areaPx' | 'events' | 'place' | 'mixed';

export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** A filter that could not be read. */
export interface FilterProblem {
  readonly problem: string;
}

type Test = (cell: Cell) => boolean;

const metricNames: Readonly<Record<string, string>> = {
  snr: 'snr',
  r: 'rValue',
  rvalue: 'rValue',
  area: 'areaPx',
  size: 'areaPx',
  diameter: 'diameterPx',
  events: 'events',
  pnr: 'seedPnr',
  corr: 'seedCorrelation',
  correlation: 'seedCorrelation',
  overlap: 'overlap',
  round: 'roundness',
  roundness: 'roundness',
  edge: 'edgeDistancePx',
  skew: 'skewness',
};

const labels: Readonly<Record<string, CellLabel>> = {
  accepted: 'accepted',
  rejected: 'rejected',
  undecided: 'undecided',
};

function compare(left: number, operator: string, right: number): boolean {
  if (operator === '>') return left > right;
  if (operator === '<') return left < right;
  if (operator === '>=') return left >= right;
  if (operator === '<=') return left <= right;
  return left === right;
}

function readTerm(term: string): Test | FilterProblem {
  const text = term.toLowerCase();
  if (/^\d+$/.test(text)) return (cell) => String(cell.row).startsWith(text);
  const label = /^(?:label\s*[:=]\s*)?(accepted|rejected|undecided)$/.exec(text)?.[1];
  if (label !== undefined) return (cell) => cell.label === labels[label];
  if (text === 'suggested') return (cell) => cell.suggested;
  if (text === 'not suggested') return (cell) => !cell.suggested;
  const parts = /^([a-z]+)\s*(>=|<=|>|<|=|:)\s*(-?\d+(?:\.\d+)?)$/.exec(text);
  const [, name = '', operator = '', number = ''] = parts ?? [];
  if (parts === null) return { problem: `“${term}” is not understood. Try: snr > 3 and area < 200 and undecided` };
  const limit = Number(number);
  if (name === 'cell' || name === 'row') return (cell) => compare(cell.row, operator, limit);
  const metric = metricNames[name];
  if (metric === undefined) {
    return { problem: `“${name}” is not known. Known: ${['cell', ...Object.keys(metricNames)].join(', ')}` };
  }
  return (cell) => {
    const value = cell.metrics[metric];
    return value !== null && value !== undefined && compare(value, operator, limit);
  };
}

/** Reads a filter such as `snr > 3 and area < 200 and undecided`; an empty one lets every cell through. */
export function readFilter(text: string): Test | FilterProblem {
  const terms = text
    .split(/\s+and\s+|[,;]|&&?/i)
    .map((term) => term.trim())
    .filter((term) => term !== '');
  const tests: Test[] = [];
  for (const term of terms) {
    const test = readTerm(term);
    if (typeof test !== 'function') return test;
    tests.push(test);
  }
  return (cell) => tests.every((test) => test(cell));
}

const labelOrder: Readonly<Record<CellLabel, number>> = { undecided: 0, accepted: 1, rejected: 2 };

/** A number that has nothing to do with what the cell is, the same each time it is asked for (FNV-1a). */
function mixed({ uuid }: Cell): number {
  let hash = 0x81_1c_9d_c5;
  for (const letter of uuid) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01_00_01_93);
  return hash >>> 0;
}

/** Along the field in bands, to the right and back, so that the next cell lies near: about as many bands as there are cells in one. */
function placesOf(cells: readonly Cell[]): ReadonlyMap<string, number> {
  const bands = Math.max(1, Math.round(Math.sqrt(cells.length)));
  const [top, bottom] = cells.reduce(
    ([low, high], { centroid: { y } }) => [Math.min(low, y), Math.max(high, y)],
    [Infinity, -Infinity],
  );
  const band = ({ centroid }: Cell): number =>
    Math.min(bands - 1, Math.floor(((centroid.y - top) / Math.max(1e-9, bottom - top)) * bands));
  const along = (cell: Cell): number => (band(cell) % 2 === 0 ? cell.centroid.x : -cell.centroid.x);
  const order = cells.toSorted((a, b) => band(a) - band(b) || along(a) - along(b) || a.row - b.row);
  return new Map(order.map(({ uuid }, at) => [uuid, at]));
}

function sortValues(cells: readonly Cell[], key: SortKey, hides: Test): (cell: Cell) => number | null {
  if (key === 'row') return ({ row }) => row;
  if (key === 'label') return ({ label }) => labelOrder[label];
  if (key === 'mixed') return mixed;
  if (key === 'place') {
    const places = placesOf(cells);
    return ({ uuid }) => places.get(uuid) ?? null;
  }
  // An order by figures would give away what is hidden.
  return (cell) => (hides(cell) ? null : (cell.metrics[key] ?? null));
}

/**
 * The cells in the order of the list; unknown values come last in both directions, ties by row.
 * @param hides cells whose figures are hidden: they count as unknown
 */
export function orderCells(
  cells: readonly Cell[],
  sort: Sort,
  passes: Test,
  hides: Test = () => false,
): readonly Cell[] {
  return cells
    .filter(passes)
    .sort((a, b) => a.row - b.row)
    .sort(byValue(sortValues(cells, sort.key, hides), sort.descending));
}

/** The neighbour of a cell in the list, `step` places on; stays at the ends. */
export function neighbour(list: readonly Cell[], uuid: string | null, step: 1 | -1): Cell | undefined {
  const index = list.findIndex((cell) => cell.uuid === uuid);
  if (index < 0) return step === 1 ? list[0] : list[list.length - 1];
  return list[Math.min(list.length - 1, Math.max(0, index + step))];
}

/** The next undecided cell after (or before) a cell, going round once; undefined when none but the cell itself is left. */
export function nextUndecided(list: readonly Cell[], uuid: string | null, step: 1 | -1): Cell | undefined {
  const size = list.length;
  const found = list.findIndex((cell) => cell.uuid === uuid);
  const start = found < 0 ? (step === 1 ? -1 : size) : found;
  for (let distance = 1; distance <= size; distance += 1) {
    const cell = list[(((start + step * distance) % size) + size) % size];
    if (cell !== undefined && cell.label === 'undecided' && cell.uuid !== uuid) return cell;
  }
  return undefined;
}

/** So many cells before and after one are likely to be looked at soon. */
const soon = 5;

/**
 * Rows of the cells that are looked at next. First those a key may lead to: after, the next undecided one, before; then those farther along the list. Without the
 * cell itself, each once.
 */
export function rowsAround(list: readonly Cell[], uuid: string | undefined): readonly number[] {
  if (uuid === undefined) return [];
  const at = list.findIndex((cell) => cell.uuid === uuid);
  const farther =
    at < 0 ? [] : Array.from({ length: 2 * soon }, (_, i) => list[at + (i < soon ? i + 1 : soon - 1 - i)]);
  const around = [neighbour(list, uuid, 1), nextUndecided(list, uuid, 1), neighbour(list, uuid, -1), ...farther];
  return [...new Set(around.filter((cell) => cell !== undefined && cell.uuid !== uuid).map((cell) => cell?.row ?? -1))];
}

/** How many cells have each label. */
export function labelCounts(cells: readonly Cell[]): Readonly<Record<CellLabel, number>> {
  const counts = { accepted: 0, rejected: 0, undecided: 0 };
  for (const cell of cells) counts[cell.label] += 1;
  return counts;
}

/** The cells after entries of the curation's log: each entry says which label a cell now has. */
export function foldEntries(
  cells: readonly Cell[],
  entries: readonly { readonly cellUuid: string; readonly to: CellLabel }[],
): readonly Cell[] {
  if (entries.length === 0) return cells;
  const newest = new Map(entries.map((entry) => [entry.cellUuid, entry.to]));
  return cells.map((cell) => {
    const label = newest.get(cell.uuid);
    return label === undefined || label === cell.label ? cell : { ...cell, label };
  });
}

/** A cell whose label differs between two lists; null where an edit had not made it yet, or took it away. */
export interface LabelChange {
  readonly uuid: string;
  readonly row: number;
  readonly from: CellLabel | null;
  readonly to: CellLabel | null;
}

/** What changed between two versions of a run's labels, by row. */
export function labelChanges(before: readonly Cell[], after: readonly Cell[]): readonly LabelChange[] {
  const was = new Map(before.map((cell) => [cell.uuid, cell]));
  const is = new Map(after.map((cell) => [cell.uuid, cell]));
  return [...new Map([...was, ...is]).values()]
    .map(({ uuid, row }) => ({ uuid, row, from: was.get(uuid)?.label ?? null, to: is.get(uuid)?.label ?? null }))
    .filter(({ from, to }) => from !== to)
    .sort(byValue(({ row }) => row));
}
