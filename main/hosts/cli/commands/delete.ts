// SPDX-License-Identifier: MIT
import { AppError, type Deletion, type DeletionPreview, Uuid } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { positive, text, texts, type Answer, type Command, type Invocation } from '../command.ts';

/** `delete`: rows with all that depends on them. */
export const deleteCommand: Command = {
  name: 'delete',
  summary: 'Delete a session, run, animal … with all that depends on it; can be undone for a week',
  usage: 'delete <id | table:name | table --where restriction> [--dry-run] [flags]',
  flags: () => [
    { name: 'dry-run', help: 'Only show what would go: rows by table, and folders.' },
    {
      name: 'where',
      value: 'restriction',
      isRepeatable: true,
      help: 'Rows of the named table, as in "name like \'test%\'".',
    },
    { name: 'grace-days', value: 'days', help: 'Keep it for so long (7 when absent).' },
    { name: 'list', help: 'List deletions.' },
    { name: 'undo', value: 'id', help: 'Bring back what a deletion took.' },
    { name: 'purge', value: 'id', help: 'Remove what a deletion took for good, now.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, positionals, connect } = invocation;
  const [given, extra] = positionals;
  const [undo, purge] = [text(flags, 'undo'), text(flags, 'purge')];
  const where = [...texts(flags, 'where')];
  const ways = [given, undo, purge, flags['list'] === true ? 'list' : undefined].filter((way) => way !== undefined);
  if (ways.length !== 1 || extra !== undefined)
    throw new AppError('usage.invalid', 'delete needs one thing to delete, or one of --list, --undo and --purge.', {
      hint: `calyx ${deleteCommand.usage}`,
    });
  const days = positive(flags, 'grace-days', 'number');
  for (const id of [undo, purge])
    if (id !== undefined && !Uuid.safeParse(id).success)
      throw new AppError('delete.not_found', `“${id}” is no deletion’s id.`, {
        hint: 'calyx delete --list lists them.',
      });
  const { client } = await connect();
  if (flags['list'] === true) {
    const deletions = await client.library.deletions({});
    return {
      exitCode: exitCodes.ok,
      json: { deletions },
      text: deletions.length === 0 ? 'Nothing was deleted.\n' : deletions.map(line).join(''),
    };
  }
  if (undo !== undefined) return changed(await client.library.undelete({ uuid: undo }));
  if (purge !== undefined) return changed(await client.library.purge({ uuid: purge }));
  const target = where.length > 0 ? { table: given ?? '', where } : { key: given ?? '' };
  if (flags['dry-run'] === true) {
    const preview = await client.library.deletePreview(target);
    return { exitCode: exitCodes.ok, json: { ...preview, dryRun: true }, text: `Would delete ${body(preview)}` };
  }
  const deletion = await client.library.delete({
    ...target,
    ...(days === undefined ? {} : { graceMs: Math.round(days * 86_400_000) }),
  });
  return {
    exitCode: exitCodes.ok,
    json: deletion,
    text: `Deleted ${body(deletion)}Until ${deletion.purgeAfter}: calyx delete --undo ${deletion.uuid}\n`,
  };
}

function body({ what, counts, folders }: DeletionPreview): string {
  const rows = counts.map(({ table, rows: n }) => `  ${String(n).padStart(8)}  ${table}\n`).join('');
  return `${what}:\n${rows}${folders.map((folder) => `  folder ${folder}\n`).join('')}`;
}

const line = ({ uuid, what, at, state, counts }: Deletion): string =>
  `${uuid}  ${at}  ${state}  ${what}  ${counts.reduce((sum, { rows }) => sum + rows, 0)} rows\n`;

const changed = (deletion: Deletion): Answer => ({ exitCode: exitCodes.ok, json: deletion, text: line(deletion) });
