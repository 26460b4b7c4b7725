// SPDX-License-Identifier: MIT
import { type ReactElement, useCallback, useMemo, useState } from 'react';
import { type ExploreScope, type Population, usePopulation } from '../../client/explore.ts';
import { bottomAxis, leftAxis, leftName, scale } from '../../plots/axes.ts';
import { drawHistogram, histogram, quantile } from '../../plots/bars.ts';
import { drawCurves } from '../../plots/curves.ts';
import { drawMap, leftRoom, lineAt, mapBox, mapPixels } from '../../plots/heat-map.ts';
import { percentileLevels } from '../../gl/levels.ts';
import type { Figure } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import type { Saved } from '../../plots/save.ts';
import {
  type OrderName,
  orderNames,
  orderTitles,
  type Side,
  useExplore,
  useExploreSelection,
} from '../../stores/explore.ts';
import { classes } from '../../ui/classes.ts';
import { Select } from '../../ui/controls.tsx';
import { count, decimal, duration, percent } from '../../ui/format.ts';
import styles from './explore.module.css';
import { Answered, ColourBar, NumberField } from './parts.tsx';
import { fileName } from './provenance.ts';
import { ViewPanel } from './view-panel.tsx';

const c = classes(styles);

export interface ViewProps {
  readonly side: Side;
  readonly scope: ExploreScope;
}

/** Activity is drawn between these, standard deviations. */
const activityLevels = { low: -0.5, high: 3 };

const orderOptions = orderNames.map((value) => ({ value, label: orderTitles[value] }));

function OrderSelect({
  value,
  onChange,
}: {
  readonly value: OrderName;
  readonly onChange: (value: OrderName) => void;
}): ReactElement {
  return (
    <span className={c('pair')}>
      sort by
      <Select label="Order of cells" value={value} options={orderOptions} onChange={onChange} />
    </span>
  );
}

function BinField(): ReactElement {
  const binS = useExplore((state) => state.binS);
  return (
    <span className={c('pair')}>
      bin
      <NumberField
        label="Width of a bin, s"
        value={binS}
        least={0.01}
        most={600}
        onChange={(value) => useExplore.setState({ binS: value })}
      />
      s
    </span>
  );
}

/** Mean over cells of each column. */
function columnMeans({ raster, rows, columns }: Population): readonly (number | null)[] {
  return Array.from({ length: columns }, (_, column) => {
    let [sum, n] = [0, 0];
    for (let k = 0; k < rows.length; k += 1) {
      const value = raster[k * columns + column] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      sum += value;
      n += 1;
    }
    return n === 0 ? null : sum / n;
  });
}

const meanHeight = 104;

