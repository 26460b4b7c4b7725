// SPDX-License-Identifier: MIT
import { words, type Answer, type Command, type Invocation } from '../command.ts';
import { allRows, rowFlags, rowsAnswer, wantedRows } from '../rows.ts';

/** `sql`: one SELECT of the caller's own. */
export const sqlCommand: Command = {
  name: 'sql',
  summary: 'Ask the library one SELECT of your own; it can read and nothing else',
  usage: 'sql "<select …>" [flags]',
  flags: () => rowFlags,
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const [sql] = words(sqlCommand, invocation.positionals, ['a SELECT in quotes'] as const);
  const wanted = wantedRows(invocation.flags);
  const { client } = await invocation.connect();
  const rows = await allRows(wanted, (page) => client.library.sql({ sql, ...page }));
  return await rowsAnswer(invocation, rows, { sql });
}
