// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { RunProgress } from '../../main/contract/index.ts';
import { useConnection, useLine } from './context.ts';
import { keys } from './queries.ts';

/** A run that will not go on. */
export function hasEnded(state: RunProgress['state']): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}

/** Follows the progress of a run while it lives; null before the first value. */
export function useProgress(runUuid: string | null): RunProgress | null {
  const { core } = useConnection();
  const queries = useQueryClient();
  const open = useLine().state === 'open';
  const [progress, setProgress] = useState<RunProgress | null>(null);
  useEffect(() => {
    if (runUuid === null || !open) return undefined;
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        for await (const value of core.processing.progress({ runUuid }, { signal: stop.signal })) {
          if (stop.signal.aborted) return;
          setProgress(value);
          if (hasEnded(value.state)) {
            for (const queryKey of [keys.runs, keys.run(runUuid), ['session'], keys.sessions]) {
              void queries.invalidateQueries({ queryKey });
            }
          }
        }
      } catch {
        // The line was lost or the screen left: the banner speaks, and the next open line follows again.
      }
    };
    void follow();
    return () => stop.abort();
  }, [core, queries, runUuid, open]);
  return progress !== null && progress.runUuid === runUuid ? progress : null;
}
