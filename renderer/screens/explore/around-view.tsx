// SPDX-License-Identifier: MIT
import { type ReactElement, useCallback, useMemo, useState } from 'react';
import {
  type Around,
  type AroundCell,
  type AroundWish,
  type ExploreOptions,
  useAround,
  useAroundCell,
  useExploreOptions,
} from '../../client/explore.ts';
import { type Curve, dashes, drawCurves, legend } from '../../plots/curves.ts';
import { drawMap, lineAt, mapBox, mapPixels } from '../../plots/heat-map.ts';
import { percentileLevels } from '../../gl/levels.ts';
import type { Figure } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import type { Saved } from '../../plots/save.ts';
import { latencyOrder, responseOrder, useExplore, useExploreSelection } from '../../stores/explore.ts';
import { goTo } from '../../stores/ui.ts';
import { rowsBy } from '../../stores/order.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Note, Select } from '../../ui/controls.tsx';
import { count, plural } from '../../ui/format.ts';
import { Empty } from '../../ui/panel.tsx';
import styles from './explore.module.css';
import { Answered, ColourBar } from './parts.tsx';
import type { ViewProps } from './population-views.tsx';
import { fileName } from './provenance.ts';
import { ViewPanel } from './view-panel.tsx';

const c = classes(styles);

/** Trials aligned to an event: the average of all cells, every cell, and every trial of the marked cell. */
export function AroundView({ side, scope }: ViewProps): ReactElement {
  const options = useExploreOptions(scope.runUuid);
  const known = options.data;
  return (
    <>
      {known === undefined || known.alignments.length === 0 || known.trials === 0 ? (
        <ViewPanel side={side} view="around" runUuids={[scope.runUuid]}>
          <Answered query={options} title="Around an event" detail="looking for trials and events">
            {() => (
              <Empty
                title="No trials in this session"
                actions={<Button onPress={() => goTo('library')}>Go to Library</Button>}
              >
                <p>
                  Read the session’s trials and events first: CSV files of blocks, trials, events and alignments in
                  Library, or on the command line with calyx ingest. Their activity around any event then appears here.
                </p>
              </Empty>
            )}
          </Answered>
        </ViewPanel>
      ) : (
        <Aligned side={side} scope={scope} known={known} />
      )}
    </>
  );
}

const order = (answer: Around, means: Float32Array, by: 'latency' | 'size' | 'row'): readonly number[] => {
  const n = answer.rows.length;
  if (by === 'row') return Array.from({ length: n }, (_, k) => k);
  return by === 'latency' ? latencyOrder(means, n, answer.timesS.length) : responseOrder(means, n, answer.timesS);
};

const unitOf = (wish: AroundWish): string => (wish.scale === 'z' ? 'z' : wish.trace === 'dff' ? 'ΔF/F' : 'grey levels');

const curvesOf = (timesS: readonly number[], conditions: Around['conditions']): readonly Curve[] =>
  conditions.map((condition, index) => ({
    name: condition.name,
    ...(conditions.length === 1 ? {} : { colour: index }),
    ...(index === 0 ? {} : { dash: dashes[index % dashes.length] ?? [] }),
    x: timesS,
    mean: condition.mean,
    low: condition.low,
    high: condition.high,
  }));

const averageHeight = 148;

/** Gap between the maps of two conditions. */
const between = 28;

function mapsIn(
  size: { readonly width: number; readonly height: number },
  conditions: number,
): ReturnType<typeof mapBox>[] {
  const space = size.height - averageHeight - 24 - between * (conditions - 1);
  return Array.from({ length: conditions }, (_, index) => {
    const top = averageHeight + index * (space / conditions + between);
    return mapBox(size, top, top + space / conditions);
  });
}

interface AlignedProps extends ViewProps {
  readonly known: ExploreOptions;
}

