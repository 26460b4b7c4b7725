// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ExportTask } from '../../../main/contract/index.ts';
import { createInteropHandlers, ExportQueue, keptExports } from '../../../main/interop/index.ts';
import type { QueuedExport } from '../../../main/interop/export-queue.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';

const windowCall = { ...localCall, audience: 'window' as const };

/** A core with one finished run, and a root that a window may write below. */
async function withRoot() {
  const run = await finishedRunOnDisk();
  const root = path.join(run.folder, '..', 'root');
  mkdirSync(root);
  const queue = new ExportQueue();
  onTestFinished(() => queue[Symbol.asyncDispose]());
  const interop = createInteropHandlers({
    library: run.library,
    exportNpy: () => Promise.reject(new Error('not asked for')),
    roots: [{ id: 'data-1', name: 'data', path: root }],
    queue,
  });
  return { ...run, root, queue, interop };
}

test('a window exports many runs into one folder by name: each has a place of its own, and none replaces another', async () => {
  const { interop, queue, root, runUuid, sessionUuid, library } = await withRoot();
  const folder = { folder: { root: 'data-1', path: 'out/csv' } };
  const input = { targets: [runUuid, sessionUuid], folder, format: 'csv' } as const;
  const { exports } = await interop.startExports({ ...input, targets: [...input.targets] }, windowCall);
  const { name } = await library.sessions.get(sessionUuid);
  expect(exports.map((task) => [task.name, task.state])).toEqual([
    [name, expect.stringMatching(/waiting|running/)],
    [name, 'waiting'],
  ]);
  await queue.idle();
  // The same run twice is the same place: the second is refused with a sentence that names no path.
  const [first, second] = queue.tasks;
  expect(first).toMatchObject({ state: 'done', fraction: 1, error: null });
  expect(readFileSync(path.join(root, 'out/csv', first?.written ?? '', 'cells.csv'), 'utf8')).toContain('cell');
  expect(second).toMatchObject({ state: 'failed', written: null });
  expect(second?.error?.message).toBe(`${first?.written ?? ''} is there already; nothing was written.`);
  expect(JSON.stringify(queue.tasks)).not.toContain(root);
  expect(await interop.forgetExports({}, windowCall)).toEqual({ forgotten: 2 });
  expect(queue.tasks).toEqual([]);
});

test('nothing unfinished is laid beside the chosen folder, and a root itself can be chosen', async () => {
  const { interop, queue, root, runUuid } = await withRoot();
  const before = readdirSync(path.dirname(root));
  await interop.startExports(
    { targets: [runUuid], folder: { folder: { root: 'data-1', path: '' } }, format: 'roizip' },
    windowCall,
  );
  await queue.idle();
  expect(queue.tasks[0]).toMatchObject({ state: 'done' });
  expect(readdirSync(root)).toEqual([queue.tasks[0]?.written]);
  expect(readdirSync(path.dirname(root))).toEqual(before);
});

test('a window names no path, and what leads out of the offered folders is refused before anything is queued', async () => {
  const { interop, queue, root, runUuid } = await withRoot();
  const elsewhere = mkdtempSync(path.join(path.dirname(root), 'elsewhere-'));
  symlinkSync(elsewhere, path.join(root, 'link'));
  const ask = (folder: Parameters<typeof interop.startExports>[0]['folder']) =>
    interop.startExports({ targets: [runUuid], folder, format: 'csv' }, windowCall);
  await expect(ask({ path: elsewhere })).rejects.toMatchObject({ code: 'rpc.not_allowed' });
  await expect(ask({ folder: { root: 'data-1', path: 'link' } })).rejects.toMatchObject({
    code: 'files.outside_roots',
  });
  await expect(ask({ folder: { root: 'data-1', path: '../x' } })).rejects.toMatchObject({
    code: 'files.outside_roots',
  });
  expect(queue.tasks).toEqual([]);
  expect(readdirSync(elsewhere)).toEqual([]);
});

