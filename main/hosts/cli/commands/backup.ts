// SPDX-License-Identifier: MIT
import { AppError, type BackupInfo } from '../../../contract/index.ts';
import { programVersion } from '../../../installation/index.ts';
import { acquireOwnership, restoreBackup } from '../../../library/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';
import { bytes } from '../output.ts';

/** `backup`: copies of the database. */
export const backupCommand: Command = {
  name: 'backup',
  summary: 'Copy the database while it is in use, list copies, or bring one back',
  usage: 'backup [--to folder | --list | --restore <file|newest>] [flags]',
  flags: () => [
    { name: 'to', value: 'folder', help: 'Put a copy there too, best on another disk.' },
    { name: 'list', help: 'List backups.' },
    {
      name: 'restore',
      value: 'file',
      help: 'Bring a backup back (newest: the newest one); the present database is kept.',
    },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  words(backupCommand, invocation.positionals, [] as const);
  const { flags, absolute } = invocation;
  const [restore, to] = [text(flags, 'restore'), text(flags, 'to')];
  if ([restore !== undefined, to !== undefined, flags['list'] === true].filter(Boolean).length > 1)
    throw new AppError('usage.invalid', 'backup takes one of --to, --list and --restore.');
  if (restore !== undefined) return await bringBack(invocation, restore === 'newest' ? restore : absolute(restore));
  const { client } = await invocation.connect();
  if (flags['list'] === true) {
    const backups = await client.library.backups({});
    return {
      exitCode: exitCodes.ok,
      json: { backups },
      text: backups.length === 0 ? 'No backups yet.\n' : backups.map(line).join(''),
    };
  }
  const backup = await client.library.backup(to === undefined ? {} : { to: absolute(to) });
  return { exitCode: exitCodes.ok, json: { backup }, text: `${line(backup)}Checked: whole.\n` };
}

const line = ({ file, bytes: size, at, kind }: BackupInfo): string => `${at}  ${kind}  ${bytes(size)}  ${file}\n`;

/** Done by this process, with the library closed: nobody else may have it. */
async function bringBack({ library, connect }: Invocation, file: string): Promise<Answer> {
  const acquired = acquireOwnership(library, { program: `Calyx command line ${programVersion()}` });
  if (acquired.kind !== 'owner')
    throw new AppError(
      'library.locked',
      acquired.kind === 'other' ? `${acquired.owner.program} has this library open.` : acquired.reason,
      { hint: 'Close it, then restore the backup.' },
    );
  let done: Awaited<ReturnType<typeof restoreBackup>>;
  try {
    done = await restoreBackup(library, file, new Date());
  } finally {
    acquired.ownership.release();
  }
  // Opened as any library: an older one is brought up to date here, and a file that does not open is told now.
  const { client } = await connect();
  const sessions = (await client.sessions.list({})).length;
  return {
    exitCode: exitCodes.ok,
    json: { ...done, sessions },
    text: `Restored ${done.restored}: ${sessions} sessions.\n${done.before === null ? '' : `The database that was there is now ${done.before}\n`}calyx verify tells which runs on disk are newer than the backup.\n`,
  };
}
