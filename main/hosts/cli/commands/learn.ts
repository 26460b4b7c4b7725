// SPDX-License-Identifier: MIT
import { words, type Answer, type Command, type Invocation } from '../command.ts';
import { exitCodes } from '../../exit-codes.ts';

/** `learn`: a model of the decisions in the library, for `--min-probability`. */
export const learnCommand: Command = {
  name: 'learn',
  summary: 'Learn from your decisions which components to suggest',
  usage: 'learn [flags]',
  flags: () => [],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  words(learnCommand, invocation.positionals, []);
  const { client } = await invocation.connect();
  const learned = await client.review.learn({});
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return {
    exitCode: exitCodes.ok,
    json: learned,
    text:
      `Learned from ${learned.accepted} accepted and ${learned.rejected} rejected cells of ${learned.runs} runs. ` +
      `It judges ${percent(learned.accuracy)} of cells it has not seen as you did (both kinds alike: ${percent(learned.balancedAccuracy)}, chance 50 %).\n` +
      'Use it with: calyx process … --min-probability 0.5\n',
  };
}
