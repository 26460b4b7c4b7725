// SPDX-License-Identifier: MIT
import { ArrowDown, ArrowUp, Check, CircleX, Clock, Loader, Minus, Moon, Pause, Play } from 'lucide-react';
import { type ReactElement, useMemo, useState } from 'react';
import type { QueueState, RunBatch, RunRow, RunState, SessionRow } from '../../../main/contract/index.ts';
import { useProgress } from '../../client/progress.ts';
import { useRuns } from '../../client/queries.ts';
import { useBatches, useQueue, useQueueActs } from '../../client/queue.ts';
import { movedOrder } from '../../stores/process.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button, Select } from '../../ui/controls.tsx';
import { about, dateTime, percent, plural, timeOfDay, took } from '../../ui/format.ts';
import type { Column } from '../../ui/grid-columns.ts';
import { Grid, type Row } from '../../ui/grid.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { BatchDialog } from './batch-dialog.tsx';
import { styles } from './styles.ts';
import { stageTitles } from './stage-names.ts';

const c = classes(styles);

const columns: readonly Column[] = [
  { key: 'state', title: 'State', width: '96px' },
  { key: 'recording', title: 'Session', width: 'minmax(96px, 1.4fr)' },
  { key: 'run', title: 'Run', width: 'minmax(72px, 1fr)', yields: 2 },
  { key: 'step', title: 'Step', width: 'minmax(160px, 3fr)' },
  { key: 'progress', title: 'Progress', width: '168px' },
  { key: 'when', title: 'When', width: '112px', yields: 1 },
  { key: 'left', title: 'Took or left', width: '88px', number: true, yields: 3 },
  { key: 'act', title: '', width: '156px', number: true },
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

/** Why a waiting run does not begin. */
export function waitingText(queue: QueueState): string | undefined {
  if (queue.waiting === 'paused') return 'held: the queue is paused';
  if (queue.waiting === 'failure') return 'held: a run stopped; press Go on when you have looked at it';
  if (queue.waiting === 'recording') return 'held: a scope is recording';
  return queue.waiting === 'hours' ? `held: quiet hours, from ${queue.hours?.from ?? ''}` : undefined;
}

/** Running first, then what waits in its order, then the rest, newest first; runs of one entry stay together under its heading. */
export function inQueueOrder(runs: readonly RunRow[], order: readonly string[]): readonly RunRow[] {
  const place = (run: RunRow): number => {
    if (run.state === 'running') return 0;
    return run.state === 'queued' ? 1 : 2;
  };
  const at = (run: RunRow): number => (order.includes(run.uuid) ? order.indexOf(run.uuid) : order.length);
  return runs.toSorted((a, b) => place(a) - place(b) || (place(a) === 1 ? at(a) - at(b) : 0));
}

interface RunsProps {
  readonly sessions: readonly SessionRow[];
  readonly followed: string | null;
}

/** The queue and what came of it: order, pause, hours, and the way to each result. */
export function RunsPanel({ sessions, followed }: RunsProps): ReactElement {
  const runs = useRuns();
  const queue = useQueue();
  const batches = useBatches();
  const acts = useQueueActs();
  const [opened, setOpened] = useState<string | null>(null);
  const { data } = runs;
  const active = data?.filter((run) => run.state === 'running' || run.state === 'queued').length ?? 0;
  const stopped = data?.filter((run) => run.state === 'failed').length ?? 0;
  const order = queue.data?.order;
  const held = queue.data === undefined ? undefined : waitingText(queue.data);
  const rows = useMemo(() => {
    const all = data ?? [];
    const queued = order ?? [];
    const toRow = (run: RunRow): Row => ({
      kind: 'row',
      key: run.uuid,
      label: runTitle(run, all),
      renderCells: () => [
        <StateWord key="state" state={run.state} held={run.state === 'queued' && held !== undefined} />,
        sessions.find((session) => session.uuid === run.sessionUuid)?.name ?? '–',
        runTitle(run, all),
        <StepWord key="step" run={run} held={held} next={queued[0] === run.uuid} />,
        <ProgressCell key="progress" run={run} />,
        run.state === 'running'
          ? `started ${timeOfDay(run.startedAt ?? run.createdAt).slice(0, 5)}`
          : dateTime(run.createdAt),
        <TimeCell key="time" run={run} />,
        <Acts key="acts" run={run} title={runTitle(run, all)} order={queued} acts={acts} />,
      ],
    });
    const list: Row[] = [];
    const done = new Set<string>();
    for (const run of inQueueOrder(all, queued)) {
      if (done.has(run.uuid)) continue;
      const batch = batches.data?.find((each) => each.runs.some(({ runUuid }) => runUuid === run.uuid));
      if (batch === undefined) {
        list.push(toRow(run));
        continue;
      }
      const members = inQueueOrder(
        all.filter((each) => batch.runs.some(({ runUuid }) => runUuid === each.uuid)),
        queued,
      );
      list.push({
        kind: 'group',
        key: batch.uuid,
        content: <BatchHead batch={batch} members={members} onOpen={() => setOpened(batch.uuid)} />,
      });
      for (const member of members) {
        done.add(member.uuid);
        list.push(toRow(member));
      }
    }
    return list;
  }, [data, sessions, order, held, batches.data, acts]);
  const batch = batches.data?.find((each) => each.uuid === opened);
  return (
    <Panel
      title="Queue"
      meta={
        data === undefined
          ? ''
          : [
              plural(data.length, 'run'),
              active > 0 ? `${String(active)} going` : '',
              stopped > 0 ? `${String(stopped)} stopped` : '',
            ]
              .filter((part) => part !== '')
              .join(', ')
      }
      end={queue.data === undefined ? undefined : <Rules queue={queue.data} change={acts.change} />}
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
          label="Queue"
          columns={columns}
          rows={rows}
          rowHeight={28}
          selected={followed}
          onSelect={(uuid) => useUi.setState({ followedRunUuid: uuid })}
        />
      )}
      {batch === undefined ? null : (
        <BatchDialog batch={batch} runs={data ?? []} sessions={sessions} onClose={() => setOpened(null)} />
      )}
    </Panel>
  );
}

