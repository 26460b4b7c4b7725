// SPDX-License-Identifier: MIT
import type { Clock } from '../devices/index.ts';

/** A trigger input is asked this often while it is waited for, ms. */
const askMs = 20;

/** Waits for the edges of a board's trigger input. */
export class TriggerWatch {
  readonly #clock: Clock;
  readonly #ask: () => Promise<boolean | null>;
  readonly #onEdge: (high: boolean) => void;
  #watching: AbortController | undefined;
  #level: boolean | null = null;

  /** @param ask the input's level; null when it cannot be read */
  constructor(clock: Clock, ask: () => Promise<boolean | null>, onEdge: (high: boolean) => void) {
    this.#clock = clock;
    this.#ask = ask;
    this.#onEdge = onEdge;
  }

  /** Null while nobody waits for it, and when it cannot be read. */
  get level(): boolean | null {
    return this.#level;
  }

  /** Resolves after the first reading, which only says where the input stands, so that no edge that comes later is missed. */
  async begin(): Promise<void> {
    this.end();
    const watching = new AbortController();
    this.#watching = watching;
    this.#level = await this.#ask();
    void this.#follow(watching.signal);
  }

  end(): void {
    this.#watching?.abort();
    this.#watching = undefined;
    this.#level = null;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    let before = this.#level;
    while (!signal.aborted) {
      const level = await this.#ask();
      if (signal.aborted) return;
      this.#level = level;
      if (level !== null && before !== null && level !== before) this.#onEdge(level);
      if (level !== null) before = level;
      await this.#clock.sleep(askMs, signal).catch(() => undefined);
    }
  }
}
