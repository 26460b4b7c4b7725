// SPDX-License-Identifier: MIT
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { AppError, type QueueState, type RunBatch } from '../../main/contract/index.ts';
import { report } from '../stores/messages.ts';
import { useCore } from './context.ts';
import { keys } from './queries.ts';
import type { CoreClient } from './types.ts';

/** Rules, order, and why nothing begins now. Made stale with the runs. */
export function useQueue(): UseQueryResult<QueueState> {
  const core = useCore();
  return useQuery({
    queryKey: [...keys.runs, 'queue'],
    queryFn: ({ signal }) => core.processing.queue({}, { signal }),
  });
}

/** Entries of several runs, newest first. */
export function useBatches(): UseQueryResult<RunBatch[]> {
  const core = useCore();
  return useQuery({
    queryKey: [...keys.runs, 'batches'],
    queryFn: ({ signal }) => core.processing.batches({}, { signal }),
  });
}

type Change = Parameters<CoreClient['processing']['setQueue']>[0];

/** Acts on the queue; what cannot be done is said in the message area. */
export function useQueueActs(): {
  readonly change: (change: Change) => void;
  readonly cancel: (runUuid: string) => void;
  readonly retry: (runUuid: string) => void;
} {
  const core = useCore();
  const queries = useQueryClient();
  const onError = (error: unknown): void => {
    const { message, hint } = AppError.from(error);
    report('error', 'Process', hint === undefined ? message : `${message} ${hint}`);
  };
  const renew = (): void => void queries.invalidateQueries({ queryKey: keys.runs });
  const change = useMutation({
    mutationFn: (wanted: Change) => core.processing.setQueue(wanted),
    onSuccess: (state) => queries.setQueryData([...keys.runs, 'queue'], state),
    onError,
  });
  const cancel = useMutation({
    mutationFn: (runUuid: string) => core.processing.cancel({ runUuid }),
    onSuccess: renew,
    onError,
  });
  const retry = useMutation({
    mutationFn: (runUuid: string) => core.processing.retry({ runUuid }),
    onSuccess: renew,
    onError,
  });
  return { change: change.mutate, cancel: cancel.mutate, retry: retry.mutate };
}
