// SPDX-License-Identifier: MIT
import { AppError, packedFilms, type PackReport } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { runId, text, words, type Answer, type Command, type Invocation } from '../command.ts';
import { followTravel } from '../follow-travel.ts';
import { bytes } from '../output.ts';

/** `pack`: a run as one file for another library. */
export const packCommand: Command = {
  name: 'pack',
  summary:
    'Write a finished run with its decisions as one file for another library; or the decisions alone, to send them back',
  usage: 'pack <run id> --out <file> [--movie proxy|full|none] [--decisions-only] [flags]',
  flags: () => [
    { name: 'out', value: 'file', help: 'File to write.' },
    {
      name: 'movie',
      value: 'which',
      help: 'proxy: a small copy for looking (default); full: the films as recorded; none.',
    },
    { name: 'decisions-only', help: 'Judgements and edits alone, for a library that has the run.' },
    { name: 'overwrite', help: 'Replace a file of that name.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, positionals, absolute, connect, signal } = invocation;
  const [given] = words(packCommand, positionals, ['a run’s id'] as const);
  const out = text(flags, 'out');
  if (out === undefined)
    throw new AppError('usage.invalid', 'pack needs --out: the file to write.', { hint: `calyx ${packCommand.usage}` });
  const wanted = text(flags, 'movie') ?? 'proxy';
  const movie = packedFilms.find((one) => one === wanted);
  if (movie === undefined)
    throw new AppError('usage.invalid', `--movie must be one of ${packedFilms.join(', ')}; it is “${wanted}”.`);
  const decisionsOnly = flags['decisions-only'] === true;
  if (decisionsOnly && text(flags, 'movie') !== undefined)
    throw new AppError('usage.invalid', '--decisions-only takes no film: leave --movie out.');
  const runUuid = runId(given);
  const { client } = await connect();
  const wish = { runUuid, file: absolute(out), movie, decisionsOnly, overwrite: flags['overwrite'] === true };
  const report = await followTravel(invocation, client.travel.pack(wish, { signal }));
  return { exitCode: exitCodes.ok, json: report, text: textOf(report) };
}

function textOf({ file, bytes: size, films, decisions, raters }: PackReport): string {
  const film =
    films.count === 0 ? 'no film' : `${films.kind === 'proxy' ? 'a small film' : 'the films'} (${bytes(films.bytes)})`;
  return `Packed to ${file} (${bytes(size)}): ${film}, ${decisions} decisions${raters.length === 0 ? '' : ` by ${raters.join(', ')}`}.\n`;
}
