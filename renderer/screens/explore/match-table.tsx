// SPDX-License-Identifier: MIT
import { useQueries } from '@tanstack/react-query';
import { type ReactElement, useMemo } from 'react';
import type { MatchDetail } from '../../../main/contract/index.ts';
import { useConnection } from '../../client/context.ts';
import { footprintsQuery, profilesQuery } from '../../client/explore.ts';
import { useExploreSelection } from '../../stores/explore.ts';
import { dayNames, type MatchGroup } from '../../stores/matches.ts';
import { LabelMark } from '../../ui/controls.tsx';
import { decimal } from '../../ui/format.ts';
import type { Column } from '../../ui/grid-columns.ts';
import { Grid, type Row } from '../../ui/grid.tsx';
import { tokenOf } from './match-looks.ts';
import { MatchMember } from './match-member.tsx';

interface TableProps {
  readonly match: MatchDetail;
  readonly list: readonly MatchGroup[];
  readonly current: MatchGroup | undefined;
}

/** Every match with its cells of each session, the most doubtful first; a click chooses one. */
export function MatchTable({ match, list, current }: TableProps): ReactElement {
  const core = useConnection().core;
  const footprints = useQueries({ queries: match.sessions.map((session) => footprintsQuery(core, session.runUuid)) });
  const profiles = useQueries({ queries: match.sessions.map((session) => profilesQuery(core, session.runUuid)) });
  const columns = useMemo<readonly Column[]>(
    () => [
      { key: 'cell', title: 'Cell', width: '36px', number: true },
      ...dayNames(match.sessions).map((title, index) => ({
        key: match.sessions[index]?.runUuid ?? title,
        title,
        width: 'minmax(128px, 1fr)',
        hint: match.sessions[index]?.name ?? title,
      })),
      { key: 'score', title: 'Score ↑', width: '52px', number: true },
      { key: 'label', title: 'Match', width: '88px' },
    ],
    [match.sessions],
  );
  const rows = list.map((group): Row => ({
    kind: 'row',
    key: String(group.index),
    label: `Match ${String(group.index)}, score ${decimal(group.score, 2)}, ${group.label}`,
    renderCells: () => {
      const most = highest(
        group,
        profiles.map((query) => query.data),
      );
      return [
        String(group.index),
        ...match.sessions.map((session, index) => (
          <MatchMember
            key={session.runUuid}
            row={group.members.find((member) => member.session === index)?.row}
            token={tokenOf(index)}
            footprints={footprints[index]?.data}
            profiles={profiles[index]?.data}
            most={most}
            reach={32}
          />
        )),
        decimal(group.score, 2),
        <LabelMark key="label" label={group.label} />,
      ];
    },
  }));
  return (
    <Grid
      label="Matches, the lowest score first"
      columns={columns}
      rows={rows}
      rowHeight={44}
      selected={current === undefined ? null : String(current.index)}
      onSelect={(key) => useExploreSelection.setState({ group: Number(key) })}
    />
  );
}

/** The highest value of a cell's mean events over all sessions. */
function highest(
  group: MatchGroup,
  profiles: ReadonlyArray<
    { readonly rows: readonly number[]; readonly timesS: readonly number[]; readonly values: Float32Array } | undefined
  >,
): number {
  let most = 0;
  for (const { session, row } of group.members) {
    const own = profiles[session];
    const k = own?.rows.indexOf(row) ?? -1;
    if (own === undefined || k < 0) continue;
    for (const value of own.values.subarray(k * own.timesS.length, (k + 1) * own.timesS.length))
      most = Math.max(most, value || 0);
  }
  return most;
}
