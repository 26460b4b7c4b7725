// SPDX-License-Identifier: MIT
import path from 'node:path';
import {
  AppError,
  type ExportFormat,
  type ExportMetadata,
  type ExportMovie,
  type JobRow,
} from '../../contract/index.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Answer, Invocation } from './command.ts';
import type { CoreClient } from './connection.ts';
import { workOff } from './work-off.ts';

/** What is written of each, as jobs keep it. */
export interface ExportWish {
  readonly format: ExportFormat;
  readonly metadata: ExportMetadata;
  readonly movie: ExportMovie;
  readonly overwrite: boolean;
  readonly cells?: 'all' | 'accepted';
  readonly table?: 'tidy' | 'wide';
  readonly films?: 'link' | 'copy';
}

/** One export of many. */
interface Planned {
  readonly target: string;
  readonly name: string;
  readonly out: string;
}

/** What the name of a file ends in; forms that are folders, and NWB, which has names of its own, have none. */
const endings: Readonly<Partial<Record<ExportFormat, string>>> = {
  caiman: '_caiman.hdf5',
  mat: '.mat',
  roizip: '_rois.zip',
  mp4: '.mp4',
};

/**
 * Exports several runs (of a session its newest finished one; of none named, every session’s) into one folder, a job each: what fails is told and can be
 * tried again (`calyx jobs retry`), the others go on.
 *
 * @throws AppError `run.not_found`, `run.not_ready`
 */
export async function exportMany(
  invocation: Invocation,
  {
    targets,
    folder,
    wish,
  }: { readonly targets: readonly string[]; readonly folder: string; readonly wish: ExportWish },
): Promise<Answer> {
  const { client } = await invocation.connect();
  const runs = await finishedRuns(client, targets);
  // A session and its newest run are the same export.
  const once = runs.filter(({ target }, i) => runs.findIndex((other) => other.target === target) === i);
  const planned = places(once, folder, wish.format);
  if (planned.length === 0) throw new AppError('run.not_ready', 'No session has a finished run.');
  const { jobs } = await client.jobs.add({
    jobs: planned.map(({ target, name, out }) => ({
      step: 'export',
      target,
      name: `${name} as ${wish.format}`,
      // Through JSON: what is not set is not there.
      input: JSON.parse(JSON.stringify({ ...wish, out })) as JobRow['input'],
    })),
  });
  const { flags, json, terminal, signal } = invocation;
  if (flags['later'] === true)
    return {
      exitCode: exitCodes.ok,
      json: { jobs },
      text: `${jobs.length} jobs added; do them with: calyx jobs run\n`,
    };
  let ended = 0;
  const line = (job: JobRow): string => {
    ended += 1;
    const words = job.state === 'succeeded' ? writtenTo(job) : (job.error?.message ?? job.state);
    return `${ended} of ${jobs.length}  ${job.name}: ${words}\n`;
  };
  if (!json) terminal.err(`${jobs.length} exports to ${folder}\n`);
  const done = await workOff(invocation, client, jobs, line);
  const good = done.filter(({ state }) => state === 'succeeded').length;
  const exitCode = signal.aborted ? exitCodes.cancelled : good < jobs.length ? exitCodes.incomplete : exitCodes.ok;
  const hint = good < jobs.length ? '; calyx jobs lists the others' : '';
  return { exitCode, json: { jobs: done }, text: `${good} of ${jobs.length} written to ${folder}${hint}\n` };
}

function writtenTo({ result }: JobRow): string {
  const path = typeof result === 'object' && result !== null && 'path' in result ? result['path'] : null;
  return typeof path === 'string' ? path : 'written';
}

/** The run of each target with the name of its session. */
async function finishedRuns(
  client: CoreClient,
  targets: readonly string[],
): Promise<readonly { readonly target: string; readonly name: string }[]> {
  const sessions = new Map((await client.sessions.list({})).map((session) => [session.uuid, session.name]));
  const runs = (await client.processing.runs({})).filter(({ state }) => state === 'succeeded');
  const newest = (session: string): string | undefined => runs.find(({ sessionUuid }) => sessionUuid === session)?.uuid;
  if (targets.length === 0) {
    return [...sessions].flatMap(([session, name]) => {
      const run = newest(session);
      return run === undefined ? [] : [{ target: run, name }];
    });
  }
  return targets.map((target) => {
    const session = sessions.get(target);
    if (session !== undefined) {
      const run = newest(target);
      if (run === undefined) throw new AppError('run.not_ready', `The session ${session} has no finished run yet.`);
      return { target: run, name: session };
    }
    const run = runs.find(({ uuid }) => uuid === target);
    if (run === undefined)
      throw new AppError('run.not_found', `“${target}” is neither a finished run nor a session of this library.`);
    return { target, name: sessions.get(run.sessionUuid) ?? run.uuid };
  });
}

/** A place of its own for each, named after its session, and by the run where two are of one name. */
function places(
  runs: readonly { readonly target: string; readonly name: string }[],
  folder: string,
  format: ExportFormat,
): readonly Planned[] {
  const safe = (name: string): string => name.replaceAll(/[^\p{L}\p{N}.-]+/gu, '_').slice(0, 80) || 'run';
  const counts = new Map<string, number>();
  const keyOf = (name: string): string => safe(name).toLowerCase();
  for (const { name } of runs) counts.set(keyOf(name), (counts.get(keyOf(name)) ?? 0) + 1);
  return runs.map(({ target, name }) => {
    const own = (counts.get(keyOf(name)) ?? 0) > 1 ? `${safe(name)}-${target.slice(-8)}` : safe(name);
    // NWB files get the DANDI archive's names, one folder a subject.
    const out = format === 'nwb' ? folder : path.join(folder, `${own}${endings[format] ?? ''}`);
    return { target, name, out };
  });
}
