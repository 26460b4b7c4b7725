// SPDX-License-Identifier: MIT
import { create } from 'zustand';
import type { TryOutPlace, TryOutResult } from '../../main/contract/index.ts';
import type { Typed } from './parameters.ts';

/** What one side of a try-out was asked and what came of it. */
export interface Tried {
  readonly result: TryOutResult;
  /** The form as it stood. */
  readonly typed: Typed;
  readonly recordingUuid: string;
}

interface TryOutView {
  readonly place: TryOutPlace | null;
  /** How often "Elsewhere" was pressed. */
  readonly spot: number;
  readonly a: Tried | null;
  readonly b: Tried | null;
  readonly mode: 'four' | 'wipe' | 'blink' | 'seeds';
}

/** What is tried out in Process. */
export const useTryOut = create<TryOutView>(() => ({ place: null, spot: 0, a: null, b: null, mode: 'four' }));

/** Side of the square that is tried, px, and its length, s. */
const sidePx = 200;
const lengthS = 10;

/** Order in which "Elsewhere" goes over the field and the film: the middle first, in thirds. */
const spots: ReadonlyArray<readonly [y: number, x: number, t: number]> = [
  [0.5, 0.5, 0.5],
  [0.25, 0.25, 0.25],
  [0.25, 0.75, 0.75],
  [0.75, 0.25, 0.5],
  [0.75, 0.75, 0.1],
  [0.5, 0.5, 0.9],
];

/** A piece of a recording: a square of at most 200 px and 10 s, at one of a few spots. */
export function placeAt(
  recording: { readonly height: number; readonly width: number; readonly frames: number; readonly fps: number | null },
  spot: number,
): TryOutPlace {
  const [y, x, t] = spots[spot % spots.length] ?? [0.5, 0.5, 0.5];
  const height = Math.min(sidePx, recording.height);
  const width = Math.min(sidePx, recording.width);
  const frames = Math.min(recording.frames, Math.max(50, Math.round(lengthS * (recording.fps ?? 30))));
  const within = (share: number, whole: number, piece: number): number =>
    Math.max(0, Math.min(whole - piece, Math.round(share * whole - piece / 2)));
  const firstFrame = within(t, recording.frames, frames);
  return {
    top: within(y, recording.height, height),
    left: within(x, recording.width, width),
    height,
    width,
    firstFrame,
    lastFrame: firstFrame + frames - 1,
  };
}

/** What the window draws of one side. */
export interface TryOutData {
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  readonly images: ReadonlyMap<string, Float32Array>;
  /** Cells × frames, grey levels. */
  readonly traces: Float32Array;
  readonly bytes: Uint8Array;
  readonly cells: ReadonlyArray<{
    readonly row: number;
    readonly suggested: boolean;
    readonly snr: number | null;
    readonly top: number;
    readonly left: number;
    readonly height: number;
    readonly width: number;
    readonly offset: number;
  }>;
}

/** Reads a packet of `processing.tryOutPictures`. */
export function readTryOut(
  header: Omit<TryOutData, 'images' | 'traces' | 'bytes'> & { readonly images: readonly string[] },
  packet: Uint8Array,
): TryOutData {
  const bytes = packet.byteOffset % 4 === 0 ? packet : packet.slice();
  const size = header.height * header.width;
  const floats = (from: number, count: number): Float32Array =>
    new Float32Array(bytes.buffer, bytes.byteOffset + 4 * from, count);
  const images = new Map(header.images.map((name, index) => [name, floats(index * size, size)]));
  const traces = floats(header.images.length * size, header.cells.length * header.frames);
  return { ...header, images, traces, bytes };
}

/** The light of the suggested cells in one frame: footprints times traces, `height × width`. */
export function cellLight(data: TryOutData, frame: number): Float32Array {
  const light = new Float32Array(data.height * data.width);
  for (const cell of data.cells) {
    if (!cell.suggested) continue;
    const level = data.traces[cell.row * data.frames + frame] ?? 0;
    if (!(level > 0)) continue;
    for (let y = 0; y < cell.height; y += 1) {
      for (let x = 0; x < cell.width; x += 1) {
        const weight = data.bytes[cell.offset + y * cell.width + x] ?? 0;
        const at = (cell.top + y) * data.width + cell.left + x;
        light[at] = (light[at] ?? 0) + (weight / 255) * level;
      }
    }
  }
  return light;
}

