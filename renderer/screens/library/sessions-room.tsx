// SPDX-License-Identifier: MIT
import { Ellipsis, FolderInput, FolderOutput } from 'lucide-react';
import { type ReactElement, useMemo, useRef } from 'react';
import { useFacts } from '../../client/library.ts';
import { useSessions } from '../../client/queries.ts';
import { addFilter, plainView, useLibraryView } from '../../stores/library-views.ts';
import { setMarks, useMarked } from '../../stores/marked.ts';
import { findSessions, type SessionLine, sessionLines } from '../../stores/session-list.ts';
import { showOverlay, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { Button, Choice, SearchField } from '../../ui/controls.tsx';
import { bytes, count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { MenuList, Popup } from '../../ui/popup.tsx';
import { Chips, FilterPopup, ViewsPopup } from './filters.tsx';
import { styles } from './styles.ts';
import { SessionDetail } from './session-detail.tsx';
import { SessionGrid } from './session-grid.tsx';
import { StartCards } from './start-cards.tsx';
import { Timeline } from './timeline.tsx';

const c = classes(styles);

/** Sessions of the library: find, filter, group, and what has been made of the chosen one. */
export function SessionsRoom(): ReactElement {
  const sessions = useSessions();
  const facts = useFacts();
  const selected = useUi((state) => state.sessionUuid);
  const view = useLibraryView();
  const marked = useMarked((state) => state.uuids);
  const find = useRef<HTMLInputElement>(null);
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'library.find',
        label: 'Find a session',
        group: 'Library',
        scope: 'screen:library',
        keys: ['/'],
        run: () => find.current?.focus(),
      },
      {
        id: 'library.all',
        label: 'Show all sessions again',
        group: 'Library',
        scope: 'screen:library',
        run: () => {
          useLibraryView.setState({ query: '', filters: [] });
        },
      },
    ],
    [],
  );
  useCommands(commands);
  const lines = useMemo(() => sessionLines(sessions.data ?? [], facts.data), [sessions.data, facts.data]);
  const found = useMemo(() => findSessions(lines, view.query, view.filters), [lines, view.query, view.filters]);
  return (
    <div className={c('room sessions')}>
      <div className={c('bar')} role="search">
        <span className={c('find')}>
          <SearchField
            label="Find a session"
            placeholder="Notes, animals, tags"
            value={view.query}
            onChange={(query) => useLibraryView.setState({ query })}
            keys="/"
            inputRef={find}
            onLeave={() => {
              useLibraryView.setState({ query: '' });
              find.current?.blur();
            }}
          />
        </span>
        <Chips filters={view.filters} />
        <FilterPopup lines={lines} onAdd={addFilter} />
        <ViewsPopup />
        <span className={c('grow')} />
        <span className={c('facts')}>{sessions.data === undefined ? '' : countSentence(found, lines)}</span>
        <Choice
          label="Arrange"
          value={view.grouping}
          onChange={(grouping) => useLibraryView.setState({ grouping })}
          options={[
            { value: 'animal', label: 'By animal' },
            { value: 'day', label: 'By day' },
            { value: 'timeline', label: 'Timeline' },
          ]}
        />
        <Button onPress={() => showOverlay('import')} label="Import a folder">
          <Icon of={FolderInput} />
          Import
        </Button>
        {marked.length === 0 ? null : (
          <Button onPress={() => showOverlay('export')} label={`Export ${plural(marked.length, 'chosen session')}`}>
            <Icon of={FolderOutput} />
            Export {count(marked.length)}
          </Button>
        )}
        <Popup square align="right" label="More ways in and out" button={<Icon of={Ellipsis} />}>
          {(close) => (
            <MenuList
              close={close}
              items={[
                { label: 'Export', onPress: () => showOverlay('export') },
                {
                  label: `Choose all ${count(found.length)} shown`,
                  off: found.length === 0 ? 'No session is shown.' : undefined,
                  onPress: () => setMarks(found.map(({ session }) => session.uuid)),
                },
                {
                  label: 'Choose none',
                  off: marked.length === 0 ? 'No session is chosen.' : undefined,
                  onPress: () => setMarks([]),
                },
                { label: 'Import a result of another program', onPress: () => showOverlay('result') },
                { label: 'Import from a DataJoint server', onPress: () => showOverlay('server') },
                { label: 'Publish to a DataJoint server', onPress: () => showOverlay('publish') },
              ]}
            />
          )}
        </Popup>
      </div>
      <section className={c('list')} aria-label="Sessions">
        {sessions.isPending ? (
          <Loading title="Opening the library" step={1} steps={1} detail="reading the list of sessions" />
        ) : sessions.isError ? (
          <Failed
            title="The list of sessions could not be read"
            error={sessions.error}
            onRetry={() => void sessions.refetch()}
          />
        ) : lines.length === 0 ? (
          <StartCards />
        ) : found.length === 0 ? (
          <Empty
            title="No session matches"
            actions={
              <Button onPress={() => useLibraryView.setState({ query: plainView.query, filters: plainView.filters })}>
                Show all {count(lines.length)}
              </Button>
            }
          >
            <p>
              None of {plural(lines.length, 'session')} fits{' '}
              {[
                ...(view.query.trim() === '' ? [] : [`“${view.query}”`]),
                ...view.filters.map(({ kind, value }) => `${kind} ${value}`),
              ].join(', ')}
              .
            </p>
          </Empty>
        ) : view.grouping === 'timeline' ? (
          <Timeline lines={found} selected={selected} />
        ) : (
          <SessionGrid lines={found} grouping={view.grouping} sort={view.sort} selected={selected} />
        )}
      </section>
      <SessionDetail
        sessionUuid={lines.some(({ session }) => session.uuid === selected) ? selected : null}
        facts={facts.data?.find(({ uuid }) => uuid === selected)}
      />
    </div>
  );
}

function countSentence(found: readonly SessionLine[], all: readonly SessionLine[]): string {
  const size = found.reduce((sum, { facts }) => sum + (facts?.bytes ?? 0), 0);
  const number =
    found.length === all.length
      ? plural(all.length, 'session')
      : `${count(found.length)} of ${plural(all.length, 'session')}`;
  return size === 0 ? number : `${number}, ${bytes(size)}`;
}
