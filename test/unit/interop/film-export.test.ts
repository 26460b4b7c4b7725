// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { ExportMovie } from '../../../main/contract/index.ts';
import { findFfmpeg } from '../../../main/media/index.ts';
import { finishedRunOnDisk, localCall, type FinishedRun } from '../../support/finished-run.ts';

const [height, width] = [30, 40];
const frameBytes = height * width;
/** What `greyAvi` draws: the second film counts its frames anew. */
const grey = (frame: number, y: number, x: number): number => ((frame % 1000) + y + x) % 256;

/** All pictures of a film, decoded by ffmpeg. */
function decoded(file: string, pixels = 'gray'): Buffer {
  const { status, stdout, stderr } = spawnSync(
    findFfmpeg() ?? 'ffmpeg',
    ['-v', 'error', '-i', file, '-f', 'rawvideo', '-pix_fmt', pixels, '-fps_mode', 'passthrough', 'pipe:1'],
    { maxBuffer: 2 ** 28 },
  );
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

function outOf(run: FinishedRun, name: string): string {
  const folder = path.join(run.folder, '..', 'out');
  mkdirSync(folder, { recursive: true });
  return path.join(folder, name);
}

async function exported(run: FinishedRun, name: string, movie: ExportMovie, format: 'avi' | 'mp4' = 'avi') {
  const destination = outOf(run, name);
  return await run.interop.export({ target: run.runUuid, format, destination, movie }, localCall);
}

test('the film as recorded is written with every bit, as FFV1 and as uncompressed grey', async () => {
  const run = await finishedRunOnDisk();
  for (const codec of ['ffv1', 'grey'] as const) {
    const { path: file } = await exported(run, `${codec}.avi`, {
      layer: 'raw',
      codec,
      firstFrame: 990,
      lastFrame: 1009,
    });
    expect(readFileSync(file).includes(codec === 'grey' ? 'GREY' : 'FFV1')).toBe(true);
    const pictures = decoded(file);
    expect(pictures).toHaveLength(20 * frameBytes);
    // Over the border between the two recorded files.
    for (let i = 0; i < 20; i += 1)
      for (const [y, x] of [
        [0, 0],
        [17, 3],
        [29, 39],
      ] as const)
        expect(pictures[i * frameBytes + y * width + x]).toBe(grey(990 + i, y, x));
  }
});

test('the registered film has the content back at its place, and a folder says when each frame was taken', async () => {
  const run = await finishedRunOnDisk();
  // Moved as a whole.
  rmSync(path.join(run.folder, 'motion_blocks.npy'));
  const { path: folder, files } = await exported(run, 'film', { lastFrame: 2 });
  expect(files).toEqual(['film.avi', 'timeStamps.csv']);
  const pictures = decoded(path.join(folder, 'film.avi'));
  expect(pictures).toHaveLength(3 * frameBytes);
  // The content of frame 0 went 3 px to the left.
  for (const x of [5, 20, 38]) expect(pictures[10 * width + x]).toBe(grey(0, 10, x - 3));
  const rows = readFileSync(path.join(folder, 'timeStamps.csv'), 'utf8').trim().split('\n');
  expect(rows).toEqual(['Frame Number,Time Stamp (ms),Frame of the Run', '0,-50.000,0', '1,0.000,1', '2,50.000,2']);
});

test('outlines are drawn in colour, accepted and rejected apart, and move with the content of the film as recorded', async () => {
  const run = await finishedRunOnDisk();
  const still = await exported(run, 'still.avi', { contours: true, lastFrame: 0 });
  const pixel = (picture: Buffer, y: number, x: number): number[] => [
    ...picture.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
  ];
  const registered = decoded(still.path, 'rgb24');
  expect(pixel(registered, 5, 31)).toEqual([0, 158, 115]);
  expect(pixel(registered, 29, 39)).toEqual([213, 94, 0]);
  const moved = decoded(
    (await exported(run, 'moved.avi', { contours: true, layer: 'raw', lastFrame: 0 })).path,
    'rgb24',
  );
  expect(pixel(moved, 5, 28)).toEqual([0, 158, 115]);
  expect(pixel(moved, 5, 31)).toEqual([36, 36, 36]);
});

test('an MP4 is near the film and has all its frames', async () => {
  const run = await finishedRunOnDisk();
  const { path: file } = await exported(run, 'film.mp4', { layer: 'raw', firstFrame: 100, lastFrame: 149 }, 'mp4');
  const pictures = decoded(file);
  expect(pictures).toHaveLength(50 * frameBytes);
  let error = 0;
  for (let i = 0; i < pictures.length; i += 7) {
    const [frame, p] = [100 + Math.floor(i / frameBytes), i % frameBytes];
    error += Math.abs((pictures[i] ?? 0) - grey(frame, Math.floor(p / width), p % width));
  }
  expect(error / (pictures.length / 7)).toBeLessThan(3);
});

test('what cannot be written is said, and nothing stays behind', async () => {
  const run = await finishedRunOnDisk();
  await expect(exported(run, 'a.avi', { lastFrame: 1500 })).rejects.toMatchObject({
    code: 'usage.invalid',
    message: 'Frames 0 to 1500 were asked for; the run has the frames 0 to 1499.',
  });
  await expect(exported(run, 'a.avi', { contours: true, codec: 'grey' })).rejects.toMatchObject({
    code: 'usage.invalid',
  });
  // This run has no background model.
  await expect(exported(run, 'a.avi', { layer: 'residual' })).rejects.toMatchObject({
    code: expect.stringMatching(/^(review|engine|disk)\./),
  });
  rmSync(path.join(run.films, '1.avi'));
  await expect(exported(run, 'a.avi', {})).rejects.toMatchObject({ code: 'media.unreadable' });
  expect(readdirSync(path.dirname(outOf(run, 'a')))).toEqual([]);
});

test('a film that is cancelled in the middle leaves nothing behind', async () => {
  const run = await finishedRunOnDisk();
  const cancel = new AbortController();
  const destination = outOf(run, 'film.avi');
  const ticket = '01900000-0000-7000-8000-00000000000a';
  const writing = run.interop.export(
    { target: run.runUuid, format: 'avi', destination, ticket },
    { ...localCall, signal: cancel.signal },
  );
  const seen: string[] = [];
  void (async () => {
    for await (const { step } of run.interop.progress({ ticket }, localCall)) {
      seen.push(step);
      if (step === 'frames registered') cancel.abort();
    }
  })();
  await expect(writing).rejects.toMatchObject({ code: 'rpc.cancelled' });
  expect(seen).toContain('frames registered');
  expect(readdirSync(path.dirname(destination))).toEqual([]);
});

test('figures are drawn with the outlines on the right pixels', async () => {
  const run = await finishedRunOnDisk();
  const { path: folder, files } = await run.interop.export(
    { target: run.runUuid, format: 'svg', destination: outOf(run, 'figures') },
    localCall,
  );
  expect(files).toEqual(['cells.svg', 'traces.svg']);
  const cells = readFileSync(path.join(folder, 'cells.svg'), 'utf8');
  // Cell 2 is the pixel of column 39 and row 29; its edges are half a pixel from its centre, in a picture whose first pixel covers 0 to 1.
  const [, d = ''] = /id="cell_2" d="([^"]+)"[^>]*stroke-dasharray/.exec(cells) ?? [];
  expect(d.match(/\d+ \d+/g)?.toSorted()).toEqual(['39 29', '39 30', '40 29', '40 30']);
  expect(cells).toContain('2 accepted (solid), 1 rejected (dashed); on the correlation image');
  expect(cells).toContain('data:image/png;base64,');
  expect(cells).not.toContain('id="cell_1"');
  const traces = readFileSync(path.join(folder, 'traces.svg'), 'utf8');
  expect(traces.match(/id="trace_\d"/g)).toEqual(['id="trace_0"', 'id="trace_1"', 'id="trace_2"']);
  // Frames 1000 and 1001 are seven seconds apart: the line has a gap.
  expect(/id="trace_0" d="([^"]+)"/.exec(traces)?.[1]?.match(/M/g)).toHaveLength(2);
  const alone = await run.interop.export(
    { target: run.runUuid, format: 'svg', destination: outOf(run, 'my-traces.svg') },
    localCall,
  );
  expect(readFileSync(alone.path, 'utf8')).toContain('id="trace_0"');
});
