// SPDX-License-Identifier: MIT
import {
  AppError,
  Uuid,
  type ErrorCode,
  errorCodes,
  type ParameterValues,
  type RunProgress,
  type SessionRow,
} from '../../../contract/index.ts';
import { checkExportDestination, readParameterSet } from '../../../processing/index.ts';
import { positive, text, words, type Answer, type Command, type FlagValues, type Invocation } from '../command.ts';
import type { CoreClient } from '../connection.ts';
import { exitCodes } from '../../exit-codes.ts';
import { parseMemory } from '../memory.ts';
import { duration, progressView } from '../output.ts';

/** `process`: import, run, wait, export. */
export const processCommand: Command = {
  name: 'process',
  summary: 'Find the cells of a session and, if asked, export them',
  usage: 'process <session folder | device folder | film | session id> [flags]',
  flags: () => [
    { name: 'device', value: 'name', help: 'Miniscope of the session; needed when it has several.' },
    { name: 'fps', value: 'rate', help: 'Frames per second of a film without time stamps.' },
    { name: 'threads', value: 'n', help: 'Cores to use, decoders included.' },
    { name: 'memory', value: 'size', help: 'Memory the engine may hold, as in 2G.' },
    { name: 'export', value: 'folder', help: 'Write footprints, traces … as NumPy files there.' },
    {
      name: 'preset',
      value: 'name',
      help: `Named set of parameters: ${readParameterSet()
        .presets.map((preset) => preset.name)
        .join(', ')}.`,
    },
    ...readParameterSet().specs.map((spec) => ({
      name: spec.cliFlag.slice(2),
      value: spec.unit ?? spec.type,
      help: `${spec.help.split('. ')[0]?.replace(/\.$/, '') ?? spec.label}. Default: ${spec.default === null ? 'from the film' : String(spec.default)}.`,
    })),
  ],
  stays: true,
  run,
};

function parametersFrom(flags: FlagValues): ParameterValues {
  const set = readParameterSet();
  const preset = text(flags, 'preset');
  // What is said one by one counts more than the preset.
  const values: ParameterValues = preset === undefined ? {} : set.preset(preset);
  for (const spec of set.specs) {
    const given = text(flags, spec.cliFlag.slice(2));
    if (given !== undefined) values[spec.name] = set.parseText(spec, given);
  }
  set.complete(values);
  return values;
}

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, absolute, terminal, json } = invocation;
  const [place] = words(processCommand, invocation.positionals, ['the folder or film to process'] as const);
  const parameters = parametersFrom(flags);
  const threads = positive(flags, 'threads', 'whole number');
  const memory = text(flags, 'memory');
  const fps = positive(flags, 'fps', 'number');
  const destination = text(flags, 'export');
  const budget = {
    ...(threads === undefined ? {} : { threads }),
    ...(memory === undefined ? {} : { memoryBytes: parseMemory(memory) }),
  };
  // Before the minutes of the run, not after them.
  if (destination !== undefined) await checkExportDestination(absolute(destination));
  const { client } = await invocation.connect();
  const device = text(flags, 'device');
  const session = await sessionOf(invocation, client, place, device, fps);
  const recording = recordingOf(session, device);
  for (const finding of session.findings) {
    if (finding.severity !== 'info' && !json) terminal.err(`${finding.severity}: ${finding.message}\n`);
  }
  const started = await client.processing.start({ recordingUuids: [recording.uuid], parameters, budget });
  const last = await follow(invocation, client, started.run.uuid);
  if (last.error !== null) throw failureOf(last.error, started.run.uuid);
  if (last.state !== 'succeeded')
    throw new AppError('engine.cancelled', 'The run was cancelled; nothing of it was kept.');
  const exported =
    destination === undefined
      ? null
      : await client.processing.export({ runUuid: started.run.uuid, destination: absolute(destination) });
  const { run: row } = await client.processing.run({ runUuid: started.run.uuid });
  const seconds = last.stages.reduce((sum, stage) => sum + (stage.stage === 'motion' ? 0 : (stage.seconds ?? 0)), 0);
  return {
    exitCode: last.warnings.some((warning) => unreadable.has(warning.code)) ? exitCodes.incomplete : exitCodes.ok,
    json: {
      session: { uuid: session.uuid, name: session.name, findings: session.findings },
      recording: { uuid: recording.uuid, device: recording.device, frames: recording.frames, fps: recording.fps },
      run: {
        uuid: row.uuid,
        state: row.state,
        cells: row.cells,
        suggested: row.suggested,
        engineVersion: row.engineVersion,
      },
      stages: last.stages.map(({ stage, seconds: took }) => ({ stage, seconds: took })),
      warnings: last.warnings,
      export: exported === null ? null : { folder: absolute(destination ?? ''), files: exported.files },
    },
    text: `${row.cells ?? 0} components, ${row.suggested ?? 0} suggested as cells, in ${duration(seconds)}. Run ${row.uuid}${exported === null ? '' : `, exported to ${absolute(destination ?? '')}`}\n`,
  };
}

