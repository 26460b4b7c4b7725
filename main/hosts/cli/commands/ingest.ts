// SPDX-License-Identifier: MIT
import path from 'node:path';
import { AppError, type Ingested } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { withProgress } from '../show-progress.ts';
import { text, type Answer, type Command, type Invocation } from '../command.ts';

/** `ingest`: the workflow's CSV files into the library. */
export const ingestCommand: Command = {
  name: 'ingest',
  summary: 'Read subjects, sessions, behaviour, blocks, trials, events, alignments from CSV files',
  usage: 'ingest --root <folder> <CSV file> … [flags]',
  flags: () => [
    { name: 'root', value: 'folder', help: 'Folder that session_dir is below (else $CALYX_ROOT).' },
    { name: 'dry-run', help: 'Only say what would be added.' },
    { name: 'all-or-nothing', help: 'A file with a bad row adds nothing.' },
    { name: 'who', value: 'name', help: 'Your name in the log of changes (else $USER).' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, flags, absolute, env } = invocation;
  if (positionals.length === 0) {
    throw new AppError('usage.invalid', 'ingest needs one or more CSV files.', {
      hint: `calyx ${ingestCommand.usage}`,
    });
  }
  const root = text(flags, 'root') ?? env['CALYX_ROOT'];
  const paths = positionals.map(absolute);
  // Files of one name in several folders are told apart by their folders.
  const names = paths.map((file) => path.basename(file));
  const { client } = await invocation.connect();
  const wish = {
    files: paths.map((file, index) => ({
      name: names.filter((name) => name === names[index]).length > 1 ? file : (names[index] ?? file),
      path: file,
    })),
    ...(root === undefined ? {} : { root: { path: absolute(root) } }),
    dryRun: flags['dry-run'] === true,
    allOrNothing: flags['all-or-nothing'] === true,
    who: text(flags, 'who') ?? env['USER'] ?? '',
  };
  const result = await withProgress(
    invocation,
    client,
    async (ticket, signal) => await client.workflow.ingest({ ...wish, ticket }, { signal }),
    'The reading was stopped; nothing was added.',
  );
  return { exitCode: exitCodeOf(result), json: result, text: ingestText(result) };
}

/** Everything read: ok; some rows left out: incomplete; nothing but bad rows: input. */
function exitCodeOf(result: Ingested): number {
  if (result.files.every(({ bad }) => bad === 0)) return exitCodes.ok;
  return result.files.some(({ added, present, rolledBack }) => !rolledBack && added + present > 0)
    ? exitCodes.incomplete
    : exitCodes.input;
}

/** Problems of a file that are printed; `--json` has more. */
const shown = 20;

function ingestText(result: Ingested): string {
  const files = result.files.map((file) => {
    const verdict = file.rolledBack ? '; nothing of it was kept' : '';
    const problems = file.problems
      .slice(0, shown)
      .map(
        ({ line, column, name, message }) =>
          `  line ${line}${column === null ? '' : `, column ${column} (${name ?? ''})`}: ${message}\n`,
      );
    const more = file.bad > shown ? `  … and ${file.bad - shown} more\n` : '';
    const warnings = file.warnings.map((warning) => `  warning: ${warning}\n`);
    return `${file.name} (${file.kind}): ${file.rows} rows, ${file.added} added, ${file.present} there already, ${file.bad} left out${verdict}\n${problems.join('')}${more}${warnings.join('')}`;
  });
  const tables = Object.entries(result.inserted).map(([table, count]) => `  ${table}: ${count}\n`);
  const head = result.dryRun ? 'Would be added:\n' : 'Added:\n';
  return `${files.join('')}${tables.length === 0 ? 'Nothing is new.\n' : `${head}${tables.join('')}`}`;
}
