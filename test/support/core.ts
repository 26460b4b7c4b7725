// SPDX-License-Identifier: MIT
import { onTestFinished } from 'vitest';
import { type Core, openCore } from '../../main/hosts/server/index.ts';
import { engineProblem } from '../../main/installation/index.ts';
import { findFfmpeg } from '../../main/media/index.ts';

/** The core of a library in this process; closed when the test ends. */
export async function openTestCore(libraryDirectory: string): Promise<Core> {
  const opened = await openCore({ libraryDirectory, program: 'test' });
  if (opened.kind !== 'owner') throw new Error('somebody else has the library open');
  onTestFinished(() => opened.core.close());
  return opened.core;
}

/** What a window's call comes with. */
export const windowCall = { signal: AbortSignal.timeout(100_000), audience: 'window' as const };

/** Nothing to tell a stream. */
export async function* silence(): AsyncGenerator<never> {}

/** Why no film can be processed here. */
export function processingProblem(): string | undefined {
  return engineProblem() ?? (findFfmpeg() === undefined ? 'no ffmpeg is installed' : undefined);
}
