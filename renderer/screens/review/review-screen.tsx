// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useMemo, useRef } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { Cell } from '../../../main/contract/index.ts';
import { useConnection } from '../../client/context.ts';
import { deciderOf } from '../../client/decisions.ts';
import { useAgreement } from '../../client/raters.ts';
import { dropEdit } from '../../client/edits.ts';
import { type ReviewOpening, useCells, useOpening, useRuns } from '../../client/queries.ts';
import { hidden, useBlind } from '../../stores/blind.ts';
import { orderCells, readFilter } from '../../stores/cell-list.ts';
import { useEdit } from '../../stores/edit.ts';
import { disagreements, useConsensus } from '../../stores/consensus.ts';
import { lookAt, useLook } from '../../stores/look.ts';
import { beginReview, useReview } from '../../stores/review.ts';
import { goTo, usePerson, useUi } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { Button } from '../../ui/controls.tsx';
import { Dock } from '../../ui/dock/dock.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { editing, underWayCommands } from './edit-commands.ts';
import { reviewCommands } from './review-commands.ts';
import type { ReviewScope } from './review-scope.ts';
import { arrangeReview, reviewPanels, SceneContext, SelectedContext } from './review-panels.tsx';
import styles from './review.module.css';

const c = classes(styles);

/** Looking at a run and judging its cells. */
export function ReviewScreen(): ReactElement {
  const runUuid = useUi((state) => state.runUuid);
  const opening = useOpening(runUuid);
  const cells = useCells(runUuid);
  const mine = useOwnReading(runUuid, opening.data);
  useEffect(() => {
    if (runUuid !== null && mine !== undefined) lookAt(runUuid, { reading: mine });
  }, [runUuid, mine]);
  if (runUuid === null) return <NoRun />;
  const failed = opening.error ?? cells.error;
  if (failed !== null) {
    return (
      <Alone>
        <Failed
          title="This run cannot be reviewed"
          error={failed}
          onRetry={() => {
            void opening.refetch();
            void cells.refetch();
          }}
          actions={<Button onPress={() => goTo('library')}>Choose another run</Button>}
        />
      </Alone>
    );
  }
  // Nobody who has begun a reading sees the others' labels, not even for a moment.
  if (opening.data === undefined || cells.data === undefined || mine !== undefined) {
    return (
      <Alone>
        <Loading
          title="Opening the run"
          step={opening.data === undefined ? 1 : 2}
          steps={2}
          detail={opening.data === undefined ? 'its recording and its curation' : 'its cells'}
          onCancel={() => goTo('library', { runUuid: null })}
        />
      </Alone>
    );
  }
  return <Open key={runUuid} opening={opening.data} cells={cells.data} />;
}

/** The reading that the person who sits here has begun and not finished, when something else is looked at. */
function useOwnReading(runUuid: string | null, opening: ReviewOpening | undefined): string | undefined {
  const rater = usePerson((state) => state.rater);
  const look = useLook(runUuid);
  const own = opening?.readings.find(({ rater: by, finishedAt }) => by.uuid === rater?.uuid && finishedAt === null);
  return own === undefined || own.uuid === look.reading ? undefined : own.uuid;
}

/** The frames of Review with nothing in them but what is said in the map's: nothing jumps when the run is there. */
function Alone({ children }: { readonly children: ReactElement }): ReactElement {
  return (
    <div className={c('screen')}>
      <Panel title="Cells" area="list">
        {null}
      </Panel>
      <Panel title="Map" well>
        {children}
      </Panel>
      <Panel title="Movie" well>
        {null}
      </Panel>
      <div className={c('bottom')}>
        <div className={c('plots')}>
          <Panel title="Traces">{null}</Panel>
          <Panel title="All cells">{null}</Panel>
        </div>
        <Panel title="Why?">{null}</Panel>
      </div>
    </div>
  );
}

