// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { Cell } from '../../main/contract/index.ts';
import { useNeighbours } from '../client/edits.ts';
import { useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { runById } from '../ui/commands/use-commands.ts';
import { Button } from '../ui/controls.tsx';
import { decimal } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface NeighboursProps {
  readonly runUuid: string;
  readonly selected: Cell | undefined;
  readonly readOnly: string | null;
}

/** The cells around the selected one, those that may be the same first; a choice shows the other's trace below and its outline on the map. */
export function NeighboursPanel({ runUuid, selected, readOnly }: NeighboursProps): ReactElement {
  const neighbours = useNeighbours(runUuid, selected?.uuid);
  const partner = useReview((state) => state.partner);
  return (
    <Panel
      title="Neighbours"
      scope="neighbours"
      scroll
      meta={selected === undefined ? undefined : `of cell ${String(selected.row)}`}
    >
      {selected === undefined ? (
        <Empty title="No cell selected">
          <p>The cells that touch it appear here, with how much they overlap and fire together.</p>
        </Empty>
      ) : neighbours.isError ? (
        <Failed
          title="The neighbours could not be read"
          error={neighbours.error}
          onRetry={() => void neighbours.refetch()}
        />
      ) : neighbours.data === undefined ? (
        <Loading title="Comparing" step={1} steps={1} detail="footprints and traces around the cell" />
      ) : neighbours.data.length === 0 ? (
        <Empty title="No neighbours">
          <p>No other cell lies within three diameters of cell {selected.row}.</p>
        </Empty>
      ) : (
        <table className={c('outcome near')}>
          <thead>
            <tr>
              <th scope="col">Cell</th>
              <th scope="col">Distance</th>
              <th scope="col">Overlap</th>
              <th scope="col">r</th>
              <th scope="col">
                <span className={c('dim')}>T next</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {neighbours.data.map(({ cellUuid, row, distancePx, overlap, correlation, maybeOne }) => (
              <tr key={cellUuid} className={c(partner === cellUuid && 'rowChosen')}>
                <th scope="row">
                  <button
                    type="button"
                    className={c('rowButton')}
                    aria-pressed={partner === cellUuid}
                    onMouseDown={(event) => event.preventDefault()}
                    onClick={() => useReview.setState({ partner: partner === cellUuid ? null : cellUuid })}
                  >
                    {row}
                  </button>
                </th>
                <td>{decimal(distancePx, 1)} px</td>
                <td>{decimal(overlap, 2)}</td>
                <td>{decimal(correlation, 2)}</td>
                <td>
                  {maybeOne || partner === cellUuid ? (
                    <Button
                      size="small"
                      keepFocus
                      off={readOnly ?? undefined}
                      onPress={() => {
                        useReview.setState({ partner: cellUuid });
                        runById('review.merge');
                      }}
                    >
                      {maybeOne ? 'One cell?' : 'Merge'}
                    </Button>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
