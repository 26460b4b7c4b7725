// SPDX-License-Identifier: MIT
import { exitCodes } from '../../exit-codes.ts';
import { runId, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `agreement`: how far raters agree on a run. */
export const agreementCommand: Command = {
  name: 'agreement',
  summary: 'How far raters agree on the cells of a run: Cohen’s κ of each pair, and where they differ',
  usage: 'agreement <run id> [flags]',
  flags: () => [],
  run,
};

async function run({ positionals, connect }: Invocation): Promise<Answer> {
  const [given] = words(agreementCommand, positionals, ['a run’s id'] as const);
  const runUuid = runId(given);
  const { client } = await connect();
  const [told, cells] = await Promise.all([client.review.agreement({ runUuid }), client.review.cells({ runUuid })]);
  const initials = new Map(told.raters.map(({ rater }) => [rater.uuid, rater.initials]));
  const rows = new Map(cells.map(({ uuid, row }) => [uuid, row]));
  const name = (uuid: string): string => initials.get(uuid) ?? uuid;
  const lines = [
    ...told.raters.map(
      ({ rater, decided, accepted }) => `${rater.initials}: ${decided} decided, ${accepted} accepted\n`,
    ),
    ...told.pairs.map(
      ({ first, second, both, agreed, kappa, disagreements }) =>
        `${name(first)} and ${name(second)}: κ ${kappa === null ? 'not defined' : kappa.toFixed(3)} (${agreed} of ${both} alike)\n${disagreements
          .map(
            (one) =>
              `  cell ${rows.get(one.cellUuid) ?? one.cellUuid}: ${name(first)} ${one.first}, ${name(second)} ${one.second}\n`,
          )
          .join('')}`,
    ),
  ];
  return {
    exitCode: exitCodes.ok,
    json: { runUuid, ...told },
    text: lines.length === 0 ? 'Nobody has decided anything yet.\n' : lines.join(''),
  };
}
