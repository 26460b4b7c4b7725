// SPDX-License-Identifier: MIT
import type { travelApi } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import type { Handlers } from '../rpc/index.ts';
import type { OnProgress } from './job.ts';
import { packRun } from './pack.ts';
import { unpackFile } from './unpack.ts';

/** What travel needs. */
export interface TravelDependencies {
  readonly library: Library;
  /** Called after a package was added. */
  readonly changed?: (runUuid: string) => void;
}

interface Moment<R> {
  readonly step: string;
  readonly fraction: number;
  readonly report: R | null;
}

/** The newest moment of an act until it ends; leaving cancels it, and its last word is waited for. */
async function* followed<R>(
  act: (progress: OnProgress, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<Moment<R>> {
  const left = new AbortController();
  const state = { newest: { step: 'begin', fraction: 0, report: null } as Moment<R> | null, isOver: false };
  let wake: () => void = () => undefined;
  const acting = act(
    (step, fraction) => {
      state.newest = { step, fraction, report: null };
      wake();
    },
    AbortSignal.any([signal, left.signal]),
  ).finally(() => {
    state.isOver = true;
    wake();
  });
  acting.catch(() => undefined);
  try {
    while (!state.isOver) {
      if (state.newest !== null) {
        const moment = state.newest;
        state.newest = null;
        yield moment;
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    yield { step: 'done', fraction: 1, report: await acting };
  } finally {
    left.abort();
    await acting.catch(() => undefined);
  }
}

/** Serves `travel.*`. */
export function createTravelHandlers({ library, changed }: TravelDependencies): Handlers<typeof travelApi.procedures> {
  return {
    pack: (wish, { signal }) => followed((progress, stop) => packRun(library, wish, progress, stop), signal),
    unpack: (wish, { signal }) =>
      followed(async (progress, stop) => {
        const report = await unpackFile(library, wish, progress, stop);
        changed?.(report.runUuid);
        return report;
      }, signal),
  };
}