/** Raster of all cells over the recording, with their mean above. */
export function ActivityView({ side, scope }: ViewProps): ReactElement {
  const { activityOrder, binS } = useExplore();
  const population = usePopulation(scope, binS);
  const row = useExploreSelection((state) => state.row);
  const [hovered, setHovered] = useState<string>('');
  const { data } = population;
  const order = data?.orders[activityOrder];
  const pixels = useMemo(
    () =>
      data === undefined || order === undefined
        ? undefined
        : mapPixels(
            { rows: data.rows.length, columns: data.columns, values: data.raster },
            order,
            activityLevels,
            'magma',
          ),
    [data, order],
  );
  const figure = useMemo<Figure | undefined>(() => {
    if (data === undefined || order === undefined || pixels === undefined) return undefined;
    const means = columnMeans(data);
    const times = means.map((_, column) => data.startS + (column + 0.5) * data.columnS);
    const ends: readonly [number, number] = [data.startS, data.startS + data.columns * data.columnS];
    const line = row === null ? -1 : order.findIndex((place) => data.rows[place] === row);
    return (pen, look) => {
      const top = mapBox(pen, 12, meanHeight - 8);
      drawCurves(pen, look, top, [{ name: 'mean', x: times, mean: means }], { x: ends });
      pen.text('mean of all cells, z', top.left + top.width, 8, { colour: look.dim, align: 'right' });
      drawMap(pen, look, mapBox(pen, meanHeight, pen.height - 24), {
        pixels,
        x: { from: ends[0], to: ends[1], unit: 's' },
        rowsName: 'cells',
        marked: line < 0 ? undefined : { line, name: String(row) },
      });
    };
  }, [data, order, pixels, row]);
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined || order === undefined
        ? undefined
        : {
            fileName: fileName('activity', scope.trace),
            title: 'Activity of all cells',
            figure,
            width: 960,
            height: 640,
            table: () => ({
              columns: [
                'cell',
                ...Array.from(
                  { length: data.columns },
                  (_, i) => `t_${decimal(data.startS + (i + 0.5) * data.columnS, 3)}_s`,
                ),
              ],
              rows: order.map((k) => [
                data.rows[k] ?? -1,
                ...Array.from(data.raster.subarray(k * data.columns, (k + 1) * data.columns)),
              ]),
            }),
          },
    [figure, data, order, scope.trace],
  );
  const point = useCallback(
    (at: readonly [number, number] | null, size: { readonly width: number; readonly height: number }) => {
      if (at === null || data === undefined || order === undefined) return undefined;
      const box = mapBox(size, meanHeight, size.height - 24);
      const line = lineAt(box, order.length, at[0], at[1]);
      const place = order[line];
      if (place === undefined) return undefined;
      const share = (at[0] - box.left) / box.width;
      return { row: data.rows[place] ?? 0, timeS: data.startS + share * data.columns * data.columnS };
    },
    [data, order],
  );
  const [size, setSize] = useState({ width: 0, height: 0 });
  const sized = useCallback((width: number, height: number) => setSize({ width, height }), []);
  return (
    <ViewPanel
      side={side}
      view="activity"
      meta={data === undefined ? '' : `${count(data.rows.length)} cells, ${duration(data.columns * data.columnS)}`}
      controls={
        <>
          <OrderSelect value={activityOrder} onChange={(value) => useExplore.setState({ activityOrder: value })} />
          <BinField />
        </>
      }
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[
        ['cells', scope.cells],
        ['trace', `${scope.trace}, standard deviations of each cell`],
        ['order', orderTitles[activityOrder]],
      ]}
    >
      <Answered query={population} title="Activity of all cells" detail="reading traces and sorting cells">
        {(answer) =>
          figure === undefined ? null : (
            <>
              <Plot
                figure={figure}
                label={`Activity of ${count(answer.rows.length)} cells over the recording, sorted by ${orderTitles[activityOrder]}`}
                onSize={sized}
                onHover={(at) => {
                  const found = point(at, size);
                  setHovered(found === undefined ? '' : `cell ${String(found.row)} at ${duration(found.timeS)}`);
                }}
                onPress={(at, box) => {
                  const found = point(at, box);
                  if (found !== undefined) useExploreSelection.setState({ row: found.row });
                }}
              />
              <div className={c('foot')}>
                <span>{hovered === '' ? 'Click a row to mark its cell in all views.' : hovered}</span>
                <span className={c('grow')} />
                {activityOrder === 'component' ? (
                  <span>
                    the first component explains&nbsp;{percent(answer.firstComponent.share).replace(' ', '\u00a0')}
                  </span>
                ) : null}
                <ColourBar colours="magma" {...activityLevels} unit="z" />
              </div>
            </>
          )
        }
      </Answered>
    </ViewPanel>
  );
}

/** The square in which a correlation matrix is drawn. */
function squareBox(size: { readonly width: number; readonly height: number }): ReturnType<typeof mapBox> {
  const side = Math.max(10, Math.min(size.width - leftRoom - 16, size.height - 32));
  return { left: leftRoom, top: 8, width: side, height: side };
}

