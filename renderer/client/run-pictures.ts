// SPDX-License-Identifier: MIT
import { useEffect, useState } from 'react';
import type { RunPicture } from '../../main/contract/index.ts';
import { useConnection, useLine } from './context.ts';

/** Pictures of what a run that goes on has gathered; empty before there are any. */
export function useRunPictures(runUuid: string): readonly RunPicture[] {
  const { core } = useConnection();
  const open = useLine().state === 'open';
  const [seen, setSeen] = useState<{ readonly runUuid: string; readonly pictures: readonly RunPicture[] } | null>(null);
  useEffect(() => {
    if (!open) return undefined;
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        for await (const value of core.processing.previews({ runUuid }, { signal: stop.signal })) {
          if (stop.signal.aborted) return;
          setSeen(value);
        }
      } catch {
        // The line was lost or the screen left: the next open line follows again.
      }
    };
    void follow();
    return () => stop.abort();
  }, [core, runUuid, open]);
  return seen?.runUuid === runUuid ? seen.pictures : [];
}
