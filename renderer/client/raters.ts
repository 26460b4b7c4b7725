// SPDX-License-Identifier: MIT
import {
  type QueryClient,
  useMutation,
  type UseMutationResult,
  useQuery,
  type UseQueryResult,
} from '@tanstack/react-query';
import type { Reading } from '../../main/contract/index.ts';
import { lookAt } from '../stores/look.ts';
import { useCore } from './context.ts';
import { keys } from './queries.ts';
import type { CoreClient } from './types.ts';

/** How far raters agree on a run, where they differ, and what they settled. */
export type Agreement = Awaited<ReturnType<CoreClient['review']['agreement']>>;

/** Asked for only while it may be seen: not during a second reading. */
export function useAgreement(runUuid: string, may: boolean): UseQueryResult<Agreement> {
  const core = useCore();
  return useQuery({
    queryKey: ['agreement', runUuid],
    enabled: may,
    queryFn: ({ signal }) => core.review.agreement({ runUuid }, { signal }),
  });
}

async function renewed(queries: QueryClient, runUuid: string): Promise<void> {
  await Promise.all(
    [keys.opening(runUuid), keys.cells(runUuid), ['agreement', runUuid]].map((queryKey) =>
      queries.invalidateQueries({ queryKey }),
    ),
  );
}

/** Begins a rater's own reading, or goes on with it, and shows its labels instead of the curation's. */
export function useBeginReading(queries: QueryClient, runUuid: string): UseMutationResult<Reading, Error, string> {
  const core = useCore();
  return useMutation({
    mutationFn: (raterUuid: string) => core.review.beginReading({ runUuid, raterUuid }),
    onSuccess: async ({ uuid }) => {
      lookAt(runUuid, { reading: uuid });
      await renewed(queries, runUuid);
    },
  });
}

/** Ends a reading and shows the curation again, with how far the raters agree. */
export function useFinishReading(queries: QueryClient, runUuid: string): UseMutationResult<Reading, Error, Reading> {
  const core = useCore();
  return useMutation({
    mutationFn: ({ uuid, rater }: Reading) =>
      core.review.finishReading({ runUuid, raterUuid: rater.uuid, reading: uuid }),
    onSuccess: async () => {
      // What was read before the reading ended would still say that it goes on.
      for (const queryKey of [keys.opening(runUuid), keys.cells(runUuid), ['agreement', runUuid]])
        queries.removeQueries({ queryKey, type: 'inactive' });
      lookAt(runUuid);
      await renewed(queries, runUuid);
    },
  });
}
