// SPDX-License-Identifier: MIT
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../main/contract/index.ts';
import { frameTimes, openSession } from '../../../main/sessions/index.ts';
import { sessionReaders } from '../../../main/sessions/readers/index.ts';
import { fakeProbe, regularTimes, temporaryFolder, timeStampsCsv, writeTree } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

const context = { probeFilm: fakeProbe };

const sessionMeta = {
  animalName: 'm12',
  experimentName: 'track',
  baseDirectory: 'C:/gone/long/ago',
  miniscopes: ['My Scope'],
  cameras: ['BehavCam 2'],
  recordingStartTime: {
    year: 2026,
    month: 5,
    day: 1,
    hour: 12,
    minute: 30,
    second: 0,
    msec: 5,
    msecSinceEpoch: 1_777_631_400_005,
  },
};
const deviceMeta = {
  deviceName: 'My Scope',
  deviceType: 'Miniscope_V4_BNO',
  deviceDirectory: 'C:/gone',
  framesPerFile: 100,
  gain: 'Low',
  frameRate: '20FPS',
};

const tree = (more: Record<string, string | object> = {}) => ({
  'metaData.json': sessionMeta,
  'notes.csv': 'Time Stamp (ms), Note\n100,My Scope,led0,12\n900,first, note\n',
  'My_Scope/metaData.json': deviceMeta,
  'My_Scope/timeStamps.csv': timeStampsCsv(regularTimes(150, 50, -27)),
  'My_Scope/0.avi': '100 40 30',
  'My_Scope/1.avi': '50 40 30',
  'BehavCam_2/metaData.json': { deviceName: 'BehavCam 2', deviceType: 'WebCam' },
  'BehavCam_2/timeStamps.csv': timeStampsCsv(regularTimes(90, 33)),
  'BehavCam_2/0.avi': '90 64 48',
  ...more,
});

const codes = (findings: readonly { code: string }[]): string[] => findings.map((finding) => finding.code);

async function scopeOf(files: Record<string, string | object>, fps?: number) {
  using folder = temporaryFolder();
  writeTree(folder.path, files);
  const session = await openSession(folder.path, { ...context, fps });
  const scope = session.devices.find((device) => device.kind === 'miniscope');
  if (scope === undefined) throw new Error('no miniscope');
  return { session, scope };
}

