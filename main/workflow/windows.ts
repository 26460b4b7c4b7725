// SPDX-License-Identifier: MIT
import type { AlignmentRow, Behavior, BehaviorTrial } from '../library/index.ts';

/** The window of a trial, on the behaviour's clock. */
export interface TrialWindow {
  readonly trial: BehaviorTrial;
  /** Null where the trial lacks the event. */
  readonly alignS: number | null;
  readonly startS: number | null;
  readonly endS: number | null;
}

/**
 * Windows of trials around an alignment event (datamodel.md 1.5): the last such event inside the trial; the nearest start event at or
 * before it, not before the trial; the nearest end event at or after it, not after the trial; then the three shifts are added.
 */
export function trialWindows(behavior: Behavior, alignment: AlignmentRow): readonly TrialWindow[] {
  const times = new Map<string, number[]>();
  for (const { type, timeS } of behavior.events) {
    const list = times.get(type);
    if (list === undefined) times.set(type, [timeS]);
    else list.push(timeS);
  }
  const of = (type: string): readonly number[] => times.get(type) ?? [];
  return behavior.trials.map((trial) => {
    const at = of(alignment.align.type).findLast((timeS) => timeS >= trial.startS && timeS <= trial.stopS);
    if (at === undefined) return { trial, alignS: null, startS: null, endS: null };
    const start = of(alignment.start.type).findLast((timeS) => timeS <= at && timeS >= trial.startS);
    const end = of(alignment.end.type).find((timeS) => timeS >= at && timeS <= trial.stopS);
    return {
      trial,
      alignS: at + alignment.align.shiftS,
      startS: start === undefined ? null : start + alignment.start.shiftS,
      endS: end === undefined ? null : end + alignment.end.shiftS,
    };
  });
}
