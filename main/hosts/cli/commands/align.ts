// SPDX-License-Identifier: MIT
import { writeFile } from 'node:fs/promises';
import { AppError, type Aligned } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import {
  positive,
  runId,
  text,
  texts,
  words,
  type Answer,
  type Command,
  type FlagValues,
  type Invocation,
} from '../command.ts';

const traces = ['raw', 'denoised', 'deconvolved', 'dff'] as const;

/** `align`: activity around events. */
export const alignCommand: Command = {
  name: 'align',
  summary: 'Activity of each trial around an event, and its average with a confidence band',
  usage: 'align <run> <alignment> [flags]',
  flags: () => [
    { name: 'trace', value: traces.join(' | '), help: 'Which trace (dff).' },
    { name: 'bin', value: 'seconds', help: 'Width of a bin (a frame’s interval).' },
    { name: 'trial-type', value: 'type', isRepeatable: true, help: 'Only trials of this type.' },
    {
      name: 'where',
      value: 'attribute=value',
      isRepeatable: true,
      help: 'Only trials with this; of blocks: block.<name>=value.',
    },
    { name: 'cell', value: 'row', isRepeatable: true, help: 'Only this cell, by its row in the run.' },
    { name: 'accepted', help: 'Only cells that count as neurons: accepted, or suggested and not rejected.' },
    { name: 'curation', value: 'version', help: 'Cells as this version of the curation has them (the newest).' },
    {
      name: 'offset',
      value: 'seconds',
      help: 'The miniscope’s time at the behaviour’s zero, instead of what the library knows.',
    },
    {
      name: 'save',
      value: 'name',
      help: 'Keep the choice of trials under this name with its activity (ActivityAlignment in queries).',
    },
    { name: 'csv', value: 'file', help: 'Write each trial’s activity there: mask, trial, time, activity.' },
    { name: 'csv-mean', value: 'file', help: 'Write the averages there: mask, time, n, mean, low, high.' },
  ],
  run,
};

function traceOf(flags: FlagValues): (typeof traces)[number] {
  const given = text(flags, 'trace') ?? 'dff';
  const found = traces.find((trace) => trace === given);
  if (found === undefined)
    throw new AppError('usage.invalid', `--trace is one of ${traces.join(', ')}; it is “${given}”.`);
  return found;
}

function whereOf(flags: FlagValues): Record<string, string> {
  return Object.fromEntries(
    texts(flags, 'where').map((given) => {
      const at = given.indexOf('=');
      if (at < 1) throw new AppError('usage.invalid', `--where is written attribute=value; it is “${given}”.`);
      return [given.slice(0, at), given.slice(at + 1)];
    }),
  );
}

function rowsOf(flags: FlagValues): number[] {
  return texts(flags, 'cell').map((given) => {
    if (!/^\d{1,9}$/.test(given)) throw new AppError('usage.invalid', `--cell is a row from 0; it is “${given}”.`);
    return Number(given);
  });
}

function offsetOf(flags: FlagValues): number | undefined {
  const given = text(flags, 'offset');
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value))
    throw new AppError('usage.invalid', `--offset is a number of seconds; it is “${given}”.`);
  return value;
}

async function run(invocation: Invocation): Promise<Answer> {
  const { flags, absolute } = invocation;
  const [given, alignment] = words(alignCommand, invocation.positionals, [
    'a run',
    'the name of an alignment event',
  ] as const);
  const binS = positive(flags, 'bin', 'number');
  const offsetS = offsetOf(flags);
  const rows = rowsOf(flags);
  const trialTypes = texts(flags, 'trial-type');
  const version = positive(flags, 'curation', 'whole number');
  const request = {
    runUuid: runId(given),
    alignment,
    trace: traceOf(flags),
    where: whereOf(flags),
    ...(binS === undefined ? {} : { binS }),
    ...(offsetS === undefined ? {} : { offsetS }),
    ...(rows.length === 0 ? {} : { rows }),
    ...(version === undefined ? {} : { version }),
    ...(flags['accepted'] === true ? { accepted: true } : {}),
    ...(trialTypes.length === 0 ? {} : { trialTypes: [...trialTypes] }),
  };
  const { client } = await invocation.connect();
  const aligned = await client.workflow.align(request);
  const name = text(flags, 'save');
  const saved =
    name === undefined
      ? null
      : await client.workflow.alignCondition({
          conditionUuid: (await client.workflow.addCondition({ ...request, name })).condition.uuid,
        });
  const [csv, csvMean] = [text(flags, 'csv'), text(flags, 'csv-mean')];
  if (csv !== undefined) await writeTable(absolute(csv), trialTable(aligned));
  if (csvMean !== undefined) await writeTable(absolute(csvMean), meanTable(aligned));
  return {
    exitCode: exitCodes.ok,
    json: saved === null ? aligned : { ...aligned, condition: saved.condition },
    text: alignText(aligned),
  };
}

async function writeTable(file: string, content: string): Promise<void> {
  await writeFile(file, content).catch((error: unknown) => {
    throw new AppError('disk.io', `${file} cannot be written.`, {
      hint: 'Check the folder and your rights there.',
      cause: error,
    });
  });
}

const number = (value: number | null | undefined): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(9))) : '';

function trialTable(aligned: Aligned): string {
  const used = aligned.trials.filter((trial) => trial.used);
  const lines = aligned.cells.flatMap((cell) =>
    cell.activity.flatMap((activity, index) =>
      activity.map(
        (value, bin) => `${cell.row + 1},${used[index]?.trialId ?? ''},${number(aligned.timesS[bin])},${number(value)}`,
      ),
    ),
  );
  return `mask,trial_id,time,activity\n${lines.map((line) => `${line}\n`).join('')}`;
}

function meanTable(aligned: Aligned): string {
  const lines = aligned.cells.flatMap((cell) =>
    aligned.timesS.map(
      (time, bin) =>
        `${cell.row + 1},${number(time)},${cell.n[bin] ?? 0},${number(cell.mean[bin])},${number(cell.low[bin])},${number(cell.high[bin])}`,
    ),
  );
  return `mask,time,n,mean,low,high\n${lines.map((line) => `${line}\n`).join('')}`;
}

function alignText(aligned: Aligned): string {
  const used = aligned.trials.filter((trial) => trial.used).length;
  const largest = aligned.cells.map((cell) => {
    const peak = cell.mean.reduce<number>(
      (best, value, bin) => ((value ?? -Infinity) > (cell.mean[best] ?? -Infinity) ? bin : best),
      0,
    );
    return `  mask ${cell.row + 1}: largest average ${number(cell.mean[peak])} at ${number(aligned.timesS[peak])} s\n`;
  });
  return `${aligned.alignment}: ${used} of ${aligned.trials.length} trials, ${aligned.timesS.length} bins of ${number(aligned.binS)} s, clock offset ${number(aligned.clock.offsetS)} s (${aligned.clock.method})\n${largest.join('')}${aligned.warnings.map((warning) => `  warning: ${warning}\n`).join('')}`;
}