test('two sessions of one name do not overwrite each other, even where files may be replaced', async () => {
  const { interop, queue, root, runUuid, sessionUuid, library } = await withRoot();
  const detail = await library.runs.get(runUuid);
  const recordingUuid = detail.inputs[0]?.recordingUuid ?? '';
  // A second run of the same session bears the same name.
  const { cpSync } = await import('node:fs');
  const { newCells, newRun } = await import('../../support/library.ts');
  const { uuid } = await library.runs.create(newRun(recordingUuid));
  await library.runs.claim({ runUuid: uuid });
  cpSync(detail.folder, library.runFolder(uuid), { recursive: true });
  await library.runs.finish(uuid, { cells: newCells(3), arrays: [] });
  await interop.startExports(
    {
      targets: [runUuid, uuid],
      folder: { folder: { root: 'data-1', path: '' } },
      format: 'roizip',
      overwrite: true,
    },
    windowCall,
  );
  await queue.idle();
  expect(queue.tasks.map(({ state, error }) => [state, error])).toEqual([
    ['done', null],
    ['done', null],
  ]);
  const names = queue.tasks.map(({ written }) => String(written));
  expect(new Set(names).size).toBe(2);
  expect(readdirSync(root).toSorted()).toEqual(names.toSorted());
  expect(names[1]).toContain(uuid.slice(-8));
  expect(sessionUuid).toBeTruthy();
});

/** An export that ends when it is told to. */
function byHand(n: number): { readonly wanted: QueuedExport; readonly end: () => void; readonly begun: Promise<void> } {
  const ended = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const uuid = `01900000-0000-7000-8000-00000000000${String(n)}`;
  return {
    end: () => ended.resolve(),
    begun: begun.promise,
    wanted: {
      task: { uuid, target: uuid, name: `session ${String(n)}`, format: 'csv' },
      order: { folder: '/out', wish: { format: 'csv' } },
      write: async (progress, signal) => {
        progress('writing', 0.5);
        begun.resolve();
        signal.addEventListener('abort', () => ended.reject(new Error('aborted')));
        await ended.promise;
        return { runUuid: uuid, written: `s${String(n)}`, bytes: 1, findings: [] };
      },
      tell: (error) => ({ message: String(error) }),
    },
  };
}

const states = (tasks: readonly ExportTask[]): string[] => tasks.map(({ state }) => state);

test('exports are written one after another; one that waits, one under way and all can be cancelled', async () => {
  await using queue = new ExportQueue();
  const [a, b, d] = [byHand(1), byHand(2), byHand(3)];
  queue.add([a.wanted, b.wanted, d.wanted]);
  await a.begun;
  expect(states(queue.tasks)).toEqual(['running', 'waiting', 'waiting']);
  expect(queue.tasks[0]).toMatchObject({ step: 'writing', fraction: 0.5 });
  expect(queue.cancel([b.wanted.task.uuid])).toBe(1);
  expect(states(queue.tasks)).toEqual(['running', 'cancelled', 'waiting']);
  a.end();
  await d.begun;
  expect(states(queue.tasks)).toEqual(['done', 'cancelled', 'running']);
  expect(queue.cancel(queue.tasks.map(({ uuid }) => uuid))).toBe(1);
  await queue.idle();
  expect(states(queue.tasks)).toEqual(['done', 'cancelled', 'cancelled']);
});

test('who follows gets the newest list, and no more when the core ends', async () => {
  const queue = new ExportQueue();
  const a = byHand(1);
  const seen: string[][] = [];
  const following = (async () => {
    for await (const tasks of queue.follow(new AbortController().signal)) seen.push(states(tasks));
  })();
  queue.add([a.wanted]);
  await a.begun;
  await queue[Symbol.asyncDispose]();
  await following;
  expect(seen.at(0)).toEqual([]);
  expect(states(queue.tasks)).toEqual(['interrupted']);
  expect(() => queue.add([a.wanted])).toThrow('ending');
});

