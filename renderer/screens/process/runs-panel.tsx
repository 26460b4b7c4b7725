// SPDX-License-Identifier: MIT
import { Check, CircleX, Clock, Loader, Minus } from 'lucide-react';
import { type ReactElement, useMemo } from 'react';
import type { RunRow, RunState, SessionRow } from '../../../main/contract/index.ts';
import { useProgress } from '../../client/progress.ts';
import { useRuns } from '../../client/queries.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button } from '../../ui/controls.tsx';
import { about, dateTime, percent, plural } from '../../ui/format.ts';
import { type Column, Grid, type Row } from '../../ui/grid.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import styles from './process.module.css';
import { stageTitles } from './stage-names.ts';

const c = classes(styles);

const columns: readonly Column[] = [
  { key: 'state', title: 'State', width: '88px' },
  { key: 'recording', title: 'Session', width: 'minmax(96px, 1fr)' },
  { key: 'run', title: 'Run', width: 'minmax(72px, 1fr)' },
  { key: 'step', title: 'Step', width: 'minmax(160px, 3fr)' },
  { key: 'progress', title: 'Progress', width: '168px' },
  { key: 'when', title: 'When', width: '112px' },
  { key: 'act', title: '', width: '80px', number: true },
];

const states: Readonly<
  Record<RunState, { readonly icon: typeof Check; readonly word: string; readonly tone: string }>
> = {
  queued: { icon: Clock, word: 'waiting', tone: 'dim' },
  running: { icon: Loader, word: 'running', tone: 'hi' },
  succeeded: { icon: Check, word: 'done', tone: 'ok' },
  failed: { icon: CircleX, word: 'stopped', tone: 'rec' },
  cancelled: { icon: Minus, word: 'cancelled', tone: 'dim' },
};

interface RunsProps {
  readonly sessions: readonly SessionRow[];
  readonly followed: string | null;
}

/** All runs, newest first: how each went, and the way to its cells. */
export function RunsPanel({ sessions, followed }: RunsProps): ReactElement {
  const runs = useRuns();
  const active = runs.data?.filter((run) => run.state === 'running' || run.state === 'queued').length ?? 0;
  const stopped = runs.data?.filter((run) => run.state === 'failed').length ?? 0;
  const rows = useMemo(
    () =>
      (runs.data ?? []).map((run): Row => ({
        kind: 'row',
        key: run.uuid,
        label: runTitle(run, runs.data ?? []),
        renderCells: () => [
          <StateWord key="state" state={run.state} />,
          sessions.find((session) => session.uuid === run.sessionUuid)?.name ?? '–',
          runTitle(run, runs.data ?? []),
          <StepWord key="step" run={run} />,
          <ProgressCell key="progress" run={run} />,
          dateTime(run.createdAt),
          run.state === 'succeeded' ? (
            <Button
              key="review"
              size="small"
              label={`Review ${runTitle(run, runs.data ?? [])}`}
              onPress={() => goTo('review', { sessionUuid: run.sessionUuid, runUuid: run.uuid })}
            >
              Review
            </Button>
          ) : null,
        ],
      })),
    [runs.data, sessions],
  );
  return (
    <Panel
      title="Runs"
      meta={
        runs.data === undefined
          ? ''
          : [
              plural(runs.data.length, 'run'),
              active > 0 ? `${String(active)} going` : '',
              stopped > 0 ? `${String(stopped)} stopped` : '',
            ]
              .filter((part) => part !== '')
              .join(', ')
      }
    >
      {runs.isPending ? (
        <Loading title="Opening the list of runs" step={1} steps={1} detail="reading runs" />
      ) : runs.isError ? (
        <Failed title="The list of runs could not be read" error={runs.error} onRetry={() => void runs.refetch()} />
      ) : rows.length === 0 ? (
        <Empty title="No runs yet">
          <p>Choose a recording and press Run: each run is kept with its settings.</p>
        </Empty>
      ) : (
        <Grid
          label="Runs"
          columns={columns}
          rows={rows}
          rowHeight={28}
          selected={followed}
          onSelect={(uuid) => useUi.setState({ followedRunUuid: uuid })}
        />
      )}
    </Panel>
  );
}

function StateWord({ state }: { readonly state: RunState }): ReactElement {
  const { icon, word, tone } = states[state];
  return (
    <span className={c('queueState', tone)}>
      <Icon of={icon} size={12} />
      {word}
    </span>
  );
}

function StepWord({ run }: { readonly run: RunRow }): ReactElement {
  const live = useProgress(run.state === 'running' ? run.uuid : null);
  if (run.state === 'failed')
    return <span className={c('rec')}>{run.error?.message ?? 'stopped without a reason'}</span>;
  if (run.state === 'succeeded')
    return (
      <span>
        {plural(run.cells ?? 0, 'cell')}, {plural(run.decided, 'decision')}
      </span>
    );
  if (run.state === 'running' && live?.stage != null) return <span>{stageTitles[live.stage]}</span>;
  return <span className={c('dim')}>{states[run.state].word}</span>;
}

function ProgressCell({ run }: { readonly run: RunRow }): ReactElement | null {
  const live = useProgress(run.state === 'running' ? run.uuid : null);
  if (run.state !== 'running') return null;
  const overall = live?.overall ?? 0;
  return (
    <span className={c('progressCell')}>
      <Bar label={`Progress of ${run.name}`} value={overall} width={64} />
      {percent(overall)}
      {live?.etaSeconds == null || overall < 0.05 ? '' : ` ${about(live.etaSeconds)}`}
    </span>
  );
}
