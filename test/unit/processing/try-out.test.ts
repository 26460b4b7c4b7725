// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { openLibrary } from '../../../main/library/index.ts';
import type { Compute, ComputeEnd, ComputeJob } from '../../../main/processing/compute.ts';
import { readParameterSet, TryOuts } from '../../../main/processing/index.ts';
import { newLibraryIn, newSession, temporaryFolder } from '../../support/library.ts';
import { npyBytes, sparseBytes } from '../../support/run-folder.ts';

const limits = { threads: 1, memoryBytes: 2 ** 28 };
const [height, width, frames] = [30, 40, 20];

/** What an engine leaves of two cells, the second at the edge of the piece (rows 5 … 24, columns 10 … 33). */
function leave(folder: string): void {
  const pixels = (value: (y: number, x: number) => number): Float32Array =>
    Float32Array.from({ length: height * width }, (_, p) => value(Math.floor(p / width), p % width));
  const files: Record<string, Buffer> = {
    'run.json': Buffer.from(
      JSON.stringify({
        components: 2,
        accepted: 1,
        frames,
        height,
        width,
        fps: 20,
        seconds: 3,
        chosen: { diameterPx: 8, minPnr: 4.5, minCorrelation: 0.8 },
        usage: { peakMemoryBytes: 1000 },
        stages: [
          { stage: 'read', seconds: 2 },
          { stage: 'motion', seconds: 2 },
          { stage: 'demix', seconds: 1 },
        ],
      }),
    ),
    'metrics.json': Buffer.from(
      JSON.stringify({
        cells: [
          { row: 0, accepted: true, snr: 7 },
          { row: 1, accepted: false, snr: null },
        ],
      }),
    ),
    'images/mean.npy': npyBytes(
      [height, width],
      pixels((y, x) => 1000 * y + x),
    ),
    'images/pnr.npy': npyBytes(
      [height, width],
      pixels(() => 2),
    ),
    'traces/denoised.npy': npyBytes(
      [2, frames],
      Float32Array.from({ length: 2 * frames }, (_, i) => i),
    ),
    'footprints.npz': sparseBytes(
      [
        [
          [15 * width + 20, 1],
          [16 * width + 22, 0.5],
        ],
        [
          [24 * width + 33, 1],
          [25 * width + 34, 0.9],
        ],
      ],
      height * width,
    ),
  };
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
}

interface Engine extends Compute {
  readonly jobs: ComputeJob[];
  readonly cancelled: string[];
}

/** An engine that writes the same result each time, or waits until it is cancelled. */
function engine(waits: boolean): Engine {
  const jobs: ComputeJob[] = [];
  const cancelled: string[] = [];
  const ends = new Map<string, (end: ComputeEnd) => void>();
  return {
    jobs,
    cancelled,
    plan: () => Promise.reject(new AppError('engine.missing', 'not asked for')),
    submit: (job, hear) => {
      jobs.push(job);
      hear({
        type: 'progress',
        stage: 'seeds',
        fraction: 0.5,
        overall: 0.4,
        framesPerSecond: null,
        etaSeconds: null,
        memoryBytes: null,
      });
      const { promise, resolve } = Promise.withResolvers<ComputeEnd>();
      ends.set(job.runUuid, resolve);
      if (!waits) {
        leave(job.output);
        resolve({ kind: 'succeeded', components: 2, accepted: 1 });
      }
      return Promise.resolve({ pid: null, ended: promise });
    },
    poll: () => undefined,
    cancel: (uuid) => {
      cancelled.push(uuid);
      ends.get(uuid)?.({ kind: 'cancelled' });
    },
    fetch: (_uuid, output) => Promise.resolve(output),
  };
}

async function bench(waits: boolean) {
  const root = temporaryFolder();
  const library = await openLibrary({ directory: newLibraryIn(path.join(root, 'library')) });
  onTestFinished(() => library.close());
  mkdirSync(path.join(root, 'session', 'Miniscope'), { recursive: true });
  for (const name of ['0.avi', '1.avi']) writeFileSync(path.join(root, 'session', 'Miniscope', name), 'a film');
  const { session } = await library.sessions.insert(newSession(1, { folder: path.join(root, 'session') }));
  const recording = session.recordings[0]!;
  const compute = engine(waits);
  const tryOuts = new TryOuts(library, readParameterSet(), limits, compute);
  const wish = {
    recordingUuid: recording.uuid,
    place: { top: 5, left: 10, height: 20, width: 24, firstFrame: 10, lastFrame: 29 },
    parameters: { minPnr: 5 },
    budget: {},
  };
  return { library, tryOuts, compute, wish, recording };
}

it('runs a piece in a folder of its own and gives its pictures cut to it; nothing enters the library', async () => {
  const { library, tryOuts, compute, wish, recording } = await bench(false);
  const steps = [];
  for await (const step of tryOuts.run(wish, new AbortController().signal)) steps.push(step);
  const result = steps.at(-1)?.result;
  if (result === null || result === undefined) throw new Error('no result');
  const whole = recording.frames / frames;
  expect(result).toMatchObject({
    suggested: 1,
    cells: 2,
    medianSnr: 7,
    diameterPx: 8,
    minPnr: 4.5,
    minCorrelation: 0.8,
  });
  // Decoding goes by frames, the rest by pixels and frames.
  const area = (recording.height * recording.width) / (20 * 24);
  expect(result.wholeSeconds).toBeCloseTo(2 * whole + whole * area, 6);
  expect(await library.runs.list()).toEqual([]);
  expect(compute.jobs[0]?.output.startsWith(library.folders.cache)).toBe(true);

  const { header, bytes } = await tryOuts.pictures(result.ticket);
  expect(header).toMatchObject({ height: 20, width: 24, frames, images: ['mean', 'pnr'] });
  const mean = new Float32Array(bytes.buffer, bytes.byteOffset, 20 * 24);
  expect([mean[0], mean[25]]).toEqual([5010, 6011]);
  expect(header.cells).toMatchObject([
    { row: 0, suggested: true, snr: 7, top: 10, left: 10, height: 2, width: 3 },
    // Its other pixel lies outside the piece.
    { row: 1, suggested: false, snr: null, top: 19, left: 23, height: 1, width: 1 },
  ]);
  const first = header.cells[0]!;
  expect([...bytes.subarray(first.offset, first.offset + 6)]).toEqual([255, 0, 0, 0, 0, 128]);
  expect(await tryOuts.movie(result.ticket)).toMatchObject({ inputs: [{ firstFrame: 10, lastFrame: 29 }] });

  await tryOuts[Symbol.asyncDispose]();
  expect(existsSync(compute.jobs[0]?.output ?? '')).toBe(false);
  await expect(tryOuts.pictures(result.ticket)).rejects.toMatchObject({ code: 'run.not_found' });
});

it('ends the engine when the one who asked leaves, and refuses a piece outside the film', async () => {
  const { tryOuts, compute, wish } = await bench(true);
  const stop = new AbortController();
  await expect(async () => {
    for await (const step of tryOuts.run(wish, stop.signal)) if (step.stage === 'seeds') stop.abort();
  }).rejects.toMatchObject({ code: 'engine.cancelled' });
  expect(compute.cancelled).toContain(compute.jobs[0]?.runUuid);
  const outside = { ...wish, place: { ...wish.place, lastFrame: 10_000_000 } };
  await expect(tryOuts.run(outside, stop.signal).next()).rejects.toThrow(/does not lie in a film of/);
});
