// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findFfmpeg } from '../../../main/media/index.ts';
import { binding } from '../../../main/media/binding.ts';
import { openMovie } from '../../../main/media/movie.ts';
import { processingProblem, windowCall } from '../../support/core.ts';

/** Two films as a DAQ writes them, a key frame in twelve, of pictures that no two share and no mirror leaves alone. */
function films(folder: string): string[] {
  return [0, 60].map((start) => {
    const film = path.join(folder, `${String(start)}.avi`);
    const picture = `geq=lum='mod(3*X+Y+7*(N+${String(start)}),256)':cb=128:cr=128`;
    const source = `nullsrc=size=52x34:rate=60,${picture},format=gray`;
    const options = `-v error -f lavfi -i ${source} -frames:v 60 -c:v ffv1 -g 12`.split(' ');
    const made = spawnSync(findFfmpeg() ?? 'ffmpeg', [...options, film]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    return film;
  });
}

test('a film that is dragged shows key frames until the hand rests, then the very frame', async (context) => {
  const problem = processingProblem();
  if (problem !== undefined) context.skip(problem);
  const folder = mkdtempSync(path.join(tmpdir(), 'calyx-drag-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const paths = films(folder);
  const inOrder = await binding().openRecording(paths);
  const truth: string[] = [];
  for (let frame = 0; frame < inOrder.frames; frame += 1)
    truth.push(Buffer.from((await binding().readFrame(inOrder.handle, frame, 0, 0)).bytes).toString('hex'));
  binding().closeRecording(inOrder.handle);
  expect(new Set(truth).size).toBe(120);

  // The run left the first seven frames out: its numbers are not the films'.
  const movie = openMovie({
    inputs: [{ films: paths, firstFrame: 7, lastFrame: 119 }],
    motionFile: path.join(folder, 'motion.npy'),
    timeFile: path.join(folder, 'time.npy'),
  });
  onTestFinished(() => movie[Symbol.dispose]());
  let arrived: () => void = () => undefined;
  const shown = (): Promise<void> => new Promise((resolve) => (arrived = resolve));
  async function* hand() {
    const first = shown();
    yield { frame: 4 };
    // Before the first is there the hand is elsewhere, in the second film; and after the frame that stood in, at the start.
    yield { frame: 86 };
    await first;
    await shown();
    const last = shown();
    yield { frame: 22 };
    await last;
    await shown();
    // A step after a rest.
    const step = shown();
    yield { frame: 23 };
    await step;
  }
  const seen: number[] = [];
  for await (const { header, bytes } of movie.handlers.frames({ layer: 'raw', ahead: true }, hand(), windowCall)) {
    seen.push(header.frame);
    expect(Buffer.from(bytes).toString('hex')).toBe(truth[7 + header.frame]);
    expect(header.small).toBeUndefined();
    arrived();
  }
  // Frame 86 is the films' 93: its key frame is 84, the run's 77; 22 is 29 with the key frame 24, the run's 17.
  expect(seen).toEqual([4, 77, 17, 22, 23]);
});
