// SPDX-License-Identifier: MIT
import { create } from 'zustand';

/** Sessions that are chosen beside the one that is shown, to do one thing with all of them. */
interface Marked {
  readonly uuids: readonly string[];
  /** Where a range begins. */
  readonly anchor: string | null;
}

export const useMarked = create<Marked>(() => ({ uuids: [], anchor: null }));

/** Marks a session, or takes the mark off. */
export function toggleMark(uuid: string): void {
  useMarked.setState(({ uuids }) => ({
    uuids: uuids.includes(uuid) ? uuids.filter((other) => other !== uuid) : [...uuids, uuid],
    anchor: uuid,
  }));
}

/** Everything from the session that was marked last to this one, in the order of the list. */
export function markTo(uuid: string, order: readonly string[]): void {
  useMarked.setState(({ uuids, anchor }) => {
    const [from, to] = [order.indexOf(anchor ?? uuid), order.indexOf(uuid)];
    if (to < 0) return {};
    const range = from < 0 ? [uuid] : order.slice(Math.min(from, to), Math.max(from, to) + 1);
    return { uuids: [...new Set([...uuids, ...range])], anchor: uuid };
  });
}

/** Marks exactly these. */
export function setMarks(uuids: readonly string[]): void {
  useMarked.setState({ uuids, anchor: null });
}
