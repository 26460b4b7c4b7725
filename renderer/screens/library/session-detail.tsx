// SPDX-License-Identifier: MIT
import { ScanSearch, Workflow } from 'lucide-react';
import type { ReactElement } from 'react';
import type { SessionRow, RecordingRow, RunRow } from '../../../main/contract/index.ts';
import { useSession } from '../../client/queries.ts';
import { StillPicture } from '../../panels/still-picture.tsx';
import { goTo } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { count, dateTime, decimal, duration, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import styles from './library.module.css';

const c = classes(styles);

/** One session: its findings, what was recorded, and the runs made of it. */
export function SessionDetail({ sessionUuid }: { readonly sessionUuid: string | null }): ReactElement {
  const answer = useSession(sessionUuid);
  const title = answer.data?.session.name ?? 'Session';
  const meta = answer.data?.session.subject ?? undefined;
  return (
    <Panel title={title} meta={meta}>
      {sessionUuid === null ? (
        <Empty title="No session chosen">
          <p>Choose one in the list to see its recordings, its findings and its runs.</p>
        </Empty>
      ) : answer.isPending ? (
        <Loading title="Opening the session" step={1} steps={1} detail="reading its recordings and runs" />
      ) : answer.isError ? (
        <Failed title="The session could not be read" error={answer.error} onRetry={() => void answer.refetch()} />
      ) : (
        <Ready session={answer.data.session} runs={answer.data.runs} />
      )}
    </Panel>
  );
}

type Detail = NonNullable<ReturnType<typeof useSession>['data']>;

function Ready({ session, runs }: Detail): ReactElement {
  const best = runs.find((run) => run.state === 'succeeded');
  const findings = session.findings.filter((finding) => finding.severity !== 'info');
  const process = (): void => goTo('process', { sessionUuid: session.uuid, followedRunUuid: null });
  const review = (run: RunRow): void => goTo('review', { sessionUuid: session.uuid, runUuid: run.uuid });
  return (
    <>
      {best === undefined ? null : (
        <div className={c('pictures')}>
          <StillPicture runUuid={best.uuid} image="max" caption="maximum" />
          <StillPicture runUuid={best.uuid} image="pnr" caption="peak to noise" />
        </div>
      )}
      <div className={c('scroll')}>
        {session.filesPresent ? null : (
          <Note kind="problem">
            The films are not where they were when this session was imported. Runs can be reviewed, but there is no
            movie and no new run. Put the folder back, or import it again from its new place.
          </Note>
        )}
        {findings.map((finding) => (
          <Note
            key={`${finding.code} ${finding.where ?? ''} ${finding.message}`}
            kind={finding.severity === 'problem' ? 'problem' : 'warning'}
          >
            {finding.message}
            {finding.where === undefined ? null : <span className={c('dim')}> {finding.where}</span>}
          </Note>
        ))}
        <div className={c('section')}>
          <h3>Lineage</h3>
          <ol className={c('lineage')}>
            {session.recordings.map((recording) => (
              <RecordingLine key={recording.uuid} recording={recording} session={session} />
            ))}
            {runs.map((run) => (
              <RunLine key={run.uuid} run={run} title={runTitle(run, runs)} onReview={() => review(run)} />
            ))}
          </ol>
          {runs.length === 0 ? <p className={c('dim')}>No run yet: Process finds the cells.</p> : null}
        </div>
      </div>
      <div className={c('foot')}>
        <Button
          fill
          kind={best === undefined ? 'plain' : 'primary'}
          off={best === undefined ? 'There are no cells to review: process the recording first.' : undefined}
          onPress={() => {
            if (best !== undefined) review(best);
          }}
        >
          <Icon of={ScanSearch} />
          {best !== undefined && best.decided > 0 ? 'Go on reviewing' : 'Review'}
        </Button>
        <Button fill kind={best === undefined ? 'primary' : 'plain'} onPress={process}>
          <Icon of={Workflow} />
          Process
        </Button>
      </div>
    </>
  );
}

interface RecordingLineProps {
  readonly recording: RecordingRow;
  readonly session: SessionRow;
}

function RecordingLine({ recording, session }: RecordingLineProps): ReactElement {
  return (
    <li>
      <b>Recorded with {recording.device}</b>
      <br />
      {[
        recording.deviceType,
        `${count(recording.frames)} frames`,
        `${String(recording.width)} × ${String(recording.height)} px`,
        recording.fps === null ? 'rate unknown' : `${decimal(recording.fps, 2)} fps`,
        duration(recording.durationS),
      ]
        .filter((fact) => fact !== null)
        .join(', ')}
      <br />
      <span className={c('dim')}>
        {session.startedAt === null ? 'start unknown' : dateTime(session.startedAt, session.tzOffsetMin)},{' '}
        {plural(recording.films.length, 'film')}, {recording.codec}
      </span>
    </li>
  );
}

const stateWords = {
  queued: 'waiting',
  running: 'running',
  succeeded: 'done',
  failed: 'stopped',
  cancelled: 'cancelled',
} as const;

interface RunLineProps {
  readonly run: RunRow;
  readonly title: string;
  readonly onReview: () => void;
}

function RunLine({ run, title, onReview }: RunLineProps): ReactElement {
  const facts =
    run.state === 'succeeded'
      ? `${plural(run.cells ?? 0, 'cell')}, ${count(run.suggested)} suggested, ${count(run.decided)} decided`
      : (run.error?.message ?? stateWords[run.state]);
  return (
    <li className={c('run')}>
      <div className={c('runLine')}>
        <span className={c('runText')}>
          <b>{title}</b>
          <br />
          <span className={c(run.state === 'failed' && 'rec')}>{facts}</span>
          <br />
          <span className={c('dim')}>
            {dateTime(run.createdAt)}
            {run.engineVersion === null ? '' : `, engine ${run.engineVersion}`}
          </span>
        </span>
        {run.state === 'succeeded' ? (
          <Button size="small" onPress={onReview} label={`Review ${title}`}>
            Review
          </Button>
        ) : null}
      </div>
    </li>
  );
}
