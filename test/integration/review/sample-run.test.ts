// SPDX-License-Identifier: MIT
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openMovie } from '../../../main/media/movie.ts';
import { openTestCore, processingProblem, silence, windowCall as context } from '../../support/core.ts';
import { temporaryFolder } from '../../support/library.ts';

it('shows what the engine wrote for the sample session, and keeps what was decided about it', async (test) => {
  const missing = processingProblem();
  if (missing !== undefined) test.skip(missing);
  const directory = temporaryFolder();
  const first = await openTestCore(directory);
  const { sessions, processing, review } = first.handlers;
  const { session } = await sessions.openSample({}, context);
  const recordingUuids = session.recordings.map((recording) => recording.uuid);
  const parameters = { diameterPx: 8 };
  const { run } = await processing.start({ recordingUuids, parameters, budget: {} }, context);
  await first.idle();
  const runUuid = run.uuid;

  const opened = await review.open({ runUuid }, context);
  const [recording] = session.recordings;
  // 120 × 128: a transposed frame would show.
  expect([opened.frames, opened.height, opened.width]).toEqual([
    recording?.frames,
    recording?.height,
    recording?.width,
  ]);
  expect(opened.height).not.toBe(opened.width);
  expect(opened).toMatchObject({ filmsPresent: true, film: 'recorded', filmNote: null, diameterPx: 8, readOnly: null });
  expect(opened.endS - opened.startS).toBeCloseTo(recording?.durationS ?? 0, 0);
  expect([opened.images.length, opened.traces.length]).toEqual([5, 4]);

  const cells = await review.cells({ runUuid }, context);
  expect(cells.length).toBeGreaterThanOrEqual(15);
  for await (const { header, bytes } of review.footprints({ runUuid }, silence(), context)) {
    expect(header.cells.map(({ top, left, height, width }) => ({ top, left, height, width }))).toEqual(
      cells.map((cell) => cell.box),
    );
    for (const { offset, height, width } of header.cells) {
      expect(Math.max(...bytes.subarray(offset, offset + height * width))).toBe(255);
    }
  }
  for (const image of opened.images) {
    for await (const { header, bytes } of review.image({ runUuid, image }, silence(), context)) {
      expect(bytes).toHaveLength(4 * opened.height * opened.width);
      expect(header.maximum).toBeGreaterThan(header.minimum);
    }
  }
  // A frame taken apart: its parts make it again, and somewhere in the film a cell is bright.
  const { folder } = await first.library.runs.get(runUuid);
  const { files } = await first.library.sessions.recording(recordingUuids[0] ?? '');
  const movie = openMovie({
    inputs: [{ films: files.map((file) => file.path), firstFrame: 0, lastFrame: opened.frames - 1 }],
    motionFile: path.join(folder, 'motion.npy'),
    timeFile: path.join(folder, 'time.npy'),
    model: { folder, layers: [] },
  });
  onTestFinished(() => movie[Symbol.dispose]());
  let came: () => void = () => undefined;
  // The newest frame asked for wins: each is asked for when the one before has come.
  async function* asked() {
    for (const frame of [40, 200, 360, 520]) {
      const shown = new Promise<void>((resolve) => (came = resolve));
      yield { frame };
      await shown;
    }
  }
  const size = opened.height * opened.width;
  let [brightest, worst] = [0, 0];
  const seen: number[] = [];
  for await (const { header, bytes } of movie.handlers.frames({ layer: 'split' }, asked(), context)) {
    expect([header.layer, bytes.length]).toEqual(['split', 4 * size]);
    seen.push(header.frame);
    came();
    for (let p = 0; p < size; p += 1) {
      const [film = 0, cell = 0, ground = 0, rest = 0] = [0, 1, 2, 3].map((part) => bytes[part * size + p]);
      brightest = Math.max(brightest, cell / 2);
      // The working grid may be binned: single pixels differ by their noise, never by a missing cell.
      if (rest > 0 && rest < 255) worst = Math.max(worst, Math.abs(cell / 2 + ground + (rest - 128) / 4 - film));
    }
  }
  expect(seen).toEqual([40, 200, 360, 520]);
  expect(brightest).toBeGreaterThan(5);
  expect(worst).toBeLessThan(12);
  const { count, strongest } = await review.events({ runUuid, row: 2, most: 9 }, context);
  expect(count).toBeGreaterThanOrEqual(strongest.length);
  expect(strongest.map((event) => event.frame)).toEqual(
    strongest.map((event) => event.frame).toSorted((a, b) => a - b),
  );

  async function* windows() {
    const whole = { rows: [3], kinds: ['raw' as const], firstFrame: 0, lastFrame: opened.frames - 1 };
    yield { request: 1, ...whole, columns: 30 };
    yield { request: 2, ...whole, columns: opened.frames };
  }
  const peaks: number[] = [];
  for await (const { header, bytes } of review.traces({ runUuid }, windows(), context)) {
    const { columns } = header;
    const numbers = new Float32Array(bytes.buffer, bytes.byteOffset + 8 * columns, 2 * columns);
    peaks.push(Math.min(...numbers.subarray(0, columns)), Math.max(...numbers.subarray(columns)));
  }
  // Far out (from the engine's pyramid) and close up (from the trace) show the same extremes.
  expect(peaks.slice(0, 2)).toEqual(peaks.slice(2));

  const { uuid: raterUuid } = await review.addRater({ initials: 'AB' }, context);
  for (const [i, cell] of cells.slice(0, 10).entries()) {
    const to = i % 2 === 0 ? ('accepted' as const) : ('rejected' as const);
    await review.decide({ runUuid, raterUuid, cellUuids: [cell.uuid], to, context: { image: 'mean' } }, context);
  }
  await review.undo({ runUuid, raterUuid }, context);
  await first.close();

  const again = await openTestCore(directory);
  const labels = (await again.handlers.review.cells({ runUuid }, context)).map((cell) => cell.label);
  expect(
    labels
      .slice(0, 11)
      .map((label) => label.charAt(0))
      .join(''),
  ).toBe('ararararauu');
  const redone = await again.handlers.review.redo({ runUuid, raterUuid }, context);
  expect(redone.curation.counts).toMatchObject({ accepted: 5, rejected: 5 });
  expect((await again.handlers.sessions.get({ sessionUuid: session.uuid }, context)).session).toMatchObject({
    runs: 1,
    cells: cells.length,
    decided: 10,
  });
});
