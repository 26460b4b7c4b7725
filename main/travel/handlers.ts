// SPDX-License-Identifier: MIT
import type { travelApi } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { followed, type Handlers } from '../rpc/index.ts';
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

/** The moments of an act, the last with its report; leaving cancels it. */
async function* moments<R>(
  act: (progress: OnProgress, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<Moment<R>> {
  const first: Moment<R> = { step: 'begin', fraction: 0, report: null };
  const report = yield* followed(
    first,
    (tell, stop) => act((step, fraction) => tell({ step, fraction, report: null }), stop),
    signal,
  );
  yield { step: 'done', fraction: 1, report };
}

/** Serves `travel.*`. */
export function createTravelHandlers({ library, changed }: TravelDependencies): Handlers<typeof travelApi.procedures> {
  return {
    pack: (wish, { signal }) => moments((progress, stop) => packRun(library, wish, progress, stop), signal),
    unpack: (wish, { signal }) =>
      moments(async (progress, stop) => {
        const report = await unpackFile(library, wish, progress, stop);
        changed?.(report.runUuid);
        return report;
      }, signal),
  };
}
