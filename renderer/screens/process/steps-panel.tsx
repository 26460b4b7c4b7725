// SPDX-License-Identifier: MIT
import { type UseQueryResult, useMutation } from '@tanstack/react-query';
import { Check, CircleX, Copy, ScanSearch } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { AppError, type RunProgress, type RunRow, stageNames, type StageName } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { hasEnded, useProgress } from '../../client/progress.ts';
import { type Plan, useRun, useRuns } from '../../client/queries.ts';
import { report } from '../../stores/messages.ts';
import { useProcess } from '../../stores/process.ts';
import { goTo, useUi } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { about, bytes, count, percent, plural, took } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Failed, Loading, Panel } from '../../ui/panel.tsx';
import { readableLine } from './log-lines.ts';
import { styles } from './styles.ts';
import { RunPictures } from './run-pictures.tsx';
import { stageHelp, stageTitles } from './stage-names.ts';

const c = classes(styles);

interface StepsProps {
  /** Undefined while nothing can be planned. */
  readonly plan: UseQueryResult<Plan> | undefined;
  readonly blocked: string | undefined;
  /** The run that is followed; null while one is being prepared. */
  readonly followed: string | null;
}

/** The seven steps: what would run, or how a run goes. */
export function StepsPanel({ plan, blocked, followed }: StepsProps): ReactElement {
  return followed === null ? <PlannedSteps plan={plan} blocked={blocked} /> : <FollowedRun runUuid={followed} />;
}

function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => report('info', 'Process', 'The command line is in the clipboard.'),
    () => report('warning', 'Process', `The browser did not allow copying. The command is: ${text}`),
  );
}

function PlannedSteps({ plan, blocked }: Omit<StepsProps, 'followed'>): ReactElement {
  const line = blocked === undefined ? plan?.data?.commandLine : undefined;
  const steps = blocked === undefined ? plan?.data?.steps : undefined;
  return (
    <Panel
      title="Steps"
      meta={steps === undefined ? 'not planned yet' : 'before the run'}
      scroll
      end={
        <Button
          kind="bare"
          size="small"
          off={line === undefined ? (blocked ?? 'There is no plan yet.') : undefined}
          onPress={() => {
            if (line !== undefined) copy(line);
          }}
        >
          <Icon of={Copy} size={12} />
          Copy as CLI
        </Button>
      }
    >
      {blocked === undefined && plan?.isPending === true ? (
        <Loading title="Planning" step={1} steps={1} detail="which steps are cached, what the rest will cost" />
      ) : blocked === undefined && plan?.isError === true ? (
        <Failed title="No plan could be made" error={plan.error} onRetry={() => void plan.refetch()} />
      ) : (
        <ol className={c('steps')}>
          {stageNames.map((stage, index) => {
            const step = steps?.find((candidate) => candidate.stage === stage);
            const cached = step?.state === 'cached';
            return (
              <Step
                key={stage}
                stage={stage}
                mark={cached ? <Done /> : index + 1}
                will={step?.state === 'will-run'}
                facts={
                  cached
                    ? 'cached'
                    : step?.seconds == null
                      ? step?.state === 'will-run'
                        ? ''
                        : stageHelp[stage]
                      : about(step.seconds)
                }
              />
            );
          })}
        </ol>
      )}
    </Panel>
  );
}

function Done(): ReactElement {
  return (
    <span className={c('ok')}>
      <Icon of={Check} />
    </span>
  );
}

interface StepProps {
  readonly stage: StageName;
  readonly mark: ReactNode;
  readonly facts: ReactNode;
  readonly will?: boolean;
}

function Step({ stage, mark, facts, will = false }: StepProps): ReactElement {
  const chosen = useProcess((state) => state.stage);
  return (
    <li className={c('step')} data-chosen={chosen === stage}>
      <span className={c('number')}>{mark}</span>
      <b>
        <button
          type="button"
          aria-pressed={chosen === stage}
          title={`Settings of ${stageTitles[stage]}`}
          onClick={() => useProcess.setState({ stage: chosen === stage ? null : stage })}
        >
          {stageTitles[stage]}
        </button>
        {will ? <span className={c('will')}>will run</span> : null}
      </b>
      <span className={c('facts')}>{facts}</span>
    </li>
  );
}

function FollowedRun({ runUuid }: { readonly runUuid: string }): ReactElement {
  const core = useCore();
  const detail = useRun(runUuid);
  const live = useProgress(runUuid);
  const progress = live ?? detail.data?.progress ?? null;
  const run = detail.data?.run;
  const runs = useRuns();
  const line = detail.data?.commandLine;
  const cancel = useMutation({
    mutationFn: () => core.processing.cancel({ runUuid }),
    onError: (error) => report('error', 'Process', AppError.from(error).message),
  });
  return (
    <Panel
      title="Steps"
      meta={run === undefined ? 'opening the run' : runTitle(run, runs.data ?? [])}
      scroll
      end={
        <>
          <Button
            kind="bare"
            size="small"
            off={line === undefined ? 'The run is not open yet.' : undefined}
            onPress={() => {
              if (line !== undefined) copy(line);
            }}
          >
            <Icon of={Copy} size={12} />
            Copy as CLI
          </Button>
          {progress !== null && hasEnded(progress.state) ? (
            <Button size="small" onPress={() => useUi.setState({ followedRunUuid: null })}>
              New run
            </Button>
          ) : null}
        </>
      }
    >
      {detail.isError ? (
        <Failed
          title="The run could not be read"
          error={detail.error}
          onRetry={() => void detail.refetch()}
          actions={<Button onPress={() => useUi.setState({ followedRunUuid: null })}>Prepare a new run</Button>}
        />
      ) : progress === null ? (
        <Loading title="Opening the run" step={1} steps={1} detail="its state and its settings" />
      ) : (
        <>
          {run === undefined ? null : (
            <Outcome run={run} progress={progress} onCancel={() => cancel.mutate()} cancelling={cancel.isPending} />
          )}
          {hasEnded(progress.state) ? null : <RunPictures runUuid={runUuid} />}
          <ol className={c('steps')} aria-label="Steps">
            {stageNames.map((stage, index) => (
              <RunStep key={stage} stage={stage} number={index + 1} progress={progress} />
            ))}
          </ol>
          {progress.warnings.map((warning) => (
            <Note key={`${warning.code} ${warning.message}`} kind="warning">
              {warning.message}
            </Note>
          ))}
          <RunLog lines={detail.data?.log ?? []} />
        </>
      )}
    </Panel>
  );
}

