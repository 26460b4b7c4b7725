// SPDX-License-Identifier: MIT
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { reviewApi } from '../../../main/contract/index.ts';
import { openLibrary, type Library } from '../../../main/library/index.ts';
import { createReviewHandlers } from '../../../main/review/index.ts';
import { newCells, newLibraryIn, newRun, newSession, temporaryFolder } from '../../support/library.ts';
import { writeRun } from '../../support/run-folder.ts';

const noEditor = { compute: () => Promise.reject(new Error('nothing is edited here')) };

const context = { signal: new AbortController().signal, audience: 'window' as const };
const none = (async function* nothing(): AsyncGenerator<never> {})();

/** A library with a finished run of three cells whose folder is on the disk. */
async function begin(options: { readonly readOnly?: string } = {}) {
  const directory = newLibraryIn(temporaryFolder());
  const opened: Library[] = [];
  onTestFinished(async () => {
    for (const library of opened) await library.close();
  });
  const start = async (readOnly?: string) => {
    const library = await openLibrary({ directory, ...(readOnly === undefined ? {} : { readOnly }) });
    opened.push(library);
    const changed = vi.fn<(runUuid: string) => void>();
    return { library, changed, handlers: createReviewHandlers({ library, changed, editor: noEditor }) };
  };
  const first = await start();
  const { session } = await first.library.sessions.insert(newSession(1));
  const run = await first.library.runs.create(newRun(session.recordings[0]!.uuid));
  await first.library.runs.claim({});
  const folder = first.library.runFolder(run.uuid);
  writeRun(folder);
  await first.library.runs.finish(run.uuid, { cells: newCells(3), arrays: [] });
  const restart = async (readOnly?: string) => {
    await opened.at(-1)?.close();
    return start(readOnly);
  };
  const used = options.readOnly === undefined ? first : await restart(options.readOnly);
  return { ...used, restart, folder, session, runUuid: run.uuid };
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

describe('Review', () => {
  it('opens a run with all it needs, as the contract says', async () => {
    const { handlers, runUuid, session } = await begin();
    const open = await handlers.open({ runUuid }, context);
    expect(reviewApi.procedures.open.output.parse(open)).toEqual(open);
    expect(open).toMatchObject({
      run: { uuid: runUuid, state: 'succeeded', cells: 3, suggested: 2 },
      session: { uuid: session.uuid, filesPresent: false },
      frames: 5000,
      height: 30,
      width: 40,
      fps: 20,
      startS: -0.05,
      diameterPx: 8.5,
      images: ['mean', 'correlation'],
      traces: ['raw', 'denoised'],
      filmsPresent: false,
      film: 'absent',
      filmNote: expect.stringContaining('not on this machine') as string,
      curation: null,
      raters: [],
      readOnly: null,
    });
    expect(open.endS).toBeCloseTo(-0.05 + 4989 * 0.05 + 7, 6);
    expect(JSON.stringify(open)).not.toContain('/recordings/');
  });

  it('gives cells, images and footprints as the contract says', async () => {
    const { handlers, runUuid } = await begin();
    const cells = await handlers.cells({ runUuid }, context);
    expect(reviewApi.procedures.cells.output.parse(cells)).toEqual(cells);
    expect(cells.map((cell) => cell.row)).toEqual([0, 1, 2]);
    const [image, ...more] = await all(handlers.image({ runUuid, image: 'correlation' }, none, context));
    expect(more).toEqual([]);
    expect(image?.header).toEqual({ height: 30, width: 40, minimum: 2, maximum: 1200 });
    const pixels = new Float32Array(image!.bytes.buffer, image!.bytes.byteOffset, 1200);
    expect([pixels[0], pixels[1], pixels[41]]).toEqual([Number.NaN, 2, 42]);
    const [footprints] = await all(handlers.footprints({ runUuid }, none, context));
    expect(reviewApi.procedures.footprints.output.parse(footprints?.header)).toEqual(footprints?.header);
    expect(footprints?.header.cells).toHaveLength(3);
    expect(footprints?.bytes).toHaveLength(13);
    await expect(all(handlers.image({ runUuid, image: 'pnr' }, none, context))).rejects.toThrow(/no “pnr” image/);
  });

  it('answers each request for traces with one packet', async () => {
    const { handlers, runUuid } = await begin();
    async function* requests() {
      yield { request: 1, rows: [0], kinds: ['raw' as const], firstFrame: 0, lastFrame: 4999, columns: 20 };
      yield { request: 2, rows: [2, 0], kinds: ['raw' as const], firstFrame: 5, lastFrame: 9, columns: 20 };
    }
    const packets = await all(handlers.traces({ runUuid }, requests(), context));
    expect(packets.map((packet) => packet.header.request)).toEqual([1, 2]);
    expect(packets.map((packet) => packet.header.columns)).toEqual([20, 5]);
    for (const packet of packets) {
      expect(reviewApi.procedures.traces.output.parse(packet.header)).toEqual(packet.header);
    }
  });

  it('keeps decisions, undo and redo over a restart, and says that something changed', async () => {
    const { handlers, changed, restart, runUuid } = await begin();
    const cellUuids = (await handlers.cells({ runUuid }, context)).map((cell) => cell.uuid);
    const decide = { runUuid, cellUuids: cellUuids.slice(0, 2), to: 'accepted' as const, context: { image: 'mean' } };
    const nobody = { ...decide, raterUuid: '01a20ba6-cef8-770a-a360-34fe36bbb36c' };
    await expect(handlers.decide(nobody, context)).rejects.toMatchObject({ code: 'review.no_rater' });
    expect(changed).not.toHaveBeenCalled();
    const rater = await handlers.addRater({ initials: 'AB' }, context);
    const change = await handlers.decide({ ...decide, raterUuid: rater.uuid }, context);
    expect(reviewApi.procedures.decide.output.parse(change)).toEqual(change);
    expect(changed.mock.calls).toEqual([[runUuid]]);
    await handlers.undo({ runUuid, raterUuid: rater.uuid }, context);

    const again = await restart();
    expect(await again.handlers.open({ runUuid }, context)).toMatchObject({
      curation: { canUndo: false, canRedo: true, counts: { accepted: 0, rejected: 0, undecided: 3 } },
      raters: [rater],
      run: { decided: 0 },
    });
    const redone = await again.handlers.redo({ runUuid, raterUuid: rater.uuid }, context);
    expect(redone.curation.counts).toEqual({ accepted: 2, rejected: 0, undecided: 1 });
    const log = await again.handlers.log({ runUuid }, context);
    expect(reviewApi.procedures.log.output.parse(log)).toEqual(log);
    expect(log.map((entry) => entry.kind)).toEqual(['decide', 'decide', 'undo', 'undo', 'redo', 'redo']);
    expect((await again.handlers.cells({ runUuid }, context)).map((cell) => cell.label)).toEqual([
      'accepted',
      'accepted',
      'undecided',
    ]);
  });

  it('says why nothing can be decided: a library for reading only, a frozen version', async () => {
    const { handlers, restart, runUuid } = await begin({ readOnly: 'The disk is mounted read-only.' });
    expect((await handlers.open({ runUuid }, context)).readOnly).toBe('The disk is mounted read-only.');
    await expect(handlers.addRater({ initials: 'AB' }, context)).rejects.toMatchObject({ code: 'library.read_only' });
    const again = await restart();
    const rater = await again.handlers.addRater({ initials: 'AB' }, context);
    const [cell] = await again.handlers.cells({ runUuid }, context);
    const decision = { runUuid, raterUuid: rater.uuid, cellUuids: [cell!.uuid], to: 'rejected' as const, context: {} };
    await again.handlers.decide(decision, context);
    await again.library.curation.freeze(runUuid);
    expect((await again.handlers.open({ runUuid }, context)).readOnly).toMatch(/frozen/);
    await expect(again.handlers.decide({ ...decision, to: 'accepted' }, context)).rejects.toMatchObject({
      code: 'review.frozen',
    });
  });

  it('learns from decisions and writes what it learned, and says when there are too few', async () => {
    const { handlers, library, session } = await begin();
    const run = await library.runs.create(newRun(session.recordings[0]!.uuid));
    await library.runs.claim({ runUuid: run.uuid });
    await library.runs.finish(run.uuid, { cells: newCells(60), arrays: [] });
    const rater = await handlers.addRater({ initials: 'AB' }, context);
    const cells = await handlers.cells({ runUuid: run.uuid }, context);
    const decide = (from: number, end: number, to: 'accepted' | 'rejected') =>
      handlers.decide(
        {
          runUuid: run.uuid,
          raterUuid: rater.uuid,
          cellUuids: cells.slice(from, end).map((cell) => cell.uuid),
          to,
          context: {},
        },
        context,
      );
    await decide(30, 60, 'accepted');
    await expect(handlers.learn({}, context)).rejects.toMatchObject({ code: 'review.too_few_decisions' });
    expect(existsSync(library.folders.evaluationModel)).toBe(false);
    await decide(0, 30, 'rejected');
    const learned = await handlers.learn({}, context);
    expect(reviewApi.procedures.learn.output.parse(learned)).toEqual(learned);
    expect(learned).toMatchObject({ runs: 1, accepted: 30, rejected: 30, weights: [{ metric: 'snr' }] });
    expect(learned.accuracy).toBeGreaterThan(0.9);
    const file: unknown = JSON.parse(readFileSync(library.folders.evaluationModel, 'utf8'));
    expect(file).toMatchObject({ formatVersion: 1, features: [{ metric: 'snr', transform: 'log1p' }] });
    const readOnly = await begin({ readOnly: 'The disk is mounted read-only.' });
    await expect(readOnly.handlers.learn({}, context)).rejects.toMatchObject({ code: 'library.read_only' });
  });

  it('refuses a run without a result, a newer one, and one whose files are gone', async () => {
    const { handlers, library, folder, runUuid, session } = await begin();
    const queued = await library.runs.create(newRun(session.recordings[0]!.uuid));
    await expect(handlers.open({ runUuid: queued.uuid }, context)).rejects.toMatchObject({ code: 'run.not_ready' });
    await library.runs.fail(queued.uuid, { code: 'engine.crashed', message: 'The engine stopped.' });
    await expect(handlers.open({ runUuid: queued.uuid }, context)).rejects.toThrow(/failed: The engine stopped/);
    const unknown = '01a20ba6-cef8-770a-a360-34fe36bbb36c';
    await expect(handlers.open({ runUuid: unknown }, context)).rejects.toMatchObject({ code: 'run.not_found' });
    writeFileSync(join(folder, 'run.json'), '{"formatVersion": 9}');
    await expect(handlers.open({ runUuid }, context)).rejects.toMatchObject({ code: 'run.format_newer' });
    rmSync(folder, { recursive: true });
    await expect(handlers.open({ runUuid }, context)).rejects.toMatchObject({ code: 'disk.io' });
  });
});