/** Correlation of each cell with each. */
export function CorrelationView({ side, scope }: ViewProps): ReactElement {
  const { correlationOrder, binS } = useExplore();
  const population = usePopulation(scope, binS);
  const row = useExploreSelection((state) => state.row);
  const [hovered, setHovered] = useState('');
  const { data } = population;
  const order = data?.orders[correlationOrder];
  const n = data?.rows.length ?? 0;
  const levels = useMemo(() => {
    if (data === undefined) return { low: -1, high: 1 };
    const off = data.correlations.filter((_, i) => Math.floor(i / n) !== i % n);
    const { low, high } = percentileLevels(off, 0.005, 0.995);
    const most = Math.max(0.1, Math.ceil(Math.max(Math.abs(low), Math.abs(high)) * 10) / 10);
    return { low: -most, high: most };
  }, [data, n]);
  const pixels = useMemo(
    () =>
      data === undefined || order === undefined
        ? undefined
        : mapPixels({ rows: n, columns: n, values: data.correlations }, order, levels, 'difference', true),
    [data, order, levels, n],
  );
  const pairs = useMemo(() => {
    const list: number[] = [];
    for (let a = 0; a < n; a += 1) for (let b = 0; b < a; b += 1) list.push(data?.correlations[a * n + b] ?? 0);
    return list;
  }, [data, n]);
  const figure = useMemo<Figure | undefined>(() => {
    if (data === undefined || order === undefined || pixels === undefined) return undefined;
    const line = row === null ? -1 : order.findIndex((place) => data.rows[place] === row);
    return (pen, look) => {
      const box = squareBox(pen);
      drawMap(pen, look, box, {
        pixels,
        x: { from: 0.5, to: n + 0.5, unit: '' },
        rowsName: `cells by ${orderTitles[correlationOrder]}`,
        marked: line < 0 ? undefined : { line, name: String(row) },
      });
      const rest = { left: box.left + box.width + 56, top: 8, width: 0, height: 0 };
      const width = Math.min(260, pen.width - rest.left - 24);
      if (width > 110) {
        pen.text('r of all pairs', rest.left, 14, { colour: look.dim });
        drawHistogram(
          pen,
          look,
          { left: rest.left, top: 28, width, height: Math.min(120, pen.height - 80) },
          {
            histogram: histogram(pairs, 30),
            unit: '',
          },
        );
      }
    };
  }, [data, order, pixels, row, n, pairs, correlationOrder]);
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined || order === undefined
        ? undefined
        : {
            fileName: fileName('correlation', scope.trace),
            title: 'Correlation of cells',
            figure,
            width: 900,
            height: 640,
            table: () => ({
              columns: ['cell', ...order.map((k) => `cell_${String(data.rows[k] ?? -1)}`)],
              rows: order.map((a) => [
                data.rows[a] ?? -1,
                ...order.map((b) => data.correlations[a * n + b] ?? Number.NaN),
              ]),
            }),
          },
    [figure, data, order, n, scope.trace],
  );
  const [size, setSize] = useState({ width: 0, height: 0 });
  const sized = useCallback((width: number, height: number) => setSize({ width, height }), []);
  const cellsAt = (
    at: readonly [number, number] | null,
    within: typeof size,
  ): readonly [number, number] | undefined => {
    if (at === null || order === undefined) return undefined;
    const box = squareBox(within);
    const line = lineAt(box, n, at[0], at[1]);
    const column = Math.floor(((at[0] - box.left) / box.width) * n);
    const [a, b] = [order[line], order[column]];
    return a === undefined || b === undefined ? undefined : [a, b];
  };
  const middle = quantile(pairs, 0.5);
  return (
    <ViewPanel
      side={side}
      view="correlation"
      meta={data === undefined ? '' : `${count(n)} cells, bins of ${decimal(data.binS, 2)} s`}
      controls={
        <>
          <OrderSelect
            value={correlationOrder}
            onChange={(value) => useExplore.setState({ correlationOrder: value })}
          />
          <BinField />
        </>
      }
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[
        ['cells', scope.cells],
        ['trace', scope.trace],
        ['bin', `${decimal(data?.binS ?? null, 4)} s`],
        ['order', orderTitles[correlationOrder]],
      ]}
    >
      <Answered
        query={population}
        title="Correlation of cells"
        detail="reading traces and comparing each pair of cells"
      >
        {() =>
          figure === undefined ? null : (
            <>
              <Plot
                figure={figure}
                label={`Correlation of ${count(n)} cells, sorted by ${orderTitles[correlationOrder]}`}
                onSize={sized}
                onHover={(at) => {
                  const found = cellsAt(at, size);
                  setHovered(
                    found === undefined
                      ? ''
                      : `cells ${String(data?.rows[found[0]] ?? '')} and ${String(data?.rows[found[1]] ?? '')}: r ${decimal(data?.correlations[found[0] * n + found[1]], 2)}`,
                  );
                }}
                onPress={(at, within) => {
                  const found = cellsAt(at, within);
                  if (found !== undefined) useExploreSelection.setState({ row: data?.rows[found[0]] ?? null });
                }}
              />
              <div className={c('foot')}>
                <span>{hovered === '' ? `median of all pairs ${decimal(middle, 2)}` : hovered}</span>
                <span className={c('grow')} />
                <ColourBar colours="difference" {...levels} unit="r" />
              </div>
            </>
          )
        }
      </Answered>
    </ViewPanel>
  );
}

