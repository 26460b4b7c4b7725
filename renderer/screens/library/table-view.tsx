// SPDX-License-Identifier: MIT
import { Download, Plus, X } from 'lucide-react';
import { type ReactElement, type ReactNode, useMemo, useState } from 'react';
import type { Scalar, TableColumn, TableInfo, TableRow } from '../../../main/contract/index.ts';
import { useTableRows } from '../../client/library.ts';
import { columnTitle, keyText } from '../../stores/row-form.ts';
import { useUi } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, SearchField } from '../../ui/controls.tsx';
import { count, plural } from '../../ui/format.ts';
import type { Column } from '../../ui/grid-columns.ts';
import { Grid, type Row } from '../../ui/grid.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../../ui/panel.tsx';
import { saveFile, toCsv } from '../../ui/save-file.ts';
import { styles as shared } from './styles.ts';
import { rooms } from './rooms.ts';
import { RowForm } from './row-form.tsx';

const c = classes({ ...shared, ...rooms });

const pageSize = 500;

interface ViewProps {
  readonly info: TableInfo;
  readonly tables: readonly TableInfo[];
  readonly where: Readonly<Record<string, Scalar>>;
}

/** Rows of a table, and the form of the chosen or of a new one. */
export function TableView({ info, tables, where }: ViewProps): ReactElement {
  const [search, setSearch] = useState('');
  const [sort, setSort] = useState<{ readonly key: string; readonly descending: boolean }>();
  const [page, setPage] = useState(0);
  const [chosen, setChosen] = useState<string | null>(null);
  const answer = useTableRows({
    table: info.table,
    search,
    where,
    limit: pageSize,
    offset: page * pageSize,
    ...(sort === undefined ? {} : { order: { column: sort.key, descending: sort.descending } }),
  });
  const shown = useMemo(() => shownColumns(info), [info]);
  const columns = useMemo<readonly Column[]>(
    () =>
      shown.map((column) => ({
        key: column.name,
        title: column.unit === null ? columnTitle(column) : `${columnTitle(column)}, ${column.unit}`,
        width: widths[column.kind] ?? 'minmax(80px, 1fr)',
        number: column.kind === 'integer' || column.kind === 'real',
        hint: column.text,
        sortable: true,
      })),
    [shown],
  );
  const rows = useMemo<readonly Row[]>(
    () =>
      (answer.data?.rows ?? []).map((row) => ({
        kind: 'row',
        key: keyText(row.key),
        label: Object.values(row.labels).join(', ') || keyText(row.key),
        renderCells: () => shown.map((column) => <Cell key={column.name} info={info} column={column} row={row} />),
      })),
    [answer.data, info, shown],
  );
  const row = answer.data?.rows.find(({ key }) => keyText(key) === chosen);
  const total = answer.data?.total ?? 0;
  const narrowed = Object.entries(where);
  return (
    <>
      <Panel
        title={info.className}
        meta={info.text}
        end={
          <Button
            kind="bare"
            size="small"
            off={info.noInsert ?? undefined}
            onPress={() => setChosen('new')}
            keys={undefined}
          >
            <Icon of={Plus} />
            New row
          </Button>
        }
      >
        <div className={c('tableBar')}>
          <span className={c('find')}>
            <SearchField
              label={`Find in ${info.className}`}
              placeholder="Find in these rows"
              value={search}
              onChange={(text) => {
                setSearch(text);
                setPage(0);
              }}
            />
          </span>
          {narrowed.map(([name, value]) => (
            <button
              key={name}
              type="button"
              className={c('chip')}
              aria-label={`Show all rows, not only those with ${name} ${String(value)}`}
              onClick={() => useUi.setState({ table: { name: info.table, where: {} } })}
            >
              {name} <b>{typeof value === 'string' && value.length > 12 ? `${value.slice(0, 8)}…` : String(value)}</b>
              <Icon of={X} size={12} />
            </button>
          ))}
          <span className={c('grow')} />
          <Pages total={total} page={page} onPage={setPage} />
          <Button
            kind="bare"
            size="small"
            off={rows.length === 0 ? 'There are no rows.' : undefined}
            title="Save the rows shown as a CSV file"
            onPress={() =>
              saveFile(
                `${info.table}.csv`,
                toCsv(
                  info.columns.map(({ name }) => name),
                  (answer.data?.rows ?? []).map((each) => each.values),
                ),
              )
            }
          >
            <Icon of={Download} />
            CSV
          </Button>
        </div>
        <div className={c('gridBox')}>
          {answer.isPending ? (
            <Loading title={info.className} step={1} steps={1} detail="reading rows" />
          ) : answer.isError ? (
            <Failed title="The rows could not be read" error={answer.error} onRetry={() => void answer.refetch()} />
          ) : rows.length === 0 ? (
            <Empty
              title={search === '' && narrowed.length === 0 ? 'No rows yet' : 'No row fits'}
              actions={
                info.noInsert === null ? <Button onPress={() => setChosen('new')}>Add the first row</Button> : undefined
              }
            >
              <p>{info.noInsert ?? info.text}</p>
            </Empty>
          ) : (
            <Grid
              label={`Rows of ${info.className}`}
              columns={columns}
              rows={rows}
              rowHeight={28}
              selected={chosen}
              onSelect={setChosen}
              {...(sort === undefined ? {} : { sort })}
              onSort={(key) => setSort({ key, descending: sort?.key === key && !sort.descending })}
            />
          )}
        </div>
      </Panel>
      <RowForm
        key={chosen ?? ''}
        info={info}
        tables={tables}
        row={chosen === 'new' ? 'new' : (row ?? null)}
        given={where}
        onSaved={(key) => setChosen(keyText(key))}
        onClose={() => setChosen(null)}
      />
    </>
  );
}

