// SPDX-License-Identifier: MIT
import { AppError, type AlignmentCondition } from '../contract/index.ts';
import type { ConditionRow, Library } from '../library/index.ts';
import { alignActivity, type AlignChoice } from './activity.ts';

/** As the contract has it. */
export const toCondition = (row: ConditionRow): AlignmentCondition => ({ ...row, trialIds: [...row.trialIds] });

/**
 * Saves a choice of trials: those that have a window in the recording now. One cell's activity is looked at to know the bins.
 *
 * @throws AppError as {@link alignActivity}; `align.exists`
 */
export async function addCondition(
  choice: AlignChoice & { readonly name: string; readonly description?: string | undefined },
  library: Library,
  signal?: AbortSignal,
): Promise<AlignmentCondition> {
  if (choice.offsetS !== undefined) {
    throw new AppError('usage.invalid', 'A saved condition is aligned by the clock that the library knows.', {
      hint: 'Say it there first: clock_offset in behavior_recordings.csv, or workflow.setClock.',
    });
  }
  const aligned = await alignActivity({ ...choice, rows: [] }, library, signal);
  const row = await library.conditions.add({
    runUuid: choice.runUuid,
    trace: aligned.trace,
    alignment: aligned.alignment,
    condition: choice.name,
    description: choice.description ?? '',
    binS: aligned.binS,
    trialIds: aligned.trials.filter((trial) => trial.used).map((trial) => trial.trialId),
  });
  return toCondition(row);
}

/**
 * Aligns the activity of a saved condition and keeps it: all rows of the run as its newest curation has them now, NaN for hidden ones.
 *
 * @throws AppError as {@link alignActivity}; `align.not_found`
 */
export async function alignCondition(
  conditionUuid: string,
  library: Library,
  signal?: AbortSignal,
): Promise<{
  readonly condition: AlignmentCondition;
  readonly cells: number;
  readonly trials: number;
  readonly bins: number;
}> {
  const found = await library.conditions.get(conditionUuid);
  const kept = await library.conditions.activity(conditionUuid);
  if (kept !== null) {
    const { rows, timesS } = kept;
    return { condition: toCondition(found), cells: rows, trials: found.trialIds.length, bins: timesS.length };
  }
  const { runUuid, alignment, trace, binS, trialIds } = found;
  const aligned = await alignActivity({ runUuid, alignment, trace, binS, trialIds }, library, signal);
  const used = aligned.trials.filter((trial) => trial.used).map((trial) => trial.trialId);
  const lost = trialIds.filter((trial) => !used.includes(trial));
  if (lost.length > 0) {
    throw new AppError(
      'align.no_trials',
      `Trials ${lost.join(', ')} of this condition have no window in the recording any more.`,
      {
        hint: 'Their events were changed: save the condition anew under another name.',
      },
    );
  }
  const bins = aligned.timesS.length;
  const rows = aligned.cells.reduce((most, cell) => Math.max(most, cell.row + 1), 0);
  const activity = new Float32Array(rows * used.length * bins).fill(Number.NaN);
  for (const cell of aligned.cells) {
    for (const [trial, values] of cell.activity.entries()) {
      const at = (cell.row * used.length + trial) * bins;
      for (const [bin, value] of values.entries()) if (value !== null) activity[at + bin] = value;
    }
  }
  const saved = await library.conditions.save(conditionUuid, {
    timesS: Float64Array.from(aligned.timesS),
    activity,
    rows,
  });
  return { condition: toCondition(saved), cells: rows, trials: used.length, bins };
}
