// SPDX-License-Identifier: MIT
import { readFile, writeFile } from 'node:fs/promises';
import { AppError, type ParameterSetInfo } from '../../../contract/index.ts';
import {
  importCaiman,
  parameterFlags,
  parseCaimanText,
  parseTypedParameters,
  readParameterSet,
} from '../../../processing/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `params`: parameter sets of the library; CaImAn's parameters as ours. */
export const paramsCommand: Command = {
  name: 'params',
  summary: 'List, show and add parameter sets; turn CaImAn’s parameters into Calyx’s',
  usage: 'params [list | show <set> | add <file> --method <method> | import <file of CaImAn>] [flags]',
  flags: () => [
    { name: 'method', value: 'method', help: 'add: whose parameters they are: calyx, caiman, minian …' },
    { name: 'desc', value: 'text', help: 'add: what the set is for; a set may be named by it.' },
    { name: 'out', value: 'file', help: 'import: write the parameters there, for process --params.' },
  ],
  run,
};

const verbs: Readonly<Record<string, (invocation: Invocation) => Promise<Answer>>> = { list, show, add, import: bring };

async function run(invocation: Invocation): Promise<Answer> {
  const [verb = 'list', ...rest] = invocation.positionals;
  const act = verbs[verb];
  if (act !== undefined) return await act({ ...invocation, positionals: rest });
  throw new AppError('usage.invalid', `params does not know “${verb}”; it knows: ${Object.keys(verbs).join(', ')}.`, {
    hint: `calyx ${paramsCommand.usage}`,
  });
}

const line = (set: ParameterSetInfo): string =>
  `${String(set.idx).padStart(4)}  ${set.method.padEnd(8)}  ${set.djHash}  ${set.sha256.slice(0, 12)}  ${set.runs} runs  ${set.description}${set.builtin ? ' (ships with Calyx)' : ''}\n`;

async function list(invocation: Invocation): Promise<Answer> {
  words(paramsCommand, invocation.positionals, [] as const);
  const { client } = await invocation.connect();
  const sets = await client.processing.parameterSets({});
  return { exitCode: exitCodes.ok, json: { sets }, text: sets.map(line).join('') };
}

async function show(invocation: Invocation): Promise<Answer> {
  const [name] = words(paramsCommand, invocation.positionals, ['the set to show'] as const);
  const { client } = await invocation.connect();
  const found = await client.processing.parameterSet({ name });
  return {
    exitCode: exitCodes.ok,
    json: found,
    text: `${line(found.set)}${JSON.stringify(found.parameters, null, 2)}\n`,
  };
}

async function textOf(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw new AppError('usage.invalid', `${file} cannot be read.`, { cause: error });
  });
}

async function add(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  const [given] = words(paramsCommand, invocation.positionals, ['the file of the set'] as const);
  const method = text(flags, 'method');
  if (method === undefined)
    throw new AppError('usage.invalid', 'params add needs --method: whose parameters they are.');
  const parameters = parseTypedParameters(await textOf(absolute(given)));
  const description = text(flags, 'desc');
  const { client } = await invocation.connect();
  const answer = await client.processing.addParameterSet({
    method,
    parameters: parameters as Parameters<typeof client.processing.addParameterSet>[0]['parameters'],
    ...(description === undefined ? {} : { description }),
  });
  return {
    exitCode: exitCodes.ok,
    json: answer,
    text: `${answer.added ? 'Added' : 'There already'}:\n${line(answer.set)}`,
  };
}

async function bring(invocation: Invocation): Promise<Answer> {
  const { positionals, absolute, flags } = invocation;
  const [given] = words(paramsCommand, positionals, ['the file to import'] as const);
  const file = absolute(given);
  const content = await textOf(file);
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