/** Warnings of the engine that mean: a part of the input could not be read. */
const unreadable: ReadonlySet<string> = new Set(['media.truncated', 'media.unreadable', 'media.unreadable_frames']);

/** Failures that the same run may not meet again. */
const passing: ReadonlySet<string> = new Set(['engine.crashed', 'engine.out_of_memory', 'disk.full', 'disk.io']);

function failureOf({ code, message, hint }: NonNullable<RunProgress['error']>, runUuid: string): AppError {
  return new AppError(known(code), message, { hint, details: { runUuid }, retryable: passing.has(code) });
}

const known = (code: string): ErrorCode => errorCodes.find((candidate) => candidate === code) ?? 'engine.internal';

async function sessionOf(
  { absolute, json, terminal }: Invocation,
  client: CoreClient,
  place: string,
  device: string | undefined,
  fps: number | undefined,
): Promise<SessionRow> {
  if (Uuid.safeParse(place).success) return (await client.sessions.get({ sessionUuid: place })).session;
  const { session, alreadyImported } = await client.sessions.import({
    source: { path: absolute(place) },
    ...(device === undefined ? {} : { device }),
    ...(fps === undefined ? {} : { fps }),
  });
  if (!json) terminal.err(`${alreadyImported ? 'In the library' : 'Imported'}: ${session.name}\n`);
  return session;
}

function recordingOf(session: SessionRow, device: string | undefined): SessionRow['recordings'][number] {
  const names = session.recordings.map((recording) => recording.device);
  const found = session.recordings.filter(
    (recording) =>
      device === undefined || recording.device === device || recording.device.replaceAll(' ', '_') === device,
  );
  const [recording] = found;
  if (recording === undefined)
    throw new AppError(
      'session.not_found',
      `${session.name} has no device “${device ?? ''}”; it has: ${names.join(', ')}.`,
    );
  if (found.length > 1) {
    throw new AppError('usage.invalid', `${session.name} has several miniscopes: ${names.join(', ')}.`, {
      hint: 'Choose one with --device.',
    });
  }
  return recording;
}

/** Waits for the end of a run, showing its progress; Ctrl-C cancels this run and no other. */
async function follow(invocation: Invocation, client: CoreClient, runUuid: string): Promise<RunProgress> {
  const view = progressView(invocation.terminal, invocation.json);
  let stopping: Promise<unknown> | undefined;
  const stop = (): void => {
    stopping ??= client.processing.cancel({ runUuid }).catch(() => undefined);
  };
  invocation.signal.addEventListener('abort', stop);
  if (invocation.signal.aborted) stop();
  try {
    let last: RunProgress | undefined;
    const told = new Set<string>();
    for await (const progress of client.processing.progress({ runUuid })) {
      last = progress;
      view.show(progress);
      for (const { code, message } of progress.warnings) {
        if (told.has(message)) continue;
        told.add(message);
        if (!invocation.json) {
          view.end();
          invocation.terminal.err(`warning: ${message} (${code})\n`);
        }
      }
    }
    if (last === undefined) throw new AppError('rpc.disconnected', 'The program that does the work ended.');
    return last;
  } finally {
    invocation.signal.removeEventListener('abort', stop);
    view.end();
    await stopping;
  }
}
