// SPDX-License-Identifier: MIT
import { QueryClient, QueryObserver } from '@tanstack/react-query';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AppError, type Cell, type CellLabel } from '../../../main/contract/index.ts';
import { createDecider } from '../../../renderer/client/decisions.ts';
import { keys } from '../../../renderer/client/queries.ts';
import type { Connection, LineState } from '../../../renderer/client/types.ts';
import { useMessages } from '../../../renderer/stores/messages.ts';

const runUuid = '0198a000-0003-7000-8000-000000000000';
const raterUuid = '0198a000-0004-7000-8000-000000000000';

function cell(row: number, label: CellLabel = 'undecided'): Cell {
  return {
    uuid: `0198a000-0005-7000-8000-${String(row).padStart(12, '0')}`,
    row,
    label,
    centroid: { y: 0, x: 0 },
    box: { top: 0, left: 0, height: 1, width: 1 },
    suggested: true,
    reasons: [],
    metrics: {},
  };
}

interface Said {
  readonly cellUuid: string;
  readonly to: CellLabel;
}

/** A connection whose `review.decide` is answered by hand. */
function bench() {
  const asked: Array<{ row: number; to: CellLabel; answer: () => void; refuse: (error: AppError) => void }> = [];
  const arrivals: Array<() => void> = [];
  const listeners = new Set<() => void>();
  let line: LineState = { state: 'open' };
  const decide = ({ cellUuids, to }: { cellUuids: string[]; to: CellLabel }) =>
    new Promise((resolve, reject) => {
      const row = Number(cellUuids[0]?.slice(-12));
      const entry = {
        seq: asked.length,
        at: '',
        rater: {},
        cellUuid: cellUuids[0],
        row,
        from: 'undecided',
        to,
        kind: 'decide',
      };
      const curation = { uuid: '', runUuid, createdAt: '', canUndo: true, canRedo: false, counts: {} };
      asked.push({ row, to, answer: () => resolve({ curation, entries: [entry] }), refuse: reject });
      arrivals.shift()?.();
    });
  const moves: Array<{ kind: 'undo' | 'redo'; answer: (entries: Said[]) => void; refuse: (error: AppError) => void }> =
    [];
  const move = (kind: 'undo' | 'redo') => () =>
    new Promise((resolve, reject) => {
      const curation = { uuid: '', runUuid, createdAt: '', canUndo: true, canRedo: true, counts: {} };
      moves.push({ kind, answer: (entries) => resolve({ curation, entries }), refuse: reject });
      arrivals.shift()?.();
    });
  const connection = {
    core: { review: { decide, undo: move('undo'), redo: move('redo') } },
    line: () => line,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Connection;
  const queries = new QueryClient();
  queries.setQueryData(keys.cells(runUuid), [cell(0), cell(1)]);
  const labels = () => queries.getQueryData<Cell[]>(keys.cells(runUuid))?.map((each) => each.label);
  const arrived = (number: number): Promise<void> =>
    asked.length + moves.length >= number ? Promise.resolve() : new Promise((resolve) => arrivals.push(resolve));
  const setLine = (state: LineState): void => {
    line = state;
    for (const listener of listeners) listener();
  };
  return { asked, moves, queries, labels, arrived, setLine, decider: createDecider(connection, queries) };
}

describe('a decision', () => {
  it('shows at once and is sent in the order it was made', async () => {
    const { asked, labels, arrived, decider } = bench();
    const first = decider.decide(runUuid, raterUuid, cell(0), 'accepted', {});
    const second = decider.decide(runUuid, raterUuid, cell(1), 'rejected', {});
    await arrived(1);
    expect(labels()).toEqual(['accepted', 'rejected']);
    expect(asked.map((each) => each.row)).toEqual([0]);
    asked[0]!.answer();
    await first;
    await arrived(2);
    expect(asked.map((each) => each.to)).toEqual(['accepted', 'rejected']);
    asked[1]!.answer();
    await second;
    expect(decider.pending()).toBe(0);
  });
  it('stays in sight when a list that was asked for before it comes after it', async () => {
    const { asked, queries, labels, arrived, decider } = bench();
    const queryKey = keys.cells(runUuid);
    let inLibrary: CellLabel = 'undecided';
    const lists: Array<() => void> = [];
    const queryFn = (): Promise<Cell[]> => {
      const list = [cell(0, inLibrary), cell(1)];
      return new Promise((resolve) => lists.push(() => resolve(list)));
    };
    const observer = new QueryObserver<Cell[]>(queries, { queryKey, queryFn, staleTime: Infinity });
    onTestFinished(observer.subscribe(() => undefined));
    const done = decider.decide(runUuid, raterUuid, cell(0), 'accepted', {});
    await arrived(1);
    void queries.invalidateQueries({ queryKey });
    inLibrary = 'accepted';
    asked[0]!.answer();
    await done;
    for (const comes of lists) comes();
    await expect.poll(() => queries.isFetching()).toBe(0);
    expect(labels()).toEqual(['accepted', 'undecided']);
    // What was on its way when a key was pressed is asked for anew, too.
    void queries.invalidateQueries({ queryKey });
    const before = lists.length;
    const second = decider.decide(runUuid, raterUuid, cell(1), 'rejected', {});
    await arrived(2);
    asked[1]!.answer();
    await second;
    expect(lists.length).toBe(before + 1);
  });
  it('that is refused goes back to what it was and says so', async () => {
    const { asked, labels, arrived, decider } = bench();
    const done = decider.decide(runUuid, raterUuid, cell(1), 'accepted', {});
    await arrived(1);
    asked[0]!.refuse(new AppError('library.read_only', 'The library is open for reading only.'));
    await done;
    expect(labels()).toEqual(['undecided', 'undecided']);
    expect(useMessages.getState().list[0]?.text).toContain(
      'cell 1 was not saved: The library is open for reading only.',
    );
  });
  it('waits for the line when it is lost, and is sent again', async () => {
    const { asked, labels, arrived, setLine, decider } = bench();
    const done = decider.decide(runUuid, raterUuid, cell(0), 'accepted', {});
    await arrived(1);
    const error = new AppError('rpc.disconnected', 'gone', { retryable: true });
    setLine({ state: 'lost', error, retryInMs: 250 });
    asked[0]!.refuse(error);
    const again = arrived(2);
    await Promise.resolve();
    setLine({ state: 'open' });
    await again;
    asked[1]!.answer();
    await done;
    expect(labels()).toEqual(['accepted', 'undecided']);
  });
});

describe('taking a decision back', () => {
  const said = (row: number, to: CellLabel): Said => ({ cellUuid: cell(row).uuid, to });

  it('shows at once, before the decision itself was answered, and repeats it as quickly', async () => {
    const { asked, moves, labels, arrived, decider } = bench();
    const shown: string[] = [];
    const done = decider.decide(runUuid, raterUuid, cell(1), 'rejected', {});
    await arrived(1);
    expect(labels()).toEqual(['undecided', 'rejected']);
    const back = decider.undo(runUuid, raterUuid, (uuid) => shown.push(uuid));
    await expect.poll(labels).toEqual(['undecided', 'undecided']);
    expect(shown).toEqual([cell(1).uuid]);
    expect(moves).toHaveLength(0);
    asked[0]!.answer();
    await done;
    await arrived(2);
    moves[0]!.answer([said(1, 'undecided')]);
    expect(await back).toEqual([said(1, 'undecided')]);
    // Whoever went on meanwhile is not brought back.
    expect(shown).toHaveLength(1);
    const again = decider.redo(runUuid, raterUuid);
    await expect.poll(labels).toEqual(['undecided', 'rejected']);
    await arrived(3);
    moves[1]!.answer([said(1, 'rejected')]);
    await again;
    expect(labels()).toEqual(['undecided', 'rejected']);
  });

  it('leaves a label alone that was decided anew before the library had answered', async () => {
    const { asked, moves, labels, arrived, decider } = bench();
    const first = decider.decide(runUuid, raterUuid, cell(0), 'accepted', {});
    const back = decider.undo(runUuid, raterUuid);
    await expect.poll(labels).toEqual(['undecided', 'undecided']);
    const second = decider.decide(runUuid, raterUuid, cell(0), 'rejected', {});
    await arrived(1);
    asked[0]!.answer();
    await first;
    await arrived(2);
    moves[0]!.answer([said(0, 'undecided')]);
    await back;
    expect(labels()).toEqual(['rejected', 'undecided']);
    await arrived(3);
    asked[1]!.answer();
    await second;
    expect(labels()).toEqual(['rejected', 'undecided']);
  });

  it('asks for the labels anew where the library took something else back', async () => {
    const { asked, moves, queries, labels, arrived, decider } = bench();
    const queryKey = keys.cells(runUuid);
    const queryFn = () => Promise.resolve([cell(0, 'accepted'), cell(1)]);
    onTestFinished(new QueryObserver(queries, { queryKey, queryFn, staleTime: Infinity }).subscribe(() => undefined));
    const done = decider.decide(runUuid, raterUuid, cell(0), 'accepted', {});
    await arrived(1);
    asked[0]!.answer();
    await done;
    const back = decider.undo(runUuid, raterUuid);
    await arrived(2);
    expect(labels()).toEqual(['undecided', 'undecided']);
    // Another window's step was newer.
    moves[0]!.answer([said(1, 'undecided')]);
    await back;
    await expect.poll(labels).toEqual(['accepted', 'undecided']);
  });

  it('waits for the library where an edit came after the decision, and where nothing was decided here', async () => {
    const { asked, moves, queries, labels, arrived, decider } = bench();
    queries.setQueryData(['edits', runUuid], []);
    const done = decider.decide(runUuid, raterUuid, cell(0), 'accepted', {});
    await arrived(1);
    asked[0]!.answer();
    await done;
    queries.setQueryData(['edits', runUuid], [{ uuid: 'an edit' }]);
    const edit = decider.undo(runUuid, raterUuid);
    await arrived(2);
    expect(labels()).toEqual(['accepted', 'undecided']);
    moves[0]!.answer([]);
    await edit;
    const back = decider.undo(runUuid, raterUuid);
    await arrived(3);
    expect(labels()).toEqual(['accepted', 'undecided']);
    moves[1]!.answer([said(0, 'undecided')]);
    await back;
    expect(labels()).toEqual(['undecided', 'undecided']);
  });
});
