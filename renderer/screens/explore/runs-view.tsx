// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useMemo } from 'react';
import type { RunRow } from '../../../main/contract/index.ts';
import { useCore } from '../../client/context.ts';
import { outlinesQuery, type RunComparison, useRunComparison } from '../../client/explore.ts';
import { usePicture } from '../../client/pictures.ts';
import { useOpening, useRuns, useSessions } from '../../client/queries.ts';
import type { Outlines } from '../../gl/contours.ts';
import { insideRing } from '../../gl/contours.ts';
import { percentileLevels } from '../../gl/levels.ts';
import { quantile } from '../../plots/bars.ts';
import { drawField, type FieldLayer, fieldPoint, type FieldView } from '../../plots/field.ts';
import { mapPixels } from '../../plots/heat-map.ts';
import type { Figure } from '../../plots/pen.ts';
import { Plot } from '../../plots/plot.tsx';
import type { Saved } from '../../plots/save.ts';
import { useExplore, useExploreSelection } from '../../stores/explore.ts';
import { parameterSpecs } from '../../stores/parameters.ts';
import { runTitle } from '../../stores/run-titles.ts';
import { goTo } from '../../stores/ui.ts';
import { classes } from '../../ui/classes.ts';
import { Button, Select } from '../../ui/controls.tsx';
import { count, decimal, plural } from '../../ui/format.ts';
import type { Column } from '../../ui/grid-columns.ts';
import { Grid, type Row } from '../../ui/grid.tsx';
import { Empty } from '../../ui/panel.tsx';
import styles from './explore.module.css';
import { Answered, Facts, NumberField } from './parts.tsx';
import type { ViewProps } from './population-views.tsx';
import { ViewPanel } from './view-panel.tsx';

const c = classes(styles);

const columns: readonly Column[] = [
  { key: 'a', title: 'Cell of A', width: '72px', number: true },
  { key: 'b', title: 'Cell of B', width: '72px', number: true },
  { key: 'similarity', title: 'Footprints', width: '80px', number: true, hint: 'Cosine of the two footprints' },
  { key: 'r', title: 'Traces r', width: '80px', number: true, hint: 'Correlation of the denoised traces' },
  { key: 'what', title: '', width: 'minmax(80px, 1fr)' },
];

/** Colours of A, B and both on a picture: the same in both themes. */
const tones = { a: '#5aa6f5', b: '#f0a93c', both: '#d0d2d4' } as const;

/** Runs that show the same recordings as `a` first, then all others; without `a` itself. */
export function otherRuns(runs: readonly RunRow[], a: string): readonly RunRow[] {
  const own = runs.find((run) => run.uuid === a);
  const finished = runs.filter((run) => run.state === 'succeeded' && run.uuid !== a);
  const same = (run: RunRow): boolean => run.recordingUuids.join() === own?.recordingUuids.join();
  return [...finished.filter(same), ...finished.filter((run) => !same(run))];
}

/** Two runs of one field beside each other: which cells both have, which only one, and what was asked differently. */
export function RunsView({ side, scope }: ViewProps): ReactElement {
  const runs = useRuns();
  const sessions = useSessions();
  const least = useExplore((state) => state.least);
  const chosenB = useExploreSelection((state) => state.runB);
  const others = useMemo(() => otherRuns(runs.data ?? [], scope.runUuid), [runs.data, scope.runUuid]);
  const runB = others.find((run) => run.uuid === chosenB) ?? others[0];
  const comparison = useRunComparison(
    runB === undefined ? null : { runA: scope.runUuid, runB: runB.uuid, cells: scope.cells, least },
  );
  const nameOf = (run: RunRow): string => {
    const session = sessions.data?.find((each) => each.uuid === run.sessionUuid)?.name ?? '';
    return `${session} ${runTitle(run, runs.data ?? [])}`.trim();
  };
  if (runs.data !== undefined && runB === undefined) {
    return (
      <ViewPanel side={side} view="runs" runUuids={[scope.runUuid]}>
        <Empty title="Only one finished run" actions={<Button onPress={() => goTo('process')}>Go to Process</Button>}>
          <p>Process the same recording again with other settings: both results are kept and can be compared here.</p>
        </Empty>
      </ViewPanel>
    );
  }
  return (
    <ComparedRuns
      side={side}
      scope={scope}
      runB={runB?.uuid ?? ''}
      comparison={comparison}
      choose={
        <span className={c('pair')}>
          B
          <Select
            label="Run B"
            value={runB?.uuid ?? ''}
            options={others.map((run) => ({ value: run.uuid, label: nameOf(run) }))}
            onChange={(value) => useExploreSelection.setState({ runB: value })}
          />
        </span>
      }
    />
  );
}

interface ComparedProps extends ViewProps {
  readonly runB: string;
  readonly comparison: ReturnType<typeof useRunComparison>;
  readonly choose: ReactElement;
}

