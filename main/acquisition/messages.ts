// SPDX-License-Identifier: MIT
import type { AcquireMessage } from '../contract/index.ts';

/** Messages that are kept. */
const kept = 200;

/** What the rig has said, newest first. The same thing again raises a count; nothing disappears by itself. */
export class MessageList {
  #list: readonly AcquireMessage[] = [];
  #next = 1;

  get list(): readonly AcquireMessage[] {
    return this.#list;
  }

  add(severity: AcquireMessage['severity'], text: string, at: number): void {
    const same = this.#list.find((message) => message.severity === severity && message.text === text);
    const id = same?.id ?? this.#next;
    if (same === undefined) this.#next += 1;
    const entry = { id, at, severity, text, count: (same?.count ?? 0) + 1 };
    this.#list = [entry, ...this.#list.filter((message) => message !== same)].slice(0, kept);
  }
}
