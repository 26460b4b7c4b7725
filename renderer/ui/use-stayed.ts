// SPDX-License-Identifier: MIT
import { useEffect, useState } from 'react';

/** A row that stays in sight for so long is looked at, ms: those that only pass ask for nothing. */
const passingMs = 90;

let together: Set<() => void> | undefined;

/** Acts after a moment, unless the returned function is called before. Rows that come into sight together wait for one timer: one each would cost a leap more than their drawing. */
export function afterPassing(act: () => void): () => void {
  let mine = together;
  if (mine === undefined) {
    const begun = new Set<() => void>();
    together = begun;
    mine = begun;
    setTimeout(() => {
      for (const one of begun) one();
    }, passingMs);
    queueMicrotask(() => (together = undefined));
  }
  const waiting = mine.add(act);
  return () => waiting.delete(act);
}

/** Has this stayed in sight for a moment? */
export function useStayed(what: string): boolean {
  const [stayed, setStayed] = useState<string>();
  useEffect(() => afterPassing(() => setStayed(what)), [what]);
  return stayed === what;
}
