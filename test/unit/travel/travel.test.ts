// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PackReport, UnpackReport } from '../../../main/contract/index.ts';
import { type Library, openLibrary, type RunRecords } from '../../../main/library/index.ts';
import { bindingFile } from '../../../main/installation/index.ts';
import { binding } from '../../../main/media/binding.ts';
import { findFfmpeg } from '../../../main/media/index.ts';
import { createReviewHandlers } from '../../../main/review/index.ts';
import { packageVersion } from '../../../main/travel/contents.ts';
import { createTravelHandlers } from '../../../main/travel/index.ts';
import { checkPackage } from '../../../main/travel/read-package.ts';
import type { Watch } from '../../../main/travel/stream.ts';
import { writePackage } from '../../../main/travel/write-package.ts';
import { finishedRunOnDisk, localCall } from '../../support/finished-run.ts';
import { greyAvi } from '../../support/avi.ts';
import { newCells, newLibraryIn, newRun, newSession, temporaryFolder } from '../../support/library.ts';
import { writeRun } from '../../support/run-folder.ts';

async function emptyLibrary(): Promise<Library> {
  const library = await openLibrary({ directory: newLibraryIn(path.join(temporaryFolder(), 'library')) });
  onTestFinished(() => library.close());
  return library;
}

async function last<R>(moments: AsyncIterable<{ readonly report: R | null }>): Promise<R> {
  let report: R | null = null;
  for await (const moment of moments) ({ report } = moment);
  if (report === null) throw new Error('no report came');
  return report;
}

const wish = { movie: 'none' as const, decisionsOnly: false, overwrite: false };
type Wish = Partial<Parameters<ReturnType<typeof createTravelHandlers>['pack']>[0]>;

const pack = (library: Library, runUuid: string, file: string, more: Wish = {}): Promise<PackReport> =>
  last<PackReport>(createTravelHandlers({ library }).pack({ ...wish, runUuid, file, ...more }, localCall));
const unpack = (library: Library, file: string, goOn = false): Promise<UnpackReport> =>
  last<UnpackReport>(createTravelHandlers({ library }).unpack({ file, goOn }, localCall));
const review = (library: Library) =>
  createReviewHandlers({ library, editor: { compute: () => Promise.reject(new Error('nothing is edited here')) } });

function treeOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [path.relative(folder, file), readFileSync(file).toString('base64')]),
  );
}

/** A run of 48 cells with a smooth film, on a library of its own. */
async function rigWithFilm() {
  const root = temporaryFolder();
  const films = path.join(root, 'session', 'Miniscope');
  mkdirSync(films, { recursive: true });
  const grey = (frame: number, y: number, x: number): number => 40 + 3 * y + 2 * x + (frame % 20);
  writeFileSync(path.join(films, '0.avi'), greyAvi(70, 30, 40, grey));
  writeFileSync(
    path.join(films, '1.avi'),
    greyAvi(30, 30, 40, (frame, y, x) => grey(frame + 70, y, x)),
  );
  const library = await openLibrary({ directory: newLibraryIn(path.join(root, 'library')) });
  onTestFinished(() => library.close());
  const given = newSession(1, { folder: path.join(root, 'session') });
  const recordings = given.recordings.map((recording) => ({
    ...recording,
    frames: 100,
    files: [
      { path: 'Miniscope/0.avi', frames: 70, bytes: 1 },
      { path: 'Miniscope/1.avi', frames: 30, bytes: 1 },
    ],
  }));
  const { session } = await library.sessions.insert({ ...given, recordings });
  const { uuid: runUuid } = await library.runs.create(newRun(session.recordings[0]?.uuid ?? ''));
  await library.runs.claim({ runUuid });
  writeRun(library.runFolder(runUuid), { frames: 100, pyramid: false });
  await library.runs.finish(runUuid, { cells: newCells(48), arrays: [] });
  return { library, runUuid, grey };
}

async function judge(library: Library, runUuid: string, initials: string, rejected: readonly number[]): Promise<void> {
  const { uuid: raterUuid } = await library.curation.addRater({ initials });
  const cells = (await library.runs.cells(runUuid)).slice(0, 40);
  for (const to of ['accepted', 'rejected'] as const) {
    const cellUuids = cells.filter(({ row }) => rejected.includes(row) === (to === 'rejected')).map(({ uuid }) => uuid);
    await library.curation.decide({ runUuid, raterUuid, cellUuids, to, context: {} });
  }
}

