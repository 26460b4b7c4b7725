// SPDX-License-Identifier: MIT
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, stageNames, type Budget, type StageName } from '../contract/index.ts';
import type { Library, RunDetail, RunInputRow, StoredRecording } from '../library/index.ts';
import type { EnginePlan } from './engine-output.ts';
import { jobFolderOf, writeJobFolder, type JobContent, type Limits } from './job-folder.ts';
import { parameterFlags, type Parameters, type ParameterSet } from './parameters.ts';

/** What a run would be given. */
export interface RunPlan {
  readonly recordings: readonly StoredRecording[];
  readonly inputs: readonly RunInputRow[];
  readonly parameters: Parameters;
  /** Frames that would be used. */
  readonly frames: number;
  readonly steps: {
    readonly stage: StageName;
    readonly state: 'cached' | 'will-run';
    readonly seconds: number | null;
  }[];
  readonly seconds: number | null;
  readonly memoryBytes: number;
  /** Bytes on the disk of the library's cache; null where the engine could not be asked. */
  readonly scratchBytes: number | null;
  /** Raw pixels per pixel of the working grid; null while the neurons' size is not known. */
  readonly bin: number | null;
  /** The neurons' diameter as given or measured before, px; null while it is not known. */
  readonly diameterPx: number | null;
  readonly commandLine: string;
  readonly warnings: string[];
}

/** Earlier runs looked at for an estimate. */
const runsLookedAt = 5;

/** Asks the engine what a job would do. */
export type AskEngine = (jobFolder: string) => Promise<EnginePlan>;

/**
 * Checks what a run would be given and says what it would cost on this machine. `ask` is the engine; without it, or where it cannot answer, everything counts as not
 * kept and the memory as the limit.
 *
 * @throws AppError `usage.invalid`, `media.size_mismatch`, `session.not_imported`
 */
export async function planRun(
  library: Library,
  set: ParameterSet,
  limits: Limits,
  wanted: {
    readonly recordingUuids: readonly string[];
    readonly parameters: Readonly<Record<string, number | boolean | string | null>>;
    readonly budget: Budget;
  },
  ask?: AskEngine,
): Promise<RunPlan> {
  const parameters = set.complete(wanted.parameters);
  const recordings: StoredRecording[] = [];
  for (const uuid of wanted.recordingUuids) recordings.push(await library.sessions.recording(uuid));
  checkSizes(recordings);
  const first = Number(parameters['firstFrame'] ?? 0);
  const last = typeof parameters['lastFrame'] === 'number' ? parameters['lastFrame'] : null;
  const inputs = recordings.map((recording) => inputRow(recording, first, last));
  const frames = inputs.reduce((sum, input, index) => sum + usedFrames(input, recordings[index]), 0);
  const seconds = await estimateSeconds(library, pixelsOf(inputs, recordings));
  const warnings = await warningsOf(library, recordings);
  const asked = ask === undefined ? null : await askEngine(library, limits, { ...wanted, parameters, inputs }, ask);
  const kept = new Set((asked?.stages ?? []).filter((stage) => stage.cached).map(({ stage }) => stage));
  const steps = stageNames.map((stage) => ({
    stage,
    state: kept.has(stage) ? ('cached' as const) : ('will-run' as const),
    seconds: kept.has(stage) ? 0 : (seconds?.get(stage) ?? null),
  }));
  return {
    recordings,
    inputs,
    parameters,
    frames,
    steps,
    seconds: steps.some((step) => step.seconds === null)
      ? null
      : steps.reduce((sum, step) => sum + (step.seconds ?? 0), 0),
    memoryBytes: asked?.memoryBytes ?? wanted.budget.memoryBytes ?? limits.memoryBytes,
    scratchBytes: asked?.scratchBytes ?? null,
    bin: asked?.bin ?? null,
    diameterPx: asked?.diameterPx ?? null,
    commandLine: commandLine(set, recordings, parameters, wanted.budget),
    warnings,
  };
}

/** Tells the job folders of plans apart. */
let plans = 0;

/** The engine's own plan; null where it cannot be asked (no engine, films that are gone): the run itself will say why. */
async function askEngine(
  library: Library,
  limits: Limits,
  wanted: Pick<JobContent, 'inputs' | 'parameters' | 'budget'>,
  ask: AskEngine,
): Promise<EnginePlan | null> {
  plans += 1;
  const runUuid = `plan-${process.pid}-${plans}`;
  try {
    const content = { ...wanted, runUuid, output: path.join(jobFolderOf(library, runUuid), 'run') };
    return await ask(await writeJobFolder(library, content, limits));
  } catch {
    return null;
  } finally {
    await rm(jobFolderOf(library, runUuid), { recursive: true, force: true }).catch(() => undefined);
  }
}

