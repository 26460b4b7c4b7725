// SPDX-License-Identifier: MIT
import { renameSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLibrary, type Library } from '../../../main/library/index.ts';
import { createSessionsHandlers } from '../../../main/sessions/index.ts';
import { newLibraryIn } from '../../support/library.ts';
import { fakeProbe, regularTimes, temporaryFolder, timeStampsCsv, writeTree } from '../../support/session-folders.ts';

const local = { signal: new AbortController().signal, audience: 'local' } as const;
const fromWindow = { ...local, audience: 'window' } as const;

interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly library: Library;
  readonly handlers: ReturnType<typeof createSessionsHandlers>;
  readonly changed: string[];
}

async function place(files: Record<string, string | object> = {}): Promise<Place> {
  const temporary = temporaryFolder();
  writeTree(temporary.path, {
    'data/s1/metaData.json': {
      animalName: 'm1',
      miniscopes: ['Top', 'Side'],
      cameras: ['Cam'],
      recordingStartTime: { year: 2026, month: 5, day: 1, hour: 12, msecSinceEpoch: 1_777_629_600_000 },
    },
    'data/s1/Top/metaData.json': { deviceName: 'Top', deviceType: 'Miniscope_V4' },
    'data/s1/Top/timeStamps.csv': timeStampsCsv(regularTimes(10, 50)),
    'data/s1/Top/0.avi': '10 4 3',
    'data/s1/Side/metaData.json': { deviceName: 'Side', deviceType: 'Miniscope_V4' },
    'data/s1/Side/timeStamps.csv': timeStampsCsv(regularTimes(8, 50)),
    'data/s1/Side/0.avi': '8 4 3',
    'data/s1/Cam/0.avi': '9 64 48',
    'data/s1/Cam/timeStamps.csv': timeStampsCsv(regularTimes(9, 33)),
    'data/film.mp4': '20 6 5 25',
    'sample/metaData.json': { animalName: 'sample' },
    'sample/Miniscope/metaData.json': { deviceName: 'Miniscope', deviceType: 'Miniscope_V4' },
    'sample/Miniscope/timeStamps.csv': timeStampsCsv(regularTimes(12, 50)),
    'sample/Miniscope/0.avi': '12 4 3',
    ...files,
  });
  const library = await openLibrary({ directory: newLibraryIn(path.join(temporary.path, 'library')) });
  const changed: string[] = [];
  const handlers = createSessionsHandlers({
    library,
    probeFilm: fakeProbe,
    roots: [{ id: 'data-1', name: 'data', path: path.join(temporary.path, 'data') }],
    changed: (uuid) => changed.push(uuid),
    sampleFolder: path.join(temporary.path, 'sample'),
  });
  return {
    folder: temporary.path,
    library,
    handlers,
    changed,
    [Symbol.asyncDispose]: async () => {
      await library.close();
      temporary[Symbol.dispose]();
    },
  };
}

const s1 = { folder: { root: 'data-1', path: 's1' } };

