// SPDX-License-Identifier: MIT
import { type PointerEvent, type ReactElement, useEffect, useRef } from 'react';
import type { Cell } from '../../main/contract/index.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { type Raster, useRaster } from '../client/raster.ts';
import { lutBytes, paint } from '../gl/lut.ts';
import { moveCursor, useReview } from '../stores/review.ts';
import { penOf } from '../ui/canvas.ts';
import { classes } from '../ui/classes.ts';
import { count, duration } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { styles } from './styles.ts';

const c = classes(styles);

interface RasterProps {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  /** Rows of the raster from top to bottom: the order of the list. */
  readonly list: readonly Cell[];
  readonly selected: Cell | undefined;
}

/** Activity of all listed cells over the whole recording; a click goes there. */
export function RasterPanel({ opening, cells, list, selected }: RasterProps): ReactElement {
  const { frames, startS, endS } = opening;
  const rows = cells.reduce((highest, cell) => Math.max(highest, cell.row + 1), 0);
  const raster = useRaster(opening.run.uuid, rows, frames);
  return (
    <Panel
      title="All cells"
      scope="raster"
      meta={`${count(list.length)}, in the order of the list, ${duration(endS - startS)}`}
      end={
        <>
          <span className={c('micro')}>0</span>
          <span className={c('lutBar')} />
          <span className={c('micro')}>max of each</span>
        </>
      }
    >
      {rows === 0 ? (
        <Empty title="Nothing to draw">
          <p>The activity of all cells stands here; this run has none.</p>
        </Empty>
      ) : raster.isError ? (
        <Failed title="The overview cannot be drawn" error={raster.error} onRetry={() => void raster.refetch()} />
      ) : raster.isPending ? (
        <Loading
          title="Drawing the overview"
          step={1}
          steps={1}
          detail={`reading the traces of ${count(rows)} cells`}
        />
      ) : (
        <Picture raster={raster.data} opening={opening} list={list} selected={selected} />
      )}
    </Panel>
  );
}

interface PictureProps {
  readonly raster: Raster;
  readonly opening: ReviewOpening;
  readonly list: readonly Cell[];
  readonly selected: Cell | undefined;
}

function Picture({ raster, opening, list, selected }: PictureProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useReview((state) => state.frame);
  const window = useReview((state) => state.window);
  const order = list.map((cell) => cell.row).join(' ');
  useEffect(() => {
    const context = penOf(canvas.current);
    if (context === null || order === '') return;
    const rows = order.split(' ').map(Number);
    const { columns, values } = raster;
    context.canvas.width = columns;
    context.canvas.height = rows.length;
    const ordered = new Float32Array(columns * rows.length);
    rows.forEach((row, index) => {
      ordered.set(values.subarray(row * columns, (row + 1) * columns), index * columns);
    });
    const pixels = context.createImageData(columns, rows.length);
    paint(ordered, { low: 0, high: 1 }, lutBytes('magma'), pixels.data);
    context.putImageData(pixels, 0, 0);
    // A decision changes labels, seldom the order: only a new order is painted.
  }, [raster, order]);
  const share = (value: number): string => `${String((value / Math.max(1, opening.frames - 1)) * 100)}%`;
  const place = list.findIndex((cell) => cell.uuid === selected?.uuid);
  const go = (event: PointerEvent<HTMLElement>): void => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    moveCursor(((event.clientX - box.left) / box.width) * (opening.frames - 1), opening.frames);
    if (event.type !== 'pointerdown') return;
    const cell = list[Math.min(list.length - 1, Math.floor(((event.clientY - box.top) / box.height) * list.length))];
    if (cell !== undefined) useReview.setState({ selected: cell.uuid });
  };
  return (
    <div className={c('raster')} onPointerDown={go} onPointerMove={go}>
      <canvas ref={canvas} role="img" aria-label={`Activity of ${count(list.length)} cells over the recording`} />
      <span className={c('frameBox')} style={{ left: share(window[0]), width: share(window[1] - window[0]) }} />
      <span className={`${c('rasterOver')} on-well`}>
        <span className={c('cursor')} style={{ left: share(frame) }} />
      </span>
      {place < 0 ? null : (
        <span
          className={c('rowMark')}
          style={{ top: `clamp(8px, ${String(((place + 0.5) / list.length) * 100)}%, calc(100% - 8px))` }}
        >
          {selected?.row} ▸
        </span>
      )}
    </div>
  );
}
