// SPDX-License-Identifier: MIT
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactElement, type RefObject, useContext, useMemo } from 'react';
import type { Cell } from '../../../main/contract/index.ts';
import { useConnection } from '../../client/context.ts';
import { deciderOf } from '../../client/decisions.ts';
import { type ReviewOpening, useInfo } from '../../client/queries.ts';
import { BehaviourPanel } from '../../panels/behaviour-panel.tsx';
import { CellsPanel } from '../../panels/cells-panel.tsx';
import { HeadPanel } from '../../panels/head-panel.tsx';
import { IntegrityPanel } from '../../panels/integrity-panel.tsx';
import { LimitsPanel } from '../../panels/limits-panel.tsx';
import { MapPanel } from '../../panels/map-panel.tsx';
import { MotionPanel } from '../../panels/motion-panel.tsx';
import { MoviePanel } from '../../panels/movie-panel.tsx';
import { NeighboursPanel } from '../../panels/neighbours-panel.tsx';
import { RatersPanel } from '../../panels/raters-panel.tsx';
import { RasterPanel } from '../../panels/raster-panel.tsx';
import { TracePanel } from '../../panels/trace-panel.tsx';
import { useConsensus } from '../../stores/consensus.ts';
import { lookAt, useLook } from '../../stores/look.ts';
import { Button, Note } from '../../ui/controls.tsx';
import { VersionsPanel } from '../../panels/versions-panel.tsx';
import { WhyPanel } from '../../panels/why-panel.tsx';
import { decideMany } from './review-commands.ts';
import type { DockApi, DockPanel } from '../../ui/dock/dock.tsx';
import { rowsAround } from '../../stores/cell-list.ts';

/** What all panels of Review look at. */
export interface Scene {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  /** Filtered and in the order of the list. */
  readonly list: readonly Cell[];
  readonly problem: string | undefined;
  readonly runName: string;
  readonly filterField: RefObject<HTMLInputElement | null>;
}

/** Given by the screen; panels lie in a dock, which hands nothing down. */
export const SceneContext = createContext<Scene | null>(null);

/** The cell that is looked at; apart from the rest, which stays the same while a person goes from cell to cell. */
export const SelectedContext = createContext<Cell | undefined>(undefined);

function useScene(): Scene {
  const scene = useContext(SceneContext);
  if (scene === null) throw new Error('a panel of Review outside Review');
  return scene;
}

/** Says so when the labels in the list are not those of the curation as it is now. */
function Shown({ opening }: { readonly opening: ReviewOpening }): ReactElement | null {
  const { run, reading, version } = opening;
  const settling = useConsensus((state) => state.runUuid === run.uuid);
  const older = useLook(run.uuid).version !== undefined && opening.readOnly !== null;
  if (settling && reading === null && !older) {
    return (
      <Note
        kind="info"
        action={
          <Button size="small" onPress={() => useConsensus.setState({ runUuid: null })}>
            All cells
          </Button>
        }
      >
        Only the cells raters differ on. A and R write down what you agreed on.
      </Note>
    );
  }
  if (reading !== null) {
    return (
      <Note
        kind="info"
        action={
          reading.finishedAt === null ? undefined : (
            <Button size="small" onPress={() => lookAt(run.uuid)}>
              Newest
            </Button>
          )
        }
      >
        {reading.finishedAt === null
          ? `Second reading by ${reading.rater.initials}: your own labels, the others’ are hidden.`
          : `The finished reading of ${reading.rater.initials}.`}
      </Note>
    );
  }
  if (!older) return null;
  return (
    <Note
      kind="warning"
      action={
        <Button size="small" onPress={() => lookAt(run.uuid)}>
          Newest
        </Button>
      }
    >
      Version {version} as it was.
    </Note>
  );
}

function Cells(): ReactElement {
  const { opening, cells, list, problem, runName, filterField } = useScene();
  const selected = useContext(SelectedContext);
  return (
    <CellsPanel
      cells={cells}
      list={list}
      problem={problem}
      selected={selected?.uuid ?? null}
      runName={runName}
      banner={<Shown opening={opening} />}
      filterField={filterField}
    />
  );
}

function Why(): ReactElement {
  const { opening, cells } = useScene();
  const selected = useContext(SelectedContext);
  return <WhyPanel runUuid={opening.run.uuid} cells={cells} selected={selected} readOnly={opening.readOnly} />;
}

function CellMap(): ReactElement {
  const { opening, cells } = useScene();
  const selected = useContext(SelectedContext);
  return <MapPanel opening={opening} cells={cells} selected={selected} />;
}

function Movie(): ReactElement {
  const { opening, cells } = useScene();
  const selected = useContext(SelectedContext);
  return <MoviePanel opening={opening} cells={cells} selected={selected} />;
}