function RunLog({ lines }: { readonly lines: readonly string[] }): ReactElement | null {
  const readable = lines.map(readableLine).filter((line) => line !== undefined);
  if (readable.length === 0) return null;
  return (
    <>
      <h3 className={c('logHead')}>Log, newest last</h3>
      <pre className={c('log')}>{readable.slice(-40).join('\n')}</pre>
    </>
  );
}

interface RunStepProps {
  readonly stage: StageName;
  readonly number: number;
  readonly progress: RunProgress;
}

function RunStep({ stage, number, progress }: RunStepProps): ReactElement {
  const status = progress.stages.find((candidate) => candidate.stage === stage);
  if (status?.state === 'running') {
    const whole = Math.max(0, Math.min(1, status.fraction));
    const current = progress.stage === null || progress.stage === stage;
    return (
      <li className={c('step running')} aria-current="step">
        <span className={c('number')}>{number}</span>
        <b>{stageTitles[stage]}</b>
        <span className={c('facts')}>{stageHelp[stage]}</span>
        <span className={c('detail')}>
          <b>{percent(whole)}</b>
          {!current || progress.framesPerSecond === null ? null : (
            <span>{count(progress.framesPerSecond)} frames/s</span>
          )}
          {!current || progress.etaSeconds === null || progress.overall < 0.05 ? null : (
            <span>{about(progress.etaSeconds)} left</span>
          )}
          {current ? (
            <span className={c('dim')}>
              {bytes(progress.memoryBytes)} of {bytes(progress.memoryLimitBytes)}
            </span>
          ) : (
            <span className={c('dim')}>in the same pass as {stageTitles[progress.stage ?? stage].toLowerCase()}</span>
          )}
        </span>
        <span className={c('stepBar')}>
          <i style={{ width: `${String(whole * 100)}%` }} />
        </span>
      </li>
    );
  }
  const failed = status?.state === 'failed';
  const mark = failed ? (
    <span className={c('rec')}>
      <Icon of={CircleX} />
    </span>
  ) : status?.state === 'done' ? (
    <Done />
  ) : (
    number
  );
  const facts = failed
    ? 'stopped'
    : status?.state === 'done'
      ? status.cached === true
        ? 'cached'
        : took(status.seconds)
      : hasEnded(progress.state)
        ? '–'
        : 'waiting';
  return <Step stage={stage} mark={mark} facts={facts} />;
}

interface OutcomeProps {
  readonly run: RunRow;
  readonly progress: RunProgress;
  readonly onCancel: () => void;
  readonly cancelling: boolean;
}

/** One sentence on where the run stands, and the next thing to do. */
function Outcome({ run, progress, onCancel, cancelling }: OutcomeProps): ReactElement {
  const error = progress.error ?? run.error;
  if (progress.state === 'succeeded') {
    return (
      <div className={c('outcome')} role="status">
        <strong>{run.cells === null ? 'Done' : `${plural(run.cells, 'cell')} found`}</strong>
        <p>
          {run.suggested === null
            ? 'The run is finished.'
            : `${count(run.suggested)} of them suggested. You decide in Review.`}
        </p>
        <div className={c('acts')}>
          <Button kind="primary" onPress={() => goTo('review', { sessionUuid: run.sessionUuid, runUuid: run.uuid })}>
            <Icon of={ScanSearch} />
            Go to Review
          </Button>
        </div>
      </div>
    );
  }
  if (progress.state === 'failed') {
    return (
      <Note
        kind="problem"
        action={
          <Button size="small" onPress={() => useUi.setState({ followedRunUuid: null })}>
            Change settings
          </Button>
        }
      >
        <b className={c('hi')}>{error?.message ?? 'The run stopped without a reason.'}</b>
        {error?.hint === undefined ? null : ` ${error.hint}`}
      </Note>
    );
  }
  if (progress.state === 'cancelled') {
    const done = progress.stages.filter((stage) => stage.state === 'done').length;
    return (
      <Note kind="info">
        Stopped after {String(done)} of {String(stageNames.length)} steps. Nothing half-written was kept.
      </Note>
    );
  }
  return (
    <div className={c('outcome')} role="status">
      <strong>{progress.state === 'queued' ? 'Waiting for its turn' : `Running, ${percent(progress.overall)}`}</strong>
      <p>
        {progress.etaSeconds === null || progress.overall < 0.05
          ? 'The time left is known after the first five percent.'
          : `${about(progress.etaSeconds)} left.`}{' '}
        It goes on when this window is closed.
      </p>
      <div className={c('acts')}>
        <Button onPress={onCancel} off={cancelling ? 'It is being stopped.' : undefined}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
