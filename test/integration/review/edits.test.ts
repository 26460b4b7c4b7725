// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { decodeNpy, readSparseRows } from '../../../main/arrays/index.ts';
import type { Cell } from '../../../main/contract/index.ts';
import type { Core } from '../../../main/hosts/server/index.ts';
import { openTestCore, processingProblem, silence, windowCall as context } from '../../support/core.ts';
import { temporaryFolder } from '../../support/library.ts';

/** Extremes of the denoised trace of rows, as Review draws them. */
async function traces(
  core: Core,
  runUuid: string,
  rows: readonly number[],
  frames: number,
  preview?: string,
): Promise<readonly number[][]> {
  async function* windows() {
    yield {
      request: 1,
      rows: [...rows],
      kinds: ['denoised' as const],
      firstFrame: 0,
      lastFrame: frames - 1,
      columns: 40,
    };
  }
  for await (const { header, bytes } of core.handlers.review.traces(
    { runUuid, ...(preview === undefined ? {} : { preview }) },
    windows(),
    context,
  )) {
    expect(header.rows).toEqual(rows);
    const each = 8 * header.columns;
    // A Buffer's slice would share the pool it lies in.
    const own = Uint8Array.from(bytes);
    return header.rows.map((_, k) => Array.from(new Float32Array(own.slice(each * (k + 1), each * (k + 2)).buffer)));
  }
  return [];
}

function nearest(cells: readonly Cell[]): readonly [Cell, Cell] {
  const pairs = cells.flatMap((a, i) => cells.slice(i + 1).map((b) => [a, b] as const));
  const apart = ([a, b]: readonly [Cell, Cell]): number =>
    Math.hypot(a.centroid.y - b.centroid.y, a.centroid.x - b.centroid.x);
  return pairs.reduce((best, pair) => (apart(pair) < apart(best) ? pair : best));
}

