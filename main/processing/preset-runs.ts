// SPDX-License-Identifier: MIT
import { AppError, type ParameterValues, type RunRow } from '../contract/index.ts';
import type { Library } from '../library/index.ts';
import { readParameterSet, type ParameterSet } from './parameters.ts';

/** A device as its folder is named: without spaces. */
const folderName = (device: string): string => device.replaceAll(' ', '_');

/**
 * Queues a run for each recording of a session, or for those of some devices, with the parameters of a preset; returns the runs' uuids.
 *
 * @throws AppError `usage.invalid` naming the presets or devices there are, before anything is queued; `session.*`
 */
export async function queueRuns(
  library: Library,
  sessionUuid: string,
  { preset, devices }: { readonly preset: string; readonly devices?: readonly string[] },
  start: (input: {
    recordingUuids: string[];
    parameters: ParameterValues;
    budget: Record<string, never>;
  }) => Promise<{ readonly run: RunRow }>,
  set: ParameterSet = readParameterSet(),
): Promise<readonly string[]> {
  const parameters = set.preset(preset);
  const { recordings } = await library.sessions.get(sessionUuid);
  const there = recordings.map(({ device }) => folderName(device));
  const wanted = devices?.map(folderName) ?? there;
  const unknown = wanted.find((device) => !there.includes(device));
  if (unknown !== undefined) {
    throw new AppError('usage.invalid', `The session has no recording of ${unknown}.`, {
      hint: `It has ${there.join(', ')}.`,
    });
  }
  const runs: string[] = [];
  for (const { uuid, device } of recordings) {
    if (!wanted.includes(folderName(device))) continue;
    const { run } = await start({ recordingUuids: [uuid], parameters, budget: {} });
    runs.push(run.uuid);
  }
  return runs;
}
