// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { AppError, type Cell, type Reading } from '../../main/contract/index.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { type Agreement, useAgreement, useBeginReading, useFinishReading } from '../client/raters.ts';
import { type Disagreement, disagreements, kappaWord, useConsensus } from '../stores/consensus.ts';
import { useReview } from '../stores/review.ts';
import { showOverlay, usePerson } from '../stores/ui.ts';
import { waitForRater } from '../stores/waiting-decision.ts';
import { classes } from '../ui/classes.ts';
import { Button, LabelMark, Note } from '../ui/controls.tsx';
import { count, decimal, plural } from '../ui/format.ts';
import { Failed, Loading, Panel } from '../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface RatersProps {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
}

/** Second readings: one's own, hidden from the others until it is finished; then how far raters agree, and settling where they differ. */
export function RatersPanel({ opening, cells }: RatersProps): ReactElement {
  const { reading } = opening;
  const going = reading !== null && reading.finishedAt === null;
  return (
    <Panel
      title="Raters"
      scope="raters"
      scroll
      meta={going ? `second reading by ${reading.rater.initials}` : undefined}
    >
      {going ? (
        <Going opening={opening} reading={reading} cells={cells} />
      ) : (
        <Compared opening={opening} cells={cells} />
      )}
    </Panel>
  );
}

/** During a second reading: how far it is, and nothing of the others. */
function Going({ opening, reading, cells }: RatersProps & { readonly reading: Reading }): ReactElement {
  const finish = useFinishReading(useQueryClient(), opening.run.uuid);
  const [asking, setAsking] = useState(false);
  const left = cells.filter(({ label }) => label === 'undecided').length;
  return (
    <div className={c('section')}>
      <p>
        These are {reading.rater.initials}’s own labels. What others said of the cells, and how far you agree, stays
        hidden until you are done.
      </p>
      <p role="status">
        {count(cells.length - left)} of {count(cells.length)} decided.
      </p>
      {asking ? (
        <p>
          {left === 0
            ? 'A finished reading cannot be changed any more.'
            : `${plural(left, 'cell is', 'cells are')} undecided and will not be compared. A finished reading cannot be changed any more.`}
        </p>
      ) : null}
      <div className={c('editRow')}>
        {asking ? (
          <>
            <Button kind="primary" size="small" onPress={() => finish.mutate(reading)}>
              Finish the reading
            </Button>
            <Button size="small" onPress={() => setAsking(false)}>
              Go on reading
            </Button>
          </>
        ) : (
          <Button size="small" onPress={() => setAsking(true)}>
            I am done
          </Button>
        )}
      </div>
      {finish.error === null ? null : <Note kind="problem">{AppError.from(finish.error).message}</Note>}
    </div>
  );
}

