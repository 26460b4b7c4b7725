// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AppError, Uuid } from '../../../contract/index.ts';
import { machineLimits } from '../../../processing/index.ts';
import { matchSessions, type MatchReport, type SessionSource } from '../../../review/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { positive, text, type Answer, type Command, type FlagValues, type Invocation } from '../command.ts';
import { parseMemory } from '../memory.ts';
import { writeWhole } from '../whole-file.ts';

/** `match`: the same cells in several sessions. */
export const matchCommand: Command = {
  name: 'match',
  summary: 'Find the same cells in several sessions',
  usage: 'match <run id | run or export folder | footprints file>… --um-per-px <µm> [flags]',
  flags: () => [
    { name: 'um-per-px', value: 'µm', help: 'Width of a pixel in µm, the same in all sessions. Needed.' },
    { name: 'out', value: 'file', help: 'Write the groups [[session, index], …] alone there, as JSON.' },
    {
      name: 'frame-size',
      value: 'rows×columns',
      help: 'Size of a frame where a file does not tell it, as in 240x376.',
    },
    { name: 'all', help: 'Rejected components of runs take part too.' },
    { name: 'threads', value: 'n', help: 'Cores to use.' },
    { name: 'memory', value: 'size', help: 'Memory the engine may hold, as in 2G.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, positionals, absolute, terminal, json, signal } = invocation;
  if (positionals.length < 2)
    throw new AppError('usage.invalid', 'match needs at least two sessions.', { hint: `calyx ${matchCommand.usage}` });
  const umPerPx = positive(flags, 'um-per-px', 'number');
  if (umPerPx === undefined)
    throw new AppError('usage.invalid', 'match needs the width of a pixel in µm.', {
      hint: 'Give it with --um-per-px, as in --um-per-px 2.35.',
    });
  if (umPerPx < 0.05 || umPerPx > 50)
    throw new AppError('usage.invalid', `--um-per-px must lie between 0.05 and 50; it is ${umPerPx}.`);
  const frame = frameSize(flags);
  const memory = text(flags, 'memory');
  const out = text(flags, 'out');
  const limits = machineLimits();
  const sessions: SessionSource[] = [];
  for (const given of positionals) sessions.push({ path: await placeOf(invocation, given), frame });
  let said = '';
  const warnings: { readonly code: string; readonly message: string }[] = [];
  const report = await matchSessions({
    sessions,
    umPerPx,
    allComponents: flags['all'] === true,
    threads: positive(flags, 'threads', 'whole number') ?? limits.threads,
    memoryBytes: memory === undefined ? limits.memoryBytes : parseMemory(memory),
    signal,
    onProgress: (step, overall) => {
      if (!json && step !== said) terminal.err(`${Math.floor(overall * 100)} % · ${step}\n`);
      said = step;
    },
    onWarning: (code, message) => {
      warnings.push({ code, message });
      if (!json) terminal.err(`warning: ${message} (${code})\n`);
    },
  });
  if (out !== undefined) await writeWhole(absolute(out), `${JSON.stringify(report.groups)}\n`);
  return { exitCode: exitCodes.ok, json: { ...report, warnings }, text: summary(report) };
}

/** A path made absolute, or the folder of a run of the library. */
async function placeOf({ absolute, connect, library }: Invocation, given: string): Promise<string> {
  const place = absolute(given);
  if (existsSync(place) || !Uuid.safeParse(given).success) return place;
  const { client } = await connect();
  const { run: found } = await client.processing.run({ runUuid: given });
  if (found.state !== 'succeeded')
    throw new AppError('run.not_ready', `The run ${given} has no result; it is ${found.state}.`);
  return path.join(library, 'runs', given);
}

function frameSize(flags: FlagValues): SessionSource['frame'] {
  const given = text(flags, 'frame-size');
  if (given === undefined) return undefined;
  const [, height, width] = /^(\d{1,5})[x×](\d{1,5})$/.exec(given) ?? [];
  if (height === undefined || width === undefined || Number(height) === 0 || Number(width) === 0)
    throw new AppError('usage.invalid', `--frame-size must be rows×columns, as in 240x376; it is “${given}”.`);
  return { height: Number(height), width: Number(width) };
}

function summary(report: MatchReport): string {
  const sessions = report.sessions.map(
    ({ session, cells, shiftPx: [dy, dx], rotationDegrees }) =>
      `session ${session}: ${cells} cells, shift (${dy.toFixed(2)}, ${dx.toFixed(2)}) px, rotation ${rotationDegrees.toFixed(2)}°\n`,
  );
  const { falseMatchRate } = report.controls;
  const chance =
    falseMatchRate === null ? '' : `, about ${(100 * falseMatchRate).toFixed(1)} % of the matches by chance`;
  return `${sessions.join('')}${report.cells} cells, ${report.cellsInSeveralSessions} of them in several sessions${chance}\n`;
}
