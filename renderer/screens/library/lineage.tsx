// SPDX-License-Identifier: MIT
import type { ReactElement } from 'react';
import type { RecordingRow, RunRow, SessionRow } from '../../../main/contract/index.ts';
import type { LineageCuration } from '../../client/library.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button } from '../../ui/controls.tsx';
import { count, dateTime, decimal, duration, plural, took } from '../../ui/format.ts';
import { styles } from './styles.ts';

const c = classes(styles);

interface LineageProps {
  readonly session: SessionRow;
  readonly runs: readonly RunRow[];
  readonly curations: readonly LineageCuration[];
  /** Size, place and state of the files, in words. */
  readonly fileFacts: string;
}

/** From the lens to the decisions: recordings, the runs made of them, the curations of each run. */
export function LineageTree({ session, runs, curations, fileFacts }: LineageProps): ReactElement {
  const oldestFirst = runs.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  const newest = oldestFirst.findLast(({ state }) => state === 'succeeded');
  return (
    <ol className={c('lineage')}>
      {session.recordings.map((recording, index) => (
        <RecordingLine
          key={recording.uuid}
          recording={recording}
          session={session}
          fileFacts={index === 0 ? fileFacts : ''}
        />
      ))}
      {oldestFirst.map((run) => (
        <RunLine
          key={run.uuid}
          run={run}
          title={runTitle(run, runs)}
          isNewest={run === newest}
          curations={curations.filter(({ runUuid }) => runUuid === run.uuid)}
        />
      ))}
      {runs.length === 0 ? (
        <li className={c('run none')}>
          <span className={c('dim')}>No run yet: Process finds the cells.</span>
        </li>
      ) : null}
    </ol>
  );
}

interface RecordingLineProps {
  readonly recording: RecordingRow;
  readonly session: SessionRow;
  readonly fileFacts: string;
}

function RecordingLine({ recording, session, fileFacts }: RecordingLineProps): ReactElement {
  return (
    <li>
      <b>Recorded with {recording.device}</b>
      <span>
        {[
          recording.deviceType,
          `${count(recording.frames)} frames`,
          `${String(recording.width)} × ${String(recording.height)} px`,
          recording.fps === null ? 'rate unknown' : `${decimal(recording.fps, 2)} fps`,
          duration(recording.durationS),
        ]
          .filter((fact) => fact !== null)
          .join(', ')}
      </span>
      <span className={c('dim')}>
        {[
          session.startedAt === null ? 'start unknown' : dateTime(session.startedAt, session.tzOffsetMin),
          plural(recording.films.length, 'film'),
          recording.codec,
          ...(fileFacts === '' ? [] : [fileFacts]),
        ].join(', ')}
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
  readonly isNewest: boolean;
  readonly curations: readonly LineageCuration[];
}

function RunLine({ run, title, isNewest, curations }: RunLineProps): ReactElement {
  const seconds =
    run.startedAt === null || run.endedAt === null
      ? null
      : (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000;
  const facts =
    run.state === 'succeeded'
      ? [
          plural(run.cells ?? 0, 'cell'),
          `${count(run.suggested)} suggested`,
          ...(seconds === null ? [] : [took(seconds)]),
        ]
      : [run.error?.message ?? stateWords[run.state]];
  const review = (): void => goTo('review', { sessionUuid: run.sessionUuid, runUuid: run.uuid });
  const follow = (): void => goTo('process', { sessionUuid: run.sessionUuid, followedRunUuid: run.uuid });
  return (
    <li className={c('run', isNewest && 'newest')}>
      <div className={c('runLine')}>
        <span className={c('runText')}>
          <b>{title}</b>
          <span className={c(run.state === 'failed' && 'rec')}>{facts.join(', ')}</span>
          <span className={c('dim')}>
            {[dateTime(run.createdAt), ...(run.engineVersion === null ? [] : [`engine ${run.engineVersion}`])].join(
              ', ',
            )}
          </span>
        </span>
        {run.state === 'succeeded' ? (
          <Button size="small" onPress={review} label={`Review ${title}`}>
            Review
          </Button>
        ) : (
          <Button size="small" onPress={follow} label={`Show ${title} in Process`}>
            Show
          </Button>
        )}
      </div>
      {curations.length === 0 ? null : (
        <ol className={c('lineage inner')}>
          {curations.map((curation) => (
            <li key={curation.uuid}>
              <b>
                Curation {count(curation.version)}, {curation.initials}
              </b>
              <span>
                {count(curation.decided)} of {count(curation.cells)} decided, {count(curation.accepted)} accepted
              </span>
              <span className={c('dim')}>{curation.frozen ? 'frozen version' : 'open'}</span>
            </li>
          ))}
        </ol>
      )}
    </li>
  );
}
