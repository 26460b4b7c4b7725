// SPDX-License-Identifier: MIT
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  memo,
  type ReactElement,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
} from 'react';
import { classes } from './classes.ts';
import { type Column, columnsWithin, scaled } from './grid-columns.ts';
import styles from './grid.module.css';
import { placeInSight } from './place-in-sight.ts';
import { useTextScale } from './text-scale.ts';

const c = classes(styles);

/** One line: the cells of a thing that can be chosen (made when it comes into sight), or the heading of a group. */
export type Row =
  | {
      readonly kind: 'row';
      readonly key: string;
      readonly renderCells: () => readonly ReactNode[];
      readonly label: string;
    }
  | { readonly kind: 'group'; readonly key: string; readonly content: ReactNode };

interface GridProps {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly rowHeight: number;
  readonly selected: string | null;
  readonly onSelect: (key: string) => void;
  readonly onOpen?: (key: string) => void;
  readonly onHover?: (key: string | null) => void;
  /** Space on the chosen row. */
  readonly onMark?: (key: string) => void;
  readonly sort?: { readonly key: string; readonly descending: boolean };
  readonly onSort?: (key: string) => void;
  /** Rows keep nothing of their own, neither focus nor state: one that leaves sight is filled anew for one that comes, instead of being made anew. */
  readonly refilled?: boolean;
}

const groupHeight = 28;
/** Rows above and below what is in sight, px. */
const overscanPx = 140;
/** What a thin scroll bar takes, px. */
const scrollBarPx = 11;

/** Scrolls no further than needed, and by what the list has noted: asking the page for its height would lay it out in the middle of a key's work. */
function bringIntoSight(list: Virtualizer<HTMLDivElement, Element>, index: number): void {
  const { scrollOffset, scrollRect, measurementsCache, options } = list;
  const row = measurementsCache[index];
  if (row === undefined || scrollOffset === null || scrollRect === null || scrollRect.height === 0) {
    list.scrollToIndex(index, { align: 'auto' });
    return;
  }
  const to = placeInSight(row, { top: scrollOffset, height: scrollRect.height, head: options.scrollPaddingStart });
  if (to !== undefined) list.scrollToOffset(to);
}

/** A table of any length: only the rows in sight are drawn. Arrows move the choice, Enter opens it. */
export function Grid(props: GridProps): ReactElement {
  const { label, columns, rows, rowHeight, selected, onSelect, onOpen, onHover, onMark, sort, onSort } = props;
  const { refilled = false } = props;
  const scroller = useRef<HTMLDivElement>(null);
  // Rows and columns hold text: they grow with it, and never get smaller than drawn.
  const scale = Math.max(1, useTextScale());
  const headHeight = 24 * scale;
  // Stable: with new functions all rows would be measured at each drawing.
  const estimateSize = useCallback(
    (index: number) => (rows[index]?.kind === 'group' ? groupHeight : rowHeight) * scale,
    [rows, rowHeight, scale],
  );
  const getItemKey = useCallback((index: number) => rows[index]?.key ?? index, [rows]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize,
    // A leap draws all rows in sight and these: few enough to stay within a frame or two.
    overscan: Math.ceil(overscanPx / rowHeight),
    getItemKey,
    scrollMargin: headHeight,
    scrollPaddingStart: headHeight,
  });
  const items = virtual.getVirtualItems();
  // As many as are ever drawn at a time: two rows in sight are never the same one.
  const least = Math.min(groupHeight, rowHeight) * scale;
  const drawn = Math.ceil((virtual.scrollRect?.height ?? 0) / least) + 2 * Math.ceil(overscanPx / rowHeight) + 2;
  const slots = Math.max(drawn, items.length);
  // Not known before the first drawing: then all.
  const width = virtual.scrollRect?.width ?? 0;
  const inside = width - (virtual.getTotalSize() > (virtual.scrollRect?.height ?? 0) ? scrollBarPx : 0);
  const shown = useMemo(
    () => columnsWithin(columns, width === 0 ? Number.POSITIVE_INFINITY : inside, scale),
    [columns, width, inside, scale],
  );
  const template = shown.map((at) => scaled(columns[at]?.width ?? '0', scale)).join(' ');
  const acts = useRef<RowActs>({ onSelect, onOpen, onHover });
  useEffect(() => {
    acts.current = { onSelect, onOpen, onHover };
  });
  const chosen = rows.findIndex((row) => row.kind === 'row' && row.key === selected);
  useEffect(() => {
    if (chosen >= 0) bringIntoSight(virtual, chosen);
  }, [chosen, virtual]);
  useEffect(() => virtual.measure(), [rows, rowHeight, scale, virtual]);
  const keyed = (event: KeyboardEvent): void => {
    if (event.target !== scroller.current) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Enter' && selected !== null && onOpen !== undefined) {
      event.preventDefault();
      onOpen(selected);
    }
    if (event.key === ' ' && selected !== null && onMark !== undefined) {
      event.preventDefault();
      onMark(selected);
    }
    if (step === 0) return;
    let index = chosen < 0 && step < 0 ? rows.length : chosen;
    do index += step;
    while (rows[index]?.kind === 'group');
    const next = rows[index];
    event.preventDefault();
    if (next !== undefined) onSelect(next.key);
  };
  return (
    <div
      className={c('grid')}
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
      onKeyDown={keyed}
      onMouseLeave={() => onHover?.(null)}
      {...(chosen < 0 ? {} : { 'aria-activedescendant': `row-${selected ?? ''}` })}
    >
      <div className={c('head')} role="row" style={{ gridTemplateColumns: template }}>
        {shown.map((at) => {
          const column = columns[at];
          return column === undefined ? null : (
            <HeadCell key={column.key} column={column} sort={sort} onSort={onSort} />
          );
        })}
      </div>
      <div className={c('rows')} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <GridRow
              key={refilled ? item.index % slots : row.key}
              row={row}
              index={item.index}
              top={item.start - headHeight}
              height={item.size}
              columns={columns}
              shown={shown}
              template={template}
              selected={row.key === selected}
              acts={acts}
            />
          );
        })}
      </div>
    </div>
  );
}

