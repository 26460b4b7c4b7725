// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { AppError, type CellLabel, type MatchDetail } from '../../../main/contract/index.ts';
import { useConnection } from '../../client/context.ts';
import { matchKey } from '../../client/explore.ts';
import { useExplore, useExploreSelection } from '../../stores/explore.ts';
import { counts, type MatchGroup, nextUndecidedGroup } from '../../stores/matches.ts';
import { report } from '../../stores/messages.ts';
import { showOverlay, usePerson } from '../../stores/ui.ts';
import { waitForRater } from '../../stores/waiting-decision.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';

/** Decisions on matches by key; each is one step of the log, which undo takes back. */
export function useMatchCommands(
  match: MatchDetail,
  list: readonly MatchGroup[],
  current: MatchGroup | undefined,
): void {
  const connection = useConnection();
  const queries = useQueryClient();
  const now = useRef({ match, list, current });
  now.current = { match, list, current };
  const commands = useMemo<readonly Command[]>(() => {
    const scope = 'screen:explore' as const;
    const keep = async (changing: Promise<MatchDetail>): Promise<void> => {
      try {
        const changed = await changing;
        queries.setQueryData(matchKey(changed.uuid), changed);
        void queries.invalidateQueries({ queryKey: ['explore', 'matches'] });
      } catch (error) {
        report('error', 'Explore', AppError.from(error).message);
      }
    };
    const withRater = (act: (raterUuid: string) => Promise<MatchDetail>): void => {
      const { rater } = usePerson.getState();
      if (rater === null) {
        waitForRater(() => withRater(act));
        showOverlay('rater');
        return;
      }
      void keep(act(rater.uuid));
    };
    const decide = (groups: readonly number[], to: CellLabel): void =>
      withRater((raterUuid) =>
        connection.core.explore.decideMatches({
          matchUuid: now.current.match.uuid,
          raterUuid,
          groups: [...groups],
          to,
        }),
      );
    const one = (id: string, label: string, key: string, to: CellLabel): Command => ({
      id: `explore.${id}`,
      label,
      group: 'Matches',
      scope,
      keys: [key],
      undo: 'explore.undo',
      detail: () => (now.current.current === undefined ? undefined : `match ${String(now.current.current.index)}`),
      enabled: () => (now.current.current === undefined ? 'There is no match to decide on.' : true),
      run: () => {
        const { current: chosen, list: all } = now.current;
        if (chosen === undefined) return;
        decide([chosen.index], to);
        const next = nextUndecidedGroup(
          all.filter((each) => each.index !== chosen.index || to === 'undecided'),
          null,
          1,
        );
        const after = nextUndecidedGroup(all, chosen.index, 1) ?? next;
        if (to !== 'undecided' && after !== undefined && after.index !== chosen.index)
          useExploreSelection.setState({ group: after.index });
      },
    });
    const move = (id: string, label: string, key: string, step: 1 | -1): Command => ({
      id: `explore.${id}`,
      label,
      group: 'Matches',
      scope,
      keys: [key],
      run: () => {
        const { current: chosen, list: all } = now.current;
        const next = nextUndecidedGroup(all, chosen?.index ?? null, step);
        if (next !== undefined) useExploreSelection.setState({ group: next.index });
      },
    });
    return [
      one('accept', 'Accept the match', 'A', 'accepted'),
      one('reject', 'Reject the match', 'R', 'rejected'),
      one('undecide', 'Leave the match undecided', 'U', 'undecided'),
      move('next', 'Next undecided match', 'J', 1),
      move('previous', 'Previous undecided match', 'K', -1),
      {
        id: 'explore.acceptAbove',
        label: 'Accept all undecided matches above the limit',
        group: 'Matches',
        scope,
        keys: ['Shift+A'],
        undo: 'explore.undo',
        run: () => {
          const { leastScore } = useExplore.getState();
          const groups = now.current.list
            .filter((each) => each.label === 'undecided' && counts(each, leastScore))
            .map((each) => each.index);
          if (groups.length > 0) decide(groups, 'accepted');
        },
      },
      {
        id: 'explore.undo',
        label: 'Take the newest decision back',
        group: 'Matches',
        scope,
        keys: ['Mod+Z'],
        enabled: () => (now.current.match.canUndo ? true : 'There is no decision to take back.'),
        run: () =>
          withRater((raterUuid) =>
            connection.core.explore.undoMatches({ matchUuid: now.current.match.uuid, raterUuid }),
          ),
      },
    ];
  }, [connection, queries]);
  useCommands(commands);
}