const rows = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

it(
  'rig → laptop → 40 decisions by a second rater → rig: both raters are there, and how far they agree',
  { timeout: 60_000 },
  async () => {
    const { library: rig, runUuid, grey } = await rigWithFilm();
    await judge(rig, runUuid, 'AA', rows(30, 40));
    const folder = temporaryFolder();
    const [there, back] = [path.join(folder, 'there.calyx'), path.join(folder, 'back.calyx')];
    // Without ffmpeg or the binding the rest of the story is told all the same.
    const movie = existsSync(bindingFile()) && findFfmpeg() !== undefined ? ('proxy' as const) : ('none' as const);
    expect(await pack(rig, runUuid, there, { movie })).toMatchObject({ decisions: 40, raters: ['AA'] });

    const laptop = await emptyLibrary();
    await unpack(laptop, there);
    const opened = await review(laptop).open({ runUuid }, localCall);
    expect(opened.curation).toBeNull();
    expect(opened.film).toBe(movie === 'proxy' ? 'proxy' : 'absent');
    if (movie === 'proxy') {
      expect(opened.filmNote).toMatch(/small copy/);
      const proxy = await laptop.travel.proxy(opened.run.recordingUuids[0] ?? '');
      const film = await binding().openRecording([path.join(laptop.folders.root, proxy?.path ?? '')]);
      expect(film).toMatchObject({ frames: 100, height: 30, width: 40 });
      for (const frame of [0, 69, 70, 99]) {
        const { bytes } = await binding().readFrame(film.handle, frame, 0, 0);
        const errors = Array.from(bytes, (value, i) => Math.abs(value - grey(frame, Math.floor(i / 40), i % 40)));
        expect(errors.reduce((sum, error) => sum + error, 0) / errors.length, `frame ${frame}`).toBeLessThan(3);
      }
      binding().closeRecording(film.handle);
    }
    // 26 accepted and 8 rejected by both; 4 and 2 the other way round: (0.85 − 0.6) / (1 − 0.6).
    await judge(laptop, runUuid, 'BB', [...rows(26, 30), ...rows(32, 40)]);
    expect(await pack(laptop, runUuid, back, { decisionsOnly: true })).toMatchObject({ decisions: 80, files: 0 });

    const own = await rig.runs.cells(runUuid);
    expect(await unpack(rig, back)).toMatchObject({
      decisionsOnly: true,
      curations: 1,
      decisions: 40,
      unchanged: false,
    });
    expect(await unpack(rig, back)).toMatchObject({ unchanged: true });
    expect(await rig.runs.cells(runUuid)).toEqual(own);
    const told = await review(rig).agreement({ runUuid }, localCall);
    expect(told.raters.map(({ rater, decided, accepted }) => [rater.initials, decided, accepted])).toEqual([
      ['AA', 40, 30],
      ['BB', 40, 28],
    ]);
    expect(told.pairs).toMatchObject([{ both: 40, agreed: 34 }]);
    expect(told.pairs[0]?.kappa).toBeCloseTo(0.625, 12);
    expect(told.pairs[0]?.disagreements).toHaveLength(6);
  },
);

