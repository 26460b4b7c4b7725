// SPDX-License-Identifier: MIT
import { type QueryClient, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { AppError, type CellEdit } from '../../main/contract/index.ts';
import { report } from '../stores/messages.ts';
import { takeTool, useEdit } from '../stores/edit.ts';
import { lookKey, useLook, versionOf } from '../stores/look.ts';
import { useReview } from '../stores/review.ts';
import { useCore } from './context.ts';
import { useRested } from '../ui/use-rested.ts';
import { keys } from './queries.ts';
import type { Connection, CoreClient } from './types.ts';

type Edits = Awaited<ReturnType<CoreClient['review']['edits']>>;
export type Neighbours = Awaited<ReturnType<CoreClient['review']['neighbours']>>;

/** Answers that an edit, or taking one back, makes stale at once. */
const staleKeys = (runUuid: string): ReadonlyArray<readonly string[]> => [
  keys.cells(runUuid),
  ['edits', runUuid],
  ['neighbours', runUuid],
];

/** The edits of a run's curation in order, those taken back too. */
export function useEdits(runUuid: string): UseQueryResult<Edits> {
  const core = useCore();
  const shown = versionOf(useLook(runUuid));
  return useQuery({
    queryKey: ['edits', runUuid, ...lookKey(shown)],
    queryFn: ({ signal }) => core.review.edits({ runUuid, ...shown }, { signal }),
  });
}

/** Names the edits that hold in what is looked at: what is made of footprints and traces is kept under it. Empty without edits. */
export function useEditsKey(runUuid: string): string {
  const edits = useEdits(runUuid);
  return (edits.data ?? [])
    .filter(({ active }) => active)
    .map(({ uuid }) => uuid)
    .join(' ');
}

/** The cells around a cell with their overlap and correlation; asked for once the cell has been looked at for a moment, since traces are read and compared. */
export function useNeighbours(runUuid: string, cellUuid: string | undefined): UseQueryResult<Neighbours> {
  const core = useCore();
  const shown = versionOf(useLook(runUuid));
  const rested = useRested(cellUuid);
  return useQuery({
    queryKey: ['neighbours', runUuid, cellUuid, ...lookKey(shown)],
    enabled: rested !== undefined,
    queryFn: ({ signal }) => core.review.neighbours({ runUuid, cellUuid: cellUuid ?? '', ...shown }, { signal }),
  });
}

let underWay: AbortController | undefined;

/** Asks the engine what an edit would give. Only the newest question is answered. */
export async function previewEdit(connection: Connection, runUuid: string, edit: CellEdit): Promise<void> {
  underWay?.abort();
  const mine = new AbortController();
  underWay = mine;
  useEdit.setState({ tool: null, phase: { kind: 'computing', edit, sinceMs: Date.now() } });
  try {
    const { preview, cells } = await connection.core.review.editPreview({ runUuid, edit }, { signal: mine.signal });
    if (underWay === mine) useEdit.setState({ points: [], phase: { kind: 'previewed', edit, preview, cells } });
  } catch (error) {
    if (underWay === mine) useEdit.setState({ points: [], phase: { kind: 'failed', edit, error } });
  }
}

/** Leaves the edit: nothing was changed. */
export function dropEdit(): void {
  underWay?.abort();
  underWay = undefined;
  takeTool(null);
}

/** Does the previewed edit and selects what it made. */
export async function commitEdit(
  connection: Connection,
  queries: QueryClient,
  runUuid: string,
  raterUuid: string,
): Promise<void> {
  const { phase } = useEdit.getState();
  if (phase.kind !== 'previewed') return;
  const { edit, preview, cells } = phase;
  useEdit.setState({ phase: { kind: 'committing', edit, preview } });
  try {
    await connection.core.review.editCommit({ runUuid, raterUuid, preview });
    await renewAfterStep(queries, runUuid);
    takeTool(null);
    const made = cells.find((cell) => cell.made && cell.state === 'live')?.row;
    const now = queries.getQueryData<Awaited<ReturnType<CoreClient['review']['cells']>>>(keys.cells(runUuid));
    const next = now?.find((cell) => cell.row === made);
    if (next !== undefined) useReview.setState({ selected: next.uuid });
  } catch (error) {
    useEdit.setState({ phase: { kind: 'failed', edit, error } });
    report('error', 'Review', `The edit was not done: ${AppError.from(error).message}`);
  }
}

/**
 * After a step of the log that changed cells: they, their outlines and traces follow. What can be undone is known before the cells are seen, so
 * that a quick undo is not refused.
 */
export async function renewAfterStep(queries: QueryClient, runUuid: string): Promise<void> {
  await queries.invalidateQueries({ queryKey: keys.opening(runUuid) });
  await Promise.all(staleKeys(runUuid).map((queryKey) => queries.invalidateQueries({ queryKey })));
}