const unmoved = (x: number, y: number): readonly [number, number] => [x, y];

function layersOf(answer: RunComparison, a: Outlines, b: Outlines): readonly FieldLayer[] {
  const layer = (
    rings: Outlines['rings'],
    rows: readonly number[],
    colour: string,
    dash: readonly number[],
    fill: number,
  ): FieldLayer => ({
    rings,
    place: unmoved,
    colour,
    dash,
    width: 1.5,
    fill,
    rows,
  });
  return [
    layer(
      a.rings,
      answer.matched.map((pair) => pair.rowA),
      tones.both,
      [],
      0,
    ),
    layer(
      b.rings,
      answer.matched.map((pair) => pair.rowB),
      tones.both,
      [2, 2],
      0,
    ),
    layer(a.rings, answer.onlyA, tones.a, [], 0.3),
    layer(b.rings, answer.onlyB, tones.b, [4, 3], 0.3),
  ];
}

function ComparedRuns({ side, scope, runB, comparison, choose }: ComparedProps): ReactElement {
  const least = useExplore((state) => state.least);
  const row = useExploreSelection((state) => state.row);
  const core = useCore();
  const opening = useOpening(scope.runUuid);
  const picture = usePicture(scope.runUuid, 'correlation');
  const outlinesA = useQuery(outlinesQuery(core, scope.runUuid));
  const outlinesB = useQuery(outlinesQuery(core, runB));
  const { data } = comparison;
  const background = useMemo(() => {
    if (picture.data === undefined) return undefined;
    const { values, height, width } = picture.data;
    const lines = Array.from({ length: height }, (_, line) => line);
    // Half as bright as it could be: the outlines are what is looked at.
    const { low, high } = percentileLevels(values);
    return mapPixels({ rows: height, columns: width, values }, lines, { low, high: low + 2 * (high - low) }, 'grey');
  }, [picture.data]);
  const field = useMemo<FieldView | undefined>(() => {
    if (
      data === undefined ||
      outlinesA.data === undefined ||
      outlinesB.data === undefined ||
      opening.data === undefined
    )
      return undefined;
    const pair = data.matched.find((each) => each.rowA === row);
    return {
      height: opening.data.height,
      width: opening.data.width,
      background,
      layers: layersOf(data, outlinesA.data, outlinesB.data),
      selected:
        pair !== undefined
          ? [
              { layer: 0, row: pair.rowA },
              { layer: 1, row: pair.rowB },
            ]
          : row !== null && data.onlyA.includes(row)
            ? [{ layer: 2, row }]
            : [],
    };
  }, [data, outlinesA.data, outlinesB.data, opening.data, background, row]);
  const figure = useMemo<Figure | undefined>(
    () => (field === undefined ? undefined : (pen, look) => drawField(pen, look, field)),
    [field],
  );
  const rows = useMemo(() => (data === undefined ? [] : tableRows(data)), [data]);
  const saved = useMemo<Saved | undefined>(
    () =>
      figure === undefined || data === undefined || field === undefined
        ? undefined
        : {
            fileName: 'compare-runs',
            title: 'Cells of two runs',
            figure,
            width: field.width * Math.max(1, Math.round(640 / field.width)),
            height: field.height * Math.max(1, Math.round(640 / field.width)),
            table: () => ({
              columns: ['cell_a', 'cell_b', 'footprint_cosine', 'trace_r'],
              rows: [
                ...data.matched.map((pair) => [pair.rowA, pair.rowB, pair.similarity, pair.traceR]),
                ...data.onlyA.map((cell) => [cell, null, null, null]),
                ...data.onlyB.map((cell) => [null, cell, null, null]),
              ],
            }),
          },
    [figure, data, field],
  );
  const rs = (data?.matched ?? []).flatMap((pair) => (pair.traceR === null ? [] : [pair.traceR]));
  return (
    <ViewPanel
      side={side}
      view="runs"
      meta={
        data === undefined
          ? ''
          : `${plural(data.matched.length, 'cell')} in both, ${count(data.onlyA.length)} only in A, ${count(data.onlyB.length)} only in B`
      }
      controls={
        <>
          {choose}
          <span className={c('pair')}>
            same from
            <NumberField
              label="Least likeness of footprints"
              value={least}
              least={0.05}
              most={1}
              onChange={(value) => useExplore.setState({ least: value })}
            />
          </span>
        </>
      }
      saved={saved}
      runUuids={runB === '' ? [scope.runUuid] : [scope.runUuid, runB]}
      facts={[
        ['cells', scope.cells],
        ['same from', `cosine ${String(least)}`],
      ]}
    >
      <Answered query={comparison} title="Comparing the runs" detail="pairing footprints and traces">
        {(answer) => (
          <>
            <ParameterDifferences list={answer.parameters} />
            <div className={c('tall')}>
              <div className={c('beside')}>
                <div className={`${c('overlay')} on-well`} style={{ display: 'flex' }}>
                  {figure === undefined ? null : (
                    <Plot
                      figure={figure}
                      label={`Outlines of ${count(answer.matched.length)} cells in both runs, ${count(answer.onlyA.length)} only in A, ${count(answer.onlyB.length)} only in B`}
                      onPress={(at, size) => {
                        if (field === undefined) return;
                        const [x, y] = fieldPoint(at, size, field);
                        const rings = field.layers[0]?.rings ?? [];
                        const found = [...answer.matched.map((pair) => pair.rowA), ...answer.onlyA].find((cell) =>
                          (rings[cell] ?? []).some((ring) => insideRing(ring, x, y)),
                        );
                        if (found !== undefined) useExploreSelection.setState({ row: found });
                      }}
                    />
                  )}
                  <span className={c('cap')}>over the correlation picture of A</span>
                </div>
                <div className={c('facts')}>
                  <Key colour="var(--fg-1)" dash={[]} name="in both" value={count(answer.matched.length)} />
                  <Key colour="var(--c1)" dash={[]} name="only in A" value={count(answer.onlyA.length)} />
                  <Key colour="var(--c2)" dash={[4, 3]} name="only in B" value={count(answer.onlyB.length)} />
                  <hr />
                  <Facts
                    list={[
                      [
                        'Median likeness',
                        decimal(
                          quantile(
                            answer.matched.map((pair) => pair.similarity),
                            0.5,
                          ),
                          2,
                        ),
                      ],
                      ['Median trace r', rs.length === 0 ? '–' : decimal(quantile(rs, 0.5), 2)],
                    ]}
                  />
                  {rs.length === 0 && answer.matched.length > 0 ? (
                    <p>The films differ, so traces cannot be compared.</p>
                  ) : null}
                </div>
              </div>
            </div>
            <div className={c('table')}>
              <Grid
                label="Cells of both runs"
                columns={columns}
                rows={rows}
                rowHeight={24}
                selected={row === null ? null : `a${String(row)}`}
                onSelect={(key) => {
                  if (key.startsWith('a')) useExploreSelection.setState({ row: Number(key.slice(1)) });
                }}
              />
            </div>
          </>
        )}
      </Answered>
    </ViewPanel>
  );
}