function Compared({ opening, cells }: RatersProps): ReactElement {
  const runUuid = opening.run.uuid;
  const agreement = useAgreement(runUuid, true);
  const begin = useBeginReading(useQueryClient(), runUuid);
  const person = usePerson((state) => state.rater);
  const settling = useConsensus((state) => state.runUuid === runUuid);
  const start = (): void => {
    const { rater } = usePerson.getState();
    if (rater === null) {
      waitForRater(start);
      showOverlay('rater');
    } else begin.mutate(rater.uuid);
  };
  if (agreement.isError) {
    return (
      <Failed
        title="The agreement could not be read"
        error={agreement.error}
        onRetry={() => void agreement.refetch()}
      />
    );
  }
  if (agreement.data === undefined)
    return <Loading title="Comparing" step={1} steps={1} detail="the decisions of the raters" />;
  const told = agreement.data;
  const differ = disagreements(told, cells);
  const open = differ.filter(({ settled }) => !settled).length;
  const reading = opening.readings.filter(({ finishedAt }) => finishedAt === null);
  const [only] = told.raters;
  const alone = only !== undefined && told.raters.length === 1 && only.rater.uuid === person?.uuid;
  return (
    <>
      <div className={c('section')}>
        {told.raters.length === 0 ? (
          <p>Nobody has judged this run yet. Once somebody has, another rater can read it without seeing the labels.</p>
        ) : (
          <table className={c('outcome')}>
            <thead>
              <tr>
                <th scope="col">Rater</th>
                <th scope="col">Decided</th>
                <th scope="col">Accepted</th>
              </tr>
            </thead>
            <tbody>
              {told.raters.map(({ rater, decided, accepted }) => (
                <tr key={rater.uuid}>
                  <th scope="row">{rater.name === null ? rater.initials : `${rater.initials}, ${rater.name}`}</th>
                  <td>{count(decided)}</td>
                  <td>{count(accepted)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {reading.map(({ uuid, rater, decided }) => (
          <p key={uuid} className={c('dim')}>
            {rater.initials} is reading, {count(decided)} of {count(cells.length)} decided. Compared when it is
            finished.
          </p>
        ))}
        <div className={c('editRow')}>
          <Button
            size="small"
            title="Own labels on the same cells; the others’ stay hidden until you are done"
            off={
              only === undefined
                ? 'Nobody has judged this run yet: you would be the first rater.'
                : alone
                  ? 'You have judged cells of this run already: a second reading is made by another rater.'
                  : undefined
            }
            onPress={start}
          >
            {person === null || alone ? 'Read as a second rater' : `Read as a second rater, ${person.initials}`}
          </Button>
          {alone ? (
            <Button size="small" title="Say who sits here now" onPress={() => showOverlay('rater')}>
              Change rater
            </Button>
          ) : null}
        </div>
        {begin.error === null ? null : (
          <Note kind="problem">
            {AppError.from(begin.error).message} {AppError.from(begin.error).hint}
          </Note>
        )}
      </div>
      {told.pairs.map((pair) => (
        <Pair key={`${pair.first} ${pair.second}`} pair={pair} told={told} />
      ))}
      {differ.length === 0 ? null : (
        <div className={c('section')}>
          <h3>
            {plural(differ.length, 'disagreement', 'disagreements')}
            <span>{open === 0 ? 'all settled' : `${count(open)} to settle`}</span>
          </h3>
          <div className={c('editRow')}>
            <Button
              size="small"
              keepFocus
              pressed={settling}
              off={opening.readOnly ?? undefined}
              title="The list shows only these cells; A and R write down what you agreed on"
              onPress={() => useConsensus.setState({ runUuid: settling ? null : runUuid })}
            >
              {settling ? 'Stop settling' : 'Settle them together'}
            </Button>
          </div>
          <Differences differ={differ} />
        </div>
      )}
    </>
  );
}

interface PairProps {
  readonly pair: Agreement['pairs'][number];
  readonly told: Agreement;
}

function Pair({ pair, told }: PairProps): ReactElement {
  const name = (uuid: string): string => told.raters.find(({ rater }) => rater.uuid === uuid)?.rater.initials ?? '?';
  const { first, second, both, agreed, counts, kappa } = pair;
  return (
    <div className={c('section')}>
      <h3>
        {name(first)} and {name(second)}
        <span>
          {count(agreed)} of {count(both)} alike
        </span>
      </h3>
      <p>
        <b className={c('hi')}>κ {kappa === null ? '–' : decimal(kappa, 2)}</b>{' '}
        {kappa !== null
          ? `${kappaWord(kappa)} agreement beyond chance`
          : both === 0
            ? 'no cell that both decided'
            : 'not defined: both gave every cell the same label'}
      </p>
      <table className={c('outcome')}>
        <thead>
          <tr>
            <th scope="col">{name(first)} ↓</th>
            <th scope="col">{name(second)} accepted</th>
            <th scope="col">{name(second)} rejected</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">accepted</th>
            <td>{count(counts.acceptedAccepted)}</td>
            <td>{count(counts.acceptedRejected)}</td>
          </tr>
          <tr>
            <th scope="row">rejected</th>
            <td>{count(counts.rejectedAccepted)}</td>
            <td>{count(counts.rejectedRejected)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Differences({ differ }: { readonly differ: readonly Disagreement[] }): ReactElement {
  const selected = useReview((state) => state.selected);
  return (
    <table className={c('outcome')}>
      <thead>
        <tr>
          <th scope="col">Cell</th>
          <th scope="col">Said</th>
          <th scope="col">Now</th>
          <th scope="col">Settled</th>
        </tr>
      </thead>
      <tbody>
        {differ.map(({ cell, said, settled }) => (
          <tr key={cell.uuid} className={c(selected === cell.uuid && 'rowChosen')}>
            <th scope="row">
              <button
                type="button"
                className={c('rowButton')}
                aria-pressed={selected === cell.uuid}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => useReview.setState({ selected: cell.uuid })}
              >
                {cell.row}
              </button>
            </th>
            <td>{[...said].map(([initials, label]) => `${initials} ${label}`).join(', ')}</td>
            <td>
              <LabelMark label={cell.label} />
            </td>
            <td>{settled ? 'yes' : 'no'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
