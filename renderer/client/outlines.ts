// SPDX-License-Identifier: MIT
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ContourAnswer, ContourRequest } from '../gl/contour-worker.ts';
import type { Outlines } from '../gl/contours.ts';
import { useLook, versionOf } from '../stores/look.ts';
import { useCore } from './context.ts';
import { useEditsKey } from './edits.ts';
import { onePacket } from './streams.ts';

/** Outlines of footprints, drawn away from the window's thread. */
export function drawOutlines(request: ContourRequest, signal: AbortSignal): Promise<Outlines> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../gl/contour-worker.ts', import.meta.url), { type: 'module' });
    const done = (act: () => void): void => {
      worker.terminate();
      act();
    };
    worker.addEventListener('message', ({ data }: MessageEvent<ContourAnswer>) => {
      done(() => ('failed' in data ? reject(new Error(data.failed)) : resolve(data.outlines)));
    });
    worker.addEventListener('error', (event) => {
      done(() => reject(new Error(`The outlines could not be drawn: ${event.message}`)));
    });
    signal.addEventListener('abort', () => done(() => reject(new DOMException('left', 'AbortError'))));
    worker.postMessage(request);
  });
}

/**
 * The outlines of all cells of a run: all footprints in one packet, drawn at half their maximum in a worker. While an edit is drawn anew the outlines before it
 * are shown. A preview's outlines are those after it.
 */
export function useOutlines(runUuid: string, preview?: string): UseQueryResult<Outlines> {
  const core = useCore();
  const edits = useEditsKey(runUuid);
  const shown = versionOf(useLook(runUuid));
  return useQuery<Outlines>({
    queryKey: ['outlines', runUuid, edits, preview ?? ''],
    placeholderData: (before) => (preview === undefined ? before : undefined),
    queryFn: async ({ signal }) => {
      const { header, bytes } = await onePacket(
        core.review.footprints({ runUuid, ...shown, ...(preview === undefined ? {} : { preview }) }, { signal }),
      );
      return drawOutlines({ windows: header.cells, bytes }, signal);
    },
  });
}
