// SPDX-License-Identifier: MIT
import { type ReactElement, Suspense } from 'react';
import { goTo, type LibrarySection, showOverlay, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import type { Command } from '../../ui/commands/registry.ts';
import { useCommands } from '../../ui/commands/use-commands.ts';
import { later } from '../../ui/later.tsx';
import { Boundary, Loading } from '../../ui/panel.tsx';
import { DatajointDialog } from './datajoint-dialog.tsx';
import { ExportDialog } from './export-dialog.tsx';
import { ImportDialog } from './import-dialog.tsx';
import { ResultDialog } from './result-dialog.tsx';
import { styles } from './styles.ts';
import { SessionsRoom } from './sessions-room.tsx';

const c = classes(styles);

/** Rooms that are not needed to begin are loaded when somebody enters them. */
const AnimalsRoom = later(async () => (await import('./animals-room.tsx')).AnimalsRoom);
const TablesRoom = later(async () => (await import('./tables-room.tsx')).TablesRoom);
const DiagramRoom = later(async () => (await import('./diagram-room.tsx')).DiagramRoom);
const QueryRoom = later(async () => (await import('./query-room.tsx')).QueryRoom);
const TrashRoom = later(async () => (await import('./trash-room.tsx')).TrashRoom);

const rooms: readonly { readonly id: LibrarySection; readonly name: string; readonly hint: string }[] = [
  { id: 'sessions', name: 'Sessions', hint: 'what was recorded' },
  { id: 'animals', name: 'Animals', hint: 'each animal and what was done when' },
  { id: 'tables', name: 'Tables', hint: 'every table of the library, to read and to fill' },
  { id: 'diagram', name: 'Diagram', hint: 'how the tables belong together' },
  { id: 'query', name: 'Query', hint: 'questions of your own' },
  { id: 'trash', name: 'Deleted', hint: 'what can be brought back' },
];

/** The commands of the Library. */
export const libraryCommands: readonly Command[] = [
  {
    id: 'library.import',
    label: 'Import a folder',
    group: 'Library',
    scope: 'screen:library',
    keys: ['I'],
    run: () => showOverlay('import'),
  },
  {
    id: 'library.export',
    label: 'Export sessions',
    group: 'Library',
    scope: 'screen:library',
    keys: ['E'],
    run: () => showOverlay('export'),
  },
  {
    id: 'library.result',
    label: 'Import a result of another program',
    group: 'Library',
    scope: 'screen:library',
    run: () => showOverlay('result'),
  },
  {
    id: 'library.publish',
    label: 'Publish to a DataJoint server',
    group: 'Library',
    scope: 'screen:library',
    run: () => showOverlay('publish'),
  },
  {
    id: 'library.server',
    label: 'Import from a DataJoint server',
    group: 'Library',
    scope: 'screen:library',
    run: () => showOverlay('server'),
  },
  {
    id: 'library.ingest',
    label: 'Ingest CSV files',
    group: 'Library',
    scope: 'screen:library',
    keys: ['Shift+I'],
    run: () => goTo('library', { librarySection: 'tables' }, 'ingest'),
  },
  ...rooms.map(({ id, name }, index): Command => ({
    id: `library.${id}`,
    label: `Show ${name.toLowerCase()}`,
    group: 'Rooms',
    scope: 'screen:library',
    keys: [String(index + 1)],
    run: () => goTo('library', { librarySection: id }),
  })),
];

/** The Library: its rooms in a row, and the one that is open. */
export function LibraryScreen(): ReactElement {
  const section = useUi((state) => state.librarySection);
  const overlay = useUi((state) => state.overlay);
  const close = (): void => showOverlay('none');
  useCommands(libraryCommands);
  return (
    <div className={c('screen')}>
      <nav className={c('rooms')} aria-label="Rooms of the Library">
        {rooms.map(({ id, name, hint }) => (
          <button
            key={id}
            type="button"
            title={hint}
            onClick={() => useUi.setState({ librarySection: id })}
            {...(id === section ? { 'aria-current': 'page' as const } : {})}
          >
            {name}
          </button>
        ))}
      </nav>
      <Boundary name="Library" key={section}>
        <Suspense
          fallback={
            <div className={c('list')}>
              <Loading title="Library" step={1} steps={1} detail="fetching this room" />
            </div>
          }
        >
          {section === 'sessions' ? <SessionsRoom /> : null}
          {section === 'animals' ? <AnimalsRoom /> : null}
          {section === 'tables' ? <TablesRoom /> : null}
          {section === 'diagram' ? <DiagramRoom /> : null}
          {section === 'query' ? <QueryRoom /> : null}
          {section === 'trash' ? <TrashRoom /> : null}
        </Suspense>
      </Boundary>
      {overlay === 'import' ? <ImportDialog onClose={close} /> : null}
      {overlay === 'export' ? <ExportDialog onClose={close} /> : null}
      {overlay === 'result' ? <ResultDialog onClose={close} /> : null}
      {overlay === 'publish' ? <DatajointDialog way="publish" onClose={close} /> : null}
      {overlay === 'server' ? <DatajointDialog way="import" onClose={close} /> : null}
    </div>
  );
}
