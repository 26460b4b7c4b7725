// SPDX-License-Identifier: MIT
import { type ReactElement, type ReactNode, type RefObject, useMemo } from 'react';
import type { Cell } from '../../main/contract/index.ts';
import { labelCounts, type SortKey } from '../stores/cell-list.ts';
import { hidden, useBlind } from '../stores/blind.ts';
import { useReview } from '../stores/review.ts';
import { goTo } from '../stores/ui.ts';
import { classes } from '../ui/classes.ts';
import { Button, LabelMark, SearchField, Select } from '../ui/controls.tsx';
import { count, decimal } from '../ui/format.ts';
import type { Column } from '../ui/grid-columns.ts';
import { Grid, type Row } from '../ui/grid.tsx';
import { Empty, Panel } from '../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

const columns: readonly Column[] = [
  { key: 'row', title: 'Cell', width: '34px', number: true, sortable: true },
  { key: 'label', title: 'Label', width: 'minmax(78px, 1fr)', sortable: true },
  {
    key: 'snr',
    title: 'SNR',
    width: '38px',
    number: true,
    sortable: true,
    yields: 3,
    hint: 'Highest event over the noise of the trace',
  },
  {
    key: 'rValue',
    title: 'r',
    width: '30px',
    number: true,
    sortable: true,
    yields: 1,
    hint: 'Footprint against the average picture of its events',
  },
  { key: 'events', title: 'Events', width: '38px', number: true, sortable: true, yields: 2 },
];

const made = { blind: new WeakMap<Cell, Row>(), open: new WeakMap<Cell, Row>() };

/** The line of a cell; the same one for as long as the cell is the same, so that a decision draws one line anew and not all. */
function rowOf(cell: Cell, blind: boolean): Row {
  const isHidden = hidden(blind, cell);
  const rows = isHidden ? made.blind : made.open;
  const known = rows.get(cell);
  if (known !== undefined) return known;
  const row: Row = {
    kind: 'row',
    key: cell.uuid,
    label: `Cell ${String(cell.row)}, ${cell.label}`,
    renderCells: () => [
      <span key="row" className={c('hi')}>
        {cell.row}
      </span>,
      <LabelMark key="label" label={cell.label} />,
      ...(isHidden
        ? ['snr', 'rValue', 'events'].map((key) => (
            <span key={key} title="Hidden until you have decided (H shows it)" className={c('dim')}>
              ·
            </span>
          ))
        : [decimal(cell.metrics['snr'], 1), decimal(cell.metrics['rValue'], 2), count(cell.metrics['events'])]),
    ],
  };
  rows.set(cell, row);
  return row;
}

const orders: Readonly<Partial<Record<SortKey, string>>> = { row: 'by number', place: 'by place', mixed: 'mixed' };

/** Orders that have nothing to do with how good a cell looks: those of a blind reading. */
function OrderSelect(): ReactElement {
  const { key } = useReview((state) => state.sort);
  const own = orders[key] === undefined ? [{ value: key, label: 'by column' }] : [];
  const known = Object.entries(orders).map(([value, label]) => ({ value: value as SortKey, label }));
  return (
    <Select<SortKey>
      label="Order of the cells"
      value={key}
      options={[...own, ...known]}
      onChange={(next) => useReview.setState({ sort: { key: next, descending: false } })}
    />
  );
}

interface CellsProps {
  /** All cells of the run. */
  readonly cells: readonly Cell[];
  /** Those that pass the filter, in the order of the list. */
  readonly list: readonly Cell[];
  readonly problem: string | undefined;
  readonly selected: string | null;
  readonly runName: string;
  /** What is to be said of the labels shown. */
  readonly banner?: ReactNode;
  readonly filterField: RefObject<HTMLInputElement | null>;
}

/** The list of cells: how many are decided, which are shown, in which order. */
export function CellsPanel({ cells, list, problem, selected, runName, banner, filterField }: CellsProps): ReactElement {
  const filter = useReview((state) => state.filter);
  const sort = useReview((state) => state.sort);
  const blind = useBlind((state) => state.blind);
  const counts = labelCounts(cells);
  const rows = useMemo(() => list.map((cell) => rowOf(cell, blind)), [list, blind]);
  const resort = (key: string): void => {
    const same = sort.key === key;
    useReview.setState({
      sort: {
        key: key as SortKey,
        descending: same ? !sort.descending : key === 'snr' || key === 'rValue' || key === 'events',
      },
    });
  };
  return (
    <Panel
      title="Cells"
      scope="cells"
      area="list"
      meta={[`${count(cells.length)} found`, `, ${runName}`]}
      end={<OrderSelect />}
    >
      <div className={c('top')}>
        {banner === undefined ? null : <div className={c('banner')}>{banner}</div>}
        <p className={c('counts')} role="status">
          <LabelMark label="accepted" text={`${count(counts.accepted)} accepted`} />
          <LabelMark label="rejected" text={`${count(counts.rejected)} rejected`} />
          <LabelMark label="undecided" text={`${count(counts.undecided)} left`} />
        </p>
        <div className={c('prog')} aria-hidden="true">
          <i className={c('progA')} style={{ flexGrow: counts.accepted }} />
          <i className={c('progR')} style={{ flexGrow: counts.rejected }} />
          <i className={c('progU')} style={{ flexGrow: counts.undecided }} />
        </div>
        <SearchField
          label="Filter cells"
          placeholder="snr > 3 and undecided"
          value={filter}
          onChange={(text) => useReview.setState({ filter: text })}
          keys="/"
          wrong={problem !== undefined}
          inputRef={filterField}
          onEnter={() => filterField.current?.blur()}
          onLeave={() => {
            useReview.setState({ filter: '' });
            filterField.current?.blur();
          }}
        />
        {problem === undefined ? null : <p className={c('problem')}>{problem}</p>}
      </div>
      {list.length === 0 ? (
        <div className={c('stage')}>
          <Empty
            title={cells.length === 0 ? 'No cells in this run' : 'No cell passes the filter'}
            actions={
              cells.length === 0 ? (
                <Button onPress={() => goTo('process')}>Go to Process</Button>
              ) : (
                <Button onPress={() => useReview.setState({ filter: '' })}>Show all {count(cells.length)}</Button>
              )
            }
          >
            <p>
              {cells.length === 0
                ? 'The engine found nothing that flickers like a cell. Try another neuron diameter in Process.'
                : `None of ${count(cells.length)} cells has “${filter}”.`}
            </p>
          </Empty>
        </div>
      ) : (
        <Grid
          label="Cells"
          columns={columns}
          rows={rows}
          rowHeight={24}
          selected={selected}
          onSelect={(uuid) => useReview.setState({ selected: uuid })}
          onHover={(uuid) => useReview.setState({ hovered: uuid })}
          sort={sort}
          onSort={resort}
        />
      )}
    </Panel>
  );
}
