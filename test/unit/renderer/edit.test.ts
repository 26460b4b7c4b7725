// SPDX-License-Identifier: MIT
import { QueryClient } from '@tanstack/react-query';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError, type Cell } from '../../../main/contract/index.ts';
import { commitEdit, dropEdit, previewEdit } from '../../../renderer/client/edits.ts';
import { keys } from '../../../renderer/client/queries.ts';
import type { Connection } from '../../../renderer/client/types.ts';
import { mergePartner } from '../../../renderer/screens/review/edit-commands.ts';
import { editOf, editWords, ownCells, useEdit, withPoint } from '../../../renderer/stores/edit.ts';
import { useReview } from '../../../renderer/stores/review.ts';

const runUuid = '0198a000-0003-7000-8000-000000000000';
const raterUuid = '0198a000-0004-7000-8000-000000000000';

function cell(row: number): Cell {
  return {
    uuid: `0198a000-0005-7000-8000-${String(row).padStart(12, '0')}`,
    row,
    label: 'undecided',
    centroid: { y: row, x: row },
    box: { top: 0, left: 0, height: 1, width: 1 },
    suggested: true,
    reasons: [],
    metrics: {},
  };
}

const cells = [cell(0), cell(1), cell(2)];
const [zero, one, two] = cells as [Cell, Cell, Cell];

afterEach(() => dropEdit());

/** A connection whose previews are answered by hand, in any order. */
function bench() {
  const asked: Array<{ answer: (preview: string) => void; refuse: (error: unknown) => void; aborted: () => boolean }> =
    [];
  const committed: string[] = [];
  const review = {
    editPreview: (_input: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((resolve, reject) => {
        const made = { uuid: null, row: 3, state: 'live', made: true, result: null };
        asked.push({
          answer: (preview) => resolve({ preview, cells: [made] }),
          refuse: reject,
          aborted: () => signal.aborted,
        });
      }),
    editCommit: ({ preview }: { preview: string }) => {
      committed.push(preview);
      return Promise.resolve({});
    },
  };
  return { asked, committed, connection: { core: { review } } as unknown as Connection };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('what is drawn', () => {
  it('becomes the edit of its tool, and is refused with a sentence until there is enough of it', () => {
    const line = [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ];
    expect(editOf('cut', line, zero)).toEqual({ kind: 'split', cellUuid: zero.uuid, line });
    expect(editOf('cut', line.slice(1), zero)).toMatch(/line through the cell/);
    expect(editOf('draw', line, undefined)).toMatch(/around the new cell/);
    expect(editOf('trim', [...line, { x: 5, y: 9 }], undefined)).toBe('Select a cell first.');
    expect(editOf('seed', line.slice(0, 1), undefined)).toEqual({ kind: 'seed', at: { x: 1, y: 2 } });
  });

  it('keeps the ends of a cut, one place of a seed, and no points that lie on each other', () => {
    const a = { x: 0, y: 0 };
    const b = { x: 4, y: 0 };
    const close = { x: 4.2, y: 0 };
    expect(withPoint('cut', [a, b], close, true)).toEqual([a, close]);
    expect(withPoint('seed', [a], b, false)).toEqual([b]);
    expect(withPoint('draw', [a, b], close, true)).toEqual([a, b]);
    expect(withPoint('draw', [a, b], close, false)).toEqual([a, b, close]);
  });
});

describe('merging', () => {
  it('takes the chosen cell, else the neighbour that may be the same one, never itself', () => {
    const near = [
      { cellUuid: one.uuid, row: 1, distancePx: 4, overlap: 0.1, correlation: 0.2, maybeOne: false },
      { cellUuid: two.uuid, row: 2, distancePx: 5, overlap: 0.4, correlation: 0.9, maybeOne: true },
    ];
    expect(mergePartner(zero, cells, null, near)).toBe(two);
    expect(mergePartner(zero, cells, one.uuid, near)).toBe(one);
    expect(mergePartner(zero, cells, zero.uuid, near)).toBeUndefined();
    expect(mergePartner(zero, cells, null, near.slice(0, 1))).toBeUndefined();
    const edit = { kind: 'merge' as const, cellUuids: [zero.uuid, two.uuid] };
    expect(editWords(edit, (uuid) => cells.find((c) => c.uuid === uuid)?.row)).toBe('Merge 0 and 2');
  });
});

describe('an edit', () => {
  it('tells its own cells from neighbours that were solved again', () => {
    const entry = (uuid: string | null, row: number, made: boolean) => ({
      uuid,
      row,
      made,
      state: 'live' as const,
      result: null,
    });
    const all = [entry(zero.uuid, 0, false), entry(one.uuid, 1, false), entry(null, 3, true)];
    const trim = { kind: 'trim' as const, cellUuid: zero.uuid, polygon: [] };
    expect(ownCells(trim, all).map(({ row }) => row)).toEqual([0, 3]);
  });

  it('shows the newest question only, and nothing once it is left', async () => {
    const { asked, connection } = bench();
    void previewEdit(connection, runUuid, { kind: 'split', cellUuid: zero.uuid });
    void previewEdit(connection, runUuid, { kind: 'split', cellUuid: one.uuid });
    expect(asked[0]?.aborted()).toBe(true);
    asked[0]?.answer('old');
    await settled();
    expect(useEdit.getState().phase.kind).toBe('computing');
    asked[1]?.answer('new');
    await settled();
    expect(useEdit.getState().phase).toMatchObject({ kind: 'previewed', preview: 'new' });
    void previewEdit(connection, runUuid, { kind: 'split', cellUuid: two.uuid });
    dropEdit();
    asked[2]?.answer('late');
    await settled();
    expect(useEdit.getState().phase.kind).toBe('idle');
  });

  it('says why the engine refused, and selects what a done edit made', async () => {
    const { asked, committed, connection } = bench();
    void previewEdit(connection, runUuid, { kind: 'split', cellUuid: zero.uuid });
    asked[0]?.refuse(new AppError('review.edit_no_pixels', 'The film is gone.'));
    await settled();
    expect(useEdit.getState().phase).toMatchObject({ kind: 'failed', error: { message: 'The film is gone.' } });
    void previewEdit(connection, runUuid, { kind: 'split', cellUuid: zero.uuid });
    asked[1]?.answer('good');
    await settled();
    const queries = new QueryClient();
    queries.setQueryData(keys.cells(runUuid), [...cells, cell(3)]);
    await commitEdit(connection, queries, runUuid, raterUuid);
    expect(committed).toEqual(['good']);
    expect(useEdit.getState().phase.kind).toBe('idle');
    expect(useReview.getState().selected).toBe(cell(3).uuid);
  });
});
