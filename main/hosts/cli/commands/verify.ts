// SPDX-License-Identifier: MIT
import { verifySession } from '../../../recording/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';

/** `verify`: compares everything a recording's files say with each other. */
export const verifyCommand: Command = {
  name: 'verify',
  summary: 'Read a recording whole and say whether films, rows and report agree; changes nothing',
  usage: 'verify <session folder> [flags]',
  flags: () => [],
  run,
};

async function run({ positionals, absolute }: Invocation): Promise<Answer> {
  const [folder] = words(verifyCommand, positionals, ['a session folder'] as const);
  const verdict = await verifySession(absolute(folder));
  const lines = verdict.devices.flatMap(({ device, frames, missing, problems }) => [
    `${device}: ${frames} frames, ${missing === null ? 'how many are missing is unknown' : `${missing} missing`}`,
    ...problems.map((sentence) => `  ${sentence}`),
  ]);
  return {
    exitCode: verdict.sound ? exitCodes.ok : exitCodes.incomplete,
    json: verdict,
    text: `${[verdict.sound ? 'The recording is sound.' : 'Something is wrong with the recording.', ...lines].join('\n')}\n`,
  };
}