const widths: Readonly<Partial<Record<TableColumn['kind'], string>>> = {
  integer: '72px',
  real: '80px',
  flag: '52px',
  day: '84px',
  instant: '144px',
  choice: '88px',
  uuid: '88px',
};

/** All columns but the program's own keys, which mean nothing to a person. */
function shownColumns(info: TableInfo): readonly TableColumn[] {
  const some = info.columns.filter(({ name, kind }) => name !== 'id' && name !== 'builtin' && kind !== 'uuid');
  return some.length > 0 ? some : info.columns;
}

function Cell({
  info,
  column,
  row,
}: {
  readonly info: TableInfo;
  readonly column: TableColumn;
  readonly row: TableRow;
}): ReactNode {
  const value = row.values[info.columns.indexOf(column)] ?? null;
  const label = row.labels[column.name];
  if (value === null) return <span className={c('dim')}>–</span>;
  if (column.kind === 'flag') return value === 1 ? 'yes' : 'no';
  if (column.kind === 'instant')
    return <span title={String(value)}>{String(value).slice(0, 16).replace('T', ' ')}</span>;
  const text = label ?? String(value);
  return (
    <span className={c(column.key && 'hi')} title={text.length > 24 ? text.slice(0, 400) : undefined}>
      {text.length > 160 ? `${text.slice(0, 160)}…` : text}
    </span>
  );
}

interface PagesProps {
  readonly total: number;
  readonly page: number;
  readonly onPage: (page: number) => void;
}

function Pages({ total, page, onPage }: PagesProps): ReactElement {
  if (total <= pageSize) return <span className={c('facts')}>{plural(total, 'row')}</span>;
  const last = Math.floor((total - 1) / pageSize);
  return (
    <>
      <span className={c('facts')}>
        {count(page * pageSize + 1)} – {count(Math.min(total, (page + 1) * pageSize))} of {plural(total, 'row')}
      </span>
      <Button
        size="small"
        off={page === 0 ? 'These are the first.' : undefined}
        onPress={() => onPage(page - 1)}
        label="Rows before these"
      >
        Before
      </Button>
      <Button
        size="small"
        off={page >= last ? 'These are the last.' : undefined}
        onPress={() => onPage(page + 1)}
        label="Rows after these"
      >
        After
      </Button>
    </>
  );
}