interface RulesProps {
  readonly queue: QueueState;
  readonly change: ReturnType<typeof useQueueActs>['change'];
}

/** Full hours of a day, and the time that is set where it is none. */
function hourOptions(set: string): readonly { readonly value: string; readonly label: string }[] {
  const full = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`);
  return [...new Set([...full, set])].toSorted((a, b) => a.localeCompare(b)).map((value) => ({ value, label: value }));
}

/** When runs begin. */
function Rules({ queue, change }: RulesProps): ReactElement {
  const { hours } = queue;
  return (
    <>
      <Switch label="go on after a failure" on={queue.goOn} onChange={(goOn) => change({ goOn })} />
      <Switch
        label="run while recording"
        on={queue.whileRecording}
        onChange={(whileRecording) => change({ whileRecording })}
      />
      <Switch
        label="quiet hours only"
        on={hours !== null}
        onChange={(on) => change({ hours: on ? { from: '20:00', to: '07:00' } : null })}
      />
      {hours === null ? null : (
        <span className={c('hours')}>
          <Select
            label="Runs begin from"
            value={hours.from}
            options={hourOptions(hours.from)}
            onChange={(from) => change({ hours: { ...hours, from } })}
          />
          to
          <Select
            label="Runs begin until"
            value={hours.to}
            options={hourOptions(hours.to)}
            onChange={(to) => change({ hours: { ...hours, to } })}
          />
        </span>
      )}
      <Button size="small" pressed={queue.paused} onPress={() => change({ paused: !queue.paused })}>
        <Icon of={queue.paused ? Play : Pause} size={12} />
        {queue.paused ? 'Go on' : 'Pause all'}
      </Button>
    </>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly on: boolean;
  readonly onChange: (on: boolean) => void;
}

function Switch({ label, on, onChange }: SwitchProps): ReactElement {
  return (
    <button type="button" role="switch" aria-checked={on} className={c('switch')} onClick={() => onChange(!on)}>
      <i />
      {label}
    </button>
  );
}

interface BatchHeadProps {
  readonly batch: RunBatch;
  readonly members: readonly RunRow[];
  readonly onOpen: () => void;
}

function BatchHead({ batch, members, onOpen }: BatchHeadProps): ReactElement {
  const done = members.filter((run) => run.state === 'succeeded').length;
  return (
    <span className={c('batchHead')}>
      {batch.name}
      <span className={c('dim')}>
        {String(done)} of {String(members.length)} done
      </span>
      <Button size="small" label={`Result table of ${batch.name}`} onPress={onOpen}>
        Result table
      </Button>
    </span>
  );
}

interface ActsProps {
  readonly run: RunRow;
  readonly title: string;
  readonly order: readonly string[];
  readonly acts: ReturnType<typeof useQueueActs>;
}

/** What can be done with a run now. */
function Acts({ run, title, order, acts }: ActsProps): ReactElement | null {
  if (run.state === 'succeeded') {
    return (
      <Button
        size="small"
        label={`Review ${title}`}
        onPress={() => goTo('review', { sessionUuid: run.sessionUuid, runUuid: run.uuid })}
      >
        Review
      </Button>
    );
  }
  if (run.state === 'failed' || run.state === 'cancelled') {
    return (
      <Button size="small" label={`Run ${title} again`} onPress={() => acts.retry(run.uuid)}>
        Try again
      </Button>
    );
  }
  const at = order.indexOf(run.uuid);
  const move = (step: 1 | -1): void => acts.change({ order: [...movedOrder(order, run.uuid, step)] });
  return (
    <span className={c('rowActs')}>
      {run.state === 'queued' && order.length > 1 ? (
        <>
          <Button
            kind="bare"
            size="small"
            square
            label={`Earlier: ${title}`}
            off={at <= 0 ? 'It is the next one.' : undefined}
            onPress={() => move(-1)}
          >
            <Icon of={ArrowUp} size={12} />
          </Button>
          <Button
            kind="bare"
            size="small"
            square
            label={`Later: ${title}`}
            off={at >= order.length - 1 ? 'It is the last one.' : undefined}
            onPress={() => move(1)}
          >
            <Icon of={ArrowDown} size={12} />
          </Button>
        </>
      ) : null}
      <Button size="small" label={`Stop ${title}`} onPress={() => acts.cancel(run.uuid)}>
        Stop
      </Button>
    </span>
  );
}

function StateWord({ state, held }: { readonly state: RunState; readonly held: boolean }): ReactElement {
  const { icon, word, tone } = states[state];
  return (
    <span className={`${c('queueState')} ${c(tone)}`}>
      <Icon of={held ? Moon : icon} size={12} />
      {held ? 'held' : word}
    </span>
  );
}

interface StepWordProps {
  readonly run: RunRow;
  readonly held: string | undefined;
  readonly next: boolean;
}

function StepWord({ run, held, next }: StepWordProps): ReactElement {
  const progress = useProgress(run.state === 'running' ? run.uuid : null);
  if (run.state === 'running')
    return (
      <span>{progress?.stage === undefined || progress.stage === null ? 'starting' : stageTitles[progress.stage]}</span>
    );
  if (run.state === 'queued') return <span className={c('dim')}>{held ?? (next ? 'next' : 'waiting')}</span>;
  if (run.state === 'failed')
    return <span className={c('hi')}>{run.error?.message ?? 'stopped without a reason'}</span>;
  if (run.state === 'cancelled') return <span className={c('dim')}>nothing of it was kept</span>;
  return (
    <span>{run.cells === null ? 'done' : `${plural(run.cells, 'cell')}, ${String(run.suggested ?? 0)} suggested`}</span>
  );
}

function ProgressCell({ run }: { readonly run: RunRow }): ReactElement | null {
  const progress = useProgress(run.state === 'running' ? run.uuid : null);
  if (run.state !== 'running') return null;
  const overall = progress?.overall ?? 0;
  return (
    <span className={c('progressCell')}>
      <Bar label="Progress" value={overall} width={112} />
      {percent(overall)}
    </span>
  );
}

function TimeCell({ run }: { readonly run: RunRow }): ReactElement | null {
  const progress = useProgress(run.state === 'running' ? run.uuid : null);
  if (run.state === 'running')
    return <span>{progress?.etaSeconds == null || progress.overall < 0.05 ? '' : about(progress.etaSeconds)}</span>;
  if (run.state !== 'succeeded' || run.startedAt === null || run.endedAt === null) return null;
  return <span className={c('dim')}>{took((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000)}</span>;
}