function NoRun(): ReactElement {
  const runs = useRuns();
  const newest = runs.data?.find((run) => run.state === 'succeeded');
  return (
    <Alone>
      <Empty
        title="No run selected"
        actions={
          <>
            {newest === undefined ? null : (
              <Button
                kind="primary"
                onPress={() => goTo('review', { runUuid: newest.uuid, sessionUuid: newest.sessionUuid })}
              >
                Review the newest: {runTitle(newest, runs.data ?? [])}
              </Button>
            )}
            <Button kind={newest === undefined ? 'primary' : 'plain'} onPress={() => goTo('process')}>
              Process a recording
            </Button>
            <Button onPress={() => goTo('library')}>Choose a session</Button>
          </>
        }
      >
        <p>
          {newest === undefined
            ? 'No recording has been processed yet: there are no cells to look at.'
            : 'Choose a run in Library, or go on with the newest one.'}
        </p>
      </Empty>
    </Alone>
  );
}

function Open({ opening, cells }: { readonly opening: ReviewOpening; readonly cells: readonly Cell[] }): ReactElement {
  const connection = useConnection();
  const queries = useQueryClient();
  // Not the cursor: it moves with every frame, and the panels that follow it look themselves.
  const {
    selected: selectedUuid,
    filter,
    sort,
    runUuid,
  } = useReview(useShallow(({ selected, filter, sort, runUuid }) => ({ selected, filter, sort, runUuid })));
  const blind = useBlind((state) => state.blind);
  const runs = useRuns();
  const filterField = useRef<HTMLInputElement>(null);
  const { run, frames, fps, images } = opening;
  const begun = runUuid === run.uuid;
  useEffect(() => {
    if (useReview.getState().runUuid !== run.uuid) beginReview(run.uuid, frames, fps, images);
  }, [run.uuid, frames, fps, images]);
  const settling = useConsensus((state) => state.runUuid === run.uuid) && opening.readOnly === null;
  const agreement = useAgreement(run.uuid, settling && opening.reading === null).data;
  const { list, problem, toSettle } = useMemo(() => {
    const read = readFilter(filter);
    const differ = settling && agreement !== undefined ? disagreements(agreement, cells) : null;
    const among = new Set(differ?.map(({ cell }) => cell.uuid));
    const passes = typeof read === 'function' ? read : () => true;
    return {
      list: orderCells(
        cells,
        sort,
        (cell) => passes(cell) && (differ === null || among.has(cell.uuid)),
        (cell) => hidden(blind, cell),
      ),
      problem: typeof read === 'function' ? undefined : read.problem,
      toSettle: differ === null ? null : new Set(differ.filter(({ settled }) => !settled).map(({ cell }) => cell.uuid)),
    };
  }, [cells, filter, sort, blind, settling, agreement]);
  const newest = useRef<ReviewScope>({ opening, cells, list, toSettle });
  useEffect(() => {
    newest.current = { opening, cells, list, toSettle };
  }, [opening, cells, list, toSettle]);
  const started = useRef(false);
  const firstUndecided = list.find((cell) => cell.label === 'undecided') ?? list[0];
  useEffect(() => {
    if (!begun || started.current) return;
    started.current = true;
    if (useReview.getState().selected === null) useReview.setState({ selected: firstUndecided?.uuid ?? null });
    // Only when the run is opened: later an empty selection is the person's wish.
  }, [begun, firstUndecided?.uuid]);
  const commands = useMemo(
    () =>
      reviewCommands(
        () => newest.current,
        deciderOf(connection, queries),
        connection,
        queries,
        () => filterField.current?.focus(),
      ),
    [connection, queries],
  );
  useCommands(commands);
  const isEditing = useEdit(editing);
  const whileEditing = useMemo(
    () => (isEditing ? underWayCommands(() => newest.current, connection, queries) : []),
    [isEditing, connection, queries],
  );
  useCommands(whileEditing);
  useEffect(() => dropEdit, [run.uuid]);
  const selected = cells.find((cell) => cell.uuid === selectedUuid);
  const scene = useMemo(
    () => ({ opening, cells, list, problem, runName: runTitle(run, runs.data ?? [run]), filterField }),
    [opening, cells, list, problem, run, runs.data],
  );
  return (
    <SceneContext.Provider value={scene}>
      <SelectedContext.Provider value={selected}>
        <Dock place="review" panels={reviewPanels} arrange={arrangeReview} />
      </SelectedContext.Provider>
    </SceneContext.Provider>
  );
}