it('two cells of the sample session are merged, taken back, split, found again at a seed and exported', async (test) => {
  const missing = processingProblem();
  if (missing !== undefined) test.skip(missing);
  const directory = temporaryFolder();
  const core = await openTestCore(directory);
  const { sessions, processing, review } = core.handlers;
  const { session } = await sessions.openSample({}, context);
  const recordingUuids = session.recordings.map((recording) => recording.uuid);
  const { run } = await processing.start({ recordingUuids, parameters: { diameterPx: 8 }, budget: {} }, context);
  await core.idle();
  const runUuid = run.uuid;
  const { frames } = await review.open({ runUuid }, context);
  const { uuid: raterUuid } = await review.addRater({ initials: 'AB' }, context);
  const cells = () => review.cells({ runUuid }, context);
  const before = await cells();
  const [one, two] = nearest(before);
  const rows = before.map((cell) => cell.row);
  const unedited = await traces(core, runUuid, rows, frames);
  const step = { runUuid, raterUuid };

  // A preview changes nothing, and its folder is not left behind.
  const merge = { kind: 'merge' as const, cellUuids: [one.uuid, two.uuid] };
  const { preview, cells: previewed } = await review.editPreview({ runUuid, edit: merge }, context);
  expect(await cells()).toEqual(before);
  // The preview's outline and trace can be looked at; without it everything is as it was.
  const madeRow = previewed.find((cell) => cell.made)?.row ?? -1;
  for await (const { header } of review.footprints({ runUuid, preview }, silence(), context)) {
    expect(header.cells[madeRow]?.height).toBeGreaterThan(2);
    expect([header.cells[one.row]?.height, header.cells[two.row]?.height]).toEqual([0, 0]);
  }
  for await (const { header } of review.footprints({ runUuid }, silence(), context)) {
    expect([header.cells.length, header.cells[one.row]?.height]).toEqual([before.length, one.box.height]);
  }
  const [previewedTrace] = await traces(core, runUuid, [madeRow], frames, preview);
  expect(Math.max(...(previewedTrace ?? []))).toBeGreaterThan(1);
  const near = await review.neighbours({ runUuid, cellUuid: one.uuid }, context);
  expect(near.map(({ cellUuid }) => cellUuid)).toContain(two.uuid);
  const made = previewed.find((cell) => cell.made);
  expect(made).toMatchObject({ row: before.length, state: 'live', uuid: null });
  const merged = await review.editCommit({ ...step, preview }, context);
  expect(merged.curation).toMatchObject({ canUndo: true, counts: { undecided: before.length - 1 } });
  expect(readdirSync(path.join(directory, 'edits', 'previews'))).toEqual([]);
  await expect(review.editCommit({ ...step, preview }, context)).rejects.toMatchObject({ code: 'review.edit_stale' });

  const after = await cells();
  expect(after.map((cell) => cell.row)).toEqual([
    ...rows.filter((row) => row !== one.row && row !== two.row),
    before.length,
  ]);
  for await (const { header } of review.footprints({ runUuid }, silence(), context)) {
    expect(header.cells).toHaveLength(before.length + 1);
    expect(header.cells[one.row]).toMatchObject({ height: 0, width: 0 });
    const { top, left, height, width } = header.cells[before.length] ?? {};
    expect({ top, left, height, width }).toEqual(made?.result?.box);
  }
  const [trace] = await traces(core, runUuid, [before.length], frames);
  expect(Math.max(...(trace ?? []))).toBeGreaterThan(0);

  // Exports follow the edit.
  const destination = path.join(directory, 'out');
  const exported = await processing.export({ runUuid, destination }, context);
  expect(exported.components).toBe(before.length - 1);
  const read = (name: string) => decodeNpy(readFileSync(path.join(destination, name)), name);
  expect([...read('rows.npy').data]).toEqual(after.map((cell) => cell.row));
  expect(read('traces.npy').shape).toEqual([after.length, frames]);
  expect((await readSparseRows(path.join(destination, 'footprints.npz'))).rows).toBe(after.length);
  expect(read('accepted.npy').shape).toEqual([after.length]);
  expect(read('zscore.npy').shape).toEqual([after.length, frames]);
  const lines = readFileSync(path.join(destination, 'events.csv'), 'utf8').trimEnd().split('\n').slice(1);
  const eventful = new Set(lines.map((line) => Number(line.split(',')[0])));
  // The merged cell, last in the export, has its events too.
  expect(eventful.has(after.length - 1)).toBe(true);
  expect(Math.max(...eventful)).toBeLessThan(after.length);
  expect(existsSync(path.join(destination, 'collected'))).toBe(false);

  // Undone, everything is as it was, to the bit, also for the neighbours that were solved again.
  await review.undo(step, context);
  expect(await cells()).toEqual(before);
  expect(await traces(core, runUuid, rows, frames)).toEqual(unedited);
  expect(await review.edits({ runUuid }, context)).toMatchObject([{ active: false, edit: merge }]);

  // Redone, the log survives a restart; the merged cell is split again with pixels of the kept film.
  await review.redo(step, context);
  await core.close();
  const again = await openTestCore(directory);
  const later = again.handlers.review;
  const whole = (await later.cells({ runUuid }, context)).at(-1);
  expect(whole?.row).toBe(before.length);
  await later.edit({ ...step, edit: { kind: 'split', cellUuid: whole?.uuid ?? '' } }, context);
  const parts = (await later.cells({ runUuid }, context)).slice(-2);
  expect(parts.map((cell) => cell.row)).toEqual([before.length + 1, before.length + 2]);
  for (const cell of [one, two]) {
    const { y, x } = cell.centroid;
    const apart = Math.min(...parts.map((part) => Math.hypot(part.centroid.y - y, part.centroid.x - x)));
    expect(apart).toBeLessThan(2);
  }

  // A deleted cell comes back at a seed, under a new name.
  const lone = before.find((cell) => cell.suggested && cell !== one && cell !== two);
  if (lone === undefined) throw new Error('no other cell');
  await later.edit({ ...step, edit: { kind: 'delete', cellUuids: [lone.uuid] } }, context);
  expect((await later.cells({ runUuid }, context)).some((cell) => cell.uuid === lone.uuid)).toBe(false);
  await later.edit({ ...step, edit: { kind: 'seed', at: lone.centroid } }, context);
  const found = (await later.cells({ runUuid }, context)).at(-1);
  expect(
    Math.hypot((found?.centroid.y ?? 0) - lone.centroid.y, (found?.centroid.x ?? 0) - lone.centroid.x),
  ).toBeLessThan(1);
  await expect(later.edit({ ...step, edit: { kind: 'seed', at: { y: -50, x: 3 } } }, context)).rejects.toMatchObject({
    code: 'review.edit_invalid',
  });
});
