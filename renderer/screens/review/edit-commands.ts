// SPDX-License-Identifier: MIT
import type { QueryClient } from '@tanstack/react-query';
import type { Cell, CellEdit } from '../../../main/contract/index.ts';
import { commitEdit, type Neighbours, previewEdit } from '../../client/edits.ts';
import type { Connection } from '../../client/types.ts';
import { editOf, type EditTool, takeTool, useEdit } from '../../stores/edit.ts';
import { useReview } from '../../stores/review.ts';
import { showOverlay, usePerson } from '../../stores/ui.ts';
import { waitForRater } from '../../stores/waiting-decision.ts';
import type { Command } from '../../ui/commands/registry.ts';
import type { ReviewScope } from './review-scope.ts';

type Read = () => ReviewScope;

const scope = 'screen:review';

function selectedCell(read: Read): Cell | undefined {
  const { selected } = useReview.getState();
  return read().cells.find((cell) => cell.uuid === selected);
}

/** Who a cell would be merged with: the one that was chosen beside it, else the neighbour that may be the same. */
export function mergePartner(
  cell: Cell,
  cells: readonly Cell[],
  chosen: string | null,
  neighbours: Neighbours | undefined,
): Cell | undefined {
  const uuid = chosen ?? neighbours?.find(({ maybeOne }) => maybeOne)?.cellUuid ?? null;
  return cells.find((other) => other.uuid === uuid && other.uuid !== cell.uuid);
}

/** Edits of cells: look at what an edit would give, do it, leave it. Undo takes it back as any step. */
export function editCommands(read: Read, connection: Connection, queries: QueryClient): readonly Command[] {
  const runUuid = (): string => read().opening.run.uuid;
  const preview = (edit: CellEdit): Promise<void> => previewEdit(connection, runUuid(), edit);
  const writable = (): true | string => {
    const { readOnly, reading } = read().opening;
    if (reading !== null) return 'Cells are not edited in a second reading: both raters judge the same ones.';
    return readOnly ?? true;
  };
  const onCell = (): true | string => {
    const can = writable();
    if (can !== true) return can;
    return selectedCell(read) === undefined ? 'Select a cell first.' : true;
  };
  const partner = (cell: Cell): Cell | undefined =>
    mergePartner(
      cell,
      read().cells,
      useReview.getState().partner,
      queries.getQueryData<Neighbours>(['neighbours', runUuid(), cell.uuid]),
    );
  const make = (
    id: string,
    label: string,
    keys: readonly string[],
    enabled: () => true | string,
    run: () => void | Promise<void>,
  ): Command => ({ id: `review.${id}`, label, group: 'Edit', scope, keys, enabled, run, undo: 'review.undo' });
  const tool = (id: EditTool, label: string, key: string, enabled: () => true | string): Command =>
    make(`tool-${id}`, label, [key], enabled, () => takeTool(useEdit.getState().tool === id ? null : id));
  return [
    make(
      'merge',
      'Merge with its neighbour',
      ['G'],
      () => {
        const can = onCell();
        const cell = selectedCell(read);
        if (can !== true || cell === undefined) return can;
        return partner(cell) === undefined
          ? `Choose the other cell first: Shift and a click on the map, or a line of Neighbours.`
          : true;
      },
      () => {
        const cell = selectedCell(read);
        const other = cell === undefined ? undefined : partner(cell);
        if (cell !== undefined && other !== undefined)
          return preview({ kind: 'merge', cellUuids: [cell.uuid, other.uuid] });
        return undefined;
      },
    ),
    make('split', 'Split by activity', ['X'], onCell, () => {
      const cell = selectedCell(read);
      return cell === undefined ? undefined : preview({ kind: 'split', cellUuid: cell.uuid });
    }),
    tool('cut', 'Cut along a line', 'Shift+X', onCell),
    tool('trim', 'Trim to a part', 'I', onCell),
    tool('seed', 'Add a cell at a point', 'N', writable),
    tool('draw', 'Draw a new cell', 'D', writable),
    make('delete', 'Delete the cell', ['Delete'], onCell, () => {
      const cell = selectedCell(read);
      return cell === undefined ? undefined : preview({ kind: 'delete', cellUuids: [cell.uuid] });
    }),
  ];
}

/** What works only while an edit is under way: else Enter is left to whatever has the focus. */
export function underWayCommands(read: Read, connection: Connection, queries: QueryClient): readonly Command[] {
  const runUuid = (): string => read().opening.run.uuid;
  const commit = (): void | Promise<void> => {
    const { rater } = usePerson.getState();
    if (rater === null) {
      waitForRater(() => void commit());
      showOverlay('rater');
      return undefined;
    }
    return commitEdit(connection, queries, runUuid(), rater.uuid);
  };
  return [
    {
      id: 'review.edit-go',
      label: 'Preview the edit, then do it',
      group: 'Edit',
      scope,
      keys: ['Enter'],
      undo: 'review.undo',
      enabled: () => {
        const { tool, points, phase } = useEdit.getState();
        if (phase.kind === 'previewed') return true;
        if (phase.kind === 'computing' || phase.kind === 'committing') return 'The engine is still at it.';
        const edit = tool === null ? 'Close what failed first.' : editOf(tool, points, selectedCell(read));
        return typeof edit === 'string' ? edit : true;
      },
      run: () => {
        const { tool, points, phase } = useEdit.getState();
        if (phase.kind === 'previewed') return commit();
        const edit = tool === null ? 'none' : editOf(tool, points, selectedCell(read));
        return typeof edit === 'string' ? undefined : previewEdit(connection, runUuid(), edit);
      },
    },
  ];
}

/** Is an edit being drawn, computed or looked at? */
export function editing({ tool, phase } = useEdit.getState()): boolean {
  return tool !== null || phase.kind !== 'idle';
}
