// SPDX-License-Identifier: MIT
import type { Clock } from '../devices/index.ts';

/** Several recordings that begin one each so many seconds: which of them it is, and the wait for the next. */
export class Series {
  readonly #clock: Clock;
  readonly #now: () => Date;
  #number = 1;
  #of = 1;
  #startMs = 0;
  #next: { readonly at: number; readonly cancel: AbortController } | null = null;

  constructor(clock: Clock, now: () => Date) {
    this.#clock = clock;
    this.#now = now;
  }

  get position(): { readonly number: number; readonly of: number } {
    return { number: this.#number, of: this.#of };
  }

  /** Milliseconds since 1970 at which the next one begins; null while none is waited for. */
  get nextAt(): number | null {
    return this.#next?.at ?? null;
  }

  get hasMore(): boolean {
    return this.#number < this.#of;
  }

  begin(count: number): void {
    this.#number = 1;
    this.#of = count;
    this.#startMs = this.#now().getTime();
  }

  /** No further one. */
  end(): void {
    this.cancelWait();
    this.#of = this.#number;
  }

  cancelWait(): void {
    this.#next?.cancel.abort();
    this.#next = null;
  }

  /** Goes on to the next one, and resolves when it is to begin; false when somebody did not want it any more. */
  async next(everyS: number, waiting: () => void): Promise<boolean> {
    const cancel = new AbortController();
    const at = this.#startMs + this.#number * everyS * 1000;
    this.#next = { at, cancel };
    this.#number += 1;
    waiting();
    await this.#clock.sleep(Math.max(0, at - this.#now().getTime()), cancel.signal).catch(() => undefined);
    if (cancel.signal.aborted) return false;
    this.#next = null;
    return true;
  }
}
