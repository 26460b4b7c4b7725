// SPDX-License-Identifier: MIT
import type { SessionLine } from './session-list.ts';
import { byName } from './order.ts';

/** Animals over time, computed without React. */

export interface TimelineMark {
  readonly day: string;
  readonly kind: 'session' | 'event';
  readonly label: string;
  /** The sessions of that day. */
  readonly sessionUuids: readonly string[];
  /** Share of cells decided over the day's sessions; null without a result. */
  readonly curated: number | null;
}

export interface TimelineRow {
  readonly animal: string;
  readonly marks: readonly TimelineMark[];
}

export interface AnimalEvent {
  readonly animal: string;
  readonly day: string;
  readonly label: string;
}

/** Word for sessions without an animal. */
export const nameless = 'No animal named';

/** A row an animal, a mark a day; animals by name, nameless sessions last. */
export function timelineRows(
  lines: readonly SessionLine[],
  events: readonly AnimalEvent[] = [],
  animals: readonly string[] = [],
): readonly TimelineRow[] {
  const days = new Map<string, Map<string, SessionLine[]>>(animals.map((animal) => [animal, new Map()]));
  for (const line of lines) {
    const animal = line.session.subject ?? nameless;
    const own = days.get(animal) ?? new Map<string, SessionLine[]>();
    days.set(animal, own);
    if (line.day !== '') own.set(line.day, [...(own.get(line.day) ?? []), line]);
  }
  return [...days]
    .sort(([a], [b]) => (a === nameless ? 1 : b === nameless ? -1 : byName(a, b)))
    .map(([animal, own]) => ({
      animal,
      marks: [
        ...[...own].map(([day, members]): TimelineMark => {
          const shares = members.flatMap(({ curated }) => (curated === null ? [] : [curated]));
          return {
            day,
            kind: 'session',
            label: members.map(({ session }) => session.name).join(', '),
            sessionUuids: members.map(({ session }) => session.uuid),
            curated: shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length,
          };
        }),
        ...events
          .filter((event) => event.animal === animal)
          .map(({ day, label }): TimelineMark => ({ day, kind: 'event', label, sessionUuids: [], curated: null })),
      ].toSorted((a, b) => a.day.localeCompare(b.day)),
    }));
}

const dayMs = 86_400_000;

/** Days since 1970. */
export const dayNumber = (day: string): number => Date.parse(`${day}T00:00:00Z`) / dayMs;

/** Events so many days before the first session or after the last are still drawn. */
const reach = 120;

export interface TimeAxis {
  readonly first: number;
  readonly last: number;
  readonly ticks: readonly { readonly day: number; readonly label: string }[];
}

/** An axis over all marks: three to eight ticks on whole days, months or years. */
export function timeAxis(rows: readonly TimelineRow[]): TimeAxis {
  const daysOf = (kind: TimelineMark['kind']): readonly number[] =>
    rows
      .flatMap(({ marks }) => marks.filter((mark) => mark.kind === kind).map(({ day }) => dayNumber(day)))
      .filter(Number.isFinite);
  const sessions = daysOf('session');
  // What was done years before would press all sessions into one spot: only the months around them are drawn.
  const [from, to] = [Math.min(...sessions) - reach, Math.max(...sessions) + reach];
  const events = daysOf('event').filter((day) => sessions.length === 0 || (day >= from && day <= to));
  const numbers = [...sessions, ...events];
  const today = Math.floor(Date.now() / dayMs);
  const low = numbers.length === 0 ? today - 7 : Math.min(...numbers);
  const high = numbers.length === 0 ? today : Math.max(...numbers);
  const pad = Math.max(1, Math.round((high - low) * 0.03));
  const [first, last] = [low - pad, high + pad];
  const span = last - first;
  const label = (day: number, length: number): string => new Date(day * dayMs).toISOString().slice(0, length);
  const ticks: { day: number; label: string }[] = [];
  if (span <= 70) {
    const step = [1, 2, 5, 7, 14].find((days) => span / days <= 8) ?? 14;
    for (let day = Math.ceil(first); day <= last; day += step) ticks.push({ day, label: label(day, 10) });
  } else {
    const months = [1, 2, 3, 6, 12, 24, 60].find((number) => span / (30.4 * number) <= 8) ?? 120;
    const start = new Date(first * dayMs);
    for (let month = start.getUTCFullYear() * 12 + start.getUTCMonth() + 1; ; month += 1) {
      const day = Date.UTC(Math.floor(month / 12), month % 12, 1) / dayMs;
      if (day > last) break;
      if (month % months === 0) ticks.push({ day, label: label(day, months >= 12 ? 4 : 7) });
    }
  }
  return { first, last, ticks };
}
