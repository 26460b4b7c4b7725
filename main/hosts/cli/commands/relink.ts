// SPDX-License-Identifier: MIT
import { AppError, Uuid } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';

/** `relink`: files moved? */
export const relinkCommand: Command = {
  name: 'relink',
  summary: 'Say where a session’s films lie now; others that moved with it are found again, too',
  usage: 'relink <session id> <folder it lies in now>',
  flags: () => [],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const [sessionUuid, folder] = words(relinkCommand, invocation.positionals, [
    'the session’s id',
    'the folder it lies in now',
  ] as const);
  if (!Uuid.safeParse(sessionUuid).success)
    throw new AppError('session.not_imported', `“${sessionUuid}” is no session’s id.`, {
      hint: 'calyx sessions lists them.',
    });
  const { client } = await invocation.connect();
  const answer = await client.sessions.relink({ sessionUuid, source: { path: invocation.absolute(folder) } });
  const lines = answer.relinked.map(({ name }) => `  ${name}\n`).join('');
  return {
    exitCode: exitCodes.ok,
    json: answer,
    text: `Found again:\n${lines}${answer.stillMissing === 0 ? '' : `${answer.stillMissing} sessions are still not found.\n`}`,
  };
}
