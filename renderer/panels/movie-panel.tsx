// SPDX-License-Identifier: MIT
import { ChevronFirst, Crosshair, Pause, Play, SkipBack, SkipForward } from 'lucide-react';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { AppError, type Cell } from '../../main/contract/index.ts';
import { useConnection, useLine } from '../client/context.ts';
import { Film, type FilmFrame, type FilmState } from '../client/film.ts';
import { useOutlines } from '../client/outlines.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { type Levels, percentileLevels } from '../gl/levels.ts';
import { moveCursor, type MovieLayer, speeds, useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { Button, Choice, Note, Select } from '../ui/controls.tsx';
import { clock, count } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { follow, labelCodes, partnerRow, placeTicks } from './marks.ts';
import styles from './panels.module.css';
import { useStage } from './use-stage.ts';

const c = classes(styles);

interface MovieProps {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  readonly selected: Cell | undefined;
}

/** The film at the shared time cursor: as recorded, or registered. */
export function MoviePanel(props: MovieProps): ReactElement {
  const { opening } = props;
  const layer = useReview((state) => state.layer);
  return (
    <Panel
      title="Movie"
      scope="movie"
      well
      meta={`${String(opening.width)} × ${String(opening.height)} px`}
      end={
        <Choice<MovieLayer>
          label="Layer of the movie"
          value={layer}
          onChange={(next) => useReview.setState({ layer: next })}
          options={[
            { value: 'raw', label: 'Raw', title: 'As recorded (V: other)' },
            { value: 'registered', label: 'Registered', title: 'Movement taken out (V: other)' },
          ]}
        />
      }
    >
      {opening.filmsPresent ? (
        <Screen {...props} />
      ) : (
        <Empty title="No movie">
          <p>The films of this session are not where they were. Traces, map and decisions work without them.</p>
          <p>Put the folder back where it was, or import it again.</p>
        </Empty>
      )}
      <Transport opening={opening} />
    </Panel>
  );
}

function Screen({ opening, cells, selected }: MovieProps): ReactElement {
  const connection = useConnection();
  const runUuid = opening.run.uuid;
  const { layer, outlines: outlinesShown, zoomed, frame } = useReview();
  const outlines = useOutlines(runUuid);
  const [state, setState] = useState<FilmState>({ kind: 'opening', step: 1 });
  const [shown, setShown] = useState<Omit<FilmFrame, 'bytes'> | null>(null);
  const film = useRef<Film | null>(null);
  const ticks = useRef<HTMLDivElement>(null);
  const contrast = useRef('');
  const failed = useRef(false);
  const region = useRef<Cell | undefined>(undefined);
  const { diameterPx } = opening;
  const { canvas, stage, trouble } = useStage({
    onDrawn: (view, panel) => {
      if (ticks.current !== null) placeTicks(ticks.current, selected, view, panel);
    },
  });
  useEffect(() => {
    if (stage === null) return undefined;
    const opened = new Film(
      connection,
      runUuid,
      useReview.getState().layer,
      ({ bytes, ...header }) => {
        const { width, height } = header;
        stage.setImageSize({ width, height });
        stage.picture.setPicture({ kind: 'byte', width, height, values: bytes });
        const part = partOf(region.current, header, diameterPx);
        if (contrast.current !== part.key) {
          contrast.current = part.key;
          stage.picture.setLevels(movieLevels(bytes, width, part.box));
        }
        stage.redraw();
        setShown(header);
      },
      setState,
    );
    film.current = opened;
    opened.show(useReview.getState().layer, useReview.getState().frame);
    return () => {
      film.current = null;
      opened.dispose();
    };
  }, [connection, runUuid, stage, diameterPx]);
  useEffect(() => film.current?.show(layer, frame), [layer, frame]);
  useEffect(() => {
    region.current = zoomed ? selected : undefined;
    film.current?.again();
  }, [zoomed, selected]);
  const online = useLine().state === 'open';
  useEffect(() => {
    failed.current = state.kind === 'failed';
  }, [state]);
  useEffect(() => {
    if (online && failed.current) film.current?.retry();
  }, [online]);
  useEffect(() => {
    if (stage === null || outlines.data === undefined) return;
    stage.picture.setOutlines(outlines.data);
    stage.redraw();
  }, [stage, outlines.data]);
  const selectedRow = selected?.row ?? -1;
  const partner = partnerRow(selected);
  const hasFrame = shown !== null;
  useEffect(() => {
    stage?.picture.setLabels(labelCodes(cells, outlinesShown && zoomed));
    stage?.picture.setMarks({
      selected: outlinesShown ? selectedRow : -1,
      hovered: -1,
      partner: zoomed && outlinesShown ? partner : -1,
      strength: 0.38,
    });
    stage?.redraw();
  }, [stage, cells, outlinesShown, zoomed, selectedRow, partner]);
  useEffect(() => {
    if (stage !== null && hasFrame) follow(stage, selected?.centroid, zoomed, opening.diameterPx);
  }, [stage, zoomed, selected?.uuid, selected?.centroid, hasFrame, opening.diameterPx]);
  usePlayback(opening, shown?.frame ?? null);
  return (
    <div className={c('stage')}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`Movie, ${layer}, frame ${String(shown?.frame ?? frame)}`}
      />
      <div className={c('focusRing')} />
      <div className={c('ticks')} ref={ticks}>
        <i />
        <i />
        <i />
        <i />
      </div>
      {shown === null ? null : <span className={c('cap tl')}>{layer}</span>}
      {shown?.unreadable === true ? (
        <div className={c('over')}>
          <Note kind="warning">
            Frame {count(shown.frame)} could not be decoded; the picture is the frame before it.
          </Note>
        </div>
      ) : null}
      {trouble?.kind === 'fault' ? (
        <div className={c('cover')}>
          <Failed title="The movie cannot be drawn" error={trouble.error} />
        </div>
      ) : null}
      <FilmTrouble state={state} keptPicture={shown !== null} onRetry={() => film.current?.retry()} />
    </div>
  );
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The part of a frame whose contrast is shown, and a name for it: the surroundings of a cell, or all of it. */
function partOf(
  cell: Cell | undefined,
  { layer, width, height }: Pick<FilmFrame, 'layer' | 'width' | 'height'>,
  diameterPx: number | null,
): { readonly key: string; readonly box: Box } {
  if (cell === undefined) return { key: layer, box: { left: 0, top: 0, right: width, bottom: height } };
  const reach = Math.max(12, (diameterPx ?? 10) * 4.5);
  // Near the frame's edge the view stops there: so does the part that is measured.
  const inside = (value: number, length: number): number => Math.max(reach, Math.min(length - reach, value));
  const x = inside(cell.centroid.x, width);
  const y = inside(cell.centroid.y, height);
  return {
    key: `${layer} ${cell.uuid}`,
    box: {
      left: Math.max(0, Math.floor(x - reach)),
      top: Math.max(0, Math.floor(y - reach)),
      right: Math.min(width, Math.ceil(x + reach)),
      bottom: Math.min(height, Math.ceil(y + reach)),
    },
  };
}

/** Grey range of a part of a frame, with room above for events to come. */
function movieLevels(bytes: Uint8Array, width: number, box: Box): Levels {
  const values: number[] = [];
  const step = Math.max(1, Math.floor(Math.sqrt(((box.right - box.left) * (box.bottom - box.top)) / 20_000)));
  for (let y = box.top; y < box.bottom; y += step) {
    for (let x = box.left; x < box.right; x += step) values.push(bytes[y * width + x] ?? 0);
  }
  const { low, high } = percentileLevels(values, 0.005, 0.995);
  return { low, high: high + (high - low) * 0.25 };
}

const filmSteps = ['asking for the films', 'opening the films', 'decoding the first frame'] as const;

interface TroubleProps {
  readonly state: FilmState;
  readonly keptPicture: boolean;
  readonly onRetry: () => void;
}

function FilmTrouble({ state, keptPicture, onRetry }: TroubleProps): ReactElement | null {
  if (state.kind === 'ready') return null;
  if (state.kind === 'opening') {
    if (keptPicture) return null;
    return (
      <div className={c('cover')}>
        <Loading title="Opening the movie" step={state.step} steps={3} detail={filmSteps[state.step - 1] ?? ''} />
      </div>
    );
  }
  if (!keptPicture) {
    return (
      <div className={c('cover')}>
        <Failed title="The movie cannot be shown" error={state.error} onRetry={onRetry} />
      </div>
    );
  }
  const error = AppError.from(state.error);
  return (
    <div className={c('over')}>
      <Note
        kind="problem"
        action={
          <Button size="small" onPress={onRetry}>
            Open again
          </Button>
        }
      >
        <b className={c('hi')}>No frames.</b> {error.message} {error.hint}
      </Note>
    </div>
  );
}

/** Moves the cursor in real time while playing; waits for frames that are late instead of running away from them. */
function usePlayback(opening: ReviewOpening, shownFrame: number | null): void {
  const playing = useReview((state) => state.playing);
  const speed = useReview((state) => state.speed);
  const arrived = useRef(shownFrame);
  useEffect(() => {
    arrived.current = shownFrame;
  }, [shownFrame]);
  useEffect(() => {
    if (!playing) return undefined;
    let handle = 0;
    let last = performance.now();
    let owed = 0;
    const tick = (now: number): void => {
      const { frame } = useReview.getState();
      const late = arrived.current !== null && Math.abs(arrived.current - frame) > opening.fps * speed;
      owed = late ? 0 : owed + ((now - last) / 1000) * opening.fps * speed;
      last = now;
      const whole = Math.floor(owed);
      if (whole > 0) {
        owed -= whole;
        moveCursor(frame + whole, opening.frames);
        if (frame + whole >= opening.frames - 1) useReview.setState({ playing: false });
      }
      handle = requestAnimationFrame(tick);
    };
    handle = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(handle);
  }, [playing, speed, opening.fps, opening.frames]);
}

/** Play, step, speed, and where the cursor is. */
function Transport({ opening }: { readonly opening: ReviewOpening }): ReactElement {
  const { frame, playing, speed, zoomed, selected } = useReview();
  const { frames, startS, endS } = opening;
  const time = frames > 1 ? startS + ((endS - startS) * frame) / (frames - 1) : startS;
  const step = (by: number): void => {
    useReview.setState({ playing: false });
    moveCursor(frame + by, frames);
  };
  return (
    <div className={c('transport')}>
      <Button
        kind="bare"
        size="small"
        square
        keepFocus
        label="To the start"
        title="To the start (Home)"
        onPress={() => step(-frames)}
      >
        <Icon of={ChevronFirst} />
      </Button>
      <Button
        kind="bare"
        size="small"
        square
        keepFocus
        label="One frame back"
        title="One frame back (←)"
        onPress={() => step(-1)}
      >
        <Icon of={SkipBack} />
      </Button>
      <Button
        size="small"
        square
        keepFocus
        label={playing ? 'Pause' : 'Play'}
        title={`${playing ? 'Pause' : 'Play'} (Space)`}
        onPress={() => useReview.setState({ playing: !playing })}
      >
        <Icon of={playing ? Pause : Play} />
      </Button>
      <Button
        kind="bare"
        size="small"
        square
        keepFocus
        label="One frame on"
        title="One frame on (→)"
        onPress={() => step(1)}
      >
        <Icon of={SkipForward} />
      </Button>
      <span className={c('clock')}>{clock(time)}</span>
      <span className={c('clipped')}>
        frame {count(frame)} of {count(frames)}
      </span>
      <input
        className={c('scrub')}
        type="range"
        min={0}
        max={Math.max(1, frames - 1)}
        value={frame}
        aria-label="Frame"
        aria-valuetext={`frame ${String(frame)} of ${String(frames)}`}
        onChange={(event) => moveCursor(Number(event.target.value), frames)}
      />
      <Select
        label="Speed"
        value={String(speed)}
        onChange={(value) => useReview.setState({ speed: Number(value) })}
        options={speeds.map((value) => ({ value: String(value), label: `${String(value)}×` }))}
      />
      <Button
        size="small"
        pressed={zoomed}
        keepFocus
        keys="Z"
        off={selected === null ? 'Select a cell first.' : undefined}
        onPress={() => useReview.setState({ zoomed: !zoomed })}
      >
        <Icon of={Crosshair} />
        Cell
      </Button>
    </div>
  );
}
