// SPDX-License-Identifier: MIT
import type { QueryClient } from '@tanstack/react-query';
import { deciderOf } from './decisions.ts';
import type { Connection } from './types.ts';

/** Answers that a change of each topic makes stale. */
export const staleAfter = {
  sessions: [['sessions'], ['session'], ['sample'], ['plan'], ['facts'], ['lineage'], ['tables']],
  runs: [
    ['runs'],
    ['run'],
    ['session'],
    ['sessions'],
    ['plan'],
    ['facts'],
    ['lineage'],
    ['thumbnail'],
    ['tables'],
    ['explore'],
  ],
  curation: [
    ['opening'],
    ['cells'],
    ['log'],
    ['edits'],
    ['ratings'],
    ['versions'],
    ['agreement'],
    ['limits'],
    ['session'],
    ['sessions'],
    ['runs'],
    ['lineage'],
    ['tables'],
    ['explore'],
  ],
} as const satisfies Readonly<Record<string, ReadonlyArray<readonly string[]>>>;

/** A person decides faster than a list can be asked for again: curation answers are renewed once it has been quiet this long. */
const quietMs = 500;

/** Asks again for what the core says has changed, for as long as the signal lasts. Missed changes are made good after each reconnect. */
export async function followChanges(connection: Connection, queries: QueryClient, signal: AbortSignal): Promise<void> {
  const renew = (topic: keyof typeof staleAfter): void => {
    for (const queryKey of staleAfter[topic]) void queries.invalidateQueries({ queryKey });
  };
  let quiet: ReturnType<typeof setTimeout> | undefined;
  const renewWhenQuiet = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(
      () => (deciderOf(connection, queries).pending() > 0 ? renewWhenQuiet() : renew('curation')),
      quietMs,
    );
  };
  let first = true;
  while (!signal.aborted) {
    await lineOpen(connection, signal);
    if (signal.aborted) break;
    if (!first) void queries.invalidateQueries();
    first = false;
    try {
      for await (const change of connection.core.app.changes({}, { signal })) {
        if (change.topic === 'curation') renewWhenQuiet();
        else renew(change.topic);
      }
      await pause(1000, signal);
    } catch {
      // The banner says that the line is lost; here only the wait for the next one matters.
      await pause(500, signal);
    }
  }
  clearTimeout(quiet);
}

function lineOpen(connection: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (connection.line().state !== 'open' && !signal.aborted) return;
      leave();
      signal.removeEventListener('abort', check);
      resolve();
    };
    const leave = connection.subscribe(check);
    signal.addEventListener('abort', check);
    check();
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
