// SPDX-License-Identifier: MIT
import { Aperture, Keyboard, Library, Moon, ScanSearch, Search, Sun, Workflow } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { type ReactElement, useEffect } from 'react';
import { useLine } from '../../client/context.ts';
import { useSession } from '../../client/queries.ts';
import { useConnection } from '../../client/context.ts';
import { goTo, type Place, showOverlay, usePerson, useUi } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { useCommands, useKeys } from '../../ui/commands/use-commands.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Icon, Mark } from '../../ui/icons.tsx';
import { Boundary } from '../../ui/panel.tsx';
import { AcquireScreen } from '../acquire/acquire-screen.tsx';
import { LibraryScreen } from '../library/library-screen.tsx';
import { ProcessScreen } from '../process/process-screen.tsx';
import { ReviewScreen } from '../review/review-screen.tsx';
import { KeySheet } from './key-sheet.tsx';
import { MessagesDialog } from './messages-dialog.tsx';
import { Palette } from './palette.tsx';
import { RaterDialog } from './rater-dialog.tsx';
import { RecordingStrip } from './recording-strip.tsx';
import { shellCommands } from './shell-commands.ts';
import styles from './shell.module.css';
import { StatusBar } from './status-bar.tsx';

const c = classes(styles);

const places: ReadonlyArray<{ readonly id: Place; readonly name: string; readonly icon: LucideIcon }> = [
  { id: 'acquire', name: 'Acquire', icon: Aperture },
  { id: 'review', name: 'Review', icon: ScanSearch },
  { id: 'process', name: 'Process', icon: Workflow },
  { id: 'library', name: 'Library', icon: Library },
];

const placeNames: Readonly<Record<Place, string>> = {
  acquire: 'Acquire',
  library: 'Library',
  process: 'Process',
  review: 'Review',
};

/** The window: rail of places, crumbs, the place itself, status bar, and what floats over all of it. */
export function Shell(): ReactElement {
  const place = useUi((state) => state.place);
  const overlay = useUi((state) => state.overlay);
  const theme = usePerson((state) => state.theme);
  useCommands(shellCommands);
  useKeys(place);

  useEffect(() => {
    document.title = `${placeNames[place]} · Calyx`;
  }, [place]);
  const close = (): void => showOverlay('none');
  return (
    <div className={c('app')}>
      <LineBanner />
      <RecordingStrip />
      <Rail place={place} theme={theme} />
      <TopBar />
      <main className={c('main')} aria-label={placeNames[place]}>
        <Boundary key={place} name={placeNames[place]}>
          {place === 'acquire' ? <AcquireScreen /> : null}
          {place === 'library' ? <LibraryScreen /> : null}
          {place === 'process' ? <ProcessScreen /> : null}
          {place === 'review' ? <ReviewScreen /> : null}
        </Boundary>
      </main>
      <StatusBar />
      {overlay === 'palette' ? <Palette onClose={close} /> : null}
      {overlay === 'keys' ? <KeySheet place={place} onClose={close} /> : null}
      {overlay === 'messages' ? <MessagesDialog onClose={close} /> : null}
      {overlay === 'rater' ? <RaterDialog onClose={close} /> : null}
    </div>
  );
}

function Rail({ place, theme }: { readonly place: Place; readonly theme: 'dark' | 'light' }): ReactElement {
  const other = theme === 'dark' ? 'light' : 'dark';
  return (
    <nav className={c('rail')} aria-label="Places">
      <div className={c('mark')}>
        <Mark />
      </div>
      {places.map(({ id, name, icon }) => (
        <button
          key={id}
          type="button"
          className={c('place')}
          onClick={() => goTo(id)}
          {...(id === place ? { 'aria-current': 'page' as const } : {})}
        >
          <Icon of={icon} size={20} />
          {name}
        </button>
      ))}
      <div className={c('end')}>
        <button
          type="button"
          className={c('place')}
          aria-label={`Use the ${other} theme`}
          title={`Use the ${other} theme`}
          onClick={() => usePerson.setState({ theme: other })}
        >
          <Icon of={theme === 'dark' ? Sun : Moon} size={20} />
          {theme === 'dark' ? 'Light' : 'Dark'}
        </button>
      </div>
    </nav>
  );
}

function TopBar(): ReactElement {
  const { place, sessionUuid, runUuid } = useUi();
  // What is live belongs to no session of the library yet.
  const live = place === 'acquire';
  const session = useSession(place === 'library' || live ? null : sessionUuid);
  const run = session.data?.runs.find((candidate) => candidate.uuid === runUuid);
  const crumbs: Array<{ readonly key: string; readonly text: string; readonly go: () => void }> = [
    live
      ? { key: 'acquire', text: 'Acquire', go: () => goTo('acquire') }
      : { key: 'library', text: 'Library', go: () => goTo('library') },
  ];
  if (place !== 'library' && !live && session.data !== undefined) {
    const { subject, name } = session.data.session;
    if (subject !== null) crumbs.push({ key: 'subject', text: subject, go: () => goTo('library') });
    crumbs.push({ key: 'session', text: name, go: () => goTo('process') });
  }
  if (place === 'review' && run !== undefined)
    crumbs.push({ key: 'run', text: runTitle(run, session.data?.runs ?? []), go: () => goTo('review') });
  return (
    <header className={c('top')}>
      <nav aria-label="Where you are">
        <ol className={c('crumbs')}>
          {crumbs.map((crumb) => (
            <li key={crumb.key}>
              <button type="button" onClick={crumb.go}>
                {crumb.text}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <span className={c('grow')} />
      <button
        type="button"
        className={c('search')}
        title="Search, or run a command (Ctrl K)"
        onClick={() => showOverlay('palette')}
      >
        <Icon of={Search} />
        <span>Search or run…</span>
        <kbd aria-hidden="true">Ctrl K</kbd>
      </button>
      <Button
        kind="bare"
        square
        label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onPress={() => showOverlay('keys')}
      >
        <Icon of={Keyboard} />
      </Button>
    </header>
  );
}

/** Says that the line to the core is lost, and when the next attempt is. */
function LineBanner(): ReactElement | null {
  const line = useLine();
  const connection = useConnection();
  if (line.state !== 'lost') return null;
  return (
    <div className={c('banner')} role="alert">
      <Note
        kind="problem"
        action={
          <Button size="small" onPress={connection.reconnect}>
            {line.retryInMs === null ? 'Load the page again' : 'Reconnect now'}
          </Button>
        }
      >
        <b className={c('hi')}>No line to the workstation.</b> {line.error.message} {line.error.hint} What you see is
        the last state; decisions wait until it is back.
        {line.retryInMs === null ? null : ' Trying again by itself.'}
      </Note>
    </div>
  );
}
