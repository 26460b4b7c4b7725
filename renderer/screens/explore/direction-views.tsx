// SPDX-License-Identifier: MIT
import { type ReactElement, useMemo } from 'react';
import { AppError } from '../../../main/contract/index.ts';
import { useExploreOptions, useOrientation, usePlace } from '../../client/explore.ts';
import { bottomAxis, leftAxis, scale } from '../../plots/axes.ts';
import { drawMap, leftRoom, lineAt, mapBox, mapPixels } from '../../plots/heat-map.ts';
import { percentileLevels } from '../../gl/levels.ts';
import type { Figure } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import { drawPolar } from '../../plots/polar.ts';
import type { Saved } from '../../plots/save.ts';
import { useExploreSelection } from '../../stores/explore.ts';
import { rowsBy } from '../../stores/order.ts';
import { classes } from '../../ui/classes.ts';
import { count, decimal, duration } from '../../ui/format.ts';
import { Empty } from '../../ui/panel.tsx';
import styles from './explore.module.css';
import { Answered, ColourBar, Facts } from './parts.tsx';
import type { ViewProps } from './population-views.tsx';
import { ViewPanel } from './view-panel.tsx';

const c = classes(styles);

const occupancyHeight = 76;

/** Activity by the direction of the head: every cell, and the marked one. */
export function OrientationView({ side, scope }: ViewProps): ReactElement {
  const query = useOrientation(scope);
  const row = useExploreSelection((state) => state.row);
  const { data } = query;
  const order = useMemo(() => rowsBy(data?.cells.length ?? 0, (k) => data?.cells[k]?.preferredDeg), [data]);
  const pixels = useMemo(() => {
    if (data === undefined) return undefined;
    const { bins, cells } = data;
    const values = new Float32Array(cells.length * bins);
    for (const [k, cell] of cells.entries()) {
      const most = cell.means.reduce<number>((high, value) => Math.max(high, value ?? 0), 0);
      for (const [bin, value] of cell.means.entries()) {
        values[k * bins + bin] = value === null ? Number.NaN : most > 0 ? Math.max(0, value) / most : 0;
      }
    }
    return mapPixels({ rows: cells.length, columns: bins, values }, order, { low: 0, high: 1 }, 'viridis');
  }, [data, order]);
  const selected = data?.cells.find((cell) => cell.row === row) ?? data?.cells[order[0] ?? 0];
  const figure = useMemo<Figure | undefined>(() => {
    if (data === undefined || pixels === undefined) return undefined;
    const line = order.findIndex((k) => data.cells[k]?.row === selected?.row);
    return (pen, look) => {
      const top = mapBox(pen, 22, occupancyHeight - 4);
      const most = Math.max(1e-9, ...data.occupancyS);
      const y = scale(0, most, top.top + top.height, top.top);
      leftAxis(pen, look, top, y, 2);
      pen.text('time in each direction, s', top.left + top.width, 10, { colour: look.dim, align: 'right' });
      const width = top.width / data.bins;
      for (const [bin, seconds] of data.occupancyS.entries()) {
        pen.rect(
          top.left + bin * width + 0.5,
          y.at(seconds),
          Math.max(1, width - 1),
          top.top + top.height - y.at(seconds),
          look.text,
        );
      }
      drawMap(pen, look, mapBox(pen, occupancyHeight, pen.height - 24), {
        pixels,
        x: { from: 0, to: 360, unit: '°' },
        rowsName: 'cells by preferred direction',
        marked: line < 0 ? undefined : { line, name: String(selected?.row ?? '') },
      });
    };
  }, [data, pixels, order, selected]);
  const rose = useMemo<Figure>(
    () => (pen, look) => {
      const radius = Math.max(20, Math.min(pen.width / 2 - 44, pen.height / 2 - 24));
      drawPolar(
        pen,
        look,
        [pen.width / 2, pen.height / 2],
        radius,
        [{ values: data?.occupancyS ?? [], colour: 0, filled: true }, { values: selected?.means ?? [] }],
        selected?.preferredDeg ?? null,
      );
    },
    [data, selected],
  );
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined
        ? undefined
        : {
            fileName: 'head-direction',
            title: 'Activity by head direction',
            figure,
            width: 720,
            height: 640,
            table: () => ({
              columns: [
                'cell',
                'preferred_deg',
                'mean_vector_length',
                ...Array.from({ length: data.bins }, (_, bin) => `deg_${decimal(((bin + 0.5) * 360) / data.bins, 1)}`),
              ],
              rows: data.cells.map((cell) => [cell.row, cell.preferredDeg, cell.length, ...cell.means]),
            }),
          },
    [figure, data],
  );
  return (
    <ViewPanel
      side={side}
      view="orientation"
      meta={data === undefined ? '' : `${count(data.cells.length)} cells, ${String(360 / data.bins)}° bins`}
      controls={<span>turn about the upright axis, from the head’s sensor</span>}
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[
        ['cells', scope.cells],
        ['trace', scope.trace],
        ['direction', 'yaw of the BNO055, each bin counts once'],
      ]}
    >
      {query.isError && AppError.from(query.error).code === 'explore.no_orientation' ? (
        <Empty title="No head direction in this recording">
          <p>{AppError.from(query.error).message}</p>
          <p>{AppError.from(query.error).hint}</p>
        </Empty>
      ) : (
        <Answered query={query} title="Head direction" detail="reading the orientation and the traces">
          {(answer) =>
            figure === undefined ? null : (
              <div className={c('beside')}>
                <div className={c('plotRow')}>
                  <Plot
                    figure={figure}
                    label={`Activity of ${count(answer.cells.length)} cells by head direction`}
                    onPress={(at, size) => {
                      const line = lineAt(mapBox(size, occupancyHeight, size.height - 24), order.length, at[0], at[1]);
                      const k = order[line];
                      if (k !== undefined) useExploreSelection.setState({ row: answer.cells[k]?.row ?? null });
                    }}
                  />
                </div>
                <div className={c('facts')}>
                  <Facts
                    list={[
                      ['Cell', selected === undefined ? '–' : String(selected.row)],
                      ['Prefers', selected?.preferredDeg == null ? '–' : `${decimal(selected.preferredDeg, 0)}°`],
                      ['Mean vector', decimal(selected?.length, 2)],
                    ]}
                  />
                  <div style={{ height: 184, display: 'flex' }}>
                    <Plot figure={rose} label="Activity of the marked cell by direction, over the time spent there" />
                  </div>
                  <div className={c('key')}>white: activity</div>
                  <div className={c('key')}>blue: time spent</div>
                  <hr />
                  <Facts
                    list={[
                      ['Known', duration(answer.occupancyS.reduce((sum, seconds) => sum + seconds, 0))],
                      ['Unknown', duration(answer.unknownS)],
                    ]}
                  />
                  <p>
                    A length of 0 means no direction is preferred, 1 only one. Short recordings make it long by chance.
                  </p>
                </div>
              </div>
            )
          }
        </Answered>
      )}
    </ViewPanel>
  );
}

