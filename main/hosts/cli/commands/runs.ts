// SPDX-License-Identifier: MIT
import type { RunRow } from '../../../contract/index.ts';
import { runId, text, type Answer, type Command, type Invocation } from '../command.ts';
import { AppError } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';

/** `runs`: lists runs, shows one, cancels one. */
export const runsCommand: Command = {
  name: 'runs',
  summary: 'List runs, show one with its log, or cancel one',
  usage: 'runs [run id] [flags]',
  flags: () => [
    { name: 'session', value: 'id', help: 'Only runs of this session.' },
    { name: 'cancel', help: 'Cancel the named run.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const [given, extra] = invocation.positionals;
  if (extra !== undefined)
    throw new AppError('usage.invalid', `runs does not know what to do with “${extra}”.`, {
      hint: `calyx ${runsCommand.usage}`,
    });
  const runUuid = given === undefined ? undefined : runId(given);
  if (runUuid === undefined && invocation.flags['cancel'] === true)
    throw new AppError('usage.invalid', 'runs --cancel needs the run’s id.');
  const { client } = await invocation.connect();
  if (runUuid === undefined) {
    const sessionUuid = text(invocation.flags, 'session');
    const runs = await client.processing.runs(sessionUuid === undefined ? {} : { sessionUuid });
    return {
      exitCode: exitCodes.ok,
      json: { runs },
      text: runs.length === 0 ? 'No runs yet.\n' : runs.map(line).join(''),
    };
  }
  if (invocation.flags['cancel'] === true) {
    const { run: cancelled } = await client.processing.cancel({ runUuid });
    return { exitCode: exitCodes.ok, json: { run: cancelled }, text: line(cancelled) };
  }
  const detail = await client.processing.run({ runUuid });
  const stages = detail.progress.stages.map(
    ({ stage, state, seconds }) => `  ${stage}: ${state}${seconds === null ? '' : `, ${seconds.toFixed(1)} s`}\n`,
  );
  const { asked } = detail;
  const became =
    asked === null || asked === undefined
      ? ''
      : `asked to use parameter set ${asked.set.idx} (${asked.set.method}):\n${asked.parameters
          .map(
            ({ parameter, value, became: to, result, explanation }) =>
              `  ${parameter} ${JSON.stringify(value)} ${to === null ? '— no counterpart' : `→ ${to} ${result ?? ''}`}   (${explanation})\n`,
          )
          .join('')}`;
  const log = detail.log.map((entry) => `  ${entry}\n`).join('');
  return {
    exitCode: exitCodes.ok,
    json: detail,
    text: `${line(detail.run)}${stages.join('')}${became}${detail.commandLine}\n${log}`,
  };
}

function line(run: RunRow): string {
  const cells = run.cells === null ? '' : `, ${run.cells} components (${run.suggested ?? 0} suggested)`;
  const error = run.error === null ? '' : `: ${run.error.message}`;
  return `${run.uuid}  ${run.createdAt}  ${run.name}  ${run.state}${cells}${error}\n`;
}
