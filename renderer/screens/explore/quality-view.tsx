// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { RotateCcw } from 'lucide-react';
import { type ReactElement, useMemo, useState } from 'react';
import type { Cell } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { useProvenance } from '../../client/explore.ts';
import { useCells } from '../../client/queries.ts';
import { drawHistogram, histogram, type Histogram, quantile } from '../../plots/bars.ts';
import type { Figure, Look, Pen } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import type { Saved } from '../../plots/save.ts';
import { useExplore } from '../../stores/explore.ts';
import { metricTitle, metricUnit, passes, qualityMetrics, startingLimits } from '../../stores/quality.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Field } from '../../ui/controls.tsx';
import { count, decimal } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import styles from './explore.module.css';
import { Answered } from './parts.tsx';
import type { ViewProps } from './population-views.tsx';
import { ViewPanel } from './view-panel.tsx';

const c = classes(styles);

/** Figures of every cell with a limit each: what they would keep, live. They only look; limits of a run are set in Process, decisions are made in Review. */
export function QualityView({ side, scope }: ViewProps): ReactElement {
  const core = useCore();
  const cells = useCells(scope.runUuid);
  const provenance = useProvenance(scope.runUuid);
  const trace = useExplore((state) => state.trace);
  const quality = useQuery({
    queryKey: ['explore', 'quality', scope.runUuid],
    queryFn: ({ signal }) => core.workflow.quality({ runUuid: scope.runUuid }, { signal }),
  });
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const starting = useMemo(() => startingLimits(provenance.data?.parameters ?? {}), [provenance.data]);
  const rows = useMemo(
    () => withMoments(cells.data ?? [], quality.data?.traces ?? [], trace),
    [cells.data, quality.data, trace],
  );
  const limits = useMemo(() => {
    const known: Record<string, number> = { ...starting };
    for (const [name, text] of Object.entries(typed)) {
      const value = Number(text.replace(',', '.').replace('−', '-'));
      if (text.trim() === '') delete known[name];
      else if (Number.isFinite(value)) known[name] = value;
    }
    return known;
  }, [starting, typed]);
  const metrics = useMemo(() => qualityMetrics(rows), [rows]);
  const passing = rows.filter((row) => passes(row, limits)).length;
  const changed = Object.keys(typed).length;
  const figure = useMemo<Figure>(
    () => (pen, look) => {
      const across = Math.max(1, Math.floor(pen.width / 300));
      const [width, height] = [pen.width / across, 150];
      for (const [index, metric] of metrics.entries()) {
        const [left, top] = [(index % across) * width, Math.floor(index / across) * height];
        pen.text(metricTitle(metric), left + 12, top + 14, { colour: look.bright });
        drawMetric(
          pen,
          look,
          { left: left + 40, top: top + 26, width: width - 56, height: height - 56 },
          rows,
          metric,
          limits[metric],
        );
      }
    },
    [metrics, rows, limits],
  );
  const saved = useMemo<Saved | undefined>(
    () =>
      rows.length === 0
        ? undefined
        : {
            fileName: 'quality',
            title: 'Quality of cells',
            figure,
            width: 960,
            height: 150 * Math.ceil(metrics.length / 3) + 10,
            table: () => ({
              columns: ['cell', 'label', 'suggested', 'passes', ...metrics],
              rows: rows.map((row) => [
                row.row,
                row.label,
                row.suggested ? 1 : 0,
                passes(row, limits) ? 1 : 0,
                ...metrics.map((metric) => row.metrics[metric] ?? null),
              ]),
            }),
          },
    [figure, rows, metrics, limits],
  );
  const motion = quality.data?.motion;
  return (
    <ViewPanel
      side={side}
      view="quality"
      meta={rows.length === 0 ? '' : `${count(passing)} of ${count(rows.length)} cells pass all limits`}
      controls={
        <>
          <span>looking only: decisions are made in Review</span>
          {changed === 0 ? null : (
            <Button kind="bare" size="small" onPress={() => setTyped({})}>
              Back to the run’s limits
            </Button>
          )}
        </>
      }
      saved={saved}
      runUuids={[scope.runUuid]}
      facts={[
        [
          'limits',
          Object.entries(limits)
            .map(([name, value]) => `${name}>=${String(value)}`)
            .join(' '),
        ],
        ['moments', `of ${trace}`],
      ]}
    >
      <Answered query={cells} title="Quality of cells" detail="reading the figures of each cell">
        {(list) =>
          list.length === 0 ? (
            <div className={c('facts')}>
              <p>This run found no cells.</p>
              <Button onPress={() => goTo('process')}>Go to Process</Button>
            </div>
          ) : (
            <>
              <div className={c('quality')}>
                {metrics.map((metric) => (
                  <Metric
                    key={metric}
                    metric={metric}
                    rows={rows}
                    limit={limits[metric]}
                    text={typed[metric] ?? (starting[metric] === undefined ? '' : String(starting[metric]))}
                    changed={typed[metric] !== undefined}
                    onType={(text) =>
                      setTyped(({ [metric]: _before, ...rest }) =>
                        text === undefined ? rest : { ...rest, [metric]: text },
                      )
                    }
                  />
                ))}
              </div>
              <div className={c('foot')}>
                {motion === undefined ? (
                  <span>motion: reading</span>
                ) : motion === null ? (
                  <span>no motion was measured</span>
                ) : (
                  <span>
                    motion: spread <b>{decimal(motion.yStd, 2)}</b> px down, <b>{decimal(motion.xStd, 2)}</b> px across,
                    at most <b>{decimal(Math.max(motion.yMax, motion.xMax), 1)}</b> px
                  </span>
                )}
              </div>
            </>
          )
        }
      </Answered>
    </ViewPanel>
  );
}