describe('importing', () => {
  it('links all miniscopes of a folder, and only once', async () => {
    await using here = await place();
    const preview = await here.handlers.preview({ source: s1 }, fromWindow);
    expect(preview).toMatchObject({ canImport: true, importedAs: null, subject: 'm1' });
    expect(preview.devices.map((device) => [device.name, device.kind, device.frames])).toEqual([
      ['Cam', 'camera', 9],
      ['Side', 'miniscope', 8],
      ['Top', 'miniscope', 10],
    ]);
    expect(await here.handlers.list({}, fromWindow)).toEqual([]);
    const first = await here.handlers.import({ source: s1 }, fromWindow);
    expect(first.alreadyImported).toBe(false);
    expect(first.session).toMatchObject({
      subject: 'm1',
      startedAt: '2026-05-01T10:00:00.000Z',
      filesPresent: true,
      runs: 0,
    });
    expect(
      first.session.recordings.map((recording) => [
        recording.device,
        recording.frames,
        recording.height,
        recording.width,
      ]),
    ).toEqual([
      ['Side', 8, 3, 4],
      ['Top', 10, 3, 4],
    ]);
    const again = await here.handlers.import({ source: { path: path.join(here.folder, 'data/s1') } }, local);
    expect(again).toMatchObject({ alreadyImported: true, session: { uuid: first.session.uuid } });
    expect((await here.handlers.preview({ source: s1 }, fromWindow)).importedAs).toBe(first.session.uuid);
    expect(here.changed).toEqual([first.session.uuid]);
  });

  it('tells a window nothing of where files lie', async () => {
    await using here = await place();
    const answer = await here.handlers.import({ source: s1 }, fromWindow);
    const list = await here.handlers.list({}, fromWindow);
    expect(JSON.stringify([answer, list, await here.handlers.preview({ source: s1 }, fromWindow)])).not.toContain(
      here.folder,
    );
    await expect(
      here.handlers.import({ source: { path: path.join(here.folder, 'data/s1') } }, fromWindow),
    ).rejects.toMatchObject({ code: 'rpc.not_allowed' });
  });

  it('links one device, and finds it again in a session that has all', async () => {
    await using here = await place();
    const one = await here.handlers.import({ source: s1, device: 'Top' }, local);
    expect(one.session.recordings.map((recording) => recording.device)).toEqual(['Top']);
    const all = await here.handlers.import({ source: s1 }, local);
    expect(all.alreadyImported).toBe(false);
    const side = await here.handlers.import({ source: s1, device: 'Side' }, local);
    expect(side).toMatchObject({ alreadyImported: true, session: { uuid: all.session.uuid } });
  });

  it('refuses an unknown device with those there are', async () => {
    await using here = await place();
    await expect(here.handlers.import({ source: s1, device: 'Bottom' }, local)).rejects.toMatchObject({
      code: 'session.not_found',
      message: 'm1 2026-05-01 12:00 has no device “Bottom”; it has: Cam, Side, Top.',
    });
  });

  it('imports what is whole when another device is broken and not chosen', async () => {
    await using here = await place({ 'data/s1/Side/timeStamps.csv': 'Frame Number,Time Stamp (ms)\n0,x1\n' });
    await expect(here.handlers.import({ source: s1 }, local)).rejects.toMatchObject({ code: 'session.bad_csv' });
    expect(await here.library.sessions.list()).toEqual([]);
    expect((await here.handlers.preview({ source: s1 }, local)).canImport).toBe(false);
    expect((await here.handlers.import({ source: s1, device: 'Top' }, local)).session.recordings).toHaveLength(1);
  });

  it('knows a copy of a folder, and takes a folder that moved as a new one that says so', async () => {
    await using here = await place();
    const first = await here.handlers.import({ source: s1 }, local);
    renameSync(path.join(here.folder, 'data/s1'), path.join(here.folder, 'data/moved'));
    expect((await here.handlers.get({ sessionUuid: first.session.uuid }, local)).session.filesPresent).toBe(false);
    const moved = { folder: { root: 'data-1', path: 'moved' } };
    const second = await here.handlers.import({ source: moved }, local);
    expect(second.alreadyImported).toBe(false);
    expect(second.session.findings.map((finding) => finding.code)).toContain('session.moved');
    expect(await here.handlers.import({ source: moved }, local)).toMatchObject({
      alreadyImported: true,
      session: { uuid: second.session.uuid },
    });
  });

  it('keeps two frame rates of one bare film apart', async () => {
    await using here = await place();
    const film = { folder: { root: 'data-1', path: 'film.mp4' } };
    const asIs = await here.handlers.import({ source: film }, local);
    const told = await here.handlers.import({ source: film, fps: 20 }, local);
    expect(asIs.session.recordings[0]?.fps).toBe(25);
    expect(told).toMatchObject({ alreadyImported: false });
    expect(told.session.recordings[0]?.fps).toBe(20);
    expect((await here.handlers.import({ source: film, fps: 20 }, local)).session.uuid).toBe(told.session.uuid);
  });

  it('opens the sample session once', async () => {
    await using here = await place();
    expect(await here.handlers.sample({}, fromWindow)).toEqual({ available: true, sessionUuid: null });
    const { session } = await here.handlers.openSample({}, fromWindow);
    expect(session.sample).toBe(true);
    expect((await here.handlers.openSample({}, fromWindow)).session.uuid).toBe(session.uuid);
    expect(await here.handlers.sample({}, fromWindow)).toEqual({ available: true, sessionUuid: session.uuid });
  });
});
