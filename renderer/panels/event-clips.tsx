// SPDX-License-Identifier: MIT
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import type { Cell } from '../../main/contract/index.ts';
import { useConnection, useCore } from '../client/context.ts';
import { useEditsKey } from '../client/edits.ts';
import { useLook, versionOf } from '../stores/look.ts';
import { Film, type FilmFrame } from '../client/film.ts';
import type { ReviewOpening } from '../client/queries.ts';
import { lutBytes, paint } from '../gl/lut.ts';
import { clipS, playAround, useReview } from '../stores/review.ts';
import { penOf } from '../ui/canvas.ts';
import { classes } from '../ui/classes.ts';
import { Keys } from '../ui/controls.tsx';
import { count, duration } from '../ui/format.ts';
import { useRested } from '../ui/use-rested.ts';
import { type Box, greyRange } from './movie-frame.ts';
import { styles } from './styles.ts';

const c = classes(styles);

/** Clips shown: CIAtah's nine. */
const most = 9;

/** A cell's strongest events. */
export function useEvents(runUuid: string, row: number | undefined) {
  const core = useCore();
  const edits = useEditsKey(runUuid);
  const shown = versionOf(useLook(runUuid));
  return useQuery({
    queryKey: ['events', runUuid, row, edits],
    enabled: row !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => core.review.events({ runUuid, row: row ?? -1, most, ...shown }, { signal }),
  });
}

/** The square around a cell, kept inside the frame. */
export function boxAround(cell: Cell, width: number, height: number, diameterPx: number | null): Box {
  const reach = Math.min(width / 2, height / 2, Math.max(10, (diameterPx ?? 10) * 1.8));
  const inside = (value: number, length: number): number => Math.max(reach, Math.min(length - reach, value));
  const [x, y] = [inside(cell.centroid.x, width), inside(cell.centroid.y, height)];
  return {
    left: Math.floor(x - reach),
    top: Math.floor(y - reach),
    right: Math.ceil(x + reach),
    bottom: Math.ceil(y + reach),
  };
}

interface ClipsProps {
  readonly opening: ReviewOpening;
  readonly selected: Cell;
}

/** “9 strongest of 23 events”, “3 events”, “1 event”. */
function clipsTitle(shown: number, all: number | undefined): string {
  const events = `${count(all)} ${all === 1 ? 'event' : 'events'}`;
  return all === undefined || shown === all ? events : `${String(shown)} strongest of ${events}`;
}

/** The strongest events of a cell as pictures at their peaks; pressing one plays the film around it again and again. */
export function EventClips({ opening, selected }: ClipsProps): ReactElement {
  const { frames, fps } = opening;
  const events = useEvents(opening.run.uuid, selected.row);
  const frame = useReview((state) => state.frame);
  const strongest = events.data?.strongest ?? [];
  const reach = clipS * fps;
  const now = strongest.findIndex((event) => Math.abs(event.frame - frame) <= reach);
  const pictures = useClipPictures(opening, selected, strongest.map((event) => event.frame).join(' '));
  return (
    <section className={c('clips')} aria-label={`Strongest events of cell ${String(selected.row)}`}>
      <p className={c('clipsHead')}>
        {events.isError ? (
          <span>The events could not be read: {events.error.message}</span>
        ) : (
          <>
            <b>{clipsTitle(strongest.length, events.data?.count)}</b>
            <span>each ±{clipS} s</span>
          </>
        )}
        <span className={c('clipsKey')}>
          <Keys chord="E" />
        </span>
      </p>
      <div className={c('clipRow')}>
        {strongest.map((event, index) => (
          <button
            key={event.frame}
            type="button"
            className={c('clip', index === now && 'clipNow')}
            onMouseDown={(press) => press.preventDefault()}
            onClick={() => playAround(event.frame, fps, frames)}
            title="Play around this event"
          >
            <ClipPicture picture={pictures.get(event.frame)} />
            <span>{event.timeS === null ? `#${String(event.frame)}` : duration(event.timeS)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}

interface ClipImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** Cuts the surroundings of a cell out of a frame; all clips of a cell have the contrast of the first. */
function cut(frame: FilmFrame, box: Box, levels: { readonly low: number; readonly high: number }): ClipImage {
  const [width, height] = [box.right - box.left, box.bottom - box.top];
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const from = (box.top + y) * frame.width + box.left;
    values.set(frame.bytes.subarray(from, from + width), y * width);
  }
  const pixels = new Uint8ClampedArray(4 * width * height);
  paint(values, levels, lutBytes('grey'), pixels);
  return { width, height, pixels };
}

/** Peak frames around the cell, fetched one after the other over a stream of their own. */
function useClipPictures(opening: ReviewOpening, cell: Cell, wanted: string): ReadonlyMap<number, ClipImage> {
  const connection = useConnection();
  const [pictures, setPictures] = useState<{ readonly key: string; readonly map: ReadonlyMap<number, ClipImage> }>({
    key: '',
    map: new Map(),
  });
  const { width, height, diameterPx } = opening;
  const key = `${cell.uuid} ${wanted}`;
  const rested = useRested(key);
  const runUuid = opening.run.uuid;
  useEffect(() => {
    if (rested !== key || wanted === '') return undefined;
    const queue = wanted.split(' ').map(Number);
    const box = boxAround(cell, width, height, diameterPx);
    const map = new Map<number, ClipImage>();
    let levels: { readonly low: number; readonly high: number } | undefined;
    const film = new Film(
      connection,
      runUuid,
      'registered',
      (frame) => {
        levels ??= greyRange(frame.bytes, frame.width, box);
        map.set(frame.frame, cut(frame, box, levels));
        setPictures({ key, map: new Map(map) });
        const next = queue[queue.indexOf(frame.frame) + 1];
        if (next !== undefined) film.show('registered', next);
      },
      // The movie beside the clips says what is wrong with the films.
      () => undefined,
    );
    film.show('registered', queue[0] ?? 0);
    return () => film.dispose();
    // A decision makes a new cell object of the same place.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [connection, runUuid, rested, key, wanted, width, height, diameterPx]);
  return pictures.key === key ? pictures.map : new Map();
}

function ClipPicture({ picture }: { readonly picture: ClipImage | undefined }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = penOf(canvas.current);
    if (context === null || picture === undefined) return;
    context.canvas.width = picture.width;
    context.canvas.height = picture.height;
    context.putImageData(new ImageData(picture.pixels, picture.width, picture.height), 0, 0);
  }, [picture]);
  return <canvas ref={canvas} aria-hidden="true" />;
}
