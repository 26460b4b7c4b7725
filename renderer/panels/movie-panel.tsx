// SPDX-License-Identifier: MIT
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { AppError, type Cell } from '../../main/contract/index.ts';
import { useConnection, useLine } from '../client/context.ts';
import { Film, type FilmFrame, type FilmState } from '../client/film.ts';
import { useEditsKey } from '../client/edits.ts';
import { useOutlines } from '../client/outlines.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { type MovieLayer, useReview } from '../stores/review.ts';
import { classes } from '../ui/classes.ts';
import { Button, FoldingChoice, Note } from '../ui/controls.tsx';
import { count } from '../ui/format.ts';
import { Empty, Failed, Loading, Panel } from '../ui/panel.tsx';
import { EventClips } from './event-clips.tsx';
import { follow, labelCodes, partnerRow, placeTicks } from './marks.ts';
import { type Box, showFrame } from './movie-frame.ts';
import { Transport, usePlayback } from './movie-transport.tsx';
import { styles } from './styles.ts';
import { useStage } from './use-stage.ts';

const c = classes(styles);

/** Names of the layers. */
const layerTitles: Readonly<Record<MovieLayer, { readonly label: string; readonly title: string }>> = {
  raw: { label: 'Raw', title: 'As recorded (V: next)' },
  registered: { label: 'Registered', title: 'Movement taken out (V: next)' },
  cells: { label: 'A·C', title: 'The cells alone: footprints times activity (V: next)' },
  background: { label: 'Background', title: 'What the ring background explains (V: next)' },
  residual: { label: 'Residual', title: 'What neither cells nor background explain (V: next)' },
  split: { label: 'Split', title: 'All four side by side with one contrast (V: next)' },
};

/** A run that cannot be taken apart shows its film as recorded. */
function shownLayer(layer: MovieLayer, opening: ReviewOpening): MovieLayer {
  return opening.movieLayers.includes(layer) ? layer : 'raw';
}

interface MovieProps {
  readonly opening: ReviewOpening;
  readonly cells: readonly Cell[];
  readonly selected: Cell | undefined;
}

/** The film at the shared time cursor: as recorded, or registered. */
export function MoviePanel(props: MovieProps): ReactElement {
  const { opening, selected } = props;
  const layer = useReview((state) => state.layer);
  return (
    <Panel
      title="Movie"
      scope="movie"
      well
      end={
        opening.filmsPresent ? (
          <FoldingChoice<MovieLayer>
            label="Layer of the movie"
            many
            value={shownLayer(layer, opening)}
            onChange={(next) => useReview.setState({ layer: next })}
            options={opening.movieLayers.map((value) => ({ value, ...layerTitles[value] }))}
          />
        ) : undefined
      }
    >
      {opening.filmsPresent ? (
        <Screen {...props} />
      ) : (
        <div className={c('stage')}>
          <Empty title="No movie">
            <p>{opening.filmNote ?? 'The films of this session are not where they were.'}</p>
            <p>Traces, map and decisions work without them.</p>
          </Empty>
        </div>
      )}
      {opening.filmsPresent && opening.filmNote !== null ? <Note kind="info">{opening.filmNote}</Note> : null}
      <Transport opening={opening} />
      {selected === undefined || !opening.filmsPresent ? null : <EventClips opening={opening} selected={selected} />}
    </Panel>
  );
}

function Screen({ opening, cells, selected }: MovieProps): ReactElement {
  const connection = useConnection();
  const runUuid = opening.run.uuid;
  const { wantedLayer, outlinesShown, zoomed, frame } = useReview(
    useShallow(({ layer, outlines, zoomed, frame }) => ({
      wantedLayer: layer,
      outlinesShown: outlines,
      zoomed,
      frame,
    })),
  );
  const layer = shownLayer(wantedLayer, opening);
  const edits = useEditsKey(runUuid);
  const outlines = useOutlines(runUuid);
  const [state, setState] = useState<FilmState>({ kind: 'opening', step: 1 });
  const [shown, setShown] = useState<Omit<FilmFrame, 'bytes'> | null>(null);
  const film = useRef<Film | null>(null);
  const ticks = useRef<HTMLDivElement>(null);
  const contrast = useRef('');
  const failed = useRef(false);
  const region = useRef<Cell | undefined>(undefined);
  const { diameterPx } = opening;
  const { host, stage, trouble } = useStage({
    onDrawn: (view, panel) => {
      if (ticks.current !== null) placeTicks(ticks.current, selected, view, panel);
    },
  });
  useEffect(() => {
    if (stage === null) return undefined;
    const opened = new Film(
      connection,
      runUuid,
      shownLayer(useReview.getState().layer, opening),
      ({ bytes, ...header }) => {
        const part = partOf(region.current, header, diameterPx);
        const measure = contrast.current !== part.key;
        contrast.current = part.key;
        showFrame(stage, { ...header, bytes }, measure ? part.box : undefined);
        stage.redraw();
        setShown(header);
      },
      setState,
    );
    film.current = opened;
    opened.show(shownLayer(useReview.getState().layer, opening), useReview.getState().frame);
    return () => {
      film.current = null;
      opened.dispose();
    };
    // An edit makes other cells: the film is opened again with them.
  }, [connection, runUuid, stage, diameterPx, edits, opening]);
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
    <div className={c('stage', layer === 'split' && 'quartered')}>
      <div
        ref={host}
        className={c('picture')}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the keys of the movie work on it
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
      {shown === null ? null : <Captions layer={shown.layer} small={shown.small === true} />}
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

/** What is seen where. */
function Captions({ layer, small }: { readonly layer: MovieLayer; readonly small: boolean }): ReactElement {
  if (layer !== 'split')
    return (
      <span className={c('cap tl')}>
        {layer === 'cells' ? 'cells, A·C' : layer === 'residual' ? 'residual, ±5 σ' : layer}
        {small ? ', small copy' : ''}
      </span>
    );
  return (
    <>
      <span className={c('cap tl')}>registered</span>
      <span className={c('cap tl rightHalf')}>cells, A·C</span>
      <span className={c('cap tl lowerHalf')}>background</span>
      <span className={c('cap tl rightHalf lowerHalf')}>residual, ±5 σ</span>
    </>
  );
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
