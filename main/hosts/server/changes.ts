// SPDX-License-Identifier: MIT

/** What changed, for windows that show it. */
export interface Change {
  readonly topic: 'sessions' | 'runs' | 'curation';
  readonly uuid: string | null;
}

/** A reader that falls this far behind is told that everything may have changed. */
const longestQueue = 256;

/** Tells every follower of each change. */
export class ChangeHub {
  readonly #followers = new Set<(change: Change) => void>();

  notify(topic: Change['topic'], uuid: string | null): void {
    for (const follower of this.#followers) follower({ topic, uuid });
  }

  /** Changes from now on, until the signal. */
  async *follow(signal: AbortSignal): AsyncGenerator<Change> {
    const queue: Change[] = [];
    let wake: () => void = () => undefined;
    const add = (change: Change): void => {
      if (queue.some((queued) => queued.topic === change.topic && queued.uuid === change.uuid)) return;
      if (queue.length >= longestQueue) {
        queue.length = 0;
        for (const topic of ['sessions', 'runs', 'curation'] as const) queue.push({ topic, uuid: null });
      } else queue.push(change);
      wake();
    };
    this.#followers.add(add);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const next = queue.shift();
        if (next !== undefined) {
          yield next;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#followers.delete(add);
    }
  }
}