function Aligned({ side, scope, known }: AlignedProps): ReactElement {
  const { alignment: chosen, by: chosenBy, scale: scaled, aroundOrder } = useExplore();
  const row = useExploreSelection((state) => state.row);
  const alignment = known.alignments.includes(chosen) ? chosen : (known.alignments[0] ?? '');
  const by = known.conditions.includes(chosenBy) ? chosenBy : '';
  const wish = useMemo<AroundWish>(
    () => ({ ...scope, alignment, scale: scaled, ...(by === '' ? {} : { by }) }),
    [scope, alignment, scaled, by],
  );
  const query = useAround(wish);
  const { data } = query;
  const marked = row ?? data?.rows[0] ?? null;
  const cell = useAroundCell(wish, marked);
  const unit = unitOf(wish);
  const size = data === undefined ? 0 : data.rows.length * data.timesS.length;
  const levels = useMemo(
    () => (data === undefined ? { low: 0, high: 1 } : percentileLevels(data.means, 0.01, 0.99)),
    [data],
  );
  const lines = useMemo(
    () => (data === undefined ? [] : order(data, data.means.subarray(0, size), aroundOrder)),
    [data, size, aroundOrder],
  );
  const pictures = useMemo(
    () =>
      (data?.conditions ?? []).map((_, index) =>
        mapPixels(
          {
            rows: data?.rows.length ?? 0,
            columns: data?.timesS.length ?? 0,
            values: data?.means.subarray(index * size, (index + 1) * size) ?? new Float32Array(),
          },
          lines,
          levels,
          'viridis',
        ),
      ),
    [data, size, lines, levels],
  );
  const figure = useMemo<Figure | undefined>(() => {
    if (data === undefined) return undefined;
    const { timesS, binS, conditions } = data;
    const ends: readonly [number, number] = [(timesS[0] ?? 0) - binS / 2, (timesS.at(-1) ?? 0) + binS / 2];
    const line = lines.findIndex((k) => data.rows[k] === marked);
    return (pen, look) => {
      const curves = curvesOf(timesS, conditions);
      const top = mapBox(pen, 24, averageHeight - 16);
      drawCurves(pen, look, top, curves, { x: ends, zero: 0 });
      if (conditions.length > 1) legend(pen, look, top.left, 10, curves);
      pen.text(`mean of all cells, ${unit}, band = s.e.m.`, top.left + top.width, 10, {
        colour: look.dim,
        align: 'right',
      });
      for (const [index, box] of mapsIn(pen, conditions.length).entries()) {
        const pixels = pictures[index];
        if (pixels === undefined) continue;
        drawMap(pen, look, box, {
          pixels,
          x: { from: ends[0], to: ends[1], unit: 's' },
          rowsName: conditions.length === 1 ? 'cells' : (conditions[index]?.name ?? ''),
          zero: 0,
          marked: line < 0 ? undefined : { line, name: String(marked) },
        });
      }
    };
  }, [data, lines, marked, pictures, unit]);
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined
        ? undefined
        : {
            fileName: fileName('around', alignment, scope.trace),
            title: `Around ${alignment}`,
            figure,
            width: 720,
            height: 720,
            table: () => ({
              columns: ['condition', 'cell', 'time_s', 'mean'],
              rows: data.conditions.flatMap((condition, index) =>
                data.rows.flatMap((cellRow, k) =>
                  data.timesS.map((time, bin) => [
                    condition.name,
                    cellRow,
                    time,
                    data.means[index * size + k * data.timesS.length + bin] ?? Number.NaN,
                  ]),
                ),
              ),
            }),
          },
    [figure, data, alignment, scope.trace, size],
  );
  const [box, setBox] = useState({ width: 0, height: 0 });
  const sized = useCallback((width: number, height: number) => setBox({ width, height }), []);
  const rowAt = (at: readonly [number, number], within: typeof box): number | undefined => {
    for (const map of mapsIn(within, data?.conditions.length ?? 1)) {
      const k = lines[lineAt(map, lines.length, at[0], at[1])];
      if (k !== undefined) return data?.rows[k];
    }
    return undefined;
  };
  const [hovered, setHovered] = useState('');
  const trials = data?.conditions.reduce((sum, condition) => sum + condition.trials, 0) ?? 0;
  return (
    <ViewPanel
      side={side}
      view="around"
      meta={data === undefined ? '' : `${plural(trials, 'trial')}, ${count(data.rows.length)} cells, ${unit}`}
      controls={
        <>
          <Select
            label="Event"
            value={alignment}
            options={known.alignments.map((value) => ({ value, label: value }))}
            onChange={(value) => useExplore.setState({ alignment: value })}
          />
          <span className={c('pair')}>
            by
            <Select
              label="Conditions"
              value={by}
              options={[
                { value: '', label: 'all together' },
                ...known.conditions.map((value) => ({ value, label: value })),
              ]}
              onChange={(value) => useExplore.setState({ by: value })}
            />
          </span>
          <span className={c('pair')}>
            sort
            <Select
              label="Order of cells"
              value={aroundOrder}
              options={[
                { value: 'latency', label: 'latency' },
                { value: 'size', label: 'response' },
                { value: 'row', label: 'number' },
              ]}
              onChange={(value) => useExplore.setState({ aroundOrder: value })}
            />
          </span>
          <Select
            label="Scale"
            value={scaled}
            options={[
              { value: 'z', label: 'z' },
              { value: 'own', label: 'own unit' },
            ]}
            onChange={(value) => useExplore.setState({ scale: value })}
          />
        </>
      }
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[
        ['cells', scope.cells],
        ['trace', `${scope.trace}, ${unit}`],
        ['event', alignment],
        ['conditions', by === '' ? 'all trials' : by],
        ['trials', String(trials)],
      ]}
    >
      <Answered query={query} title={`Around ${alignment}`} detail="cutting trials out of the traces">
        {(answer) =>
          figure === undefined ? null : (
            <>
              {answer.warnings.map((warning) => (
                <Note key={warning} kind="warning">
                  {warning}
                </Note>
              ))}
              <div className={c('upper')}>
                <Plot
                  figure={figure}
                  label={`Activity around ${alignment}: the mean of all cells and each cell`}
                  onSize={sized}
                  onHover={(at) => {
                    const found = at === null ? undefined : rowAt(at, box);
                    setHovered(found === undefined ? '' : `cell ${String(found)}`);
                  }}
                  onPress={(at, within) => {
                    const found = rowAt(at, within);
                    if (found !== undefined) useExploreSelection.setState({ row: found });
                  }}
                />
              </div>
              <div className={c('subhead')}>
                <b>{marked === null ? 'No cell' : `Cell ${String(marked)}`}</b>
                <span>{hovered === '' ? 'every trial, newest at the bottom' : hovered}</span>
                <span className={c('grow')} />
                <ColourBar colours="viridis" {...levels} unit={`${unit}, both maps`} />
              </div>
              <div className={c('lower')}>
                <Answered query={cell} title="Trials of this cell" detail="cutting out its trials">
                  {(trialsOf) => <Trials cell={trialsOf} levels={levels} />}
                </Answered>
              </div>
            </>
          )
        }
      </Answered>
    </ViewPanel>
  );
}