async function refusal(files: Record<string, string | object>, below = ''): Promise<AppError> {
  using folder = temporaryFolder();
  writeTree(folder.path, files);
  try {
    await openSession(path.join(folder.path, below), context);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

describe('a Miniscope-DAQ V4 session folder', () => {
  it('is read with its scope, camera, start time and notes', async () => {
    const { session, scope } = await scopeOf(tree());
    expect(session).toMatchObject({
      format: 'miniscope-daq-v4',
      subject: 'm12',
      startedAt: '2026-05-01T10:30:00.005Z',
      tzOffsetMin: 120,
      name: 'm12 track 2026-05-01 12:30',
      notes: '100,My Scope,led0,12\n900,first, note',
    });
    expect(session.devices.map((device) => [device.name, device.kind])).toEqual([
      ['BehavCam 2', 'camera'],
      ['My Scope', 'miniscope'],
    ]);
    expect(scope).toMatchObject({
      frames: 150,
      height: 30,
      width: 40,
      csvRows: 150,
      fpsSource: 'time-stamps',
      error: null,
      deviceType: 'Miniscope_V4_BNO',
    });
    expect(scope.fps).toBeCloseTo(20, 6);
    expect(scope.timeS?.[0]).toBeCloseTo(-0.027, 9);
    expect(scope.findings).toEqual([]);
  });

  it('is the same session when the device folder is given', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, tree());
    const session = await openSession(path.join(folder.path, 'My_Scope'), context);
    expect(session).toMatchObject({ chosenDevice: 'My Scope', subject: 'm12', folder: folder.path });
    expect(session.devices).toHaveLength(1);
  });

  it('is read without a metaData.json of the session, which it says', async () => {
    const { 'metaData.json': _gone, ...files } = tree();
    const { session, scope } = await scopeOf(files);
    expect(scope.frames).toBe(150);
    expect(codes(session.findings)).toContain('metadata.no_session');
    expect(session.startedAt).toBeNull();
  });

  it('takes the flat start time of 2020 and animalID', async () => {
    const { session } = await scopeOf(
      tree({
        'metaData.json': {
          animalID: 'old',
          miniscopes: ['My Scope'],
          year: 2020,
          month: 9,
          day: 1,
          hour: 13,
          minute: 20,
          second: 13,
          msec: 110,
          msecSinceEpoch: 1_598_980_813_110,
        },
      }),
    );
    expect(session).toMatchObject({ subject: 'old', startedAt: '2020-09-01T17:20:13.110Z', tzOffsetMin: -240 });
  });

  it('takes devices as a list of objects', async () => {
    const { session } = await scopeOf(
      tree({ 'metaData.json': { miniscopes: [{ deviceName: 'My Scope' }], cameras: [] } }),
    );
    expect(session.devices.find((device) => device.name === 'My Scope')?.kind).toBe('miniscope');
  });

  it('orders films by number: 10.avi comes after 9.avi', async () => {
    const films = Object.fromEntries(
      Array.from({ length: 11 }, (_, n) => [`My_Scope/${n}.avi`, n < 10 ? '100 40 30' : '7 40 30']),
    );
    const { scope } = await scopeOf(
      tree({ ...films, 'My_Scope/timeStamps.csv': timeStampsCsv(regularTimes(1007, 50)) }),
    );
    expect(scope.films.map((film) => film.name).slice(-2)).toEqual(['9.avi', '10.avi']);
    expect(scope.frames).toBe(1007);
    expect(scope.findings).toEqual([]);
  });

  it.each([
    ['text', '20FPS'],
    ['number', 20],
  ])('takes frameRate as %s where there are no time stamps', async (_, frameRate) => {
    const { 'My_Scope/timeStamps.csv': _gone, ...files } = tree({
      'My_Scope/metaData.json': { ...deviceMeta, frameRate },
    });
    const { scope } = await scopeOf(files);
    expect(scope).toMatchObject({ fps: 20, fpsSource: 'metadata', timeS: null, csvRows: null });
    expect(codes(scope.findings)).toContain('time.no_csv');
  });

  it('prefers a given frame rate to the metadata, and time stamps to a given one', async () => {
    const { 'My_Scope/timeStamps.csv': _gone, ...files } = tree();
    expect((await scopeOf(files, 25)).scope).toMatchObject({ fps: 25, fpsSource: 'given' });
    const withTimes = (await scopeOf(tree(), 25)).scope;
    expect(withTimes.fps).toBeCloseTo(20);
    expect(codes(withTimes.findings)).toContain('fps.ignored');
  });

  it('joins by position when films and rows differ; frames beyond have no time', async () => {
    const { scope } = await scopeOf(tree({ 'My_Scope/timeStamps.csv': timeStampsCsv(regularTimes(140, 50)) }));
    expect(scope.frames).toBe(150);
    expect(scope.timeS).toHaveLength(150);
    expect(scope.timeS?.[139]).toBeCloseTo(6.95);
    expect(scope.timeS?.[140]).toBeNaN();
    const finding = scope.findings.find((entry) => entry.code === 'csv.count');
    expect(finding?.message).toBe(
      'The films hold 150 frames, timeStamps.csv has 140 rows; joined by position, the last 10 frames have no time.',
    );
  });

  it('says so when rows have no frame', async () => {
    const { scope } = await scopeOf(tree({ 'My_Scope/timeStamps.csv': timeStampsCsv(regularTimes(155, 50)) }));
    expect(scope.timeS).toHaveLength(150);
    expect(scope.findings.find((entry) => entry.code === 'csv.count')?.message).toContain(
      'the last 5 rows have no frame',
    );
  });

  it('places films by their number when one in between is missing', async () => {
    const { 'My_Scope/1.avi': _gone, ...files } = tree({
      'My_Scope/2.avi': '50 40 30',
      'My_Scope/timeStamps.csv': timeStampsCsv(regularTimes(250, 50)),
    });
    const { scope } = await scopeOf(files);
    expect(codes(scope.findings)).toContain('film.missing');
    expect(scope.timeS?.[99]).toBeCloseTo(99 * 0.05);
    expect(scope.timeS?.[100]).toBeCloseTo(200 * 0.05);
  });

  it('lists what a crash left and does not use it', async () => {
    const { scope } = await scopeOf(tree({ 'My_Scope/2.avi.bak': '12 40 30' }));
    expect(scope.frames).toBe(150);
    const finding = scope.findings.find((entry) => entry.code === 'film.left_behind');
    expect(finding?.message).toContain('Rename it to 2.avi');
  });

  it('leaves out a film without frames and says so', async () => {
    const { scope } = await scopeOf(tree({ 'My_Scope/2.avi': '0 40 30' }));
    expect(scope).toMatchObject({ frames: 150, error: null });
    expect(codes(scope.findings)).toContain('media.empty');
  });

  it('refuses a recording whose films hold no frame at all', async () => {
    const { scope } = await scopeOf(tree({ 'My_Scope/0.avi': '0 40 30', 'My_Scope/1.avi': '0 40 30' }));
    expect(scope.error).toMatchObject({ code: 'media.empty' });
  });

  it('refuses films of different sizes and names both', async () => {
    const { scope } = await scopeOf(tree({ 'My_Scope/1.avi': '50 30 40' }));
    expect(scope.error).toMatchObject({
      code: 'media.size_mismatch',
      message: 'My_Scope: 1.avi is 30 × 40, but 0.avi is 40 × 30 pixels; the films of one recording have one size.',
    });
  });

  it('names file, line and column of letters among numbers', async () => {
    const rows = timeStampsCsv(regularTimes(150, 50)).replace('\n16,800,0\n', '\n16,8o0,0\n');
    const { scope } = await scopeOf(tree({ 'My_Scope/timeStamps.csv': rows }));
    expect(scope.error).toMatchObject({
      code: 'session.bad_csv',
      message: 'My_Scope/timeStamps.csv, line 18, column 2 (“Time Stamp (ms)”): “8o0” is not a number.',
    });
  });

  it('tells a missing film folder from a missing session', async () => {
    const { 'My_Scope/0.avi': _a, 'My_Scope/1.avi': _b, ...files } = tree();
    const { scope } = await scopeOf(files);
    expect(scope).toMatchObject({ frames: 0, csvRows: 150 });
    expect(scope.error).toMatchObject({ code: 'session.no_films' });
    expect(scope.fps).toBeCloseTo(20);
  });

  it('names a device that the session lists and nobody finds', async () => {
    const { session } = await scopeOf(
      tree({ 'metaData.json': { ...sessionMeta, miniscopes: ['My Scope', 'Second'] } }),
    );
    expect(session.findings.map((finding) => finding.message)).toContain(
      'metaData.json lists “Second”, but there is no such folder.',
    );
  });

  it('says what is wrong with a broken metaData.json', async () => {
    const error = await refusal(tree({ 'metaData.json': '{ "animalName": ' }));
    expect(error.code).toBe('session.bad_metadata');
    expect(error.message).toMatch(/^metaData\.json is not valid JSON/);
  });

  it('does not take a behaviour tracker for a device', async () => {
    const { session } = await scopeOf(
      tree({
        'behaviorTracker/metaData.json': { enabled: false },
        'behaviorTracker/pose.csv': 'DLC-Live Pose Data.\n',
      }),
    );
    expect(session.devices).toHaveLength(2);
  });

  it('reports invalid head orientations without refusing the recording', async () => {
    const rows = 'Time Stamp (ms),qw,qx,qy,qz\n0,1,0,0,0\n50,0,0,0,0\n100,4.23726e+35,nan,0,0\n150,0.5,0.5,0.5,0.5\n';
    const { scope } = await scopeOf(tree({ 'My_Scope/headOrientation.csv': rows }));
    expect(scope.error).toBeNull();
    expect(scope.findings.find((finding) => finding.code === 'orientation.invalid')?.message).toBe(
      '50.0 % of the head orientations are invalid.',
    );
  });

  it.each([
    ['empty', ''],
    ['header only', 'Time Stamp (ms), Note\n'],
  ])('reads notes.csv that is %s', async (_, text) => {
    expect((await scopeOf(tree({ 'notes.csv': text }))).session.notes).toBe('');
  });

  it('gives the stored films the same times again', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, tree());
    const session = await openSession(folder.path, context);
    const scope = session.devices.find((device) => device.kind === 'miniscope');
    expect(await frameTimes(session.format, scope?.films ?? [])).toEqual(scope?.timeS);
  });
});

