// SPDX-License-Identifier: MIT
import { recoverSession } from '../../../recording/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';

/** `recover`: repairs what a crash left of a recording. */
export const recoverCommand: Command = {
  name: 'recover',
  summary: 'Repair a recording that a crash, a power cut or an unplugged disk ended',
  usage: 'recover <session folder> [flags]',
  flags: () => [],
  run,
};

async function run({ positionals, absolute }: Invocation): Promise<Answer> {
  const [folder] = words(recoverCommand, positionals, ['a session folder'] as const);
  const recovery = await recoverSession(absolute(folder), () => new Date());
  const lines = recovery.devices.flatMap(({ device, frames, done, problems }) => [
    `${device}: ${frames} frames`,
    ...[...done, ...problems].map((sentence) => `  ${sentence}`),
  ]);
  return {
    exitCode: recovery.state === 'lost' ? exitCodes.incomplete : exitCodes.ok,
    json: recovery,
    text: `${[recovery.sentence, ...lines].join('\n')}\n`,
  };
}
