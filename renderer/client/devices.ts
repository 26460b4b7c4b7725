// SPDX-License-Identifier: MIT
import { useEffect, useState } from 'react';
import type { AcquireDevice } from '../../main/contract/index.ts';
import { useCore } from './context.ts';

/** Pause before the list is asked for again after it broke off, ms. */
const againMs = 2000;

/** The boards that are there, now and after each change; undefined before the first word. `scan` asks anew. */
export function useDevices(): { readonly devices: readonly AcquireDevice[] | undefined; readonly scan: () => void } {
  const core = useCore();
  const [devices, setDevices] = useState<readonly AcquireDevice[] | undefined>(undefined);
  const [scans, setScans] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const follow = async (): Promise<void> => {
      while (!signal.aborted) {
        try {
          for await (const list of core.acquire.watchDevices({}, { signal })) setDevices(list);
        } catch {
          // The line is lost; what is there meanwhile is not known, the last word stays.
        }
        await new Promise((resolve) => {
          setTimeout(resolve, againMs);
        });
      }
    };
    void follow();
    return () => leaving.abort();
  }, [core, scans]);
  return { devices, scan: () => setScans((before) => before + 1) };
}
