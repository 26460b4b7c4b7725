// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import type { Cell, CellEdit } from '../../main/contract/index.ts';

/** What a person does on the map: outline a new cell, keep a part of one, cut one in two, or point at a place. */
export type EditTool = 'draw' | 'trim' | 'cut' | 'seed';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A cell as an edit would leave it. */
export interface PreviewedCell {
  /** Null for a cell that the edit would make. */
  readonly uuid: string | null;
  readonly row: number;
  readonly state: 'live' | 'dark' | 'gone';
  readonly made: boolean;
  readonly result: Pick<Cell, 'centroid' | 'box' | 'metrics'> | null;
}

/** Where an edit stands. The engine works in `computing` and `committing`; nothing is changed before the latter. */
export type EditPhase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'computing'; readonly edit: CellEdit; readonly sinceMs: number }
  | {
      readonly kind: 'previewed';
      readonly edit: CellEdit;
      readonly preview: string;
      readonly cells: readonly PreviewedCell[];
    }
  | { readonly kind: 'committing'; readonly edit: CellEdit; readonly preview: string }
  | { readonly kind: 'failed'; readonly edit: CellEdit; readonly error: unknown };

interface EditState {
  readonly tool: EditTool | null;
  /** What was drawn so far, px of the stored frame. */
  readonly points: readonly Point[];
  readonly phase: EditPhase;
}

/** The edit under way in Review. */
export const useEdit = create<EditState>(() => ({ tool: null, points: [], phase: { kind: 'idle' } }));

/** Takes a tool up; what was drawn or previewed before is dropped. */
export function takeTool(tool: EditTool | null): void {
  useEdit.setState({ tool, points: [], phase: { kind: 'idle' } });
}

/** Says what to do with the tool. */
export const toolWords: Readonly<Record<EditTool, string>> = {
  draw: 'Draw around the new cell',
  trim: 'Draw around the part that stays',
  cut: 'Draw a line through the cell',
  seed: 'Point at the new cell',
};

/** Points that are enough for a tool. */
export const pointsNeeded: Readonly<Record<EditTool, number>> = { draw: 3, trim: 3, cut: 2, seed: 1 };

/** Freehand lines keep a point only where it is at least this far from the one before, px of the frame. */
const spacingPx = 0.7;

/** The line with one more point; of a cut only the ends are kept. */
export function withPoint(tool: EditTool, points: readonly Point[], point: Point, freehand: boolean): readonly Point[] {
  if (tool === 'seed') return [point];
  const last = points.at(-1);
  if (tool === 'cut') return points.length === 0 ? [point] : [...points.slice(0, 1), point];
  if (freehand && last !== undefined && Math.hypot(last.x - point.x, last.y - point.y) < spacingPx) return points;
  return [...points, point];
}

/** What the drawn points ask the engine for; a sentence where they are not enough. */
export function editOf(tool: EditTool, points: readonly Point[], cell: Cell | undefined): CellEdit | string {
  if (points.length < pointsNeeded[tool]) return `${toolWords[tool]} first.`;
  const corners = points.map(({ x, y }) => ({ x, y }));
  const [first, second] = corners;
  if (tool === 'draw') return { kind: 'draw', polygon: corners };
  if (tool === 'seed' && first !== undefined) return { kind: 'seed', at: first };
  if (cell === undefined) return 'Select a cell first.';
  if (tool === 'cut' && first !== undefined && second !== undefined)
    return { kind: 'split', cellUuid: cell.uuid, line: [first, second] };
  return { kind: 'trim', cellUuid: cell.uuid, polygon: corners };
}

/** The edit in a person's words, with the verb first. */
export function editWords(edit: CellEdit, rowOf: (uuid: string) => number | undefined): string {
  const cell = (uuid: string): string => String(rowOf(uuid) ?? '?');
  const list = (uuids: readonly string[]): string => uuids.map(cell).join(' and ');
  if (edit.kind === 'merge') return `Merge ${list(edit.cellUuids)}`;
  if (edit.kind === 'split')
    return `Split ${cell(edit.cellUuid)} ${edit.line === undefined ? 'by its activity' : 'along the line'}`;
  if (edit.kind === 'trim') return `Trim ${cell(edit.cellUuid)}`;
  if (edit.kind === 'draw') return 'Add the drawn cell';
  if (edit.kind === 'seed') return 'Add a cell here';
  return `${edit.kind === 'delete' ? 'Delete' : 'Restore'} ${list(edit.cellUuids)}`;
}

/** Of the cells a preview speaks of, those the edit is about: made by it, or named in it. The others are neighbours that were solved again. */
export function ownCells(edit: CellEdit, cells: readonly PreviewedCell[]): readonly PreviewedCell[] {
  const named = 'cellUuid' in edit ? [edit.cellUuid] : 'cellUuids' in edit ? edit.cellUuids : [];
  return cells.filter(({ made, uuid }) => made || (uuid !== null && named.includes(uuid)));
}
