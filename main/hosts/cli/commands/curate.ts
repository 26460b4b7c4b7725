// SPDX-License-Identifier: MIT
import { AppError, type Cell } from '../../../contract/index.ts';
import { exitCodes } from '../../exit-codes.ts';
import { runId, text, words, type Answer, type Command, type FlagValues, type Invocation } from '../command.ts';
import type { CoreClient } from '../connection.ts';

const labels = { accept: 'accepted', reject: 'rejected', clear: 'undecided' } as const;

/** `curate`: versions of a run's judgements, and decisions by their masks. */
export const curateCommand: Command = {
  name: 'curate',
  summary: 'List the curations of a run, decide on its cells, freeze a version or begin the next',
  usage: 'curate <run> [--rater <initials>] [--accept|--reject|--clear <masks>] [--freeze] [--next]',
  flags: () => [
    { name: 'rater', value: 'initials', help: 'Who decides.' },
    { name: 'accept', value: 'masks', help: 'Masks (row + 1, as DataJoint counts) that are cells: 1,4,10-12 or all.' },
    { name: 'reject', value: 'masks', help: 'Masks that are no cells.' },
    { name: 'clear', value: 'masks', help: 'Masks nothing shall be said of.' },
    { name: 'next', help: 'First begin the version after the frozen one, with its labels and edited cells.' },
    { name: 'freeze', help: 'Afterwards make the version immutable.' },
  ],
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  const [given] = words(curateCommand, invocation.positionals, ['a run'] as const);
  const runUuid = runId(given);
  const wishes = Object.entries(labels).flatMap(([flag, to]) => {
    const masks = text(flags, flag);
    return masks === undefined ? [] : [{ flag, to, masks }];
  });
  const next = flags['next'] === true;
  const initials = raterOf(flags, wishes.length > 0 || next);
  const { client } = await invocation.connect();
  const raterUuid = initials === undefined ? '' : (await client.review.addRater({ initials })).uuid;
  const before = next ? await client.workflow.nextVersion({ runUuid, raterUuid }) : null;
  const changed = wishes.length === 0 ? 0 : await decide(client, { runUuid, raterUuid }, wishes);
  if (flags['freeze'] === true) await client.workflow.freeze({ runUuid });
  const versions = await client.workflow.curations({ runUuid });
  const lines = versions.map(
    ({ version, owner, createdAt, frozenAt, accepted, rejected, edits }) =>
      `  version ${version} by ${owner}, ${createdAt}: ${accepted} accepted, ${rejected} rejected, ${edits} edits${frozenAt === null ? '' : ', frozen'}\n`,
  );
  const head = `${before === null ? '' : `Version ${before.version} begun. `}${wishes.length === 0 ? '' : `${changed} labels changed. `}`;
  return {
    exitCode: exitCodes.ok,
    json: { run: runUuid, changed, versions },
    text: `${head}${lines.length === 0 ? 'Nobody has judged this run yet.' : 'Curations:'}\n${lines.join('')}`,
  };
}

function raterOf(flags: FlagValues, needed: boolean): string | undefined {
  const initials = text(flags, 'rater');
  if (initials !== undefined || !needed) return initials;
  throw new AppError('usage.invalid', 'Decisions and new versions need --rater: whose they are.', {
    hint: `calyx ${curateCommand.usage}`,
  });
}

async function decide(
  client: CoreClient,
  step: { readonly runUuid: string; readonly raterUuid: string },
  wishes: readonly {
    readonly flag: string;
    readonly to: (typeof labels)[keyof typeof labels];
    readonly masks: string;
  }[],
): Promise<number> {
  const cells = await client.review.cells({ runUuid: step.runUuid });
  // All are looked up before the first is changed.
  const chosen = wishes.map(({ flag, to, masks }) => ({ to, cellUuids: cellsOf(cells, flag, masks) }));
  let changed = 0;
  for (const { to, cellUuids } of chosen) {
    const { entries } = await client.review.decide({ ...step, cellUuids, to, context: { source: 'command line' } });
    changed += entries.length;
  }
  return changed;
}

/** Cells of masks written as `1,4,10-12` or `all`. @throws AppError `usage.invalid`, `review.unknown_cell` */
function cellsOf(cells: readonly Cell[], flag: string, masks: string): string[] {
  if (masks === 'all') return cells.map(({ uuid }) => uuid);
  const byMask = new Map(cells.map((cell) => [cell.row + 1, cell.uuid]));
  return masks.split(',').flatMap((part) => {
    const match = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part);
    const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match === null || last < first || last - first > 100_000) {
      throw new AppError('usage.invalid', `--${flag} takes masks like 1,4,10-12 or all; it is “${masks}”.`);
    }
    return Array.from({ length: last - first + 1 }, (_, i) => {
      const uuid = byMask.get(first + i);
      if (uuid !== undefined) return uuid;
      throw new AppError('review.unknown_cell', `This run has no mask ${first + i}.`, {
        hint: `calyx query Segmentation.Mask --where "run_uuid = '…'" lists them.`,
      });
    });
  });
}
