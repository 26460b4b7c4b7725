// SPDX-License-Identifier: MIT
import { CircleDashed, Maximize } from 'lucide-react';
import { type ReactElement, useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import type { Cell } from '../../main/contract/index.ts';
import { useOutlines } from '../client/outlines.ts';
import { useMapPicture } from '../client/pictures.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { pickCell } from '../gl/contours.ts';
import { percentileLevels } from '../gl/levels.ts';
import { type Point, scaleBar } from '../gl/viewport.ts';
import { useBlind } from '../stores/blind.ts';
import { mapImages, type MapImage, useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import type { Command } from '../ui/commands/registry.ts';
import { useCommands } from '../ui/commands/use-commands.ts';
import { Button, FoldingChoice, Select } from '../ui/controls.tsx';
import { decimal } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { Failed, Loading, Panel } from '../ui/panel.tsx';
import { CellMarks, type MarksHandle } from './cell-marks.tsx';
import { EditOverlay, type OverlayHandle } from './edit-overlay.tsx';
import { follow, labelCodes, outlinedAs, partnerRow, placeTicks } from './marks.ts';
import { styles } from './styles.ts';
import { useStage } from './use-stage.ts';

const c = classes(styles);

/** Names of the pictures: on the button, and under the picture. */
export const imageTitles: Readonly<Record<MapImage, { readonly short: string; readonly long: string }>> = {
  mean: { short: 'Mean', long: 'mean of the registered film' },
  max: { short: 'Max', long: 'maximum, background taken away' },
  correlation: { short: 'Corr', long: 'correlation of neighbours' },
  pnr: { short: 'PNR', long: 'peak to noise' },
  std: { short: 'Std', long: 'standard deviation' },
  footprints: { short: 'A', long: 'footprints, each to its maximum' },
};

interface MapProps {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  readonly selected: Cell | undefined;
}

/** Where the cells are: outlines over a picture of the run. */
export function MapPanel({ opening, cells, selected }: MapProps): ReactElement {
  const runUuid = opening.run.uuid;
  const image = useReview((state) => state.image);
  const outlinesShown = useReview((state) => state.outlines);
  const zoomed = useReview((state) => state.zoomed);
  const hovered = useReview((state) => state.hovered);
  const outlinesBy = useReview((state) => state.outlinesBy);
  const blind = useBlind((state) => state.blind);
  const picture = useMapPicture(runUuid, image);
  const outlines = useOutlines(runUuid);
  const ticks = useRef<HTMLDivElement>(null);
  const scale = useRef<HTMLDivElement>(null);
  const overlay = useRef<OverlayHandle>(null);
  const marks = useRef<MarksHandle>(null);
  const chosen = useReview((state) => state.partner);
  const centres = useMemo(() => centresOf(cells), [cells]);
  const levels = useMemo(() => {
    if (picture.data === undefined) return undefined;
    const { name, values } = picture.data;
    return name === 'footprints' ? { low: 0, high: 1 } : percentileLevels(values);
  }, [picture.data]);
  const rowOf = (row: number): Cell | undefined => cells.find((cell) => cell.row === row);
  const at = (point: Point, reach: number): Cell | undefined =>
    outlines.data === undefined ? undefined : rowOf(pickCell(outlines.data, centres, point.x, point.y, reach));
  const { host, stage, trouble } = useStage({
    onPoint: (point, reach) =>
      useReview.setState({ hovered: point === null ? null : (at(point, reach)?.uuid ?? null) }),
    onPick: (point, reach, shift) => {
      const cell = at(point, reach);
      if (cell === undefined) return;
      if (shift && useReview.getState().selected !== null) useReview.setState({ partner: cell.uuid });
      else useReview.setState({ selected: cell.uuid });
    },
    onDrawn: (view, panel) => {
      if (ticks.current !== null) placeTicks(ticks.current, selected, view, panel);
      if (scale.current !== null) showScale(scale.current, view.zoom);
      marks.current?.place(view, panel);
      overlay.current?.place(view, panel);
    },
  });
  useEffect(() => {
    if (stage === null || picture.data === undefined || levels === undefined) return;
    const { width, height, values } = picture.data;
    stage.setImageSize({ width, height });
    stage.picture.setPicture({ kind: 'float', width, height, values });
    stage.picture.setLevels(levels);
    stage.redraw();
  }, [stage, picture.data, levels]);
  useEffect(() => {
    if (stage === null || outlines.data === undefined) return;
    stage.picture.setOutlines(outlines.data);
    stage.redraw();
  }, [stage, outlines.data]);
  useEffect(() => {
    if (stage === null) return;
    stage.picture.setLabels(labelCodes(cells, outlinesShown, (cell) => outlinedAs(cell, outlinesBy, blind)));
    stage.redraw();
  }, [stage, cells, outlinesShown, outlinesBy, blind]);
  const hoveredRow = cells.find((cell) => cell.uuid === hovered)?.row ?? -1;
  const selectedRow = selected?.row ?? -1;
  const chosenRow = cells.find((cell) => cell.uuid === chosen)?.row;
  const partner = chosenRow ?? partnerRow(selected);
  const hasPicture = picture.data !== undefined;
  useEffect(() => {
    stage?.picture.setMarks({ strength: zoomed ? 0.38 : 1 });
    stage?.redraw();
  }, [stage, zoomed]);
  useLayoutEffect(() => {
    if (stage !== null && ticks.current !== null) placeTicks(ticks.current, selected, stage.view, stage.panel);
  }, [stage, selected]);
  useEffect(() => {
    if (stage !== null && hasPicture) follow(stage, selected?.centroid, zoomed, opening.diameterPx);
    // The picture's arrival matters, not which picture it is: changing the background must not move the view.
  }, [stage, zoomed, selected?.uuid, selected?.centroid, hasPicture, opening.diameterPx]);
  const commands = useMemo<readonly Command[]>(
    () => [
      panelCommand('in', 'Zoom in', ['+', '='], () => stage?.zoomBy(1.4)),
      panelCommand('out', 'Zoom out', ['-'], () => stage?.zoomBy(1 / 1.4)),
      panelCommand('fit', 'Show the whole field', ['0'], () => stage?.fit()),
    ],
    [stage],
  );
  useCommands(commands);

  return (
    <Panel
      title="Map"
      scope="map"
      well
      end={
        <>
          <FoldingChoice
            label="Picture under the outlines"
            value={image}
            onChange={(name) => useReview.setState({ image: name })}
            many
            options={mapImages(opening.images).map((name) => ({
              value: name,
              label: imageTitles[name].short,
              title: `${imageTitles[name].long} (B: next)`,
            }))}
          />
          <Button
            size="small"
            pressed={outlinesShown}
            keepFocus
            keys="O"
            onPress={() => useReview.setState({ outlines: !outlinesShown })}
          >
            <Icon of={CircleDashed} />
            Outlines
          </Button>
          <span className={c('spare')}>
            <Select
              label="What the outlines tell"
              value={outlinesBy}
              options={[
                { value: 'label', label: 'by label' },
                { value: 'suggestion', label: 'by suggestion' },
              ]}
              onChange={(value) => useReview.setState({ outlinesBy: value })}
            />
          </span>
          <Button
            kind="bare"
            size="small"
            square
            keepFocus
            label="Show the whole field"
            title="Show the whole field (0)"
            onPress={() => stage?.fit()}
          >
            <Icon of={Maximize} />
          </Button>
        </>
      }
    >
      <div className={c('stage')}>
        <div
          ref={host}
          className={c('picture')}
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the keys of the map work on it
          tabIndex={0}
          role="img"
          aria-label={`${imageTitles[image].long} with ${String(cells.length)} outlines${selected === undefined ? '' : `, cell ${String(selected.row)} selected`}`}
        />
        <div className={c('focusRing')} />
        <CellMarks
          stage={stage}
          outlines={outlines.data}
          selected={selectedRow}
          hovered={hoveredRow}
          partner={zoomed || chosenRow !== undefined ? partner : -1}
          handle={marks}
        />
        <div className={c('ticks')} ref={ticks}>
          <i />
          <i />
          <i />
          <i />
          <b>{selected?.row}</b>
        </div>
        {levels === undefined ? null : (
          <span className={c('cap tl')}>
            {imageTitles[image].long}, {decimal(levels.low, levels.high - levels.low < 5 ? 2 : 0)} to{' '}
            {decimal(levels.high, levels.high - levels.low < 5 ? 2 : 0)}
            {outlinesShown && outlinesBy === 'suggestion'
              ? blind
                ? '; suggestions of decided cells'
                : '; outlines: suggestions'
              : ''}
          </span>
        )}
        <div className={c('scale')} ref={scale} />
        <EditOverlay runUuid={runUuid} stage={stage} selected={selected} handle={overlay} />
        <MapState
          trouble={trouble}
          pictureError={picture.error}
          picturePending={picture.isPending}
          outlinesError={outlines.error}
          outlinesPending={outlines.isPending}
          onRetry={() => {
            void picture.refetch();
            void outlines.refetch();
          }}
        />
      </div>
    </Panel>
  );
}

interface MapStateProps {
  readonly trouble: ReturnType<typeof useStage>['trouble'];
  readonly pictureError: Error | null;
  readonly picturePending: boolean;
  readonly outlinesError: Error | null;
  readonly outlinesPending: boolean;
  readonly onRetry: () => void;
}

function MapState(props: MapStateProps): ReactElement | null {
  const { trouble, pictureError, picturePending, outlinesError, outlinesPending, onRetry } = props;
  const error = trouble?.kind === 'fault' ? trouble.error : (pictureError ?? outlinesError);
  if (error !== null) {
    return (
      <div className={c(pictureError === null && trouble === null ? 'over' : 'cover')}>
        <Failed title="The map cannot be drawn" error={error} onRetry={onRetry} />
      </div>
    );
  }
  if (trouble?.kind === 'lost') {
    return (
      <div className={c('cover')}>
        <Loading
          title="The graphics were reset"
          step={1}
          steps={1}
          detail="waiting for the graphics driver; nothing is lost"
        />
      </div>
    );
  }
  if (picturePending || outlinesPending) {
    return (
      <div className={c(picturePending ? 'cover' : 'over')}>
        <Loading
          title="Drawing the map"
          step={picturePending ? 1 : 2}
          steps={2}
          detail={picturePending ? 'fetching the picture' : 'drawing the outlines'}
        />
      </div>
    );
  }
  return null;
}

function panelCommand(id: string, label: string, keys: readonly string[], run: () => void): Command {
  return { id: `map.${id}`, label, group: 'Look', scope: 'screen:review', keys, run };
}

/** Centres by row, as picking wants them; rows without a cell lie out of reach. */
function centresOf(cells: readonly Cell[]): readonly Point[] {
  const rows = cells.reduce((highest, cell) => Math.max(highest, cell.row + 1), 0);
  const centres: Point[] = Array.from({ length: rows }, () => ({ x: Number.NaN, y: Number.NaN }));
  for (const cell of cells) centres[cell.row] = cell.centroid;
  return centres;
}

function showScale(element: HTMLElement, zoom: number): void {
  const { imagePx, screenPx } = scaleBar(zoom);
  const [text = document.createElement('span'), bar = document.createElement('i')] = element.children;
  if (text.parentElement === null) element.append(text, bar);
  text.textContent = `${String(imagePx)} px`;
  if (bar instanceof HTMLElement) bar.style.width = `${String(screenPx)}px`;
}
