// SPDX-License-Identifier: MIT
import type { Cell, CellLabel } from '../../main/contract/index.ts';
import type { PictureStage } from '../gl/stage.ts';
import { type Point, type Size, toScreen, type View, viewOf } from '../gl/viewport.ts';
import { hidden } from '../stores/blind.ts';
import type { OutlinesBy } from '../stores/review.ts';

const codes = { undecided: 0, accepted: 1, rejected: 2 } as const;

/** What a cell's outline says: a label, as the person gave it or as the engine suggests it. */
export function outlinedAs(cell: Cell, by: OutlinesBy, blind: boolean): CellLabel {
  if (by === 'label') return cell.label;
  if (hidden(blind, cell)) return 'undecided';
  return cell.suggested ? 'accepted' : 'rejected';
}

/** Label code of each cell by row, for the drawing; 255 hides it. */
export function labelCodes(
  cells: readonly Cell[],
  shown: boolean,
  labelOf: (cell: Cell) => CellLabel = (cell) => cell.label,
): Uint8Array {
  const rows = cells.reduce((highest, cell) => Math.max(highest, cell.row + 1), 0);
  const bytes = new Uint8Array(rows).fill(255);
  if (shown) for (const cell of cells) bytes[cell.row] = codes[labelOf(cell)];
  return bytes;
}

/** The row a cell overlaps most with, as the engine says; −1 when there is none worth a mark. */
export function partnerRow(cell: Cell | undefined): number {
  const overlap = cell?.metrics['overlap'] ?? 0;
  const row = cell?.metrics['overlapWith'];
  return row !== null && row !== undefined && overlap >= 0.2 ? row : -1;
}

/** Puts the corner ticks round a cell. */
export function placeTicks(element: HTMLElement, cell: Cell | undefined, view: View, panel: Size): void {
  if (cell === undefined) {
    element.style.visibility = 'hidden';
    return;
  }
  const margin = 4;
  const { top, left, height, width } = shrunk(cell);
  const from = toScreen(view, panel, { x: left - 0.5, y: top - 0.5 });
  const to = toScreen(view, panel, { x: left + width - 0.5, y: top + height - 0.5 });
  element.style.visibility = 'visible';
  element.style.transform = `translate(${String(from.x - margin)}px, ${String(from.y - margin)}px)`;
  element.style.width = `${String(to.x - from.x + 2 * margin)}px`;
  element.style.height = `${String(to.y - from.y + 2 * margin)}px`;
}

/** A square round the cell's centre as wide as its outline: the box of a footprint reaches far into its faint rim. */
function shrunk(cell: Cell): {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
} {
  const diameter = cell.metrics['diameterPx'];
  if (diameter === null || diameter === undefined) return cell.box;
  const side = diameter * 1.3;
  return { top: cell.centroid.y - side / 2 + 0.5, left: cell.centroid.x - side / 2 + 0.5, height: side, width: side };
}

/** Stages that show the surroundings of the selected cell; the others keep the view a person gave them. */
const following = new WeakSet<PictureStage>();

/**
 * Shows the surroundings of the selected cell while that is wished, and the whole picture when it no longer is. Otherwise the
 * view stays as it is, unless the cell lies outside it: then it moves there.
 */
export function follow(
  stage: PictureStage,
  centre: Point | undefined,
  zoomed: boolean,
  diameterPx: number | null,
): void {
  const { view, panel, image } = stage;
  if (zoomed && centre !== undefined) {
    following.add(stage);
    stage.setView(viewOf(panel, image, centre, Math.max(24, (diameterPx ?? 10) * 9)));
    return;
  }
  if (following.delete(stage)) {
    stage.fit();
    return;
  }
  if (centre === undefined) return;
  const { x, y } = toScreen(view, panel, centre);
  const seen = x >= 0 && y >= 0 && x <= panel.width && y <= panel.height;
  if (!seen) stage.setView(viewOf(panel, image, centre, Math.min(panel.width, panel.height) / view.zoom));
}
