// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { decodeNpy, type NpyArray } from '../arrays/index.ts';
import { AppError, type movieApi, type movieLayers } from '../contract/index.ts';
import type { Handlers } from '../rpc/index.ts';
import { binding, fromNative } from './binding.ts';
import { followFrames } from './follow.ts';
import { NearFrames, placesInOrder } from './near-frames.ts';
import { useFoundFfmpeg } from './probe.ts';
import type { Movie, MovieInput } from './tickets.ts';

/** Which picture of a frame. */
export type Layer = (typeof movieLayers)[number];

/** One picture and what it is of. */
export interface MovieFrame {
  readonly header: {
    readonly frame: number;
    readonly height: number;
    readonly width: number;
    readonly layer: Layer;
    readonly timeS: number | null;
    readonly unreadable: boolean;
    /** A small picture of this frame, blown up: it stands in for one that is still being decoded. */
    readonly small?: boolean;
  };
  readonly bytes: Uint8Array;
}

/** An opened movie: serves `movie.*` until it is disposed. */
export interface OpenMovie extends Disposable {
  readonly frames: number;
  /** A frame of the run by its number. @throws AppError `rpc.invalid_input`, `media.*`, what the engine says */
  readonly read: (frame: number, layer: Layer) => Promise<MovieFrame>;
  readonly handlers: Handlers<typeof movieApi.procedures>;
}

interface Part {
  readonly input: MovieInput;
  /** First frame of the run that comes from this part. */
  readonly start: number;
  handle: Promise<Opened> | undefined;
  /** What `handle` came to. */
  open: Opened | undefined;
}

/** A recording that is open. */
interface Opened {
  readonly handle: number;
  readonly height: number;
  readonly width: number;
  /** A frame anywhere costs no more than those from its key frame on. */
  readonly jumps: boolean;
}

/** All elements of a small array, row-major; undefined when the file is missing or cannot be read: frames are shown all the same. */
async function readTable(file: string): Promise<NpyArray | undefined> {
  try {
    return decodeNpy(await readFile(file), path.basename(file)).data;
  } catch {
    return undefined;
  }
}

const Nodes = z.object({ motionBlocks: z.object({ rows: z.array(z.number()), columns: z.array(z.number()) }) });

/** The fields of a run whose blocks were registered one by one: `motion_blocks.npy` and the places in `run.json`. */
interface Fields {
  readonly rows: Float32Array;
  readonly columns: Float32Array;
  readonly values: NpyArray;
}

async function readFields(folder: string): Promise<Fields | undefined> {
  const values = await readTable(path.join(folder, 'motion_blocks.npy'));
  if (values === undefined) return undefined;
  try {
    const run: unknown = JSON.parse(await readFile(path.join(folder, 'run.json'), 'utf8'));
    const { rows, columns } = Nodes.parse(run).motionBlocks;
    return { rows: Float32Array.from(rows), columns: Float32Array.from(columns), values };
  } catch {
    return undefined;
  }
}

/** The field of one frame as the binding takes it; undefined where the run has none. */
function fieldOf(fields: Fields | undefined, frame: number) {
  if (fields === undefined) return undefined;
  const size = 2 * fields.rows.length * fields.columns.length;
  const values = Float32Array.from({ length: size }, (_, i) => fields.values[frame * size + i] ?? 0);
  return { rows: fields.rows, columns: fields.columns, values };
}

function toParts(inputs: readonly MovieInput[]): Part[] {
  let start = 0;
  return inputs.map((input) => {
    const part: Part = { input, start, handle: undefined, open: undefined };
    start += input.lastFrame - input.firstFrame + 1;
    return part;
  });
}

/** Where each part begins among those that the model gives. */
const partOrder = { cells: 0, background: 1, residual: 2 } as const;

/** What is sent of a frame that was taken apart. */
function partOf(layer: Exclude<Layer, 'raw' | 'registered'>, film: Uint8Array, parts: Uint8Array): Uint8Array {
  if (layer === 'split') {
    const all = new Uint8Array(film.length + parts.length);
    all.set(film);
    all.set(parts, film.length);
    return all;
  }
  const size = film.length;
  return parts.subarray(partOrder[layer] * size, (partOrder[layer] + 1) * size);
}

function timeAt(times: NpyArray | undefined, frame: number): number | null {
  const time = times?.[frame];
  return time === undefined || Number.isNaN(time) ? null : time;
}

async function closeView(view: Promise<number> | undefined): Promise<void> {
  try {
    if (view !== undefined) binding().closeView(await view);
  } catch {
    // It was never open.
  }
}

async function opened(part: Part): Promise<Opened> {
  part.handle ??= binding()
    .openRecording(part.input.films)
    .then(({ handle, height, width, jumps }) => (part.open = { handle, height, width, jumps }));
  return await part.handle;
}

function closeParts(parts: readonly Part[]): void {
  for (const { handle } of parts)
    void handle?.then((open) => binding().closeRecording(open.handle)).catch(() => undefined);
}

/** A hand that has not moved for so long rests, ms. */
const restMs = 120;

/** So many frames are decoded in vain for a frame that somebody drags past; of one farther from its key frame, the key frame is shown. */
const draggedLead = 2;

