// SPDX-License-Identifier: MIT
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { Change, Diagram, Rows, SessionFacts, TableInfo, TableRow } from '../../main/contract/index.ts';
import { useCore } from './context.ts';
import type { CoreClient } from './types.ts';

/** What the rooms of the Library ask. Keys that begin with `tables` are stale after any change. */

export type RowsRequest = Parameters<CoreClient['tables']['rows']>[0];
export type Thumbnail = Awaited<ReturnType<CoreClient['review']['thumbnail']>>;

/** Size, place, notes, tags of all sessions. */
export function useFacts(): UseQueryResult<SessionFacts[]> {
  const core = useCore();
  return useQuery({ queryKey: ['facts'], queryFn: ({ signal }) => core.sessions.facts({}, { signal }) });
}

/** A small picture of a session; null where there is no result yet. */
export function useThumbnail(sessionUuid: string): UseQueryResult<Thumbnail> {
  const core = useCore();
  return useQuery({
    queryKey: ['thumbnail', sessionUuid],
    queryFn: ({ signal }) => core.review.thumbnail({ sessionUuid }, { signal }),
  });
}

/** Every table of the library. */
export function useCatalogue(): UseQueryResult<TableInfo[]> {
  const core = useCore();
  return useQuery({
    queryKey: ['tables', 'catalogue'],
    queryFn: ({ signal }) => core.tables.catalogue({}, { signal }),
    placeholderData: keepPreviousData,
  });
}

/** Rows of a table. */
export function useTableRows(
  request: RowsRequest | undefined,
): UseQueryResult<{ readonly total: number; readonly rows: TableRow[] }> {
  const core = useCore();
  return useQuery({
    queryKey: ['tables', 'rows', request],
    queryFn: ({ signal }) =>
      request === undefined ? Promise.resolve({ total: 0, rows: [] }) : core.tables.rows(request, { signal }),
    enabled: request !== undefined,
    placeholderData: (before, query) =>
      (query?.queryKey[2] as RowsRequest | undefined)?.table === request?.table ? before : undefined,
  });
}

/** Rows of a table by name, for a column that refers to it. */
export function useChoices(table: string | null) {
  const core = useCore();
  return useQuery({
    queryKey: ['tables', 'choices', table],
    queryFn: ({ signal }) => core.tables.choices({ table: table ?? '' }, { signal }),
    enabled: table !== null,
  });
}

/** The change log of a row, of a table, or of all. */
export function useChanges(request: Parameters<CoreClient['tables']['changes']>[0] | null): UseQueryResult<Change[]> {
  const core = useCore();
  return useQuery({
    queryKey: ['tables', 'changes', request],
    queryFn: ({ signal }) => core.tables.changes(request ?? {}, { signal }),
    enabled: request !== null,
  });
}

/** Tables with their places in the drawing. */
export function useDiagram(): UseQueryResult<Diagram> {
  const core = useCore();
  return useQuery({
    queryKey: ['tables', 'diagram'],
    queryFn: ({ signal }) => core.library.diagram({}, { signal }),
    placeholderData: keepPreviousData,
  });
}

/** One SELECT of this program's own. */
export function useSql(name: string, sql: string | null): UseQueryResult<Rows> {
  const core = useCore();
  return useQuery({
    queryKey: ['tables', 'sql', name, sql],
    queryFn: ({ signal }) => core.library.sql({ sql: sql ?? '', limit: 20_000 }, { signal }),
    enabled: sql !== null,
    placeholderData: keepPreviousData,
  });
}

/** A curation of a run, as the lineage shows it. */
export interface LineageCuration {
  readonly runUuid: string;
  readonly uuid: string;
  readonly version: number;
  readonly frozen: boolean;
  readonly initials: string;
  readonly decided: number;
  readonly cells: number;
  readonly accepted: number;
}

const uuidOf = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** The curations of a session's runs, oldest first. */
export function useLineage(sessionUuid: string | null): readonly LineageCuration[] {
  const hex = sessionUuid?.replaceAll('-', '') ?? '';
  const sql = /^[0-9a-f]{32}$/.test(hex)
    ? `SELECT lower(hex(run.uuid)), lower(hex(curation.uuid)), curation.version, curation.frozen_at IS NOT NULL, rater.initials,
      curation.accepted_count, curation.rejected_count, coalesce(run.cell_count, 0)
      FROM curation JOIN run ON run.id = curation.run_id JOIN session ON session.id = run.session_id
      JOIN rater ON rater.id = curation.owner_id WHERE session.uuid = x'${hex}' ORDER BY curation.id`
    : null;
  const answer = useSql('lineage', sql);
  return (answer.data?.rows ?? []).map(([run, curation, version, frozen, initials, accepted, rejected, cells]) => ({
    runUuid: uuidOf(String(run)),
    uuid: uuidOf(String(curation)),
    version: Number(version),
    frozen: frozen === 1,
    initials: String(initials),
    accepted: Number(accepted),
    decided: Number(accepted) + Number(rejected),
    cells: Number(cells),
  }));
}
