// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import type { imageNames, movieLayers } from '../../main/contract/index.ts';
import type { Sort } from './cell-list.ts';

export type ImageName = (typeof imageNames)[number];
/** What can lie under the outlines. */
export type MapImage = ImageName | 'footprints';
export type MovieLayer = (typeof movieLayers)[number];

export type OutlinesBy = 'label' | 'suggestion';

/** Pictures of a run that can lie under the outlines, in the order of the key. */
export const mapImages = (images: readonly ImageName[]): readonly MapImage[] => [...images, 'footprints'];

/** What Review shows now; decisions are not here but in the library. */
export interface ReviewView {
  readonly runUuid: string | null;
  readonly selected: string | null;
  readonly hovered: string | null;
  /** A second cell, chosen to be looked at or merged with the selected one. */
  readonly partner: string | null;
  readonly sort: Sort;
  readonly filter: string;
  readonly image: MapImage;
  /** Whose word the outlines show: the person's label, or what the engine suggests. */
  readonly outlinesBy: OutlinesBy;
  readonly layer: MovieLayer;
  readonly outlines: boolean;
  /** Map and movie follow the selected cell. */
  readonly zoomed: boolean;
  /** 0-based frame under the shared time cursor. */
  readonly frame: number;
  readonly playing: boolean;
  /** First and last frame that are played again and again; null plays on. */
  readonly loop: readonly [number, number] | null;
  /** Playing speed over real time. */
  readonly speed: number;
  /** First and last frame of the traces' window. */
  readonly window: readonly [number, number];
}

const initial: ReviewView = {
  runUuid: null,
  selected: null,
  hovered: null,
  partner: null,
  sort: { key: 'row', descending: false },
  filter: '',
  image: 'correlation',
  outlinesBy: 'label',
  layer: 'raw',
  outlines: true,
  zoomed: false,
  frame: 0,
  playing: false,
  loop: null,
  speed: 1,
  window: [0, 0],
};

/** The view of the run under review. */
export const useReview = create<ReviewView>(() => initial);
// A partner belongs to the cell it was chosen for.
useReview.subscribe((now, before) => {
  if (now.selected !== before.selected && now.loop !== null) useReview.setState({ loop: null, playing: false });
  if (now.selected !== before.selected && now.partner !== null && now.partner === before.partner)
    useReview.setState({ partner: null });
});

/** Speeds offered. */
export const speeds = [0.25, 0.5, 1, 2, 4, 8] as const;

/** Begins with a run: everything but sorting and the choice of pictures starts afresh. */
export function beginReview(runUuid: string, frames: number, fps: number, images: readonly ImageName[]): void {
  const { sort, image, layer, outlinesBy } = useReview.getState();
  const kept = mapImages(images).includes(image) ? image : (images[0] ?? 'mean');
  const shown = Math.min(frames - 1, Math.round(60 * fps));
  useReview.setState({ ...initial, sort, layer, outlinesBy, image: kept, runUuid, window: [0, Math.max(1, shown)] });
}

/** The window of `size` frames that shows `frame`, moved no more than needed and kept inside the recording. */
export function windowAround(
  window: readonly [number, number],
  frame: number,
  frames: number,
): readonly [number, number] {
  const [first, last] = window;
  const size = last - first;
  if (frame >= first && frame <= last) return window;
  const start = frame > last ? frame - Math.round(size * 0.1) : frame - Math.round(size * 0.9);
  const clamped = Math.max(0, Math.min(start, frames - 1 - size));
  return [clamped, clamped + size];
}

/** The window scaled by `factor` about `frame`, at least 10 frames and at most the recording. */
export function zoomWindow(
  window: readonly [number, number],
  frame: number,
  factor: number,
  frames: number,
): readonly [number, number] {
  const [first, last] = window;
  const size = Math.min(frames - 1, Math.max(Math.min(10, frames - 1), Math.round((last - first) * factor)));
  const share = last > first ? (frame - first) / (last - first) : 0.5;
  const start = Math.max(0, Math.min(Math.round(frame - share * size), frames - 1 - size));
  return [start, start + size];
}

/** The window moved by so many frames, kept inside the recording. */
export function panWindow(window: readonly [number, number], by: number, frames: number): readonly [number, number] {
  const size = window[1] - window[0];
  // A slow wheel still moves it.
  const step = Math.abs(by) < 1 ? Math.sign(by) : Math.round(by);
  const start = Math.max(0, Math.min(window[0] + step, frames - 1 - size));
  return [start, start + size];
}

/** Moves the shared cursor; the traces' window follows. */
export function moveCursor(frame: number, frames: number): void {
  const clamped = Math.max(0, Math.min(frames - 1, Math.round(frame)));
  useReview.setState((state) => ({ frame: clamped, window: windowAround(state.window, clamped, frames) }));
}

/** Seconds before and after an event that are played. */
export const clipS = 1.5;

/** Plays the film around an event, again and again. */
export function playAround(frame: number, fps: number, frames: number): void {
  const reach = Math.max(1, Math.round(clipS * fps));
  const loop = [Math.max(0, frame - reach), Math.min(frames - 1, frame + reach)] as const;
  moveCursor(loop[0], frames);
  useReview.setState({ loop, playing: true });
}

/** The frame after `frame` has gone on by `step`: round the loop, or up to the last one. */
export function playedFrame(
  frame: number,
  step: number,
  frames: number,
  loop: readonly [number, number] | null,
): { readonly frame: number; readonly ended: boolean } {
  const next = frame + step;
  if (loop !== null) {
    const [first, last] = loop;
    return { frame: next > last || next < first ? first : next, ended: false };
  }
  return { frame: Math.min(next, frames - 1), ended: next >= frames - 1 };
}
