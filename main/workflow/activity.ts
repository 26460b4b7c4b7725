// SPDX-License-Identifier: MIT
import { AppError, type Aligned } from '../contract/index.ts';
import type { Library, TraceName } from '../library/index.ts';
import { CellTraces } from '../review/index.ts';
import { average, binFrames, binGrid, binTrace, type CameraWindow } from './align.ts';
import { trialWindows } from './windows.ts';

export interface AlignChoice {
  readonly runUuid: string;
  readonly alignment: string;
  readonly trace?: TraceName | undefined;
  readonly binS?: number | undefined;
  readonly trialTypes?: readonly string[] | undefined;
  readonly where?: Readonly<Record<string, string>> | undefined;
  readonly rows?: readonly number[] | undefined;
  /** Only these trials, by number. */
  readonly trialIds?: readonly number[] | undefined;
  /** Version of the curation whose cells are asked for; the newest when absent. */
  readonly version?: number | undefined;
  /** Only cells that count as neurons there. */
  readonly accepted?: boolean | undefined;
  readonly offsetS?: number | undefined;
}

/** Columns of the run's traces that belong to its first recording, in order of time, with their times. */
export async function framesOf(
  traces: CellTraces,
  library: Library,
): Promise<{ frames: number[]; timesS: number[]; others: boolean }> {
  const { inputs } = traces.detail;
  const values = await traces.times();
  let count = values.length;
  const [first] = inputs;
  if (inputs.length > 1 && first !== undefined) {
    const recording = await library.sessions.recording(first.recordingUuid);
    count = Math.min(count, (first.lastFrame ?? recording.frames - 1) - first.firstFrame + 1);
  }
  const placed: { frame: number; timeS: number }[] = [];
  for (let frame = 0; frame < count; frame += 1) {
    const timeS = values[frame] ?? Number.NaN;
    if (Number.isFinite(timeS)) placed.push({ frame, timeS });
  }
  placed.sort((a, b) => a.timeS - b.timeS);
  return {
    frames: placed.map(({ frame }) => frame),
    timesS: placed.map(({ timeS }) => timeS),
    others: inputs.length > 1,
  };
}

/** Seconds between two frames, the middle one of all. */
export function medianInterval(timesS: readonly number[]): number {
  const steps = timesS.slice(1).map((time, index) => time - (timesS[index] ?? 0));
  return steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? Number.NaN;
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/**
 * Activity of a run around an event of its session's trials (workflow-miniscope's `analysis`, with the clocks' offset that it lacks:
 * datamodel.md 2.12, 13). Of a run over several recordings the first is aligned.
 *
 * @throws AppError `align.not_found` for an unknown alignment or a session without behaviour; `align.no_trials` when no trial is left;
 * as {@link CellTraces}
 */
export async function alignActivity(choice: AlignChoice, library: Library, signal?: AbortSignal): Promise<Aligned> {
  const traces = await CellTraces.open(library, choice.runUuid, choice);
  try {
    return await alignTraces(choice, traces, library, signal);
  } finally {
    await traces.close();
  }
}

async function alignTraces(
  choice: AlignChoice,
  traces: CellTraces,
  library: Library,
  signal: AbortSignal | undefined,
): Promise<Aligned> {
  const { detail } = traces;
  const alignments = await library.events.alignments();
  const alignment = alignments.find(({ name }) => name.toLowerCase() === choice.alignment.toLowerCase());
  if (alignment === undefined) {
    throw new AppError('align.not_found', `There is no alignment event “${choice.alignment}”.`, {
      hint: `Known: ${alignments.map(({ name }) => name).join(', ') || 'none; read an alignments.csv with calyx ingest'}.`,
    });
  }
  const behavior = await library.events.behavior(detail.run.sessionUuid);
  const clock =
    choice.offsetS === undefined ? behavior.clock : { offsetS: choice.offsetS, rate: 1, method: 'given' as const };
  const onCamera = (timeS: number): number => clock.offsetS + clock.rate * timeS;
  const { frames, timesS, others } = await framesOf(traces, library);
  const [firstS = 0, lastS = 0] = [timesS[0], timesS.at(-1)];
  const wanted = new Set(choice.trialTypes?.map((type) => type.toLowerCase()));
  const trials = trialWindows(behavior, alignment).map(({ trial, alignS, startS, endS }) => {
    const has = (name: string, value: string): boolean => trial.attributes[name] === value;
    const chosen =
      (choice.trialIds === undefined || choice.trialIds.includes(trial.trialId)) &&
      (wanted.size === 0 || wanted.has((trial.type ?? '').toLowerCase())) &&
      Object.entries(choice.where ?? {}).every(([name, value]) => has(name, value));
    const window: CameraWindow | null =
      alignS === null || startS === null || endS === null
        ? null
        : { zeroS: onCamera(alignS), startS: onCamera(startS), endS: onCamera(endS) };
    const used = chosen && window !== null && window.endS >= firstS && window.startS <= lastS;
    return { trial, window, chosen, used };
  });
  const used = trials.filter((trial): trial is typeof trial & { window: CameraWindow } => trial.used);
  if (used.length === 0) {
    throw new AppError('align.no_trials', 'No trial has a window that lies in the recording.', {
      hint: `Of ${trials.length} trials ${trials.filter(({ chosen }) => chosen).length} are chosen; the recording covers ${firstS.toFixed(1)} to ${lastS.toFixed(1)} s.`,
    });
  }
  const frameS = medianInterval(timesS);
  const grid = binGrid(
    used.map(({ window }) => window),
    choice.binS ?? frameS,
  );
  const binned = used.map(({ window }) => binFrames(timesS, window, grid, frameS));
  const trace = choice.trace ?? 'dff';
  const aligned: Aligned['cells'] = [];
  for (const cell of traces.cells) {
    signal?.throwIfAborted();
    const values = await traces.read(cell.row, trace);
    const activity = binned.map((each) => binTrace(values, frames, each));
    const averages = grid.centresS.map((_, bin) => average(activity.map((trial) => trial[bin] ?? Number.NaN)));
    aligned.push({
      row: cell.row,
      uuid: cell.uuid,
      activity: activity.map((trial) => trial.map(orNull)),
      mean: averages.map(({ mean }) => mean),
      low: averages.map(({ low }) => low),
      high: averages.map(({ high }) => high),
      n: averages.map(({ n }) => n),
    });
  }
  const partly = used.filter(({ window }) => window.startS < firstS || window.endS > lastS).length;
  const without = trials.filter(({ chosen, window }) => chosen && window === null).length;
  return {
    alignment: alignment.name,
    trace,
    clock,
    binS: grid.binS,
    timesS: [...grid.centresS],
    trials: trials.map(({ trial, window, used: isUsed }) => ({
      trialId: trial.trialId,
      type: trial.type,
      attributes: { ...trial.attributes },
      zeroS: window?.zeroS ?? null,
      startS: window?.startS ?? null,
      endS: window?.endS ?? null,
      used: isUsed,
    })),
    cells: aligned,
    warnings: [
      ...(clock.method === 'assumed'
        ? [
            'Nothing tells where the behaviour’s clock lies on the miniscope’s: both are taken to begin together. Give the offset with --offset or in behavior_recordings.csv.',
          ]
        : []),
      ...(without > 0 ? [`${without} trials lack the event and are left out.`] : []),
      ...(partly > 0 ? [`${partly} windows reach beyond the recording.`] : []),
      ...(others ? ['The run has several recordings; the first is aligned.'] : []),
    ],
  };
}