describe('a packed run', { timeout: 60_000 }, () => {
  it('arrives as it is and twice changes nothing; one that was deleted is refused until that is settled', async () => {
    const { library, runUuid, folder, films, sessionUuid } = await finishedRunOnDisk();
    const file = path.join(temporaryFolder(), 'Maus 鼠🐁.calyx');
    const packed = await pack(library, runUuid, file, { movie: 'full' });
    expect(packed).toMatchObject({ runUuid, file, decisions: 1, raters: ['JD'], films: { kind: 'full', count: 6 } });
    expect(readdirSync(path.dirname(file))).toEqual([path.basename(file)]);
    const other = await emptyLibrary();
    expect(await unpack(other, file)).toMatchObject({ runUuid, wasHere: false, decisions: 1, unchanged: false });
    expect(treeOf(other.runFolder(runUuid))).toEqual(treeOf(folder));
    expect(treeOf(path.join(other.folders.films, sessionUuid))).toEqual(treeOf(path.dirname(films)));
    expect(await review(other).open({ runUuid }, localCall)).toMatchObject({ film: 'recorded', filmNote: null });
    expect(readdirSync(other.folders.root).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(await unpack(other, file)).toMatchObject({ unchanged: true, wasHere: true, files: 0, rows: {} });
    const { uuid } = await library.deletions.remove({ key: runUuid, graceMs: 1000 });
    await expect(unpack(library, file)).rejects.toMatchObject({ code: 'travel.deleted' });
    await library.deletions.undo(uuid);
    expect(await unpack(library, file)).toMatchObject({ unchanged: true });
  });

  it('is not written over another file, nor where something is missing, nor when it is cancelled', async () => {
    const { library, runUuid, films, folder } = await finishedRunOnDisk();
    const target = temporaryFolder();
    const file = path.join(target, 'run.calyx');
    const stop = new AbortController();
    const stopped = async (): Promise<void> => {
      const moments = createTravelHandlers({ library }).pack(
        { ...wish, runUuid, file },
        { ...localCall, signal: stop.signal },
      );
      for await (const _ of moments) stop.abort();
    };
    await expect(stopped()).rejects.toMatchObject({ code: 'rpc.cancelled' });
    expect(readdirSync(target)).toEqual([]);
    await pack(library, runUuid, file);
    const other = await emptyLibrary();
    for await (const _ of createTravelHandlers({ library: other }).unpack({ file, goOn: false }, localCall)) break;
    expect(await other.runs.list()).toEqual([]);
    expect(readdirSync(other.folders.root).filter((name) => !name.startsWith('library.sqlite'))).toEqual([]);
    writeFileSync(file, 'mine');
    await expect(pack(library, runUuid, file)).rejects.toMatchObject({ code: 'export.exists' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    const elsewhere = path.join(target, 'other.calyx');
    rmSync(path.join(films, '1.avi'));
    for (const movie of ['full', 'proxy'] as const)
      await expect(pack(library, runUuid, elsewhere, { movie })).rejects.toMatchObject({ code: 'session.not_found' });
    rmSync(path.join(folder, 'run.json'));
    await expect(pack(library, runUuid, elsewhere)).rejects.toMatchObject({ code: 'travel.damaged' });
    await expect(unpack(library, elsewhere)).rejects.toMatchObject({ code: 'files.not_found' });
    expect(readdirSync(target)).toEqual(['run.calyx']);
  });
});

describe('a package that is not what it says', () => {
  const block = 512;
  const watch = { signal: new AbortController().signal, progress: () => undefined };
  const trace = 'run/traces/raw.npy';
  const records: RunRecords = {
    runUuid: '01a20ba6-cef8-770a-a360-34fe36bbb36c',
    runName: 'run',
    sessionName: 'session',
    migrations: [],
    rows: [],
    judgements: { raters: [], curations: [] },
  };

  async function packed(watched: Watch = watch): Promise<{ readonly file: string; readonly good: Buffer }> {
    const folder = temporaryFolder();
    const names = ['run.json', 'time.npy', 'traces/raw.npy'];
    for (const [i, name] of names.entries()) writeFileSync(path.join(folder, `${i}`), name.repeat(300));
    const file = path.join(folder, 'run.calyx');
    await writePackage(
      {
        type: 'pack',
        file,
        head: {
          formatVersion: packageVersion,
          program: 'test',
          packedAt: '2026-05-01T10:00:00.000Z',
          kind: 'run',
          runUuid: records.runUuid,
          movie: 'none',
        },
        records: JSON.stringify(records),
        proxies: [],
        sources: names.map((name, i) => ({
          source: path.join(folder, `${i}`),
          path: name,
          belongs: { to: 'run' },
          sha256: null,
        })),
      },
      watched,
    );
    return { file, good: readFileSync(file) };
  }

  it('is not written to its end when it is cancelled among its files', async () => {
    const stop = new AbortController();
    const steps: string[] = [];
    const progress = (step: string): void => {
      steps.push(step);
      stop.abort();
    };
    await expect(packed({ signal: stop.signal, progress })).rejects.toMatchObject({ code: 'rpc.cancelled' });
    expect(steps).toEqual(['write']);
  });

  it('is refused with a sentence, whatever is wrong with it', async () => {
    const { file, good } = await packed();
    const entries = new Map<string, { readonly at: number; readonly size: number }>();
    for (let at = 0; good[at] !== 0;) {
      const size = Number.parseInt(good.toString('latin1', at + 124, at + 135), 8);
      entries.set(good.toString('latin1', at, good.indexOf(0, at)), { at, size });
      at += block + Math.ceil(size / block) * block;
    }
    expect([...entries.keys()]).toEqual([
      'package.json',
      'records.json',
      'run/run.json',
      'run/time.npy',
      trace,
      'contents.json',
    ]);
    const placeOf = (name: string) => entries.get(name) ?? { at: 0, size: 0 };
    /** Changes an entry's head and sets its sum right, as one would who means it. */
    const withHead = (at: number, text: string): Buffer => {
      const bytes = Buffer.from(good);
      const head = bytes.subarray(placeOf(trace).at, placeOf(trace).at + block);
      head.write(text, at, 'latin1');
      head.write('        ', 148, 'latin1');
      const sum = head.reduce((all, byte) => all + byte, 0);
      head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
      return bytes;
    };
    /** The same length, so that everything after stays where it is. */
    const withText = (name: string, from: string | RegExp, to: string): Buffer => {
      const bytes = Buffer.from(good);
      const { at, size } = placeOf(name);
      const text = bytes.toString('utf8', at + block, at + block + size).replace(from, to);
      expect([Buffer.byteLength(text), text.includes(to)]).toEqual([size, true]);
      bytes.write(text, at + block, 'utf8');
      return bytes;
    };
    const { at } = placeOf(trace);
    const flipped = Buffer.from(good);
    flipped[at + block + 1000]! ^= 1;
    const cases: readonly (readonly [what: string, bytes: Buffer, code?: string])[] = [
      ['empty', Buffer.alloc(0)],
      ['no package', Buffer.from('PK\u0003\u0004 something else'.repeat(100))],
      ['cut off in a file', good.subarray(0, at + 2000)],
      ['cut off before its end', good.subarray(0, good.length - 1024)],
      ['a changed byte', flipped],
      ['a wrong hash', withText('contents.json', /"sha256":"[0-9a-f]{4}/, '"sha256":"0123')],
      ['a path that leads out', withText('contents.json', 'traces/raw.npy', '../../../x.npy')],
      ['an absolute path', withText('contents.json', 'traces/raw.npy', '/tmp/xx/yy.npy')],
      ['an entry that leads out', withHead(0, 'run/../../../.npy')],
      ['a link', withHead(156, '2')],
      ['a size beyond the file', withHead(124, '77777777777')],
      ['the same entry twice', withHead(0, `run/time.npy${'\0'.repeat(8)}`)],
      ['rows of another run', withText('records.json', 'bbb36c', 'bbb36d')],
      [
        'a newer form',
        withText('package.json', `"formatVersion":${packageVersion}`, `"formatVersion":${packageVersion + 8}`),
        'travel.newer',
      ],
    ];
    for (const [what, bytes, code = 'travel.damaged'] of cases) {
      writeFileSync(file, bytes);
      const handle = await open(file);
      const error: unknown = await checkPackage(handle, watch).catch((thrown: unknown) => thrown);
      await handle.close();
      expect(error, what).toMatchObject({ code, message: expect.stringMatching(/\.$/) as string });
    }
    writeFileSync(file, good);
    const handle = await open(file);
    expect((await checkPackage(handle, watch)).contents.files).toHaveLength(3);
    await handle.close();
  });

  it('is written whole or not at all where a file is not what the library says', async () => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'a'), 'changed');
    const packing = writePackage(
      {
        type: 'pack',
        file: path.join(folder, 'out'),
        head: {
          formatVersion: packageVersion,
          program: 'test',
          packedAt: '2026-05-01T10:00:00.000Z',
          kind: 'run',
          runUuid: records.runUuid,
          movie: 'none',
        },
        records: '{}',
        proxies: [],
        sources: [{ source: path.join(folder, 'a'), path: 'a', belongs: { to: 'run' }, sha256: '0'.repeat(64) }],
      },
      watch,
    );
    await expect(packing).rejects.toMatchObject({
      code: 'travel.damaged',
      message: expect.stringContaining(' a ') as string,
    });
  });
});
