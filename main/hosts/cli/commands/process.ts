// SPDX-License-Identifier: MIT
import {
  AppError,
  errorCodes,
  type ErrorCode,
  type RecordingRow,
  type RunProgress,
  type SessionRow,
} from '../../../contract/index.ts';
import { checkExportDestination } from '../../../processing/index.ts';
import { text, type Answer, type Command, type Invocation } from '../command.ts';
import type { CoreClient } from '../connection.ts';
import { exitCodes } from '../../exit-codes.ts';
import { duration, progressView } from '../output.ts';
import { runFlags, runRequest } from '../run-request.ts';

/** `process`: import, run, wait, export. */
export const processCommand: Command = {
  name: 'process',
  summary: 'Find the cells of a session and, if asked, export them',
  usage: 'process <session folder | device folder | film | session id>… [flags]',
  flags: () => [
    ...runFlags(),
    { name: 'export', value: 'folder', help: 'Write footprints, traces … as NumPy files there.' },
  ],
  stays: true,
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  const destination = text(flags, 'export');
  // Before the minutes of the run, not after them.
  if (destination !== undefined) await checkExportDestination(absolute(destination));
  const { client, chosen, input } = await runRequest(invocation, processCommand);
  const started = await client.processing.start(input);
  const last = await follow(invocation, client, started.run.uuid);
  if (last.error !== null) throw failureOf(last.error, started.run.uuid);
  if (last.state !== 'succeeded')
    throw new AppError('engine.cancelled', 'The run was cancelled; nothing of it was kept.');
  const exported =
    destination === undefined
      ? null
      : await client.processing.export({ runUuid: started.run.uuid, destination: absolute(destination) });
  const { run: row, asked } = await client.processing.run({ runUuid: started.run.uuid });
  const lost = (asked?.parameters ?? []).filter((each) => each.became === null).map((each) => each.parameter);
  if (lost.length > 0 && !invocation.json) {
    invocation.terminal.err(
      `note: of parameter set ${asked?.set.idx ?? ''} these have no counterpart here: ${lost.join(', ')}; calyx runs ${row.uuid} says why\n`,
    );
  }
  const [first] = chosen;
  const seconds = last.stages.reduce((sum, stage) => sum + (stage.stage === 'motion' ? 0 : (stage.seconds ?? 0)), 0);
  return {
    exitCode: last.warnings.some((warning) => unreadable.has(warning.code)) ? exitCodes.incomplete : exitCodes.ok,
    json: {
      // Of the first; all of them, in order, under `recordings`.
      session: first === undefined ? null : sessionFacts(first.session),
      recording: first === undefined ? null : recordingFacts(first.recording),
      recordings: chosen.map(({ session, recording }) => ({
        sessionUuid: session.uuid,
        recording: recordingFacts(recording),
      })),
      run: {
        uuid: row.uuid,
        state: row.state,
        cells: row.cells,
        suggested: row.suggested,
        engineVersion: row.engineVersion,
      },
      asked: asked ?? null,
      stages: last.stages.map(({ stage, seconds: took }) => ({ stage, seconds: took })),
      warnings: last.warnings,
      export: exported === null ? null : { folder: absolute(destination ?? ''), files: exported.files },
    },
    text: `${row.cells ?? 0} components, ${row.suggested ?? 0} suggested as cells, in ${duration(seconds)}. Run ${row.uuid}${exported === null ? '' : `, exported to ${absolute(destination ?? '')}`}\n`,
  };
}

const sessionFacts = ({ uuid, name, findings }: SessionRow): object => ({ uuid, name, findings });

const recordingFacts = ({ uuid, device, frames, fps }: RecordingRow): object => ({ uuid, device, frames, fps });

/** Warnings of the engine that mean: a part of the input could not be read. */
const unreadable: ReadonlySet<string> = new Set(['media.truncated', 'media.unreadable', 'media.unreadable_frames']);

/** Failures that the same run may not meet again. */
const passing: ReadonlySet<string> = new Set(['engine.crashed', 'engine.out_of_memory', 'disk.full', 'disk.io']);

function failureOf({ code, message, hint }: NonNullable<RunProgress['error']>, runUuid: string): AppError {
  return new AppError(known(code), message, { hint, details: { runUuid }, retryable: passing.has(code) });
}

const known = (code: string): ErrorCode => errorCodes.find((candidate) => candidate === code) ?? 'engine.internal';

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
