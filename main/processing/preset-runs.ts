// SPDX-License-Identifier: MIT
import type { ParameterValues, RunRow } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { readParameterSet, type ParameterSet } from './parameters.ts';

/**
 * Queues a run for each recording of a session with the parameters of a preset; returns the runs' uuids.
 *
 * @throws AppError `usage.invalid` naming the presets there are, `session.*`
 */
export async function queueRuns(
  library: Library,
  sessionUuid: string,
  preset: string,
  start: (input: {
    recordingUuids: string[];
    parameters: ParameterValues;
    budget: Record<string, never>;
  }) => Promise<{ readonly run: RunRow }>,
  set: ParameterSet = readParameterSet(),
): Promise<readonly string[]> {
  const parameters = set.preset(preset);
  const { recordings } = await library.sessions.get(sessionUuid);
  const runs: string[] = [];
  for (const { uuid } of recordings) {
    const { run } = await start({ recordingUuids: [uuid], parameters, budget: {} });
    runs.push(run.uuid);
  }
  return runs;
}
