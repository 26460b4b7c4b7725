// SPDX-License-Identifier: MIT
import { Followers } from '../rpc/index.ts';
import type { OnProgress } from './job.ts';

interface Moment {
  readonly step: string;
  readonly fraction: number;
}

/** Exports and imports under way by the ticket their caller gave, and who follows them. */
export class Progresses {
  readonly #entries = new Map<string, { readonly followers: Followers<Moment>; readonly over: AbortSignal }>();

  /** Begins one; it ends with the returned value. Without a ticket nobody can follow. */
  begin(ticket: string | undefined): Disposable & { readonly report: OnProgress } {
    let now: Moment = { step: 'start', fraction: 0 };
    const over = new AbortController();
    const followers = new Followers(() => now);
    if (ticket !== undefined) this.#entries.set(ticket, { followers, over: over.signal });
    return {
      report: (step, fraction) => {
        now = { step, fraction };
        followers.notify();
      },
      [Symbol.dispose]: () => {
        if (ticket !== undefined) this.#entries.delete(ticket);
        over.abort();
      },
    };
  }

  /** The newest progress of an export, until it ends; nothing for one that is not under way. */
  async *follow(ticket: string, signal: AbortSignal): AsyncGenerator<Moment> {
    const entry = this.#entries.get(ticket);
    if (entry !== undefined) yield* entry.followers.follow(AbortSignal.any([signal, entry.over]));
  }
}
