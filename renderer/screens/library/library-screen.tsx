// SPDX-License-Identifier: MIT
import { Check, CircleX, FolderInput, TriangleAlert } from 'lucide-react';
import { type ReactElement, type ReactNode, useMemo, useRef, useState } from 'react';
import type { SessionRow } from '../../../main/contract/index.ts';
import { useSessions } from '../../client/queries.ts';
import { goTo, showOverlay, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { Bar, Button, SearchField } from '../../ui/controls.tsx';
import { count, dateTime, decimal, duration, percent, plural, unknown } from '../../ui/format.ts';
import { type Column, Grid, type Row } from '../../ui/grid.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading } from '../../ui/panel.tsx';
import { ImportDialog } from './import-dialog.tsx';
import styles from './library.module.css';
import { SessionDetail } from './session-detail.tsx';
import { findSessions, groupByAnimal, sessionFacts, worst } from './session-table.ts';
import { StartCards } from './start-cards.tsx';

const c = classes(styles);

const columns: readonly Column[] = [
  { key: 'date', title: 'Recorded', width: '116px' },
  { key: 'session', title: 'Session', width: 'minmax(96px, 1fr)' },
  { key: 'frames', title: 'Frames', width: '64px', number: true },
  { key: 'fps', title: 'fps', width: '44px', number: true },
  { key: 'length', title: 'Length', width: '56px', number: true },
  { key: 'files', title: 'Files', width: '108px' },
  { key: 'runs', title: 'Runs', width: '40px', number: true },
  { key: 'cells', title: 'Cells', width: '48px', number: true },
  { key: 'decided', title: 'Decided', width: '112px' },
];

/** Sessions of the library, how to bring one in, and what has been made of the chosen one. */
export function LibraryScreen(): ReactElement {
  const sessions = useSessions();
  const selected = useUi((state) => state.sessionUuid);
  const importing = useUi((state) => state.overlay === 'import');
  const [query, setQuery] = useState('');
  const find = useRef<HTMLInputElement>(null);
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'library.import',
        label: 'Import a folder',
        group: 'Library',
        scope: 'screen:library',
        keys: ['I'],
        run: () => showOverlay('import'),
      },
      {
        id: 'library.find',
        label: 'Find a session',
        group: 'Library',
        scope: 'screen:library',
        keys: ['/'],
        run: () => find.current?.focus(),
      },
    ],
    [],
  );
  useCommands(commands);
  const all = sessions.data ?? [];
  const found = findSessions(all, query);
  return (
    <div className={c('screen')}>
      <div className={c('bar')} role="search">
        <span className={c('find')}>
          <SearchField
            label="Find a session"
            placeholder="Name, animal, device"
            value={query}
            onChange={setQuery}
            keys="/"
            inputRef={find}
            onLeave={() => {
              setQuery('');
              find.current?.blur();
            }}
          />
        </span>
        <span className={c('grow')} />
        <span className={c('facts')}>
          {sessions.data === undefined
            ? ''
            : found.length === all.length
              ? plural(all.length, 'session')
              : `${count(found.length)} of ${plural(all.length, 'session')}`}
        </span>
        <Button onPress={() => showOverlay('import')}>
          <Icon of={FolderInput} />
          Import a folder
        </Button>
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
        ) : all.length === 0 ? (
          <StartCards />
        ) : found.length === 0 ? (
          <Empty
            title="No session matches"
            actions={<Button onPress={() => setQuery('')}>Show all {count(all.length)}</Button>}
          >
            <p>
              None of {plural(all.length, 'session')} has “{query}” in its name, animal or device.
            </p>
          </Empty>
        ) : (
          <SessionGrid sessions={found} selected={selected} />
        )}
      </section>
      <SessionDetail sessionUuid={all.some((session) => session.uuid === selected) ? selected : null} />
      {importing ? <ImportDialog onClose={() => showOverlay('none')} /> : null}
    </div>
  );
}

function SessionGrid({
  sessions,
  selected,
}: {
  readonly sessions: readonly SessionRow[];
  readonly selected: string | null;
}): ReactElement {
  const rows = useMemo(() => {
    const lines: Row[] = [];
    for (const { animal, sessions: members } of groupByAnimal(sessions)) {
      lines.push({
        kind: 'group',
        key: `animal ${animal ?? ''}`,
        content: (
          <>
            {animal ?? 'No animal named'}
            <span className={c('groupFacts')}>{plural(members.length, 'session')}</span>
          </>
        ),
      });
      for (const session of members) lines.push(sessionLine(session));
    }
    return lines;
  }, [sessions]);
  return (
    <Grid
      label="Sessions"
      columns={columns}
      rows={rows}
      rowHeight={40}
      selected={selected}
      onSelect={(uuid) => useUi.setState({ sessionUuid: uuid })}
      onOpen={(uuid) => goTo('process', { sessionUuid: uuid })}
    />
  );
}

function sessionLine(session: SessionRow): Row {
  const facts = sessionFacts(session);
  const share = session.cells === 0 ? 0 : session.decided / session.cells;
  const renderCells = (): readonly ReactNode[] => [
    <span key="date" className={c('hi')}>
      {dateTime(session.startedAt, session.tzOffsetMin)}
    </span>,
    <span key="name">
      {session.name}
      {session.sample ? <span className={c('dim')}> simulated</span> : null}
    </span>,
    count(facts.frames),
    decimal(facts.fps, 2),
    duration(facts.durationS),
    <FilesState key="files" session={session} />,
    count(session.runs),
    session.runs === 0 ? unknown : count(session.cells),
    session.runs === 0 ? (
      unknown
    ) : (
      <span key="decided" className={c('curated')}>
        <Bar label={`Decided of ${session.name}`} value={share} width={56} />
        {percent(share)}
      </span>
    ),
  ];
  return { kind: 'row', key: session.uuid, renderCells, label: session.name };
}

function FilesState({ session }: { readonly session: SessionRow }): ReactElement {
  const severity = worst(session.findings);
  if (!session.filesPresent) {
    return (
      <span className={c('state rec')}>
        <Icon of={CircleX} size={12} />
        files moved
      </span>
    );
  }
  if (severity === undefined) {
    return (
      <span className={c('state ok')}>
        <Icon of={Check} size={12} />
        present
      </span>
    );
  }
  const number = session.findings.filter((finding) => finding.severity !== 'info').length;
  return (
    <span className={c('state', severity === 'problem' ? 'rec' : 'warn')}>
      <Icon of={TriangleAlert} size={12} />
      {plural(number, 'finding')}
    </span>
  );
}
