// SPDX-License-Identifier: MIT
import type { Hash } from 'node:crypto';
import { AppError } from '../contract/errors.ts';
import { inPercents } from '../threads/index.ts';
import type { OnProgress } from './job.ts';

/** How an act is told to stop, and tells how far it is. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly progress: OnProgress;
}

/** Progress in whole percents, one message each. */
export function meter({ progress }: Watch, step: string, total: number): (amount: number) => void {
  const tell = inPercents(progress);
  let done = 0;
  return (amount) => {
    done += amount;
    tell(step, Math.min(1, done / Math.max(1, total)));
  };
}

/** The word of an act that was stopped; who stopped it is told by `runTravel`. */
export function cancelled(): AppError {
  return new AppError('rpc.cancelled', 'Stopped.');
}

/** Passes pieces on and adds them to a hash. @throws AppError `rpc.cancelled` */
export async function* hashed(
  { signal }: Watch,
  pieces: AsyncIterable<Uint8Array>,
  hash: Hash,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of pieces) {
    if (signal.aborted) throw cancelled();
    hash.update(bytes);
    onBytes(bytes.length);
    yield bytes;
  }
}

/** A package that is not what it should be. */
export function damaged(what: string): AppError {
  return new AppError('travel.damaged', `This package is damaged: ${what}. Nothing was added.`, {
    hint: 'Copy or pack it again.',
  });
}