type Row = Pick<Cell, 'row' | 'label' | 'suggested' | 'metrics'>;

/** Cells with the moments of their traces among their metrics. */
function withMoments(
  cells: readonly Cell[],
  traces: readonly {
    readonly row: number;
    readonly trace: string;
    readonly skewness: number | null;
    readonly variance: number | null;
  }[],
  trace: string,
): readonly Row[] {
  const moments = new Map(traces.filter((each) => each.trace === trace).map((each) => [each.row, each]));
  return cells.map((cell) => {
    const own = moments.get(cell.row);
    return own === undefined
      ? cell
      : Object.assign({}, cell, {
          metrics: { ...cell.metrics, skewness: own.skewness, variance: own.variance },
        });
  });
}

/** A histogram over what most cells have: a few wild values do not squeeze the rest. */
function histogramOf(rows: readonly Row[], metric: string): Histogram {
  const values = rows.flatMap(({ metrics }) => {
    const value = metrics[metric];
    return value === null || value === undefined ? [] : [value];
  });
  const [low, high] = [quantile(values, 0.01), quantile(values, 0.99)];
  return low !== null && high !== null && high > low ? histogram(values, 32, [low, high]) : histogram(values, 32);
}

function drawMetric(
  pen: Pen,
  look: Look,
  box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
  rows: readonly Row[],
  metric: string,
  limit: number | undefined,
): void {
  drawHistogram(pen, look, box, { histogram: histogramOf(rows, metric), unit: '', limit });
}

interface MetricProps {
  readonly metric: string;
  readonly rows: readonly Row[];
  readonly limit: number | undefined;
  readonly text: string;
  readonly changed: boolean;
  readonly onType: (text: string | undefined) => void;
}

function Metric({ metric, rows, limit, text, changed, onType }: MetricProps): ReactElement {
  const above = rows.filter(({ metrics }) => (metrics[metric] ?? -Infinity) >= (limit ?? -Infinity)).length;
  const figure = useMemo<Figure>(
    () => (pen, look) =>
      drawMetric(pen, look, { left: 40, top: 6, width: pen.width - 56, height: pen.height - 30 }, rows, metric, limit),
    [rows, metric, limit],
  );
  const drag = (x: number, width: number): void => {
    const { from, to } = histogramOf(rows, metric);
    const share = Math.max(0, Math.min(1, (x - 40) / (width - 56)));
    onType(String(Number((from + share * (to - from)).toPrecision(3))));
  };
  const [width, setWidth] = useState(300);
  return (
    <div className={c('metric')}>
      <div className={c('metricHead')}>
        <span>
          {metricTitle(metric)} <small>{metricUnit(metric)}</small>
        </span>
        <small>
          {limit === undefined ? `${count(rows.length)} cells` : `${count(above)} of ${count(rows.length)}`}
        </small>
        <Field
          label={`Least ${metricTitle(metric)}`}
          number
          value={text}
          changed={changed}
          placeholder="no limit"
          onChange={onType}
        />
        {changed ? (
          <Button
            kind="bare"
            size="small"
            square
            label={`Reset ${metricTitle(metric)}`}
            onPress={() => onType(undefined)}
          >
            <Icon of={RotateCcw} size={12} />
          </Button>
        ) : (
          <span />
        )}
      </div>
      <Plot
        figure={figure}
        label={`${metricTitle(metric)} of ${count(rows.length)} cells`}
        onSize={setWidth}
        onPress={([x], size) => drag(x, size.width)}
        onDrag={([x]) => drag(x, width)}
      />
    </div>
  );
}
