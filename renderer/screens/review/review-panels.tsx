// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactElement, type RefObject, useContext } from 'react';
import type { Cell } from '../../../main/contract/index.ts';
import { useConnection } from '../../client/context.ts';
import { deciderOf } from '../../client/decisions.ts';
import type { ReviewOpening } from '../../client/queries.ts';
import { CellsPanel } from '../../panels/cells-panel.tsx';
import { LimitsPanel } from '../../panels/limits-panel.tsx';
import { MapPanel } from '../../panels/map-panel.tsx';
import { MoviePanel } from '../../panels/movie-panel.tsx';
import { NeighboursPanel } from '../../panels/neighbours-panel.tsx';
import { RasterPanel } from '../../panels/raster-panel.tsx';
import { TracePanel } from '../../panels/trace-panel.tsx';
import { VersionsPanel } from '../../panels/versions-panel.tsx';
import { WhyPanel } from '../../panels/why-panel.tsx';
import { decideMany } from './review-commands.ts';
import type { DockApi, DockPanel } from '../../ui/dock/dock.tsx';

/** What all panels of Review look at. */
export interface Scene {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  /** Filtered and in the order of the list. */
  readonly list: readonly Cell[];
  readonly problem: string | undefined;
  readonly selected: Cell | undefined;
  readonly runName: string;
  readonly filterField: RefObject<HTMLInputElement | null>;
}

/** Given by the screen; panels lie in a dock, which hands nothing down. */
export const SceneContext = createContext<Scene | null>(null);

function useScene(): Scene {
  const scene = useContext(SceneContext);
  if (scene === null) throw new Error('a panel of Review outside Review');
  return scene;
}

function Cells(): ReactElement {
  const { cells, list, problem, selected, runName, filterField } = useScene();
  return (
    <CellsPanel
      cells={cells}
      list={list}
      problem={problem}
      selected={selected?.uuid ?? null}
      runName={runName}
      filterField={filterField}
    />
  );
}

function Why(): ReactElement {
  const { opening, cells, selected } = useScene();
  return <WhyPanel runUuid={opening.run.uuid} cells={cells} selected={selected} readOnly={opening.readOnly} />;
}

function CellMap(): ReactElement {
  const { opening, cells, selected } = useScene();
  return <MapPanel opening={opening} cells={cells} selected={selected} />;
}

function Movie(): ReactElement {
  const { opening, cells, selected } = useScene();
  return <MoviePanel opening={opening} cells={cells} selected={selected} />;
}

function Traces(): ReactElement {
  const { opening, selected } = useScene();
  return <TracePanel opening={opening} selected={selected} />;
}

function Raster(): ReactElement {
  const { opening, cells, list, selected } = useScene();
  return <RasterPanel opening={opening} cells={cells} list={list} selected={selected} />;
}

function Limits(): ReactElement {
  const { opening, cells } = useScene();
  const connection = useConnection();
  const queries = useQueryClient();
  return (
    <LimitsPanel
      runUuid={opening.run.uuid}
      cells={cells}
      readOnly={opening.readOnly}
      onApply={(to, chosen) => decideMany(deciderOf(connection, queries), opening.run.uuid, chosen, to)}
    />
  );
}

function Neighbours(): ReactElement {
  const { opening, selected } = useScene();
  return <NeighboursPanel runUuid={opening.run.uuid} selected={selected} readOnly={opening.readOnly} />;
}

function Versions(): ReactElement {
  const { opening } = useScene();
  return <VersionsPanel opening={opening} />;
}

/** The panels of Review, by the order of the palette. */
export const reviewPanels: readonly DockPanel[] = [
  { id: 'cells', title: 'Cells', render: () => <Cells /> },
  { id: 'map', title: 'Map', render: () => <CellMap /> },
  { id: 'movie', title: 'Movie', render: () => <Movie /> },
  { id: 'traces', title: 'Traces', render: () => <Traces /> },
  { id: 'raster', title: 'All cells', render: () => <Raster /> },
  { id: 'why', title: 'Why?', render: () => <Why /> },
  { id: 'limits', title: 'Limits', render: () => <Limits /> },
  { id: 'neighbours', title: 'Neighbours', render: () => <Neighbours /> },
  { id: 'versions', title: 'Versions', render: () => <Versions /> },
];

const titles = new Map(reviewPanels.map(({ id, title }) => [id, title]));

/** Review as it was made: the list at the left, map and movie above, traces, overview and the reasons below. */
export function arrangeReview(api: DockApi, width: number, height: number): void {
  const add = (id: string, position?: Parameters<DockApi['addPanel']>[0]['position'], size: object = {}): void => {
    api.addPanel({
      id,
      component: 'panel',
      title: titles.get(id) ?? id,
      ...(position === undefined ? {} : { position }),
      ...size,
    });
  };
  const list = width < 1340 ? 272 : width >= 1640 ? 320 : 292;
  const lower = height < 700 ? 288 : 340;
  const why = width < 1280 ? 304 : width >= 1640 ? 400 : 336;
  add('map');
  add('traces', { referencePanel: 'map', direction: 'below' }, { initialHeight: lower });
  add('movie', { referencePanel: 'map', direction: 'right' }, { initialWidth: (width - list) / 2 });
  add('why', { referencePanel: 'traces', direction: 'right' }, { initialWidth: why });
  add('raster', { referencePanel: 'traces', direction: 'below' }, { initialHeight: lower * 0.42 });
  add('cells', { direction: 'left' }, { initialWidth: list });
  for (const { id, beside } of behind) {
    add(id, { referencePanel: beside, direction: 'within' }, { inactive: true });
  }
  const size = (id: string, wanted: { readonly width?: number; readonly height?: number }): void =>
    api.getPanel(id)?.api.setSize(wanted);
  size('cells', { width: list });
  size('map', { height: height - lower });
  size('movie', { width: (width - list) / 2 });
  size('why', { width: why });
  size('raster', { height: lower * 0.43 });
  api.getPanel('map')?.api.setActive();
}

/** Panels that lie behind others at first. */
const behind: readonly { readonly id: string; readonly beside: string }[] = [
  { id: 'limits', beside: 'cells' },
  { id: 'neighbours', beside: 'traces' },
  { id: 'versions', beside: 'why' },
];