describe('a film without a session folder', () => {
  it('is a recording with warnings, at the container rate unless told', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { 'some film.mp4': '500 64 48 25' });
    const file = path.join(folder.path, 'some film.mp4');
    const [asIs] = (await openSession(file, context)).devices;
    expect(asIs).toMatchObject({ frames: 500, fps: 25, fpsSource: 'container', timeS: null, durationS: 20 });
    expect(codes(asIs?.findings ?? [])).toEqual(['session.bare_film', 'fps.container']);
    const [told] = (await openSession(file, { ...context, fps: 20 })).devices;
    expect(told).toMatchObject({ fps: 20, fpsSource: 'given', durationS: 25 });
    expect(codes(told?.findings ?? [])).toEqual(['session.bare_film']);
  });

  it('is found in a folder that holds exactly one', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { '0.mp4': '10 64 48', 'readme.txt': 'x' });
    expect((await openSession(folder.path, context)).format).toBe('film');
  });

  it('is refused among several, with their list', async () => {
    const error = await refusal({ 'a.avi': '10 64 48', 'b.mp4': '10 64 48' });
    expect(error.code).toBe('session.ambiguous_films');
    expect(error.message).toContain('a.avi, b.mp4');
    expect(error.details).toEqual({ films: ['a.avi', 'b.mp4'] });
  });

  it('is refused when it holds no frame', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { 'a.avi': '0 64 48' });
    const session = await openSession(path.join(folder.path, 'a.avi'), context);
    expect(session.devices[0]?.error).toMatchObject({ code: 'media.empty', message: 'a.avi holds no frame.' });
  });

  it('may be a numbered series without metadata', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { '0.avi': '10 64 48', '1.avi': '5 64 48' });
    const session = await openSession(folder.path, { ...context, fps: 10 });
    expect(session.devices[0]).toMatchObject({ frames: 15, fps: 10, fpsSource: 'given' });
  });
});

describe('what is no recording', () => {
  it('names a folder that is not there', async () => {
    using folder = temporaryFolder();
    const gone = path.join(folder.path, 'gone');
    await expect(openSession(gone, context)).rejects.toMatchObject({
      code: 'session.not_found',
      message: `There is no folder or film at ${gone}.`,
    });
  });

  it('names a folder without films', async () => {
    expect((await refusal({ 'x/readme.txt': 'hello' }, 'x')).message).toBe('x holds no films and no recording.');
  });

  it('names a file that is no film', async () => {
    expect((await refusal({ 'x.txt': 'hello' }, 'x.txt')).message).toBe('x.txt is no film that Calyx knows.');
  });
});

it('lists every reader of the folder, each under its own format name', () => {
  const files = readdirSync(path.join(repositoryRoot, 'main/sessions/readers')).filter((name) => name !== 'index.ts');
  expect(sessionReaders).toHaveLength(files.length);
  expect(new Set(sessionReaders.map((reader) => reader.format)).size).toBe(files.length);
});