function checkSizes(recordings: readonly StoredRecording[]): void {
  const [first] = recordings;
  const odd = recordings.find((recording) => recording.width !== first?.width || recording.height !== first.height);
  if (first !== undefined && odd !== undefined) {
    throw new AppError(
      'media.size_mismatch',
      `${odd.device} is ${odd.width} × ${odd.height}, ${first.device} is ${first.width} × ${first.height}: recordings of one run show one field of view.`,
      { hint: 'Process recordings of another size on their own.' },
    );
  }
}

function inputRow(recording: StoredRecording, firstFrame: number, lastFrame: number | null): RunInputRow {
  const highest = recording.frames - 1;
  const beyond = firstFrame > highest ? `--first-frame ${firstFrame}` : `--last-frame ${lastFrame ?? ''}`;
  if (firstFrame > highest || (lastFrame ?? 0) > highest) {
    throw new AppError('usage.invalid', `${beyond} is beyond the recording's end: its frames are 0 to ${highest}.`);
  }
  return { recordingUuid: recording.uuid, firstFrame, lastFrame };
}

const usedFrames = (input: RunInputRow, recording: StoredRecording | undefined): number =>
  (input.lastFrame ?? (recording?.frames ?? 0) - 1) - input.firstFrame + 1;

function pixelsOf(inputs: readonly RunInputRow[], recordings: readonly StoredRecording[]): number {
  return inputs.reduce((sum, input, index) => {
    const recording = recordings[index];
    return sum + usedFrames(input, recording) * (recording?.height ?? 0) * (recording?.width ?? 0);
  }, 0);
}

/** Seconds of each stage by what the newest finished runs of this library took for a pixel; null where none has finished. */
async function estimateSeconds(library: Library, pixels: number): Promise<ReadonlyMap<StageName, number> | null> {
  const finished = (await library.runs.list({ state: 'succeeded' })).slice(0, runsLookedAt);
  const sums = new Map<StageName, { readonly sum: number; readonly runs: number }>();
  for (const { uuid } of finished) {
    const detail = await library.runs.get(uuid);
    const done = await pixelsOfRun(library, detail);
    const stages = detail.progress?.stages ?? [];
    if (done === 0) continue;
    for (const { stage, seconds } of stages) {
      // A kept result took no time worth knowing.
      if (seconds === null) continue;
      // read and motion are one pass and both carry its time: counted once, under read.
      const { sum, runs } = sums.get(stage) ?? { sum: 0, runs: 0 };
      sums.set(stage, { sum: sum + (stage === 'motion' ? 0 : seconds / done), runs: runs + 1 });
    }
  }
  if (stageNames.some((stage) => !sums.has(stage))) return null;
  return new Map([...sums].map(([stage, { sum, runs }]) => [stage, (sum / runs) * pixels]));
}

async function pixelsOfRun(library: Library, detail: RunDetail): Promise<number> {
  const recordings: StoredRecording[] = [];
  for (const input of detail.inputs) recordings.push(await library.sessions.recording(input.recordingUuid));
  return pixelsOf(detail.inputs, recordings);
}

/** The command that repeats the run. The session is named by its uuid: a window is not told paths. */
function commandLine(
  set: ParameterSet,
  recordings: readonly StoredRecording[],
  parameters: Parameters,
  budget: Budget,
): string {
  // Several recordings are several sessions as a rule; one device name serves them where they agree.
  const devices = [...new Set(recordings.map((recording) => recording.device))];
  const flags = [
    ...recordings.map((recording) => recording.sessionUuid),
    ...(devices.length === 1 ? ['--device', quote(devices[0] ?? '')] : []),
    ...parameterFlags(set, parameters),
    ...(budget.threads === undefined ? [] : ['--threads', String(budget.threads)]),
    ...(budget.memoryBytes === undefined ? [] : ['--memory', String(budget.memoryBytes)]),
  ];
  return `npm run -s calyx -- process ${flags.join(' ')}`;
}

const quote = (text: string): string =>
  /^[\w.+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

async function warningsOf(library: Library, recordings: readonly StoredRecording[]): Promise<string[]> {
  const sessions = [...new Set(recordings.map((recording) => recording.sessionUuid))];
  const present = await library.filesPresent(sessions);
  const warnings: string[] = [];
  for (const uuid of sessions) {
    const session = await library.sessions.get(uuid);
    if (present.get(uuid) !== true)
      warnings.push(`The films of “${session.name}” are no longer where they were imported from.`);
    warnings.push(
      ...session.findings.filter((finding) => finding.severity !== 'info').map((finding) => finding.message),
    );
  }
  return warnings;
}
