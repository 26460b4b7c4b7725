// SPDX-License-Identifier: MIT
import { exitCodes } from '../../exit-codes.ts';
import { runId, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `quality`: both quality tables of a run. */
export const qualityCommand: Command = {
  name: 'quality',
  summary: 'Skewness and variance of a run’s traces, r-value and SNR of its cells, spread of its motion',
  usage: 'quality <run> [flags]',
  flags: () => [],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const [given] = words(qualityCommand, invocation.positionals, ['a run'] as const);
  const { client } = await invocation.connect();
  const quality = await client.workflow.quality({ runUuid: runId(given) });
  const figure = (value: number | null | undefined): string => (typeof value === 'number' ? value.toPrecision(4) : '–');
  const lines = quality.cells.map(({ row, rValue, snr }) => {
    const dff = quality.traces.find((trace) => trace.row === row && trace.trace === 'dff');
    return `  mask ${row + 1}: r ${figure(rValue)}, SNR ${figure(snr)}, ΔF/F skewness ${figure(dff?.skewness)}, variance ${figure(dff?.variance)}\n`;
  });
  return { exitCode: exitCodes.ok, json: quality, text: lines.join('') };
}
