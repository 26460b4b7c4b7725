// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `clock`: where the behaviour's clock lies on the miniscope's. */
export const clockCommand: Command = {
  name: 'clock',
  summary: 'Say where the behaviour’s clock lies on the miniscope’s, or fit it to pulses that both saw',
  usage: 'clock <session id> --offset <s> [--rate <r>]; clock <session id> --scope <file> --behavior <file>',
  flags: () => [
    { name: 'offset', value: 's', help: 'The miniscope’s time at the behaviour’s zero.' },
    { name: 'rate', value: 'ratio', help: 'Miniscope seconds per behaviour second (1 by default).' },
    { name: 'scope', value: 'file', help: 'Times of pulses on the miniscope’s clock, s, one a line.' },
    { name: 'behavior', value: 'file', help: 'Times of the same pulses on the behaviour’s clock, s, one a line.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, flags, absolute, connect } = invocation;
  const [sessionUuid] = words(clockCommand, positionals, ['a session’s id'] as const);
  const [scope, behavior] = [text(flags, 'scope'), text(flags, 'behavior')];
  const offsetS = numberOf(text(flags, 'offset'), 'offset');
  const rate = numberOf(text(flags, 'rate'), 'rate');
  const isFitted = scope !== undefined && behavior !== undefined;
  if (isFitted === (offsetS !== undefined) || (scope === undefined) !== (behavior === undefined)) {
    throw new AppError('usage.invalid', 'clock needs --offset, or both --scope and --behavior.', {
      hint: `calyx ${clockCommand.usage}`,
    });
  }
  const { client } = await connect();
  const { clock, fit } = await client.workflow.setClock({
    sessionUuid,
    ...(offsetS === undefined ? {} : { offsetS }),
    ...(rate === undefined ? {} : { rate }),
    ...(isFitted
      ? { pulses: { scopeS: await timesOf(absolute(scope)), behaviorS: await timesOf(absolute(behavior)) } }
      : {}),
  });
  const how = fit === null ? '' : `, fitted to ${fit.pairs} pulses that leave ${(1000 * fit.residualS).toFixed(1)} ms`;
  return {
    exitCode: exitCodes.ok,
    json: { clock, fit },
    text: `Miniscope time = ${clock.offsetS.toFixed(4)} s + ${clock.rate.toFixed(7)} · behaviour time${how}.\n`,
  };
}

function numberOf(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number))
    throw new AppError('usage.invalid', `--${name} is no number: “${value}”.`);
  return number;
}

/** Seconds, one a line, or the first column of a table; a first line of words is a header. */
async function timesOf(file: string): Promise<number[]> {
  const lines = await readFile(file, 'utf8').then(
    (content) => content.replace(/^\uFEFF/, '').split(/\r?\n/),
    (error: unknown) => {
      throw new AppError('usage.invalid', `There is no file ${path.basename(file)} that can be read.`, {
        cause: error,
      });
    },
  );
  const times: number[] = [];
  for (const [i, line] of lines.entries()) {
    const field = line.split(/[,;\t]/)[0]?.trim() ?? '';
    if (field === '') continue;
    const time = Number(field);
    if (Number.isFinite(time)) times.push(time);
    else if (i > 0)
      throw new AppError('usage.invalid', `${path.basename(file)}, line ${i + 1}: “${field.slice(0, 40)}” is no time.`);
  }
  return times;
}
