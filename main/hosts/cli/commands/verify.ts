// SPDX-License-Identifier: MIT
import { verifySession } from '../../../recording/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { verifyLibraryFiles } from '../verify-library.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';

/** `verify`: is the library whole, or do a recording's files agree? */
export const verifyCommand: Command = {
  name: 'verify',
  summary:
    'Check the library: database, and every file of its runs (damaged ones go to quarantine); or read a recording whole and say whether films, rows and report agree',
  usage: 'verify [session folder] [flags]',
  flags: () => [{ name: 'check-only', help: 'Library: report only; damaged files stay where they are.' }],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, absolute } = invocation;
  if (positionals.length === 0) return await verifyLibraryFiles(invocation);
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