/** Where the animal was and where each cell was active. */
export function PlaceView({ side, scope }: ViewProps): ReactElement {
  const options = useExploreOptions(scope.runUuid);
  const has = options.data?.position === true;
  const query = usePlace(scope, 2.5, has);
  const row = useExploreSelection((state) => state.row);
  const { data } = query;
  const at = Math.max(0, data?.rows.indexOf(row ?? -1) ?? 0);
  const figure = useMemo<Figure | undefined>(() => {
    if (data === undefined) return undefined;
    const { columns, lines, occupancyS, maps, left, top, bin, unit } = data;
    const size = columns * lines;
    const map = maps.subarray(at * size, (at + 1) * size);
    const every = Array.from({ length: lines }, (_, line) => line);
    const occupied = occupancyS.map((seconds) => (seconds > 0 ? seconds : Number.NaN));
    const pictures = [
      { title: 'time spent, s', values: occupied, colours: 'grey' as const },
      { title: `cell ${String(data.rows[at] ?? '')}`, values: map, colours: 'viridis' as const },
    ].map((each) => {
      const levels = percentileLevels(each.values, 0, 1);
      return {
        title: each.title,
        levels,
        pixels: mapPixels({ rows: lines, columns, values: each.values }, every, levels, each.colours),
      };
    });
    return (pen, look) => {
      const width = (pen.width - leftRoom - 16) / 2 - 16;
      const factor = Math.min(width / columns, (pen.height - 70) / lines);
      for (const [index, { title, pixels, levels }] of pictures.entries()) {
        const box = { left: leftRoom + index * (width + 32), top: 34, width: columns * factor, height: lines * factor };
        pen.text(`${title}, ${decimal(levels.low, 1)} to ${decimal(levels.high, 1)}`, box.left, 16, {
          colour: look.text,
        });
        pen.image(pixels, box.left, box.top, box.width, box.height);
        bottomAxis(pen, look, box, scale(left, left + columns * bin, box.left, box.left + box.width), unit, 3);
        leftAxis(pen, look, box, scale(top, top + lines * bin, box.top, box.top + box.height), 3, false);
      }
    };
  }, [data, at]);
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined
        ? undefined
        : {
            fileName: 'place-maps',
            title: 'Place maps',
            figure,
            width: 900,
            height: 480,
            table: () => ({
              columns: ['cell', 'information_bits', 'line', 'column', 'activity', 'occupancy_s'],
              rows: data.rows.flatMap((cell, k) =>
                Array.from({ length: data.columns * data.lines }, (_, i) => [
                  cell,
                  data.information[k] ?? null,
                  Math.floor(i / data.columns),
                  i % data.columns,
                  data.maps[k * data.columns * data.lines + i] ?? Number.NaN,
                  data.occupancyS[i] ?? 0,
                ]),
              ),
            }),
          },
    [figure, data],
  );
  return (
    <ViewPanel
      side={side}
      view="place"
      meta={data === undefined ? '' : `${count(data.rows.length)} cells`}
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[
        ['cells', scope.cells],
        ['trace', scope.trace],
      ]}
    >
      {options.data !== undefined && !has ? (
        <Empty title="No position in this session">
          <p>
            Nothing in the library says where the animal was. Read a table of positions for this session in Library;
            occupancy and place maps then appear here.
          </p>
        </Empty>
      ) : (
        <Answered query={query} title="Place maps" detail="reading positions and traces">
          {(answer) =>
            figure === undefined ? null : (
              <>
                <Plot
                  figure={figure}
                  label={`Time spent and activity of cell ${String(answer.rows[at] ?? '')} by place`}
                />
                <div className={c('foot')}>
                  <span>
                    spatial information of the marked cell <b>{decimal(answer.information[at], 2)}</b> bits
                  </span>
                  <span className={c('grow')} />
                  <ColourBar colours="viridis" low={0} high={1} unit="of the range above" />
                </div>
              </>
            )
          }
        </Answered>
      )}
    </ViewPanel>
  );
}
