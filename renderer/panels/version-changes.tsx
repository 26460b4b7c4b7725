// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useCore } from '../client/context.ts';
import { keys } from '../client/queries.ts';
import { labelChanges } from '../stores/cell-list.ts';
import { useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { LabelMark, Select } from '../ui/controls.tsx';
import { count, plural } from '../ui/format.ts';
import { Failed, Loading } from '../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface ChangesProps {
  readonly runUuid: string;
  /** Numbers of the versions, oldest first; at least two. */
  readonly versions: readonly number[];
}

/** Which cells have another label in one version than in another. */
export function VersionChanges({ runUuid, versions }: ChangesProps): ReactElement {
  const core = useCore();
  const selected = useReview((state) => state.selected);
  const newest = versions.at(-1) ?? 1;
  const [from, setFrom] = useState(versions.at(-2) ?? newest);
  const [to, setTo] = useState(newest);
  const cellsOf = (version: number) => ({
    queryKey: keys.cells(runUuid, { version }),
    queryFn: ({ signal }: { readonly signal: AbortSignal }) => core.review.cells({ runUuid, version }, { signal }),
  });
  const [before, after] = [useQuery(cellsOf(from)), useQuery(cellsOf(to))];
  const options = versions.map((version) => ({ value: String(version), label: `version ${String(version)}` }));
  const error = before.error ?? after.error;
  const changes =
    before.data === undefined || after.data === undefined ? undefined : labelChanges(before.data, after.data);
  return (
    <div className={c('section')}>
      <h3>What changed</h3>
      <div className={c('editRow')}>
        <Select
          label="From version"
          value={String(from)}
          options={options}
          onChange={(value) => setFrom(Number(value))}
        />
        <Select label="To version" value={String(to)} options={options} onChange={(value) => setTo(Number(value))} />
      </div>
      {error !== null ? (
        <Failed
          title="The versions could not be compared"
          error={error}
          onRetry={() => void Promise.all([before.refetch(), after.refetch()])}
        />
      ) : changes === undefined ? (
        <Loading title="Comparing" step={1} steps={1} detail="the labels of both versions" />
      ) : (
        <>
          <p role="status">
            {changes.length === 0
              ? 'Every cell has the same label in both.'
              : `${plural(changes.length, 'cell has', 'cells have')} another label or came or went with an edit; ${count(
                  changes.filter(({ to: label }) => label === 'accepted').length,
                )} are accepted now.`}
          </p>
          {changes.length === 0 ? null : (
            <table className={c('outcome')}>
              <thead>
                <tr>
                  <th scope="col">Cell</th>
                  <th scope="col">Before</th>
                  <th scope="col">After</th>
                </tr>
              </thead>
              <tbody>
                {changes.map(({ uuid, row, from: was, to: is }) => (
                  <tr key={uuid} className={c(selected === uuid && 'rowChosen')}>
                    <th scope="row">
                      <button
                        type="button"
                        className={c('rowButton')}
                        aria-pressed={selected === uuid}
                        onMouseDown={(event) => event.preventDefault()}
                        onClick={() => useReview.setState({ selected: uuid })}
                      >
                        {row}
                      </button>
                    </th>
                    <td>{was === null ? 'not there' : <LabelMark label={was} />}</td>
                    <td>{is === null ? 'not there' : <LabelMark label={is} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </>
      )}
    </div>
  );
}
