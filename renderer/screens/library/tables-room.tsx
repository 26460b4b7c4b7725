// SPDX-License-Identifier: MIT
import { FileInput, Plus } from 'lucide-react';
import { type ReactElement, useMemo, useState } from 'react';
import type { TableInfo } from '../../../main/contract/index.ts';
import { useCatalogue } from '../../client/library.ts';
import { showOverlay, useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, SearchField } from '../../ui/controls.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { IngestDialog } from './ingest-dialog.tsx';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';
import { TableView } from './table-view.tsx';

const c = classes({ ...shared, ...rooms });

/** Elements in the order of a lab's work. */
const elements: readonly (readonly [id: string, name: string])[] = [
  ['subject', 'Animals'],
  ['session', 'Sessions'],
  ['miniscope', 'Miniscope'],
  ['event', 'Events'],
  ['trial', 'Trials'],
  ['surgery', 'Surgery'],
  ['injection', 'Injections'],
  ['genotyping', 'Genotyping'],
  ['lab', 'Lab'],
  ['project', 'Projects'],
  ['reference', 'Reference'],
  ['analysis', 'Alignment'],
  ['calyx', 'Calyx'],
];

/** Tables in groups; elements nobody named come under their own name. */
export function tableGroups(
  tables: readonly TableInfo[],
  query: string,
): readonly { readonly name: string; readonly tables: readonly TableInfo[] }[] {
  const wanted = query.trim().toLowerCase();
  const shown = tables.filter(
    ({ table, className, text, tier }) =>
      tier !== 'internal' && `${table} ${className} ${text}`.toLowerCase().includes(wanted),
  );
  const known = new Set(elements.map(([id]) => id));
  const others = [...new Set(shown.map(({ element }) => element).filter((element) => !known.has(element)))];
  return [...elements, ...others.map((element) => [element, element] as const)]
    .map(([id, name]) => ({
      name,
      tables: shown
        .filter(({ element }) => element === id)
        .toSorted((a, b) => a.className.localeCompare(b.className, 'en')),
    }))
    .filter((group) => group.tables.length > 0);
}

/** Every table: its rows, a form made from the catalogue, and who changed what. */
export function TablesRoom(): ReactElement {
  const catalogue = useCatalogue();
  const chosen = useUi((state) => state.table);
  const ingesting = useUi((state) => state.overlay === 'ingest');
  const [query, setQuery] = useState('');
  const groups = useMemo(() => tableGroups(catalogue.data ?? [], query), [catalogue.data, query]);
  const info = catalogue.data?.find(({ table }) => table === chosen?.name);
  return (
    <div className={c('room', info === undefined ? 'list2' : 'tables')}>
      <Panel
        title="Tables"
        meta={catalogue.data === undefined ? undefined : count(catalogue.data.length)}
        end={
          <Button
            kind="bare"
            size="small"
            onPress={() => showOverlay('ingest')}
            title="Read subjects.csv, sessions.csv, trials.csv …"
          >
            <Icon of={FileInput} />
            Ingest CSV
          </Button>
        }
      >
        <div className={c('tableFind')}>
          <SearchField label="Find a table" placeholder="Find a table" value={query} onChange={setQuery} />
        </div>
        <nav className={c('tableList')} aria-label="Tables">
          {catalogue.isError ? (
            <Failed
              title="The catalogue could not be read"
              error={catalogue.error}
              onRetry={() => void catalogue.refetch()}
            />
          ) : catalogue.isPending ? (
            <Loading title="Opening" step={1} steps={1} detail="reading the catalogue" />
          ) : (
            groups.map((group) => (
              <section key={group.name} aria-label={group.name}>
                <h3>{group.name}</h3>
                {group.tables.map((table) => (
                  <button
                    key={table.table}
                    type="button"
                    className={c('tableItem', table.rows === 0 && 'none')}
                    title={table.text}
                    onClick={() => useUi.setState({ table: { name: table.table, where: {} } })}
                    {...(table === info ? { 'aria-current': 'true' as const } : {})}
                  >
                    <span className={c('cut')}>{table.className}</span>
                    {table.noInsert === null ? <Icon of={Plus} size={12} /> : null}
                    <span className={c('rowCount')}>{count(table.rows)}</span>
                  </button>
                ))}
              </section>
            ))
          )}
          {catalogue.data !== undefined && groups.length === 0 ? (
            <p className={c('padText')}>No table has “{query}” in its name.</p>
          ) : null}
        </nav>
      </Panel>
      {info === undefined ? (
        <Panel title="Rows">
          <Empty title="No table chosen">
            <p>
              Choose one at the left to read its rows and to fill it in. Those with a plus take rows by hand; the others
              are written by the program or read from files.
            </p>
            {catalogue.data === undefined ? null : (
              <p>{plural(catalogue.data.filter(({ rows }) => rows > 0).length, 'table holds', 'tables hold')} rows.</p>
            )}
          </Empty>
        </Panel>
      ) : (
        <TableView key={info.table} info={info} tables={catalogue.data ?? []} where={chosen?.where ?? {}} />
      )}
      {ingesting ? <IngestDialog onClose={() => showOverlay('none')} /> : null}
    </div>
  );
}
