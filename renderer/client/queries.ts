// SPDX-License-Identifier: MIT
import { keepPreviousData, QueryClient, queryOptions, useQuery, type UseQueryResult } from '@tanstack/react-query';
import {
  AppError,
  type AppInfo,
  type Cell,
  type LogEntry,
  type RunRow,
  type SessionRow,
} from '../../main/contract/index.ts';
import { type Look, lookKey, useLook } from '../stores/look.ts';
import { useCore } from './context.ts';
import type { CoreClient } from './types.ts';

type Answer<F extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<F>>;

/** What Review needs to begin with a run. */
export type ReviewOpening = Answer<CoreClient['review']['open']>;
/** A run with its parameters, progress and log. */
export type RunDetail = Answer<CoreClient['processing']['run']>;
/** What would run and what it would cost. */
export type Plan = Answer<CoreClient['processing']['plan']>;
/** What `plan` and `start` are asked with. */
export type RunRequest = Parameters<CoreClient['processing']['plan']>[0];

/** Answers stay good until the core says that something changed. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: 'always',
        retry: (failures, error) => failures < 2 && AppError.from(error).retryable,
        retryDelay: 400,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });
}

/** Names under which answers are kept. */
export const keys = {
  info: ['info'],
  sessions: ['sessions'],
  session: (uuid: string) => ['session', uuid],
  sample: ['sample'],
  runs: ['runs'],
  run: (uuid: string) => ['run', uuid],
  plan: (request: unknown) => ['plan', request],
  /** The three of them: without a look those of the newest version, and the beginning of all others. */
  opening: (runUuid: string, look: Look = {}) => ['opening', runUuid, ...lookKey(look)],
  cells: (runUuid: string, look: Look = {}) => ['cells', runUuid, ...lookKey(look)],
  log: (runUuid: string, look: Look = {}) => ['log', runUuid, ...lookKey(look)],
} as const;

/** Version, library and limits of this machine. */
export function useInfo(): UseQueryResult<AppInfo> {
  const core = useCore();
  return useQuery({ queryKey: keys.info, queryFn: ({ signal }) => core.app.info({}, { signal }) });
}

/** All sessions, newest first. */
export function useSessions(): UseQueryResult<SessionRow[]> {
  const core = useCore();
  return useQuery({ queryKey: keys.sessions, queryFn: ({ signal }) => core.sessions.list({}, { signal }) });
}

/** One session with its runs. */
export function useSession(
  uuid: string | null,
): UseQueryResult<{ readonly session: SessionRow; readonly runs: RunRow[] }> {
  const core = useCore();
  return useQuery({
    queryKey: keys.session(uuid ?? ''),
    queryFn: ({ signal }) => core.sessions.get({ sessionUuid: uuid ?? '' }, { signal }),
    enabled: uuid !== null,
  });
}

/** Whether the program's own sample session can be opened. */
export function useSample(): UseQueryResult<{ readonly available: boolean; readonly sessionUuid: string | null }> {
  const core = useCore();
  return useQuery({ queryKey: keys.sample, queryFn: ({ signal }) => core.sessions.sample({}, { signal }) });
}

/** All runs, newest first. */
export function useRuns(): UseQueryResult<RunRow[]> {
  const core = useCore();
  return useQuery({ queryKey: keys.runs, queryFn: ({ signal }) => core.processing.runs({}, { signal }) });
}

/** One run with its parameters and log. */
export function useRun(uuid: string | null): UseQueryResult<RunDetail> {
  const core = useCore();
  return useQuery({
    queryKey: keys.run(uuid ?? ''),
    queryFn: ({ signal }) => core.processing.run({ runUuid: uuid ?? '' }, { signal }),
    enabled: uuid !== null,
  });
}

/** What a request would run and cost. */
export function planQuery(core: CoreClient, request: RunRequest) {
  return queryOptions<Plan>({
    queryKey: keys.plan(request),
    queryFn: ({ signal }) => core.processing.plan(request, { signal }),
    placeholderData: keepPreviousData,
  });
}

/** The run under review. */
export function useOpening(runUuid: string | null): UseQueryResult<ReviewOpening> {
  const core = useCore();
  const look = useLook(runUuid);
  return useQuery({
    queryKey: keys.opening(runUuid ?? '', look),
    queryFn: ({ signal }) => core.review.open({ runUuid: runUuid ?? '', ...look }, { signal }),
    enabled: runUuid !== null,
  });
}

/** The cells of the run under review. */
export function useCells(runUuid: string | null): UseQueryResult<Cell[]> {
  const core = useCore();
  const look = useLook(runUuid);
  return useQuery({
    queryKey: keys.cells(runUuid ?? '', look),
    queryFn: ({ signal }) => core.review.cells({ runUuid: runUuid ?? '', ...look }, { signal }),
    enabled: runUuid !== null,
  });
}

/** The decisions of the run under review, in order. */
export function useLog(runUuid: string | null): UseQueryResult<LogEntry[]> {
  const core = useCore();
  const look = useLook(runUuid);
  return useQuery({
    queryKey: keys.log(runUuid ?? '', look),
    queryFn: ({ signal }) =>
      core.review.log(
        { runUuid: runUuid ?? '', ...(look.reading === undefined ? {} : { reading: look.reading }) },
        { signal },
      ),
    enabled: runUuid !== null,
  });
}
