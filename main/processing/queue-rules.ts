// SPDX-License-Identifier: MIT
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../contract/index.ts';

/** A time of the day, `HH:MM`. */
const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** When runs may begin, and in which order. */
export const QueueRules = z.object({
  formatVersion: z.literal(1),
  /** Nothing begins. */
  paused: z.boolean(),
  /** The pause came from a run that failed. */
  pausedByFailure: z.boolean(),
  /** After a failure the next run begins all the same. */
  goOn: z.boolean(),
  /** Runs begin beside a recording, too. */
  whileRecording: z.boolean(),
  /** Runs begin only between these times of the day, by the clock of this machine; over midnight where `from` is later. */
  hours: z.object({ from: TimeOfDay, to: TimeOfDay }).nullable(),
  /** Runs that were put in order by hand, first to last. */
  order: z.array(z.uuid()).max(10_000),
});
export type QueueRules = z.infer<typeof QueueRules>;

/** What may be changed of them; what is absent stays. */
export type RuleChange = {
  readonly [K in 'paused' | 'goOn' | 'whileRecording' | 'hours' | 'order']?: QueueRules[K] | undefined;
};

/** Rules with a change. A pause by hand is none by failure. */
export function changedRules(rules: QueueRules, change: RuleChange): QueueRules {
  return {
    ...rules,
    paused: change.paused ?? rules.paused,
    pausedByFailure: change.paused === undefined ? rules.pausedByFailure : false,
    goOn: change.goOn ?? rules.goOn,
    whileRecording: change.whileRecording ?? rules.whileRecording,
    hours: change.hours === undefined ? rules.hours : change.hours,
    order: change.order ?? rules.order,
  };
}

/** How a queue begins: one after another, on after a failure, never beside a recording. */
export const usualRules: QueueRules = {
  formatVersion: 1,
  paused: false,
  pausedByFailure: false,
  goOn: true,
  whileRecording: false,
  hours: null,
  order: [],
};

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** Milliseconds until the hours begin; 0 within them. `from` = `to` is the whole day. */
export function waitForHours(hours: QueueRules['hours'], now: Date): number {
  if (hours === null) return 0;
  const [from, to] = [minutesOf(hours.from), minutesOf(hours.to)];
  const minute = now.getHours() * 60 + now.getMinutes();
  const inside = from <= to ? from === to || (minute >= from && minute < to) : minute >= from || minute < to;
  if (inside) return 0;
  const ahead = (from - minute + 24 * 60) % (24 * 60);
  return ahead * 60_000 - now.getSeconds() * 1000 - now.getMilliseconds();
}

/** Why no run begins now. */
export type Waiting = 'paused' | 'failure' | 'recording' | 'hours';

/** What keeps a run from beginning now; undefined when nothing does. */
export function whyWaiting(rules: QueueRules, recording: boolean, now: Date): Waiting | undefined {
  if (rules.paused) return rules.pausedByFailure ? 'failure' : 'paused';
  if (recording && !rules.whileRecording) return 'recording';
  return waitForHours(rules.hours, now) > 0 ? 'hours' : undefined;
}

/** The rules kept in a file; the usual ones where there is none or it cannot be read. */
export async function readRules(file: string): Promise<QueueRules> {
  try {
    return QueueRules.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return usualRules;
  }
}

/** Keeps rules: written beside its place and renamed. @throws AppError `disk.io` */
export async function writeRules(file: string, rules: QueueRules): Promise<void> {
  try {
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify(rules, null, 2)}\n`);
    await rename(temporary, file);
  } catch (cause) {
    throw new AppError('disk.io', 'The rules of the queue could not be kept.', { cause });
  }
}
