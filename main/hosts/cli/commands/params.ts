// SPDX-License-Identifier: MIT
import { readFile, writeFile } from 'node:fs/promises';
import { AppError } from '../../../contract/index.ts';
import { importCaiman, parseCaimanText, parameterFlags, readParameterSet } from '../../../processing/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `params import`: CaImAn's parameters as ours. */
export const paramsCommand: Command = {
  name: 'params',
  summary: 'Turn CaImAn’s parameters into Calyx’s, and say what became of each',
  usage: 'params import <JSON file of CaImAn> [flags]',
  flags: () => [{ name: 'out', value: 'file', help: 'Write the parameters there, for process --params.' }],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, absolute, flags } = invocation;
  const [action, given] = words(paramsCommand, positionals, ['an action (import)', 'the file to import'] as const);
  if (action !== 'import') {
    throw new AppError('usage.invalid', `params does not know “${action}”; it knows: import.`, {
      hint: `calyx ${paramsCommand.usage}`,
    });
  }
  const file = absolute(given);
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('usage.invalid', `${file} cannot be read.`, { cause: error });
  });
  const set = readParameterSet();
  const imported = importCaiman(parseCaimanText(content), set);
  const { parameters, translated, leftOut, unknown } = imported;
  const out = text(flags, 'out');
  if (out !== undefined) {
    await writeFile(absolute(out), `${JSON.stringify({ parametersVersion: set.version, parameters }, null, 2)}\n`);
  }
  const lines = [
    ...translated.map(
      ({ from, value, to, result, formula }) => `${from} ${JSON.stringify(value)} → ${to} ${result}   (${formula})`,
    ),
    ...leftOut.map(({ name, value, why }) => `${name} ${JSON.stringify(value)} — left out: ${why}`),
    ...unknown.map((name) => `${name} — not a parameter of CaImAn that is known here; left out`),
    translated.length === 0
      ? 'Nothing was translated.'
      : `As flags: ${parameterFlags(set, set.complete(parameters)).join(' ')}`,
    ...(out === undefined ? [] : [`Written to ${absolute(out)}; use it with process --params.`]),
  ];
  return { exitCode: exitCodes.ok, json: imported, text: `${lines.join('\n')}\n` };
}
