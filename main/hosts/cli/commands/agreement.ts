// SPDX-License-Identifier: MIT
import { Uuid } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { positive, runId, words, type Answer, type Command, type Invocation } from '../command.ts';

/** `agreement`: how far raters agree on a run. */
export const agreementCommand: Command = {
  name: 'agreement',
  summary: 'How far raters agree on the cells of a run: Cohen’s κ of each pair, and where they differ',
  usage: 'agreement <run id>; agreement <outlines.zip | run id> <outlines.zip | run id> [flags]',
  flags: () => [
    {
      name: 'distance',
      value: 'px',
      help: 'Of two sets of outlines or cells: largest distance between centres of one cell (10 by default).',
    },
  ],
  run,
};

/** Outlines that two people drew in ImageJ, or that one drew and the cells of a run. */
async function outlines({ positionals, flags, absolute, connect }: Invocation): Promise<Answer> {
  const [one, other] = words(agreementCommand, positionals, ['a file of outlines', 'another'] as const);
  const marks = (given: string) => (Uuid.safeParse(given).success ? { runUuid: given } : { path: absolute(given) });
  const mostPx = positive(flags, 'distance', 'number');
  const { client } = await connect();
  const told = await client.results.outlineAgreement({
    first: marks(one),
    second: marks(other),
    ...(mostPx === undefined ? {} : { mostPx }),
  });
  const { first, second, pairs, f1, findings } = told;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const close =
    pairs.length === 0
      ? ''
      : ` Their centres are ${mean(pairs.map(({ distancePx }) => distancePx)).toFixed(2)} px apart and they share ${(100 * mean(pairs.map(({ overlap }) => overlap))).toFixed(0)} % of their pixels on average.`;
  return {
    exitCode: exitCodes.ok,
    json: told,
    text: `${first.length} and ${second.length} cells, ${pairs.length} of the same cells (F1 ${f1 === null ? 'not defined' : f1.toFixed(3)}).${close}\n${findings.map((finding) => `  note: ${finding}\n`).join('')}`,
  };
}

async function run(invocation: Invocation): Promise<Answer> {
  const { positionals, connect } = invocation;
  if (positionals.length === 2) return await outlines(invocation);
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
