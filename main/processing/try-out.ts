// SPDX-License-Identifier: MIT
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { NpyFile, readSparseRows } from '../arrays/index.ts';
import {
  AppError,
  type Budget,
  type ParameterValues,
  stageNames,
  type StageName,
  type Uuid,
} from '../contract/index.ts';
import type { Library, StoredRecording } from '../library/index.ts';
import { followed } from '../rpc/index.ts';
import type { Compute, ComputeEnd } from './compute.ts';
import { jobFolderOf, writeJobFolder, type Limits } from './job-folder.ts';
import type { ParameterSet } from './parameters.ts';

/** A rectangle of the frame and a stretch of the film. */
export interface TryOutPlace {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly firstFrame: number;
  /** Inclusive. */
  readonly lastFrame: number;
}

/** What is tried. */
export interface TryOutWish {
  readonly recordingUuid: Uuid;
  readonly place: TryOutPlace;
  readonly parameters: ParameterValues;
  readonly budget: Budget;
}

/** What came of it. */
export interface TryOutResult {
  readonly ticket: Uuid;
  readonly place: TryOutPlace;
  readonly fps: number;
  readonly cells: number;
  readonly suggested: number;
  readonly medianSnr: number | null;
  readonly diameterPx: number | null;
  /** Limits of the seeds that were used. */
  readonly minPnr: number | null;
  readonly minCorrelation: number | null;
  readonly seconds: number;
  /** What the whole recording would take, by what this piece took; about. */
  readonly wholeSeconds: number;
  readonly peakMemoryBytes: number | null;
}

export interface TryOutStep {
  readonly stage: StageName | null;
  readonly overall: number;
  readonly result: TryOutResult | null;
}

const RunJson = z.object({
  components: z.number().int(),
  accepted: z.number().int(),
  frames: z.number().int(),
  height: z.number().int(),
  width: z.number().int(),
  fps: z.number().positive().nullish(),
  seconds: z.number(),
  chosen: z
    .object({ diameterPx: z.number().nullish(), minPnr: z.number().nullish(), minCorrelation: z.number().nullish() })
    .nullish(),
  usage: z.object({ peakMemoryBytes: z.number().nullish() }).nullish(),
  stages: z.array(z.object({ stage: z.enum(stageNames), seconds: z.number().nullish() })),
});
const Metrics = z.object({
  cells: z.array(z.object({ row: z.number().int(), accepted: z.boolean(), snr: z.number().nullish() })),
});

/** Results that are kept: A and B, and the two before them. */
const kept = 4;

/** The pictures of a piece. */
const pictures = ['mean', 'correlation', 'pnr'] as const;

/** A piece of a try-out as one packet. */
export interface TryOutPacket {
  readonly header: {
    readonly height: number;
    readonly width: number;
    readonly frames: number;
    readonly images: string[];
    readonly cells: {
      readonly row: number;
      readonly suggested: boolean;
      readonly snr: number | null;
      readonly top: number;
      readonly left: number;
      readonly height: number;
      readonly width: number;
      readonly offset: number;
    }[];
  };
  /** Images (height × width float32 each), traces (cells × frames float32), footprints (bytes at their offsets, 255 = 1). */
  readonly bytes: Uint8Array;
}

interface Kept {
  readonly wish: TryOutWish;
  readonly folder: string;
}

/**
 * Runs of a small piece that never enter the library: the engine works in a folder of its own in the cache, and the last few results are kept until the program ends.
 */
export class TryOuts implements AsyncDisposable {
  readonly #library: Library;
  readonly #set: ParameterSet;
  readonly #limits: Limits;
  readonly #compute: Compute;
  readonly #results = new Map<Uuid, Kept>();
  readonly #running = new Map<Uuid, Promise<ComputeEnd>>();
  #cleared: Promise<void> | undefined;

  constructor(library: Library, set: ParameterSet, limits: Limits, compute: Compute) {
    this.#library = library;
    this.#set = set;
    this.#limits = limits;
    this.#compute = compute;
  }

  get #folder(): string {
    return path.join(this.#library.folders.cache, 'try-outs');
  }

  /** Results of an earlier process are of no use to anyone. */
  async #clear(): Promise<void> {
    this.#cleared ??= rm(this.#folder, { recursive: true, force: true });
    await this.#cleared;
    await mkdir(this.#folder, { recursive: true });
  }

