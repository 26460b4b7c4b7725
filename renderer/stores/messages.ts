// SPDX-License-Identifier: MIT
import { create } from 'zustand';

export type Severity = 'error' | 'warning' | 'info';

/** A line of the message area. The same thing happening again raises its count; nothing disappears by itself. */
export interface Message {
  readonly id: number;
  /** Milliseconds since 1970 of the newest occurrence. */
  readonly at: number;
  readonly severity: Severity;
  /** The part of the program that says it. */
  readonly source: string;
  readonly text: string;
  readonly count: number;
}

interface Messages {
  readonly list: readonly Message[];
  /** When the person last went elsewhere, ms since 1970. */
  readonly leftAt: number;
}

/** The session's messages, newest first. */
export const useMessages = create<Messages>(() => ({ list: [], leftAt: 0 }));

/** The message that stands in the status line: the newest, but a hint only in the place in which it was given. */
export function inSight({ list, leftAt }: Messages): Message | undefined {
  const [newest] = list;
  return newest?.severity === 'info' && newest.at <= leftAt ? undefined : newest;
}

/** Adds a message to a list; an equal one is counted up and moved to the front. */
export function withMessage(
  list: readonly Message[],
  message: Pick<Message, 'severity' | 'source' | 'text'>,
  at: number,
): readonly Message[] {
  const same = list.find(
    (entry) => entry.severity === message.severity && entry.source === message.source && entry.text === message.text,
  );
  const nextId = list.reduce((highest, entry) => Math.max(highest, entry.id), 0) + 1;
  const entry = { ...message, at, id: same?.id ?? nextId, count: (same?.count ?? 0) + 1 };
  return [entry, ...list.filter((other) => other !== same)];
}

/** How many different errors and warnings stand in a list. */
export function messageCounts(list: readonly Message[]): { readonly errors: number; readonly warnings: number } {
  return {
    errors: list.filter((entry) => entry.severity === 'error').length,
    warnings: list.filter((entry) => entry.severity === 'warning').length,
  };
}

/** Tells the person something: shown in the message area and announced. */
export function report(severity: Severity, source: string, text: string): void {
  useMessages.setState((state) => ({ list: withMessage(state.list, { severity, source, text }, Date.now()) }));
}
