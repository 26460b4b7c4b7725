// SPDX-License-Identifier: MIT
import { AppError } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { runId, text, texts, type Answer, type Command, type Invocation } from '../command.ts';
import { passwordVariable, serverPassword } from '../server-password.ts';
import { withProgress } from '../show-progress.ts';

/** `publish datajoint`: a run with its session into a lab's DataJoint server. */
export const publishCommand: Command = {
  name: 'publish',
  summary: 'Insert a finished run and its session into a lab’s DataJoint server',
  usage: 'publish datajoint <run id | session id> --url mysql://user@host --prefix neuro_ [flags]',
  flags: () => [
    {
      name: 'url',
      value: 'address',
      help: `mysql://user@host:port; the password from $${passwordVariable} or a prompt.`,
    },
    { name: 'prefix', value: 'letters', help: 'What the names of its databases begin with, as neuro_.' },
    { name: 'dry-run', help: 'Only list rows and conflicts.' },
    {
      name: 'orientation',
      value: 'which',
      help: 'corrected (x is the column; default), or as-upstream for notebooks that expect them exchanged.',
    },
    {
      name: 'set',
      value: 'Table.column=value',
      isRepeatable: true,
      help: 'A value the server needs and the library does not know, as RecordingInfo.led_power=0.',
    },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, flags } = invocation;
  const [where, given] = positionals;
  const url = text(flags, 'url');
  const prefix = text(flags, 'prefix');
  if (
    where !== 'datajoint' ||
    given === undefined ||
    positionals.length > 2 ||
    url === undefined ||
    prefix === undefined
  ) {
    throw new AppError('usage.invalid', 'publish needs datajoint, the run’s or session’s id, --url and --prefix.', {
      hint: `calyx ${publishCommand.usage}`,
    });
  }
  const orientation = text(flags, 'orientation') ?? 'corrected';
  if (orientation !== 'corrected' && orientation !== 'as-upstream')
    throw new AppError('usage.invalid', `--orientation is corrected or as-upstream, not “${orientation}”.`);
  const password = await serverPassword(invocation);
  const values = Object.fromEntries(
    texts(flags, 'set').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const { client } = await invocation.connect();
  const [target, dryRun] = [runId(given), flags['dry-run'] === true];
  const published = await withProgress(
    invocation,
    client,
    async (ticket, signal) =>
      await client.datajoint.publish(
        { target, url, password, prefix, dryRun, orientation, values, ticket },
        { signal },
      ),
  );
  const { tables, conflicts, notes, isPublished, generation } = published;
  const lines = [
    `Tables of element-miniscope ${generation}.`,
    ...tables.map(({ table, inserted, present }) => `  ${table}: ${inserted} to insert, ${present} there`),
    ...conflicts.map((conflict) => `conflict: ${conflict}`),
    ...notes.map((note) => `note: ${note}`),
    isPublished
      ? 'Published, read back and compared.'
      : conflicts.length > 0
        ? 'Cannot be published.'
        : 'Can be published.',
  ];
  const exitCode = conflicts.length > 0 ? exitCodes.input : exitCodes.ok;
  return { exitCode, json: published, text: `${lines.join('\n')}\n` };
}