interface TrialsProps {
  readonly cell: AroundCell;
  readonly levels: { readonly low: number; readonly high: number };
}

/** Every trial of one cell, condition after condition, and the average of each condition with its band. */
function Trials({ cell, levels }: TrialsProps): ReactElement {
  const figure = useMemo<Figure>(() => {
    const { timesS, trials, conditions } = cell;
    const bins = timesS.length;
    const values = new Float32Array(trials.length * bins);
    for (const [line, trial] of trials.entries())
      for (const [bin, value] of trial.values.entries()) values[line * bins + bin] = value ?? Number.NaN;
    const byCondition = rowsBy(trials.length, (line) => trials[line]?.condition ?? 0);
    const pixels = mapPixels({ rows: trials.length, columns: bins, values }, byCondition, levels, 'viridis');
    const bin = bins > 1 ? (timesS[1] ?? 0) - (timesS[0] ?? 0) : 1;
    const ends: readonly [number, number] = [(timesS[0] ?? 0) - bin / 2, (timesS.at(-1) ?? 0) + bin / 2];
    return (pen, look) => {
      const split = Math.round(pen.height * 0.52);
      const curves = curvesOf(timesS, conditions);
      const top = mapBox(pen, 20, split - 12);
      drawCurves(pen, look, top, curves, { x: ends, zero: 0 });
      pen.text('mean over trials, band = 95 %', top.left + top.width, 10, { colour: look.dim, align: 'right' });
      if (conditions.length > 1) legend(pen, look, top.left, 10, curves);
      const box = mapBox(pen, split, pen.height - 22);
      drawMap(pen, look, box, { pixels, x: { from: ends[0], to: ends[1], unit: 's' }, rowsName: 'trials', zero: 0 });
      let line = 0;
      for (const [index, condition] of conditions.entries()) {
        if (index > 0) {
          const y = box.top + (line / Math.max(1, trials.length)) * box.height;
          pen.line(
            [
              [box.left, y],
              [box.left + box.width, y],
            ],
            { colour: '#ffffff', width: 1 },
          );
        }
        line += condition.trials;
      }
    };
  }, [cell, levels]);
  return <Plot figure={figure} label={`Each of ${count(cell.trials.length)} trials of the cell`} />;
}
