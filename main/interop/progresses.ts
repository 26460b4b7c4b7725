// SPDX-License-Identifier: MIT
import type { OnProgress } from './job.ts';

interface Entry {
  value: { step: string; fraction: number };
  wake: Set<() => void>;
}

/** Exports and imports under way by the ticket their caller gave, and who follows them. */
export class Progresses {
  readonly #entries = new Map<string, Entry>();

  /** Begins one; it ends with the returned value. Without a ticket nobody can follow. */
  begin(ticket: string | undefined): Disposable & { readonly report: OnProgress } {
    const entry: Entry = { value: { step: 'start', fraction: 0 }, wake: new Set() };
    if (ticket !== undefined) this.#entries.set(ticket, entry);
    const wakeAll = (): void => {
      for (const wake of entry.wake) wake();
    };
    return {
      report: (step, fraction) => {
        entry.value = { step, fraction };
        wakeAll();
      },
      [Symbol.dispose]: () => {
        if (ticket !== undefined) this.#entries.delete(ticket);
        wakeAll();
      },
    };
  }

  /** The newest progress of an export, until it ends; nothing for one that is not under way. */
  async *follow(ticket: string, signal: AbortSignal): AsyncGenerator<{ step: string; fraction: number }> {
    const entry = this.#entries.get(ticket);
    if (entry === undefined) return;
    let last: Entry['value'] | undefined;
    let wake: () => void = () => undefined;
    const woken = (): void => wake();
    entry.wake.add(woken);
    signal.addEventListener('abort', woken, { once: true });
    try {
      while (!signal.aborted && this.#entries.get(ticket) === entry) {
        if (entry.value !== last) {
          last = entry.value;
          yield last;
          continue;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      entry.wake.delete(woken);
    }
  }
}