  /**
   * Runs a piece; the last value has the result. Leaving ends the engine.
   *
   * @throws AppError `usage.invalid`, `session.not_imported`, `engine.*`, `disk.*`
   */
  async *run(wish: TryOutWish, signal: AbortSignal): AsyncGenerator<TryOutStep> {
    if (this.#library.readOnly !== null) throw new AppError('library.read_only', this.#library.readOnly);
    const recording = await this.#library.sessions.recording(wish.recordingUuid);
    const { place } = wish;
    checkPlace(place, recording);
    const parameters = this.#set.complete({
      ...wish.parameters,
      firstFrame: place.firstFrame,
      lastFrame: place.lastFrame,
      cropTop: place.top,
      cropLeft: place.left,
      cropHeight: place.height,
      cropWidth: place.width,
    });
    await this.#clear();
    const ticket = randomUUID();
    const folder = path.join(this.#folder, ticket);
    const jobFolder = await writeJobFolder(
      this.#library,
      {
        runUuid: ticket,
        output: folder,
        inputs: [{ recordingUuid: recording.uuid, firstFrame: place.firstFrame, lastFrame: place.lastFrame }],
        parameters,
        budget: wish.budget,
      },
      this.#limits,
    );
    const first: TryOutStep = { stage: 'read', overall: 0, result: null };
    try {
      const end = yield* followed(
        first,
        async (tell, stop) => {
          const cancel = (): void => this.#compute.cancel(ticket);
          stop.addEventListener('abort', cancel);
          try {
            const submission = await this.#compute.submit(
              { runUuid: ticket, jobFolder, output: folder, logFile: path.join(this.#folder, `${ticket}.log`) },
              (message) => {
                if (message.type === 'progress') tell({ stage: message.stage, overall: message.overall, result: null });
              },
            );
            this.#running.set(ticket, submission.ended);
            if (stop.aborted) cancel();
            return await submission.ended;
          } finally {
            stop.removeEventListener('abort', cancel);
            this.#running.delete(ticket);
          }
        },
        signal,
      );
      if (end.kind === 'cancelled') throw new AppError('engine.cancelled', 'The try-out was cancelled.');
      if (end.kind === 'failed') throw end.error;
      this.#results.set(ticket, { wish, folder });
      for (const oldest of [...this.#results.keys()].slice(0, -kept)) await this.#drop(oldest);
      yield { stage: null, overall: 1, result: await resultOf(ticket, folder, wish, recording) };
    } finally {
      await rm(jobFolderOf(this.#library, ticket), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** Pictures, traces and footprints of a result, cut to its rectangle. @throws AppError `run.not_found`, `disk.io` */
  async pictures(ticket: Uuid): Promise<TryOutPacket> {
    const { wish, folder } = this.#known(ticket);
    return await packetOf(folder, wish.place);
  }

  /** The film of a result, as the process that owns the frames opens it; null for a ticket that is none. */
  async movie(ticket: Uuid): Promise<{
    readonly inputs: { readonly films: string[]; readonly firstFrame: number; readonly lastFrame: number }[];
    readonly motionFile: string;
    readonly timeFile: string;
  } | null> {
    const found = this.#results.get(ticket);
    if (found === undefined) return null;
    const recording = await this.#library.sessions.recording(found.wish.recordingUuid);
    const { firstFrame, lastFrame } = found.wish.place;
    return {
      inputs: [{ films: recording.files.map((film) => film.path), firstFrame, lastFrame }],
      motionFile: path.join(found.folder, 'motion.npy'),
      timeFile: path.join(found.folder, 'time.npy'),
    };
  }

  #known(ticket: Uuid): Kept {
    const found = this.#results.get(ticket);
    if (found === undefined)
      throw new AppError('run.not_found', 'This try-out is no longer kept.', { hint: 'Try it out again.' });
    return found;
  }

  async #drop(ticket: Uuid): Promise<void> {
    const found = this.#results.get(ticket);
    this.#results.delete(ticket);
    if (found !== undefined) await rm(found.folder, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Ends what runs and forgets every result. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const ticket of this.#running.keys()) this.#compute.cancel(ticket);
    await Promise.allSettled(this.#running.values());
    this.#results.clear();
    if (this.#library.readOnly === null)
      await rm(this.#folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

function checkPlace(place: TryOutPlace, recording: StoredRecording): void {
  const inside =
    place.top + place.height <= recording.height &&
    place.left + place.width <= recording.width &&
    place.lastFrame < recording.frames &&
    place.firstFrame <= place.lastFrame;
  if (inside) return;
  throw new AppError(
    'usage.invalid',
    `The piece to try (rows from ${place.top}, ${place.height} of them, columns from ${place.left}, ${place.width} of them, frames ${place.firstFrame} to ${place.lastFrame}) does not lie in a film of ${recording.width} × ${recording.height} px and ${recording.frames} frames.`,
    { hint: 'Choose another place.' },
  );
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

async function readJson<T extends z.ZodType>(file: string, schema: T): Promise<z.output<T>> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new AppError('disk.io', `What the engine left (${path.basename(file)}) cannot be read.`, { cause });
  }
}

async function resultOf(
  ticket: Uuid,
  folder: string,
  { place }: TryOutWish,
  recording: StoredRecording,
): Promise<TryOutResult> {
  const run = await readJson(path.join(folder, 'run.json'), RunJson);
  const metrics = await readJson(path.join(folder, 'metrics.json'), Metrics);
  const snr = metrics.cells.flatMap((cell) => (cell.accepted && typeof cell.snr === 'number' ? [cell.snr] : []));
  const tried = place.height * place.width * run.frames;
  const whole = recording.height * recording.width * recording.frames;
  // Decoding goes by whole frames, all else by the pixels of the piece. read and motion are one pass and both carry its time.
  const readS = run.stages.find(({ stage }) => stage === 'read')?.seconds ?? 0;
  const otherS = run.stages.reduce(
    (sum, { stage, seconds }) => sum + (stage === 'read' || stage === 'motion' ? 0 : (seconds ?? 0)),
    0,
  );
  return {
    ticket,
    place,
    fps: run.fps ?? recording.fps ?? 1,
    cells: run.components,
    suggested: run.accepted,
    medianSnr: median(snr),
    diameterPx: run.chosen?.diameterPx ?? null,
    minPnr: run.chosen?.minPnr ?? null,
    minCorrelation: run.chosen?.minCorrelation ?? null,
    seconds: run.seconds,
    wholeSeconds: (readS * recording.frames) / Math.max(1, run.frames) + (otherS * whole) / Math.max(1, tried),
    peakMemoryBytes: run.usage?.peakMemoryBytes ?? null,
  };
}

async function packetOf(folder: string, place: TryOutPlace): Promise<TryOutPacket> {
  const run = await readJson(path.join(folder, 'run.json'), RunJson);
  const metrics = await readJson(path.join(folder, 'metrics.json'), Metrics);
  const { height, width, top, left } = place;
  const images: string[] = [];
  const parts: Float32Array[] = [];
  for (const name of pictures) {
    const file = await NpyFile.open(path.join(folder, 'images', `${name}.npy`), `images/${name}.npy`).catch(() => null);
    if (file === null) continue;
    try {
      const values = await file.read(0, run.height * run.width);
      const cut = new Float32Array(height * width);
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) cut[y * width + x] = values[(top + y) * run.width + left + x] ?? Number.NaN;
      }
      images.push(name);
      parts.push(cut);
    } finally {
      await file.close();
    }
  }
  const traces = new Float32Array(run.components * run.frames);
  if (run.components > 0) {
    const file = await NpyFile.open(path.join(folder, 'traces', 'denoised.npy'), 'traces/denoised.npy');
    try {
      traces.set(await file.read(0, traces.length));
    } finally {
      await file.close();
    }
  }
  const matrix = await readSparseRows(path.join(folder, 'footprints.npz'), 'footprints.npz');
  const cells: TryOutPacket['header']['cells'] = [];
  const windows: Uint8Array[] = [];
  let offset = 4 * (parts.length * height * width + traces.length);
  for (let row = 0; row < run.components; row += 1) {
    const [from, to] = [matrix.indptr[row] ?? 0, matrix.indptr[row + 1] ?? 0];
    let [minY, maxY, minX, maxX] = [height, -1, width, -1];
    const pixels: { readonly y: number; readonly x: number; readonly value: number }[] = [];
    for (let i = from; i < to; i += 1) {
      const pixel = matrix.indices[i] ?? 0;
      const [y, x] = [Math.floor(pixel / run.width) - top, (pixel % run.width) - left];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      pixels.push({ y, x, value: matrix.data[i] ?? 0 });
      [minY, maxY, minX, maxX] = [Math.min(minY, y), Math.max(maxY, y), Math.min(minX, x), Math.max(maxX, x)];
    }
    const box =
      maxY < 0
        ? { top: 0, left: 0, height: 0, width: 0 }
        : { top: minY, left: minX, height: maxY - minY + 1, width: maxX - minX + 1 };
    const window = new Uint8Array(box.height * box.width);
    for (const { y, x, value } of pixels) {
      window[(y - box.top) * box.width + x - box.left] = Math.round(255 * Math.max(0, Math.min(1, value)));
    }
    const metric = metrics.cells.find((cell) => cell.row === row);
    cells.push({ row, suggested: metric?.accepted ?? false, snr: metric?.snr ?? null, ...box, offset });
    windows.push(window);
    offset += window.length;
  }
  const floats = [...parts, traces].map((part) => new Uint8Array(part.buffer));
  return {
    header: { height, width, frames: run.frames, images, cells },
    bytes: Buffer.concat([...floats, ...windows]),
  };
}