/** What can be done to a row; the newest of the grid's own. */
interface RowActs {
  readonly onSelect: GridProps['onSelect'];
  readonly onOpen: GridProps['onOpen'];
  readonly onHover: GridProps['onHover'];
}

interface RowProps {
  readonly row: Row;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly columns: readonly Column[];
  /** Places in `columns` of those for which there is room. */
  readonly shown: readonly number[];
  readonly template: string;
  readonly selected: boolean;
  readonly acts: RefObject<RowActs>;
}

/** One line; drawn again only when something of it has changed, so that scrolling draws what comes into sight and nothing else. */
const GridRow = memo(function GridRow(props: RowProps): ReactElement {
  const { row, index, top, height, columns, shown, template, selected, acts } = props;
  const place = { height, transform: `translateY(${String(top)}px)` };
  if (row.kind === 'group') {
    return (
      <div className={c('row group')} role="row" style={place}>
        <span role="gridcell">{row.content}</span>
      </div>
    );
  }
  const cells = row.renderCells();
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- the grid holds the focus and the keys
    <div
      id={`row-${row.key}`}
      className={c('row')}
      role="row"
      aria-label={row.label}
      aria-rowindex={index + 2}
      aria-selected={selected}
      style={{ ...place, gridTemplateColumns: template }}
      onClick={() => acts.current.onSelect(row.key)}
      onDoubleClick={() => acts.current.onOpen?.(row.key)}
      onMouseEnter={() => acts.current.onHover?.(row.key)}
    >
      {shown.map((at) => {
        const { key, number, apart, fits } = columns[at] ?? {};
        return (
          <span
            key={key}
            role="gridcell"
            className={c(number === true && 'num', apart === true && 'apart', fits === true && 'fits')}
          >
            {cells[at]}
          </span>
        );
      })}
    </div>
  );
});

interface HeadProps {
  readonly column: Column;
  readonly sort: GridProps['sort'];
  readonly onSort: GridProps['onSort'];
}

function HeadCell({ column, sort, onSort }: HeadProps): ReactElement {
  const sorted = sort?.key === column.key;
  const arrow = sorted ? (sort.descending ? ' ↓' : ' ↑') : '';
  const direction = sorted ? (sort.descending ? 'descending' : 'ascending') : 'none';
  return (
    <span
      role="columnheader"
      className={c(column.number === true && 'num', column.apart === true && 'apart', sorted && 'sorted')}
      aria-sort={direction}
      {...(column.hint === undefined ? {} : { title: column.hint })}
    >
      {column.sortable === true && onSort !== undefined ? (
        <button type="button" onClick={() => onSort(column.key)} onMouseDown={(event) => event.preventDefault()}>
          {column.title}
          {arrow}
        </button>
      ) : (
        column.title
      )}
    </span>
  );
}
