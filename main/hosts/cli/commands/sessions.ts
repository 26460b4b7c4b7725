// SPDX-License-Identifier: MIT
import { exitCodes } from '../../exit-codes.ts';
import type { Answer, Command, Invocation } from '../command.ts';

/** `sessions`: what is in the library, with the ids that other commands ask for. */
export const sessionsCommand: Command = {
  name: 'sessions',
  summary: 'List sessions with the ids of their recordings',
  usage: 'sessions [words to search for]',
  flags: () => [],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const search = invocation.positionals.join(' ');
  const { client } = await invocation.connect();
  const sessions = await client.sessions.list(search === '' ? {} : { search });
  const lines = sessions.map(
    ({ uuid, name, subject, startedAt, recordings, runs, cells, filesPresent }) =>
      `${uuid}  ${name}${subject === null ? '' : `  ${subject}`}${startedAt === null ? '' : `  ${startedAt}`}  ${runs} runs, ${cells} cells${filesPresent ? '' : '  FILES MOVED (relink)'}\n${recordings
        .map(
          (recording) =>
            `  ${recording.uuid}  ${recording.device}  ${recording.frames} frames of ${recording.width} × ${recording.height}${recording.fps === null ? '' : `, ${recording.fps.toFixed(2)} frames/s`}\n`,
        )
        .join('')}`,
  );
  return {
    exitCode: exitCodes.ok,
    json: { sessions },
    text: sessions.length === 0 ? 'No sessions.\n' : lines.join(''),
  };
}
