// SPDX-License-Identifier: MIT
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { AppError, type StageName, type TryOutPlace } from '../../main/contract/index.ts';
import { requestValues, type FormField, type Typed } from '../stores/parameters.ts';
import { readTryOut, type Tried, type TryOutData, useTryOut } from '../stores/try-out.ts';
import { useCore } from './context.ts';
import { onePacket } from './streams.ts';

/** A form to try: what was typed, and what it means. */
export interface TryOutForm {
  readonly typed: Typed;
  readonly fields: readonly FormField[];
}

/** How a try-out goes. */
export type TryOutState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly side: 'A' | 'B'; readonly stage: StageName | null; readonly overall: number }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Runs pieces through the engine, one after another; leaving the place or cancelling ends it. */
export function useTryOutRunner(): {
  readonly state: TryOutState;
  readonly start: (
    recordingUuid: string,
    place: TryOutPlace,
    sides: readonly (readonly ['A' | 'B', TryOutForm])[],
  ) => Promise<void>;
  readonly cancel: () => void;
} {
  const core = useCore();
  const [state, setState] = useState<TryOutState>({ kind: 'idle' });
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const start = useCallback(
    async (recordingUuid: string, place: TryOutPlace, sides: readonly (readonly ['A' | 'B', TryOutForm])[]) => {
      stop.current?.abort();
      const mine = new AbortController();
      stop.current = mine;
      try {
        for (const [side, form] of sides) {
          setState({ kind: 'running', side, stage: null, overall: 0 });
          const wish = { recordingUuid, place, ...requestValues(form.fields) };
          for await (const value of core.processing.tryOut(wish, { signal: mine.signal })) {
            if (value.result === null) setState({ kind: 'running', side, stage: value.stage, overall: value.overall });
            else {
              const tried: Tried = { result: value.result, typed: form.typed, recordingUuid };
              useTryOut.setState(side === 'A' ? { a: tried, place } : { b: tried, place });
            }
          }
        }
        setState({ kind: 'idle' });
      } catch (error) {
        const left = mine.signal.aborted || AppError.from(error).code === 'engine.cancelled';
        if (stop.current === mine) setState(left ? { kind: 'idle' } : { kind: 'failed', error });
      }
    },
    [core],
  );
  const cancel = useCallback(() => stop.current?.abort(), []);
  return { state, start, cancel };
}

/** Pictures, traces and footprints of one side. */
export function useTryOutData(tried: Tried | null): UseQueryResult<TryOutData> {
  const core = useCore();
  const ticket = tried?.result.ticket ?? '';
  return useQuery({
    queryKey: ['try-out', ticket],
    enabled: ticket !== '',
    queryFn: async ({ signal }): Promise<TryOutData> => {
      const { header, bytes } = await onePacket(core.processing.tryOutPictures({ ticket }, { signal }));
      return readTryOut(header, bytes);
    },
  });
}