/** Cells of both runs: only in one first, then those that are least alike. */
function tableRows(answer: RunComparison): readonly Row[] {
  const only = (key: string, cells: readonly (string | null)[], what: string, label: string): Row => ({
    kind: 'row',
    key,
    label,
    renderCells: () => [cells[0], cells[1], '–', '–', what],
  });
  return [
    ...answer.onlyA.map((cell) =>
      only(`a${String(cell)}`, [String(cell), '–'], 'only in A', `Cell ${String(cell)} only in A`),
    ),
    ...answer.onlyB.map((cell) =>
      only(`b${String(cell)}`, ['–', String(cell)], 'only in B', `Cell ${String(cell)} only in B`),
    ),
    ...answer.matched
      .toSorted((one, other) => (one.traceR ?? one.similarity) - (other.traceR ?? other.similarity))
      .map((pair): Row => ({
        kind: 'row',
        key: `a${String(pair.rowA)}`,
        label: `Cell ${String(pair.rowA)} of A is cell ${String(pair.rowB)} of B`,
        renderCells: () => [
          String(pair.rowA),
          String(pair.rowB),
          decimal(pair.similarity, 2),
          decimal(pair.traceR, 2),
          'in both',
        ],
      })),
  ];
}

export function Key(props: {
  readonly colour: string;
  readonly dash: readonly number[];
  readonly name: string;
  readonly value: string;
}): ReactElement {
  return (
    <div className={c('key')}>
      <svg width="24" height="8" aria-hidden="true">
        <line
          x1="0"
          y1="4"
          x2="24"
          y2="4"
          style={{ stroke: props.colour }}
          strokeWidth="2"
          strokeDasharray={props.dash.join(' ')}
        />
      </svg>
      {props.name}
      <span>{props.value}</span>
    </div>
  );
}

/** A setting's value in words. */
function settingText(value: RunComparison['parameters'][number]['a']): string {
  if (value === null) return 'automatic';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function ParameterDifferences({ list }: { readonly list: RunComparison['parameters'] }): ReactElement {
  if (list.length === 0) {
    return (
      <div className={c('foot')}>
        <span>Both runs had the same settings.</span>
      </div>
    );
  }
  return (
    <div className={c('diffBox')}>
      <table className={c('diff')}>
        <thead>
          <tr>
            <th>Setting that differs</th>
            <th>A</th>
            <th>B</th>
          </tr>
        </thead>
        <tbody>
          {list.map(({ name, a, b }) => (
            <tr key={name}>
              <td>{parameterSpecs.find((spec) => spec.name === name)?.label ?? name}</td>
              <td>{settingText(a)}</td>
              <td>{settingText(b)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
