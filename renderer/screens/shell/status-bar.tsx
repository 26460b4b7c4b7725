// SPDX-License-Identifier: MIT
import { Loader } from 'lucide-react';
import { type ReactElement, useEffect } from 'react';
import { useProgress } from '../../client/progress.ts';
import { useInfo, useOpening, useRuns, useSessions } from '../../client/queries.ts';
import { inSight, messageCounts, useMessages } from '../../stores/messages.ts';
import { goTo, showOverlay, usePerson, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Bar } from '../../ui/controls.tsx';
import { about, percent, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { useRunNotices } from '../process/use-run-notices.ts';
import styles from './shell.module.css';

const c = classes(styles);

/** Counts, who sits here, what is saved, what runs. */
export function StatusBar(): ReactElement {
  const messages = useMessages((state) => state.list);
  const place = useUi((state) => state.place);
  const rater = usePerson((state) => state.rater);
  const { errors, warnings } = messageCounts(messages);
  const newest = messages[0];
  const latest = useMessages(inSight);
  useEffect(() => () => useMessages.setState({ leftAt: Date.now() }), [place]);
  const tone = errors > 0 ? 'rec' : warnings > 0 ? 'warn' : '';
  return (
    <footer className={c('status')} aria-label="Status">
      <button type="button" className={c(tone)} onClick={() => showOverlay('messages')} title="Show messages">
        {plural(errors, 'error')} · {plural(warnings, 'warning')}
      </button>
      <span className={c('sep')} />
      {place === 'library' ? (
        <LibraryFacts />
      ) : (
        <button type="button" onClick={() => showOverlay('rater')} title="Change rater">
          {rater === null ? 'No rater yet' : `Rater ${rater.initials}`}
        </button>
      )}
      {place === 'library' ? null : (
        <>
          <span className={c('sep')} />
          <SavedFacts />
        </>
      )}
      {latest === undefined ? null : (
        <>
          <span className={c('sep')} />
          <span className={c('latest')}>{latest.text}</span>
        </>
      )}
      <span className={c('hidden')} role="status" aria-live="polite">
        {newest === undefined ? '' : `${newest.source}: ${newest.text}`}
      </span>
      <span className={c('grow')} />
      <ReadOnly />
      <Jobs />
    </footer>
  );
}

/** Nothing can be changed in this library: said in every place, with the reason. */
function ReadOnly(): ReactElement | null {
  const library = useInfo().data?.library;
  if (library?.readOnly !== true) return null;
  return (
    <>
      <span className={c('warn')} title={library.readOnlyReason ?? undefined}>
        Library is read only
      </span>
      <span className={c('sep')} />
    </>
  );
}

function LibraryFacts(): ReactElement {
  const info = useInfo();
  const sessions = useSessions();
  const moved = sessions.data?.filter((session) => !session.filesPresent).length ?? 0;
  return (
    <>
      <span>Library {info.data?.library.name ?? '–'}</span>
      <span className={c('sep')} />
      <span>{sessions.data === undefined ? '– sessions' : plural(sessions.data.length, 'session')}</span>
      {moved === 0 ? null : (
        <>
          <span className={c('sep')} />
          <span className={c('warn')}>{plural(moved, 'session has', 'sessions have')} moved files</span>
        </>
      )}
    </>
  );
}

function SavedFacts(): ReactElement {
  const { runUuid } = useUi();
  const opening = useOpening(runUuid).data;
  const counts = opening?.curation?.counts;
  if (runUuid === null) return <span>No run open</span>;
  if (opening !== undefined && opening.curation === null && opening.version !== null)
    return <span>Version {opening.version} is looked at</span>;
  return <span>{plural(counts === undefined ? 0 : counts.accepted + counts.rejected, 'decision')} saved</span>;
}

function Jobs(): ReactElement {
  const runs = useRuns();
  useRunNotices(runs.data);
  const active = (runs.data ?? []).filter((run) => run.state === 'running' || run.state === 'queued');
  const running = active.find((run) => run.state === 'running') ?? active[0];
  const progress = useProgress(running?.uuid ?? null);
  if (running === undefined) return <span>No jobs</span>;
  const overall = progress?.overall ?? 0;
  return (
    <button
      type="button"
      className={c('job')}
      onClick={() => goTo('process', { sessionUuid: running.sessionUuid, followedRunUuid: running.uuid })}
      title="Go to the run"
    >
      <Icon of={Loader} size={12} />
      {plural(active.length, 'job')}
      <Bar label="Progress of the run" value={overall} width={88} />
      <span className={c('hi')}>{percent(overall)}</span>
      {progress?.etaSeconds == null || overall < 0.05 ? null : <span>{about(progress.etaSeconds)}</span>}
    </button>
  );
}
