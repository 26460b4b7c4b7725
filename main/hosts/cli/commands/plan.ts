// SPDX-License-Identifier: MIT
import { exitCodes } from '../../exit-codes.ts';
import type { Answer, Command, Invocation } from '../command.ts';
import { duration } from '../output.ts';
import { runFlags, runRequest } from '../run-request.ts';

/** `plan`: what `process` would do and need, without doing it. */
export const planCommand: Command = {
  name: 'plan',
  summary: 'Say what processing would do and need, without doing it',
  usage: 'plan <session folder | device folder | film | session id>… [flags]',
  flags: runFlags,
  run,
};

const size = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;

async function run(invocation: Invocation): Promise<Answer> {
  const { client, chosen, input } = await runRequest(invocation, planCommand);
  const plan = await client.processing.plan(input);
  const lines = plan.steps.map(({ stage, state, seconds }) => {
    const cost =
      state === 'cached'
        ? 'kept from an earlier run'
        : seconds === null
          ? 'will run'
          : `will run, ${duration(seconds)}`;
    return `${stage.padEnd(12)}${cost}`;
  });
  const bin = plan.bin === null ? 'from the film' : `${plan.bin} × ${plan.bin}`;
  const facts = [
    `${plan.frames} frames of ${chosen.length} recording${chosen.length === 1 ? '' : 's'}`,
    `binning      ${bin}${plan.diameterPx === null ? '' : ` (neurons of ${plan.diameterPx.toFixed(1)} px)`}`,
    ...lines,
    `time         ${plan.seconds === null ? 'not known on this machine yet' : duration(plan.seconds)}`,
    `memory       ${size(plan.memoryBytes)} at most`,
    `disk         ${plan.scratchBytes === null ? 'not known' : `${size(plan.scratchBytes)} of the library’s cache`}`,
    ...plan.warnings.map((warning) => `warning: ${warning}`),
  ];
  return { exitCode: exitCodes.ok, json: plan, text: `${facts.join('\n')}\n` };
}
