// SPDX-License-Identifier: MIT
/** The steps that can be taken back and repeated, newest last, as the fold of a log's steps. */
export interface StepStacks {
  readonly done: readonly number[];
  readonly undone: readonly number[];
}

/** One act of the log, without its cells. */
export interface Step {
  readonly step: number;
  readonly kind: 'decide' | 'undo' | 'redo';
  /** The step an undo takes back or a redo repeats. */
  readonly target: number | null;
}

/**
 * Folds a log's steps in order. A decision can be undone and forgets what was undone before it; an undo moves its target to the undone
 * ones; a redo moves it back. Nothing but the log is needed, so undo and redo survive a restart.
 */
export function foldSteps(steps: readonly Step[]): StepStacks {
  const done: number[] = [];
  let undone: number[] = [];
  for (const { step, kind, target } of steps) {
    if (kind === 'decide') {
      done.push(step);
      undone = [];
    } else if (kind === 'undo') {
      done.pop();
      if (target !== null) undone.push(target);
    } else {
      undone.pop();
      if (target !== null) done.push(target);
    }
  }
  return { done, undone };
}
