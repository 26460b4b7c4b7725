// SPDX-License-Identifier: MIT
import { runId, words, type Answer, type Command, type Invocation } from '../command.ts';
import { exitCodes } from '../../exit-codes.ts';

/** `export`: writes a finished run as flat NumPy files. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'Write a finished run as NumPy files',
  usage: 'export <run id> <folder> [flags]',
  flags: () => [],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const [given, folder] = words(exportCommand, invocation.positionals, [
    'the run’s id',
    'the folder to write to',
  ] as const);
  const runUuid = runId(given);
  const destination = invocation.absolute(folder);
  const { client } = await invocation.connect();
  const result = await client.processing.export({ runUuid, destination });
  return {
    exitCode: exitCodes.ok,
    json: { runUuid, folder: destination, ...result },
    text: `${result.components} components, ${result.accepted} suggested as cells, written to ${destination}\n`,
  };
}
