// SPDX-License-Identifier: MIT
import type { MatchDetail } from '../../main/contract/index.ts';
import { byValue } from './order.ts';

export type MatchGroup = MatchDetail['groupList'][number];

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** Short names of sessions: their days, with the time where two share a day; the whole name where the time is not known. */
export function dayNames(
  sessions: ReadonlyArray<{
    readonly name: string;
    readonly startedAt: string | null;
    readonly tzOffsetMin: number | null;
  }>,
): readonly string[] {
  const parts = sessions.map(({ name, startedAt, tzOffsetMin }) => {
    const date = startedAt === null ? null : new Date(Date.parse(startedAt) + (tzOffsetMin ?? 0) * 60_000);
    if (date === null || Number.isNaN(date.getTime())) return { day: name, time: '' };
    return {
      day: `${String(date.getUTCDate())} ${months[date.getUTCMonth()] ?? ''}`,
      time: date.toISOString().slice(11, 16),
    };
  });
  return parts.map(({ day, time }) =>
    parts.filter((other) => other.day === day).length > 1 ? `${day} ${time}`.trim() : day,
  );
}

/** Cells that were found in several sessions, the lowest score first. */
export function doubtfulFirst(groups: readonly MatchGroup[]): readonly MatchGroup[] {
  return groups
    .filter((group) => group.members.length > 1)
    .toSorted(byValue(({ index }) => index))
    .sort(byValue(({ score }) => score ?? 0));
}

/** A match counts when a person accepted it, or when nobody has decided and its score reaches the limit. */
export function counts({ label, score, members }: MatchGroup, least: number): boolean {
  if (members.length < 2 || label === 'rejected') return false;
  return label === 'accepted' || (score ?? 0) >= least;
}

/** How many cells are on so many sessions, from all sessions down to one; matches that do not count fall apart into cells of one session. */
export function onDays(
  groups: readonly MatchGroup[],
  sessions: number,
  least: number,
): ReadonlyArray<{ readonly days: number; readonly cells: number }> {
  const found = new Map<number, number>();
  const add = (days: number, cells: number): void => void found.set(days, (found.get(days) ?? 0) + cells);
  for (const group of groups) {
    if (group.members.length === 1) add(1, 1);
    else if (counts(group, least)) add(new Set(group.members.map((member) => member.session)).size, 1);
    else add(1, group.members.length);
  }
  return Array.from({ length: sessions }, (_, index) => {
    const days = sessions - index;
    return { days, cells: found.get(days) ?? 0 };
  });
}

/** The next undecided match after (or before) one, in the order of the list; around the end. */
export function nextUndecidedGroup(
  list: readonly MatchGroup[],
  from: number | null,
  step: 1 | -1,
): MatchGroup | undefined {
  const at = list.findIndex((group) => group.index === from);
  for (let i = 1; i <= list.length; i += 1) {
    const place = at < 0 ? (step > 0 ? i - 1 : list.length - i) : (at + step * i + list.length * 2) % list.length;
    const group = list[place];
    if (group?.label === 'undecided') return group;
  }
  return undefined;
}
