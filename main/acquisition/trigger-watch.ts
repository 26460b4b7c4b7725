// SPDX-License-Identifier: MIT
import { AppError } from '../contract/index.ts';
import type { Clock } from '../devices/index.ts';

/** A trigger input is asked this often while it is waited for, ms. */
const askMs = 20;
/** Answers that may stay away, one after the other, before the input counts as one that cannot be read. */
const patience = 10;

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

  /**
   * Resolves after the first reading, which only says where the input stands, so that no edge that comes later is missed.
   *
   * @param wasRead the input was waited for before: answers that stay away now are waited out
   * @throws AppError `acquire.not_ready` when it cannot be read: a wait for it would never end
   */
  async begin(wasRead = false): Promise<void> {
    this.end();
    const watching = new AbortController();
    this.#watching = watching;
    const most = wasRead ? 1 : patience;
    let level = await this.#ask();
    for (let asked = 1; level === null && asked < most && !watching.signal.aborted; asked += 1) {
      await this.#clock.sleep(askMs, watching.signal).catch(() => undefined);
      level = await this.#ask();
    }
    if (watching.signal.aborted) return;
    if (level === null && !wasRead) {
      this.end();
      throw new AppError(
        'acquire.not_ready',
        'Not armed: the board’s trigger input cannot be read, so that no edge of it would be seen.',
        {
          hint: 'Start the recording by hand. Where the system gives only the board’s camera to you (V4L2), the message at connecting says how to get raw access, with which the input is read.',
        },
      );
    }
    this.#level = level;
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
