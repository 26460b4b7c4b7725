// SPDX-License-Identifier: MIT
import { AppError, type ViewInfo } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { texts, type Answer, type Command, type FlagValues, type Invocation } from '../command.ts';
import { allRows, rowFlags, rowsAnswer, wantedRows } from '../rows.ts';

/** `query`: rows of the views with natural keys. */
export const queryCommand: Command = {
  name: 'query',
  summary: 'Ask for rows of a view: restrict, join, project, sum up',
  usage: 'query <view> [--where "subject = \'m1\'"] [--join view] [--columns a,b,n=count(*)] [flags]',
  flags: () => [
    {
      name: 'where',
      value: 'restriction',
      isRepeatable: true,
      help: 'As in "subject = \'m1\' and fps > 20"; all must hold.',
    },
    { name: 'join', value: 'view', isRepeatable: true, help: 'Join on the columns both have.' },
    { name: 'left-join', value: 'view', isRepeatable: true, help: 'The same; rows without a partner stay.' },
    { name: 'in', value: 'view', isRepeatable: true, help: 'Only rows with a partner in that view.' },
    { name: 'not-in', value: 'view', isRepeatable: true, help: 'Only rows without one.' },
    {
      name: 'columns',
      value: 'list',
      isRepeatable: true,
      help: 'As in subject,rate=fps,n=count(*); with count, sum, avg, min or max the others are grouped by.',
    },
    { name: 'order', value: 'list', isRepeatable: true, help: 'As in subject,-fps.' },
    { name: 'distinct', help: 'Each row once.' },
    ...rowFlags,
  ],
  run,
};

/** Splits at commas that are not between parentheses. */
function listOf(flags: FlagValues, name: string): string[] {
  return texts(flags, name).flatMap((given) =>
    given
      .split(/,(?![^(]*\))/)
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
}

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, positionals } = invocation;
  const [view, extra] = positionals;
  if (extra !== undefined)
    throw new AppError('usage.invalid', `query does not know what to do with “${extra}”.`, {
      hint: `calyx ${queryCommand.usage}`,
    });
  const wanted = wantedRows(flags);
  const { client } = await invocation.connect();
  if (view === undefined) return viewsAnswer(await client.library.views({}));
  const selection = {
    view,
    where: [...texts(flags, 'where')],
    join: [
      ...texts(flags, 'join').map((name) => ({ view: name, kind: 'inner' as const })),
      ...texts(flags, 'left-join').map((name) => ({ view: name, kind: 'left' as const })),
    ],
    partners: [
      ...texts(flags, 'in').map((name) => ({ view: name })),
      ...texts(flags, 'not-in').map((name) => ({ view: name, absent: true })),
    ],
    columns: listOf(flags, 'columns'),
    order: listOf(flags, 'order'),
    distinct: flags['distinct'] === true,
  };
  const rows = await allRows(wanted, (page) => client.library.query({ ...selection, ...page }));
  return await rowsAnswer(invocation, rows, { view });
}

function viewsAnswer(views: readonly ViewInfo[]): Answer {
  const lines = views.map(({ name, kind, columns }) => `${kind.padEnd(5)}  ${name}  (${columns.join(', ')})\n`);
  return { exitCode: exitCodes.ok, json: { views }, text: lines.join('') };
}
