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