function Traces(): ReactElement {
  const { opening, list } = useScene();
  const selected = useContext(SelectedContext);
  const near = useMemo(() => rowsAround(list, selected?.uuid), [list, selected?.uuid]);
  return <TracePanel opening={opening} selected={selected} near={near} />;
}

function Raster(): ReactElement {
  const { opening, cells, list } = useScene();
  const selected = useContext(SelectedContext);
  return <RasterPanel opening={opening} cells={cells} list={list} selected={selected} />;
}

function Limits(): ReactElement {
  const info = useInfo();
  const { opening, cells } = useScene();
  const connection = useConnection();
  const queries = useQueryClient();
  return (
    <LimitsPanel
      runUuid={opening.run.uuid}
      cells={cells}
      readOnly={opening.readOnly}
      libraryReadOnly={info.data?.library.readOnlyReason ?? null}
      onApply={(to, chosen) => decideMany(deciderOf(connection, queries), opening.run.uuid, chosen, to)}
    />
  );
}

function Neighbours(): ReactElement {
  const { opening } = useScene();
  const selected = useContext(SelectedContext);
  return <NeighboursPanel runUuid={opening.run.uuid} selected={selected} readOnly={opening.readOnly} />;
}

function Versions(): ReactElement {
  const { opening } = useScene();
  return <VersionsPanel opening={opening} />;
}

function Raters(): ReactElement {
  const { opening, cells } = useScene();
  return <RatersPanel opening={opening} cells={cells} />;
}

function Motion(): ReactElement {
  return <MotionPanel opening={useScene().opening} />;
}

function Integrity(): ReactElement {
  return <IntegrityPanel opening={useScene().opening} />;
}

function Behaviour(): ReactElement {
  return <BehaviourPanel opening={useScene().opening} />;
}

function Head(): ReactElement {
  return <HeadPanel opening={useScene().opening} />;
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
  { id: 'raters', title: 'Raters', render: () => <Raters /> },
  { id: 'motion', title: 'Motion', render: () => <Motion /> },
  { id: 'integrity', title: 'Integrity', render: () => <Integrity /> },
  { id: 'behaviour', title: 'Behaviour', render: () => <Behaviour /> },
  { id: 'head', title: 'Head', render: () => <Head /> },
];

const titles = new Map(reviewPanels.map(({ id, title }) => [id, title]));

/** Review as it was made: the list at the left, map and movie above, traces, overview and the reasons below. What lies behind these comes after. */
export function arrangeReview(api: DockApi, width: number, height: number): readonly (() => void)[] {
  const add = (id: string, position?: Parameters<DockApi['addPanel']>[0]['position'], size: object = {}): void => {
    api.addPanel({
      id,
      component: 'panel',
      title: titles.get(id) ?? id,
      ...(position === undefined ? {} : { position }),
      ...size,
    });
  };
  const list = width < 1340 ? 288 : width >= 1640 ? 320 : 292;
  const lower = height < 700 ? 288 : 340;
  const why = width < 1280 ? 304 : width >= 1640 ? 400 : 336;
  add('map');
  add('traces', { referencePanel: 'map', direction: 'below' }, { initialHeight: lower });
  add('movie', { referencePanel: 'map', direction: 'right' }, { initialWidth: (width - list) / 2 });
  add('why', { referencePanel: 'traces', direction: 'right' }, { initialWidth: why });
  add('raster', { referencePanel: 'traces', direction: 'below' }, { initialHeight: lower * 0.42 });
  add('cells', { direction: 'left' }, { initialWidth: list });
  const size = (id: string, wanted: { readonly width?: number; readonly height?: number }): void =>
    api.getPanel(id)?.api.setSize(wanted);
  size('cells', { width: list });
  size('map', { height: height - lower });
  size('movie', { width: (width - list) / 2 });
  size('why', { width: why });
  size('raster', { height: lower * 0.43 });
  api.getPanel('map')?.api.setActive();
  return behind.map(({ id, beside }) => () => {
    // Somebody may have asked for it by now, or closed the one it lies behind.
    if (api.getPanel(id) !== undefined) return;
    const position =
      api.getPanel(beside) === undefined ? undefined : { referencePanel: beside, direction: 'within' as const };
    add(id, position, { inactive: true });
  });
}

/** Panels that lie behind others at first. */
const behind: readonly { readonly id: string; readonly beside: string }[] = [
  { id: 'limits', beside: 'cells' },
  { id: 'neighbours', beside: 'traces' },
  { id: 'versions', beside: 'why' },
  { id: 'raters', beside: 'why' },
  { id: 'motion', beside: 'raster' },
  { id: 'integrity', beside: 'raster' },
  { id: 'behaviour', beside: 'movie' },
  { id: 'head', beside: 'movie' },
];
