// SPDX-License-Identifier: MIT
import { Keyboard, Search } from 'lucide-react';
import { type ReactElement, Suspense, useEffect } from 'react';
import { useLine } from '../../client/context.ts';
import { useSession } from '../../client/queries.ts';
import { useConnection } from '../../client/context.ts';
import { goTo, type Place, showOverlay, useUi } from '../../stores/ui.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { classes } from '../../ui/classes.ts';
import { useCommands, useKeys } from '../../ui/commands/use-commands.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { Icon, Mark } from '../../ui/icons.tsx';
import { Boundary, Loading } from '../../ui/panel.tsx';
import { KeySheet } from './key-sheet.tsx';
import { MessagesDialog } from './messages-dialog.tsx';
import { Palette } from './palette.tsx';
import { placeOf, places } from './places.tsx';
import { RaterDialog } from './rater-dialog.tsx';
import { RecordingStrip } from './recording-strip.tsx';
import { shellCommands } from './shell-commands.ts';
import styles from './shell.module.css';
import { StatusBar } from './status-bar.tsx';
import { Tour } from './tour.tsx';

const c = classes(styles);

/** The window: rail of places, crumbs, the place itself, status bar, and what floats over all of it. */
export function Shell(): ReactElement {
  const place = useUi((state) => state.place);
  const overlay = useUi((state) => state.overlay);
  const tour = useUi((state) => state.tour);
  const { name, Screen } = placeOf(place);
  useCommands(shellCommands);
  useKeys(place);

  useEffect(() => {
    document.title = `${name} · Calyx`;
  }, [name]);
  const close = (): void => showOverlay('none');
  return (
    <div className={c('app')}>
      <LineBanner />
      <RecordingStrip />
      <Rail place={place} />
      <TopBar />
      <main className={c('main')} aria-label={name}>
        <Boundary key={place} name={name}>
          <Suspense fallback={<Loading title={name} step={1} steps={1} detail="fetching this place" />}>
            <Screen />
          </Suspense>
        </Boundary>
      </main>
      <StatusBar />
      {tour === null ? null : <Tour key={tour} step={tour} />}
      {overlay === 'palette' ? <Palette onClose={close} /> : null}
      {overlay === 'keys' ? <KeySheet place={place} onClose={close} /> : null}
      {overlay === 'messages' ? <MessagesDialog onClose={close} /> : null}
      {overlay === 'rater' ? <RaterDialog onClose={close} /> : null}
    </div>
  );
}

function Rail({ place }: { readonly place: Place }): ReactElement {
  const button = ({ id, name, icon }: (typeof places)[number]): ReactElement => (
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
  );
  return (
    <nav className={c('rail')} aria-label="Places">
      <div className={c('mark')}>
        <Mark />
      </div>
      {places.filter(({ id }) => id !== 'settings').map(button)}
      <div className={c('end')}>{places.filter(({ id }) => id === 'settings').map(button)}</div>
    </nav>
  );
}

function TopBar(): ReactElement {
  const { place, sessionUuid, runUuid } = useUi();
  // What is live, and how the program is set, belong to no session of the library.
  const live = place === 'acquire' || place === 'settings';
  const session = useSession(place === 'library' || live ? null : sessionUuid);
  const run = session.data?.runs.find((candidate) => candidate.uuid === runUuid);
  const crumbs: Array<{ readonly key: string; readonly text: string; readonly go: () => void }> = [
    live
      ? { key: place, text: placeOf(place).name, go: () => goTo(place) }
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