/** The frame in which the cells are brightest together. */
export function busiestFrame(data: TryOutData): number {
  let [best, most] = [0, -Infinity];
  for (let frame = 0; frame < data.frames; frame += 1) {
    let sum = 0;
    for (const cell of data.cells)
      if (cell.suggested) sum += Math.max(0, data.traces[cell.row * data.frames + frame] ?? 0);
    if (sum > most) [best, most] = [frame, sum];
  }
  return best;
}

/** The brightest light of a cell over the piece: what white is. */
export function brightest(data: TryOutData): number {
  let most = 0;
  for (const value of data.traces) if (value > most) most = value;
  return most;
}

/** Suggested cells of `a` that have no counterpart in `b`: no footprint with a cosine of a half or more. */
export function onlyHere(a: TryOutData, b: TryOutData): readonly number[] {
  const norm = (data: TryOutData, cell: TryOutData['cells'][number]): number => {
    let sum = 0;
    for (let i = 0; i < cell.height * cell.width; i += 1) sum += (data.bytes[cell.offset + i] ?? 0) ** 2;
    return Math.sqrt(sum);
  };
  const alike = (one: TryOutData['cells'][number], other: TryOutData['cells'][number]): number => {
    let sum = 0;
    const [top, bottom] = [Math.max(one.top, other.top), Math.min(one.top + one.height, other.top + other.height)];
    const [left, right] = [Math.max(one.left, other.left), Math.min(one.left + one.width, other.left + other.width)];
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        sum +=
          (a.bytes[one.offset + (y - one.top) * one.width + x - one.left] ?? 0) *
          (b.bytes[other.offset + (y - other.top) * other.width + x - other.left] ?? 0);
      }
    }
    const scale = norm(a, one) * norm(b, other);
    return scale > 0 ? sum / scale : 0;
  };
  return a.cells
    .filter((cell) => cell.suggested && !b.cells.some((other) => other.suggested && alike(cell, other) >= 0.5))
    .map((cell) => cell.row);
}

/** Where a seed may stand: a local maximum of correlation × peak-to-noise within 0.6 diameters, as the engine looks for it. */
export interface Candidate {
  readonly y: number;
  readonly x: number;
  readonly pnr: number;
  readonly correlation: number;
}

/** All places that could be seeds with some limits; limits can then be moved without looking again. */
export function seedCandidates(
  pnr: Float32Array,
  correlation: Float32Array,
  height: number,
  width: number,
  diameterPx: number,
): readonly Candidate[] {
  const distance = 0.6 * diameterPx;
  const reach = Math.ceil(distance);
  const value = (at: number): number => {
    const product = (pnr[at] ?? 0) * (correlation[at] ?? 0);
    return Number.isFinite(product) ? product : 0;
  };
  const found: Candidate[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const own = value(y * width + x);
      if (own <= 0) continue;
      let best = true;
      for (let j = Math.max(0, y - reach); best && j <= Math.min(height - 1, y + reach); j += 1) {
        for (let i = Math.max(0, x - reach); best && i <= Math.min(width - 1, x + reach); i += 1) {
          if ((j - y) ** 2 + (i - x) ** 2 > distance * distance) continue;
          const other = value(j * width + i);
          best = other < own || (other === own && (j > y || (j === y && i >= x)));
        }
      }
      if (best) found.push({ y, x, pnr: pnr[y * width + x] ?? 0, correlation: correlation[y * width + x] ?? 0 });
    }
  }
  return found;
}

/** Candidates that reach both limits. */
export const seedsOf = (list: readonly Candidate[], minPnr: number, minCorrelation: number): readonly Candidate[] =>
  list.filter((each) => each.pnr >= minPnr && each.correlation >= minCorrelation);
