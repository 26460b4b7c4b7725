// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useMemo, useRef, useState } from 'react';
import { AppError, type RunRow, type SessionRow } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useProvenance } from '../../client/explore.ts';
import { useRuns, useSessions } from '../../client/queries.ts';
import { useExploreSelection } from '../../stores/explore.ts';
import { classes } from '../../ui/classes.ts';
import { Bar, Button, Field, Note } from '../../ui/controls.tsx';
import { dateTime, percent, plural } from '../../ui/format.ts';
import { Empty } from '../../ui/panel.tsx';
import styles from './explore.module.css';

const c = classes(styles);

interface Offer {
  readonly session: SessionRow;
  /** The one that is looked at, else its newest finished run. */
  readonly run: RunRow;
}

/** Sessions with a result, those of one animal first, oldest first. */
export function offers(
  sessions: readonly SessionRow[],
  runs: readonly RunRow[],
  subject: string | null,
  shown: string,
): readonly Offer[] {
  return sessions
    .flatMap((session): readonly Offer[] => {
      const finished = runs.filter((each) => each.sessionUuid === session.uuid && each.state === 'succeeded');
      const run = finished.find((each) => each.uuid === shown) ?? finished[0];
      return run === undefined ? [] : [{ session, run }];
    })
    .toSorted(
      (a, b) =>
        Number(b.session.subject === subject) - Number(a.session.subject === subject) ||
        (a.session.startedAt ?? '').localeCompare(b.session.startedAt ?? ''),
    );
}

const steps: Readonly<Record<string, string>> = {
  load: 'reading footprints',
  align: 'laying the fields over each other',
  compare: 'comparing cells',
  group: 'grouping cells',
  controls: 'counting what chance would match',
};

/** Chooses the sessions of a new comparison and follows it. */
export function MatchStart({
  runUuid,
  onDone,
}: {
  readonly runUuid: string;
  readonly onDone?: () => void;
}): ReactElement {
  const core = useCore();
  const queries = useQueryClient();
  const sessions = useSessions();
  const runs = useRuns();
  const provenance = useProvenance(runUuid);
  const own = runs.data?.find((run) => run.uuid === runUuid);
  const subject = sessions.data?.find((session) => session.uuid === own?.sessionUuid)?.subject ?? null;
  const list = useMemo(
    () => offers(sessions.data ?? [], runs.data ?? [], subject, runUuid),
    [sessions.data, runs.data, subject, runUuid],
  );
  const [typedChoice, setChosen] = useState<ReadonlySet<string> | null>(null);
  const chosen =
    typedChoice ??
    new Set(list.filter(({ session }) => subject !== null && session.subject === subject).map(({ run }) => run.uuid));
  const given = provenance.data?.parameters['umPerPx'];
  const [typedWidth, setWidth] = useState<string | null>(null);
  const width = typedWidth ?? (typeof given === 'number' ? String(given) : '');
  const umPerPx = Number(width.replace(',', '.'));
  const [progress, setProgress] = useState<{ readonly step: string; readonly overall: number } | null>(null);
  const [error, setError] = useState<AppError | null>(null);
  const [warnings, setWarnings] = useState<readonly string[]>([]);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const wrongWidth = width.trim() === '' || !(umPerPx >= 0.05 && umPerPx <= 50);
  const off =
    chosen.size < 2
      ? 'Choose at least two sessions.'
      : wrongWidth
        ? 'Say how wide a pixel is: 0.05 to 50 µm.'
        : undefined;
  const start = async (): Promise<void> => {
    const mine = new AbortController();
    stop.current = mine;
    setError(null);
    setProgress({ step: 'load', overall: 0 });
    try {
      const wish = {
        runUuids: list.filter(({ run }) => chosen.has(run.uuid)).map(({ run }) => run.uuid),
        umPerPx,
        allCells: false,
      };
      for await (const value of core.explore.matchSessions(wish, { signal: mine.signal })) {
        setProgress(value);
        setWarnings(value.warnings);
        if (value.matchUuid !== null) {
          useExploreSelection.setState({ matchUuid: value.matchUuid, group: null });
          void queries.invalidateQueries({ queryKey: ['explore', 'matches'] });
          onDone?.();
        }
      }
    } catch (thrown) {
      if (!mine.signal.aborted) setError(AppError.from(thrown));
    } finally {
      setProgress(null);
    }
  };
  if (list.length < 2) {
    return (
      <Empty title="Only one session with cells">
        <p>
          Process a second recording of the same field: then the cells of both days can be found in each other here.
        </p>
      </Empty>
    );
  }
  return (
    <div className={c('picker')}>
      <p>
        Choose the sessions whose cells are compared. Their fields are laid over each other by shift and rotation; each
        match has a score, and nothing is decided before you say so.
      </p>
      <ul aria-label="Sessions to compare">
        {list.map(({ session, run }) => (
          <li key={run.uuid}>
            <input
              type="checkbox"
              id={`match-${run.uuid}`}
              checked={chosen.has(run.uuid)}
              onChange={() => {
                const next = new Set(chosen);
                if (!next.delete(run.uuid)) next.add(run.uuid);
                setChosen(next);
              }}
            />
            <label htmlFor={`match-${run.uuid}`}>
              {session.subject === null ? '' : `${session.subject}, `}
              {session.name}
            </label>
            <small>
              {dateTime(session.startedAt, session.tzOffsetMin)}, {plural(run.suggested ?? 0, 'cell')} suggested
            </small>
          </li>
        ))}
      </ul>
      <div className={c('acts')}>
        <label htmlFor="match-width">Width of a pixel</label>
        <span className={c('number')}>
          <Field
            id="match-width"
            label="Width of a pixel, µm"
            number
            value={width}
            wrong={width !== '' && wrongWidth}
            onChange={setWidth}
          />
        </span>
        <span className={c('dim')}>µm, the same in all sessions</span>
      </div>
      {warnings.map((warning) => (
        <Note key={warning} kind="warning">
          {warning}
        </Note>
      ))}
      {error === null ? null : (
        <Note kind="problem">
          {error.message} {error.hint}
        </Note>
      )}
      {progress === null ? (
        <div className={c('acts')}>
          <Button kind="primary" onPress={() => void start()} off={off}>
            Compare {plural(chosen.size, 'session')}
          </Button>
        </div>
      ) : (
        <div className={c('acts')} role="status">
          <Bar label="Progress of the comparison" value={progress.overall} width={160} />
          <span>
            {percent(progress.overall)}, {steps[progress.step] ?? progress.step}
          </span>
          <Button size="small" onPress={() => stop.current?.abort()}>
            Cancel
          </Button>
        </div>
      )}
    </div>
  );
}
