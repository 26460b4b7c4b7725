// SPDX-License-Identifier: MIT
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { ContourAnswer, ContourRequest } from '../gl/contour-worker.ts';
import type { Outlines } from '../gl/contours.ts';
import { useCore } from './context.ts';
import { onePacket } from './streams.ts';

function drawOutlines(request: ContourRequest, signal: AbortSignal): Promise<Outlines> {
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

/** The outlines of all cells of a run: all footprints in one packet, drawn at half their maximum in a worker. */
export function useOutlines(runUuid: string | null): UseQueryResult<Outlines> {
  const core = useCore();
  return useQuery({
    queryKey: ['outlines', runUuid],
    enabled: runUuid !== null,
    queryFn: async ({ signal }) => {
      const { header, bytes } = await onePacket(core.review.footprints({ runUuid: runUuid ?? '' }, { signal }));
      return drawOutlines({ windows: header.cells, bytes }, signal);
    },
  });
}