/** Serves the frames of one run. Recordings are opened when their first frame is asked for. */
export function openMovie(movie: Movie): OpenMovie {
  useFoundFfmpeg();
  const parts = toParts(movie.inputs);
  const closed = new AbortController();
  const last = parts.at(-1);
  const frames = last === undefined ? 0 : last.start + last.input.lastFrame - last.input.firstFrame + 1;
  const tables = Promise.all([
    readTable(movie.motionFile),
    readTable(movie.timeFile),
    readFields(path.dirname(movie.motionFile)),
  ]);

  let view: Promise<number> | undefined;
  /** The registered frame taken apart: cells, background, residual. */
  const takeApart = async (frame: number, bytes: Uint8Array): Promise<Uint8Array> => {
    if (movie.model === undefined) {
      throw new AppError('rpc.invalid_input', 'This film is no run’s input; it has no cells to take out.');
    }
    const { folder, layers } = movie.model;
    view ??= binding().openView(folder, [...layers]);
    try {
      return await binding().renderView(await view, frame, bytes);
    } catch (error) {
      void closeView(view);
      view = undefined;
      throw fromNative(error);
    }
  };

  const readFrom = async (from: readonly Part[], frame: number, layer: Layer): Promise<MovieFrame> => {
    if (frame >= frames) {
      throw new AppError('rpc.invalid_input', `Frame ${String(frame)} was asked for, the run has ${String(frames)}.`);
    }
    const part = from.findLast((candidate) => candidate.start <= frame);
    if (part === undefined) throw new AppError('media.empty', 'The run has no films.');
    const [motion, times, fields] = await tables;
    const [dy, dx] = layer !== 'raw' ? [motion?.[2 * frame] ?? 0, motion?.[2 * frame + 1] ?? 0] : [0, 0];
    try {
      const { handle, height, width } = await opened(part);
      const local = part.input.firstFrame + frame - part.start;
      const { bytes: film, unreadable } = await binding().readFrame(
        handle,
        local,
        dy,
        dx,
        layer !== 'raw' ? fieldOf(fields, frame) : undefined,
      );
      const timeS = timeAt(times, frame);
      const bytes =
        layer === 'raw' || layer === 'registered' ? film : partOf(layer, film, await takeApart(frame, film));
      return { header: { frame, height, width, layer, timeS, unreadable }, bytes };
    } catch (error) {
      // The model's trouble is not the film's: it stays open.
      if (!(error instanceof AppError)) part.handle = part.open = undefined;
      throw fromNative(error);
    }
  };

  const read = async (frame: number, layer: Layer): Promise<MovieFrame> => await readFrom(parts, frame, layer);

  /** The key frame before one, where it is read sooner than the frame itself from the one that was read last. */
  const keyBefore = (frame: number, last: number): number => {
    const part = parts.findLast((candidate) => candidate.start <= frame);
    if (part?.open?.jumps !== true) return frame;
    const lead = binding().frameLead(part.open.handle, part.input.firstFrame + frame - part.start);
    const inPart = frame - lead >= part.start;
    const fromLast = last <= frame && last >= frame - lead;
    return lead > draggedLead && inPart && !fromLast ? frame - lead : frame;
  };

  const small = new Map<Layer, Promise<NearFrames | undefined>>();
  /** Small frames of a layer, filled from now on by a decoder of their own; undefined where frames are quick anyway, or too much has to be computed for them. */
  const fill = async (layer: Layer): Promise<NearFrames | undefined> => {
    const [first] = parts;
    if (first === undefined || (layer !== 'raw' && layer !== 'registered')) return undefined;
    try {
      const { height, width, jumps } = await opened(first);
      if (jumps) return undefined;
      const kept = new NearFrames(frames, height, width);
      void (async () => {
        const own = toParts(movie.inputs);
        try {
          for (const frame of placesInOrder(frames, kept.stride)) {
            if (closed.signal.aborted) return;
            if (kept.has(frame)) continue;
            const { header, bytes } = await readFrom(own, frame, layer);
            if (header.height === height && header.width === width) kept.put(frame, bytes, header.unreadable);
          }
        } catch {
          // What is wrong with the films is told by the frame that is asked for.
        } finally {
          closeParts(own);
        }
      })();
      return kept;
    } catch {
      return undefined;
    }
  };

  const frameStream: OpenMovie['handlers']['frames'] = async function* ({ layer, ahead }, updates) {
    let kept: NearFrames | undefined;
    const prepare = (): void => {
      if (!small.has(layer)) small.set(layer, fill(layer));
      void small.get(layer)?.then((filling) => (kept = filling));
    };
    const [, times] = await tables;
    const pictures = followFrames(updates, {
      read: async (frame) => {
        const { header, bytes } = await read(frame, layer);
        kept?.put(frame, bytes, header.unreadable);
        // The picture first: whoever opens a film waits for it.
        if (ahead === true) prepare();
        return { ...header, bytes };
      },
      near: (frame) => {
        const near = kept?.near(frame);
        if (kept === undefined || near === undefined) return undefined;
        const { height, width } = kept;
        return { ...near, height, width, layer, timeS: timeAt(times, near.frame), small: true };
      },
      quicker: keyBefore,
      onOvertaken: prepare,
      rest: () => setTimeout(restMs),
    });
    for await (const { bytes, ...header } of pictures) yield { header, bytes };
  };

  return {
    frames,
    read,
    handlers: { frames: frameStream },
    [Symbol.dispose]: () => {
      closed.abort();
      void closeView(view);
      closeParts(parts);
    },
  };
}
