// SPDX-License-Identifier: MIT
import type { UnpackReport } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { words, type Answer, type Command, type Invocation } from '../command.ts';
import { followTravel } from '../follow-travel.ts';

/** `unpack`: adds a packed run or decisions to this library. */
export const unpackCommand: Command = {
  name: 'unpack',
  summary:
    'Add a packed run or decisions to this library; what is here stays as it is, and a second time changes nothing',
  usage: 'unpack <file> [--continue] [flags]',
  flags: () => [
    {
      name: 'continue',
      help: 'Go on from the sender’s decisions where nobody has judged the run here; else it is judged afresh and theirs stand beside.',
    },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, flags, absolute, connect, signal } = invocation;
  const [file] = words(unpackCommand, positionals, ['a packed file'] as const);
  const { client } = await connect();
  const wish = { file: absolute(file), goOn: flags['continue'] === true };
  const report = await followTravel(invocation, client.travel.unpack(wish, { signal }));
  return { exitCode: exitCodes.ok, json: report, text: textOf(report) };
}

function textOf(report: UnpackReport): string {
  const { runUuid, runName, sessionName, wasHere, decisions, curations, edits, branches, settled, limits, unchanged } =
    report;
  const run = `“${runName}” of “${sessionName}” (${runUuid})`;
  if (unchanged) return `${run} is here already; nothing was new.\n`;
  return [
    wasHere ? `${run} was here already.\n` : `Added ${run}.\n`,
    `${decisions} decisions and ${edits} edits in ${curations} judgements are new; calyx agreement ${runUuid} compares raters.\n`,
    settled === 0 ? '' : `${settled} cells on which raters had differed are settled.\n`,
    limits === 0 ? '' : 'Limits that were kept with the run came, too.\n',
    branches === 0
      ? ''
      : `${branches} judgements had been gone on with in two places: what came stands beside what was here.\n`,
  ].join('');
}
