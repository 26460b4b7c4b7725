// SPDX-License-Identifier: MIT

/** Those who follow something that changes, the source of a subscription; a reader that is slow misses moments, never the newest. */
export class Followers<T> {
  readonly #read: () => T;
  readonly #wakes = new Set<() => void>();

  constructor(read: () => T) {
    this.#read = read;
  }

  /** Something has changed. */
  notify(): void {
    for (const wake of this.#wakes) wake();
  }

  /** What there is now and after each change, until the signal. */
  async *follow(signal: AbortSignal): AsyncGenerator<T> {
    let isNew = true;
    let wake: () => void = () => undefined;
    const changed = (): void => {
      isNew = true;
      wake();
    };
    this.#wakes.add(changed);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        if (isNew) {
          isNew = false;
          yield this.#read();
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#wakes.delete(changed);
    }
  }
}

/**
 * What a piece of work tells while it goes on, from `first` to the newest, then its result as the generator's own. Leaving aborts the work's
 * signal, and so does `signal`; its end is waited for.
 */
export async function* followed<S, R>(
  first: S,
  work: (tell: (now: S) => void, signal: AbortSignal) => Promise<R>,
  signal: AbortSignal,
): AsyncGenerator<S, R> {
  let now = first;
  const left = new AbortController();
  const over = new AbortController();
  const followers = new Followers(() => now);
  const tell = (moment: S): void => {
    now = moment;
    followers.notify();
  };
  const working = work(tell, AbortSignal.any([signal, left.signal])).finally(() => over.abort());
  // Awaited below; a reader who leaves meanwhile must not leave a rejection behind.
  working.catch(() => undefined);
  try {
    yield* followers.follow(over.signal);
    return await working;
  } finally {
    left.abort();
    await working.catch(() => undefined);
  }
}