/** Events a minute: their distribution, and each cell. */
export function RatesView({ side, scope }: ViewProps): ReactElement {
  const binS = useExplore((state) => state.binS);
  const population = usePopulation(scope, binS);
  const row = useExploreSelection((state) => state.row);
  const { data } = population;
  const known = useMemo(() => (data?.eventsPerMin ?? []).flatMap((rate) => (rate === null ? [] : [rate])), [data]);
  const figure = useMemo<Figure | undefined>(() => {
    if (data === undefined) return undefined;
    const order = data.orders.rate;
    const most = Math.max(1e-6, ...known);
    return (pen, look) => {
      const half = Math.round(pen.height * 0.46);
      const top = { left: leftRoom, top: 24, width: pen.width - leftRoom - 16, height: half - 56 };
      pen.text('cells by events a minute', leftRoom, 12, { colour: look.dim });
      const x = drawHistogram(pen, look, top, { histogram: histogram(known, 24, [0, most]), unit: '' });
      leftName(pen, look, top, 'cells');
      const middle = quantile(known, 0.5);
      if (middle !== null) {
        pen.line(
          [
            [x.at(middle), top.top],
            [x.at(middle), top.top + top.height],
          ],
          { colour: look.accent, dash: [3, 3] },
        );
      }
      const box = { left: leftRoom, top: half + 24, width: top.width, height: pen.height - half - 52 };
      pen.text('each cell, the most active first', leftRoom, half + 10, { colour: look.dim });
      const y = scale(0, most, box.top + box.height, box.top);
      leftAxis(pen, look, box, y, 3);
      leftName(pen, look, box, 'events/min');
      const width = box.width / Math.max(1, order.length);
      for (const [line, k] of order.entries()) {
        const rate = data.eventsPerMin[k];
        if (rate === null || rate === undefined) continue;
        const marked = data.rows[k] === row;
        pen.rect(
          box.left + line * width + (width > 3 ? 0.5 : 0),
          y.at(rate),
          Math.max(0.5, width > 3 ? width - 1 : width),
          box.top + box.height - y.at(rate),
          marked ? look.accent : look.text,
        );
        if (marked) {
          pen.text(
            `cell ${String(row)}: ${decimal(rate, 1)}`,
            Math.min(box.left + line * width + 6, box.left + box.width - 80),
            Math.max(box.top + 6, y.at(rate) - 8),
            {
              colour: look.bright,
            },
          );
        }
      }
      bottomAxis(pen, look, box, scale(0.5, order.length + 0.5, box.left, box.left + box.width), '');
    };
  }, [data, known, row]);
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined
        ? undefined
        : {
            fileName: 'event-rates',
            title: 'Event rates',
            figure,
            width: 720,
            height: 560,
            table: () => ({
              columns: ['cell', 'events_per_min'],
              rows: data.rows.map((cell, k) => [cell, data.eventsPerMin[k] ?? null]),
            }),
          },
    [figure, data],
  );
  return (
    <ViewPanel
      side={side}
      view="rates"
      meta={data === undefined ? '' : `${count(known.length)} cells with known events`}
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[['cells', scope.cells]]}
    >
      <Answered query={population} title="Event rates" detail="counting events">
        {(answer) =>
          known.length === 0 ? (
            <div className={c('facts')}>
              <p>This run has no list of events: it was made by an older engine, or its cells were edited.</p>
            </div>
          ) : figure === undefined ? null : (
            <>
              <Plot
                figure={figure}
                label={`Events a minute of ${count(known.length)} cells`}
                onPress={([x, y], size) => {
                  const half = Math.round(size.height * 0.46);
                  const line = Math.floor(((x - leftRoom) / (size.width - leftRoom - 16)) * answer.rows.length);
                  const k = y > half ? answer.orders.rate[line] : undefined;
                  if (k !== undefined) useExploreSelection.setState({ row: answer.rows[k] ?? null });
                }}
              />
              <div className={c('foot')}>
                <span>
                  median <b>{decimal(quantile(known, 0.5), 1)}</b>, half of the cells between{' '}
                  <b>{decimal(quantile(known, 0.25), 1)}</b> and <b>{decimal(quantile(known, 0.75), 1)}</b> events a
                  minute
                </span>
              </div>
            </>
          )
        }
      </Answered>
    </ViewPanel>
  );
}
