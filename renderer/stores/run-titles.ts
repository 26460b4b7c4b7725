// SPDX-License-Identifier: MIT
import type { RunRow } from '../../main/contract/index.ts';

/** The name of a run with its number among the runs of its session, oldest first: `Miniscope, run 2`. */
export function runTitle(run: RunRow, runs: readonly RunRow[]): string {
  const before = runs.filter(
    (other) =>
      other.sessionUuid === run.sessionUuid &&
      other.uuid !== run.uuid &&
      other.createdAt.localeCompare(run.createdAt) < 0,
  );
  return `${run.name}, run ${String(before.length + 1)}`;
}