test('a damaged run fails in its turn and the next is written', async () => {
  const { interop, queue, folder, root, runUuid } = await withRoot();
  rmSync(path.join(folder, 'traces', 'raw.npy'));
  writeFileSync(path.join(root, 'x'), '');
  await interop.startExports(
    { targets: [runUuid], folder: { folder: { root: 'data-1', path: 'a' } }, format: 'csv' },
    windowCall,
  );
  const good = byHand(2);
  queue.add([good.wanted]);
  await good.begun;
  good.end();
  await queue.idle();
  expect(states(queue.tasks)).toEqual(['failed', 'done']);
  expect(queue.tasks[0]?.error?.message).toBeTruthy();
  expect(readdirSync(path.join(root, 'a'))).toEqual([]);
});

test('the list outlives its core: what was written is shown, what was not is interrupted and can be wanted again', async () => {
  const { library, root, interop: before, queue: first, runUuid } = await withRoot();
  const place = keptExports(library);
  await first[Symbol.asyncDispose]();
  expect(before).toBeTruthy();
  const begin = async () => {
    const queue = await ExportQueue.open(place);
    onTestFinished(() => queue[Symbol.asyncDispose]());
    const interop = createInteropHandlers({
      library,
      exportNpy: () => Promise.reject(new Error('not asked for')),
      roots: [{ id: 'data-1', name: 'data', path: root }],
      queue,
    });
    return { queue, interop };
  };
  const one = await begin();
  const ask = { targets: [runUuid], folder: { folder: { root: 'data-1', path: 'a' } } };
  await one.interop.startExports({ ...ask, format: 'csv', cells: 'accepted' }, windowCall);
  await one.queue.idle();
  await one.interop.startExports({ ...ask, format: 'roizip' }, windowCall);
  await one.interop.startExports({ ...ask, format: 'mat' }, windowCall);
  await one.queue[Symbol.asyncDispose]();

  const two = await begin();
  expect(states(two.queue.tasks)).toEqual(['done', 'interrupted', 'interrupted']);
  expect(two.queue.tasks[0]?.written).toMatch(/_csv$/);
  expect(readdirSync(path.join(root, 'a'))).toHaveLength(1);
  expect(await two.interop.repeatExports({ uuids: two.queue.tasks.map(({ uuid }) => uuid) }, windowCall)).toEqual({
    repeated: 2,
  });
  await two.queue.idle();
  expect(states(two.queue.tasks)).toEqual(['done', 'done', 'done']);
  expect(readdirSync(path.join(root, 'a'))).toHaveLength(3);
  // What was written before the start keeps its name: nothing of another run replaces it.
  expect(two.queue.kept[0]).toMatchObject({ runUuid, order: { wish: { cells: 'accepted' } } });
  await two.queue[Symbol.asyncDispose]();
  expect(states((await begin()).queue.tasks)).toEqual(['done', 'done', 'done']);
});

test('what a core that was killed had begun is removed; a list that is damaged is begun anew', async () => {
  const { library, root } = await withRoot();
  const place = keptExports(library);
  const one = await ExportQueue.open(place);
  const a = byHand(1);
  const scratch = path.join(root, '.export.tmp-1');
  mkdirSync(scratch);
  writeFileSync(path.join(root, 'mine'), '');
  const { write } = a.wanted;
  one.add([
    {
      ...a.wanted,
      write: (progress, signal, tell) => {
        tell(scratch);
        return write(progress, signal, tell);
      },
    },
  ]);
  await a.begun;
  await expect.poll(async () => (await place.read())[0]?.scratch).toBe(scratch);
  // Nobody ends it: another core finds what is on the disk.
  const two = await ExportQueue.open(place);
  expect(states(two.tasks)).toEqual(['interrupted']);
  expect(readdirSync(root)).toEqual(['mine']);
  a.end();
  await one.idle();
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  // A list that somebody changed removes nothing else.
  const [kept] = await place.read();
  if (kept === undefined) throw new Error('nothing is kept');
  await place.write([{ ...kept, scratch: root, task: { ...kept.task, state: 'running' } }]);
  const three = await ExportQueue.open(place);
  expect(readdirSync(root)).toEqual(['mine']);
  await three[Symbol.asyncDispose]();
  writeFileSync(path.join(library.folders.root, 'exports.json'), '{"formatVersion":1,"exp');
  expect((await ExportQueue.open(place)).tasks).toEqual([]);
});
