// SPDX-License-Identifier: MIT
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { frameTimes, importSession, openSession } from '../../../main/sessions/index.ts';
import { openLibrary } from '../../../main/library/index.ts';
import { newLibraryIn } from '../../support/library.ts';
import { fakeProbe, regularTimes, temporaryFolder, writeTree } from '../../support/session-folders.ts';

const context = { probeFilm: fakeProbe };

/** timestamp.dat of two cameras, rows of both in the order in which frames came. */
function clock(
  microscope: readonly number[],
  behaviour: readonly number[],
  numbers = { scope: 0, behaviour: 1 },
): string {
  const rows = [
    ...microscope.map((ms, frame) => ({ camera: numbers.scope, frame: frame + 1, ms })),
    ...behaviour.map((ms, frame) => ({ camera: numbers.behaviour, frame: frame + 1, ms })),
  ].sort((a, b) => a.ms - b.ms);
  return `camNum\tframeNum\tsysClock\tbuffer\n${rows.map(({ camera, frame, ms }) => `${camera}\t${frame}\t${ms}\t1\n`).join('')}`;
}

/** Eleven films of 10 frames and one of 5, written in an order of their own. */
const v3Films = Object.fromEntries(
  [10, 2, 12, 1, 11, 3, 9, 4, 8, 5, 7, 6].map((n) => [`msCam${n}.avi`, n === 12 ? '5 752 480 60' : '10 752 480 60']),
);

describe('a folder of the V3 software', () => {
  const tree = (more: Record<string, string> = {}) => ({
    ...v3Films,
    'behavCam1.avi': '90 640 480 60',
    'timestamp.dat': clock(regularTimes(115, 50, 7), regularTimes(90, 33, 3)),
    'settings_and_notes.dat':
      'animal\texcitation\tmsCamExposure\trecordLength\nm7\t12\t255\t600\n\nelapsedTime\tNote\n1200\tlicked\n',
    ...more,
  });

  it('has its films in the order of their numbers, ms, the rate of the stamps, the start of its name, its animal', async () => {
    using folder = temporaryFolder();
    const place = path.join(folder.path, '1_28_2019', 'H14_M7_S34');
    writeTree(place, tree());
    const session = await openSession(place, context);
    expect(session).toMatchObject({
      format: 'miniscope-daq-v3',
      subject: 'm7',
      startedAt: '2019-01-28T14:07:34.000Z',
      notes: '1200\tlicked',
    });
    const [scope, camera] = session.devices;
    expect(scope?.films.map(({ name }) => name)).toEqual(Array.from({ length: 12 }, (_, i) => `msCam${i + 1}.avi`));
    expect(scope).toMatchObject({ kind: 'miniscope', frames: 115, height: 480, width: 752, fpsSource: 'time-stamps' });
    // The container says 60.
    expect(scope?.fps).toBeCloseTo(20, 6);
    expect(scope?.timeS?.[0]).toBeCloseTo(0.007, 9);
    expect(scope?.timeS?.[114]).toBeCloseTo(0.007 + 114 * 0.05, 9);
    expect(scope?.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(scope?.config).toMatchObject({ excitation: '12', msCamExposure: '255' });
    expect(camera).toMatchObject({ kind: 'camera', name: 'behavCam', frames: 90 });
    expect(camera?.fps).toBeCloseTo(1 / 0.033, 3);
  });

  it('finds the microscope by the number of its rows, whatever its number; a left-over first tick is no time', async () => {
    using folder = temporaryFolder();
    const scope = regularTimes(115, 50, 7);
    const swapped = clock(scope, regularTimes(90, 33, 3), { scope: 1, behaviour: 0 });
    writeTree(folder.path, tree({ 'timestamp.dat': swapped.replace('1\t1\t7\t', '1\t1\t4123456789\t') }));
    const { devices, startedAt, findings } = await openSession(folder.path, context);
    expect(startedAt).toBeNull();
    expect(findings.map(({ code }) => code)).toEqual(['metadata.no_session']);
    expect(devices[0]?.timeS?.[0]).toBeNaN();
    expect(devices[0]?.timeS?.[1]).toBeCloseTo(0.057, 9);
    expect(devices[0]?.fps).toBeCloseTo(20, 6);
    expect(devices[0]?.findings.map(({ code }) => code)).toEqual(['time.first']);
    const again = await frameTimes('miniscope-daq-v3', devices[0]!.films);
    expect(again).toEqual(devices[0]?.timeS);
  });

  it('says which line of its clock is bad, and lets the last one be cut off', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, tree({ 'timestamp.dat': 'camNum\tframeNum\tsysClock\tbuffer\n0\t1\t5\t1\n0\t2\tx\t1\n' }));
    const { devices } = await openSession(folder.path, context);
    expect(devices[0]?.error).toMatchObject({ code: 'session.bad_csv', details: { line: 3 } });
    writeTree(folder.path, { 'timestamp.dat': `${clock(regularTimes(115, 50, 7), [])}0\t116\t57` });
    expect((await openSession(folder.path, context)).devices[0]?.csvRows).toBe(115);
  });

  it('is a session of the library with its software, and not imported twice', async () => {
    using folder = temporaryFolder();
    const place = path.join(folder.path, '1_28_2019', 'H14_M7_S34');
    writeTree(place, tree());
    const library = await openLibrary({ directory: newLibraryIn(path.join(folder.path, 'library')) });
    try {
      const { session } = await importSession(await openSession(place, context), {}, library);
      expect(session.recordings).toHaveLength(1);
      expect((await importSession(await openSession(place, context), {}, library)).alreadyImported).toBe(true);
    } finally {
      await library.close();
    }
  });
});

describe('a folder of Inscopix films', () => {
  const about = {
    microscope: { fov: { height: 400, width: 640 }, fps: { fps: 10 } },
    manual: { mScope: { ledPower: [1.2] } },
    animal: { id: 'IM13' },
    startTime: '2024-10-07T10:20:30.250+02:00',
  };
  const stamps = (times: readonly number[], header = ' frame, time (ms)'): string =>
    `${header}\n${times.map((ms, frame) => `${frame}, ${ms}\n`).join('')}`;
  const tree = {
    'session.json': about,
    'rec/movie_10.avi': '20 640 400 30',
    'rec/movie_9.avi': '20 640 400 30',
    'rec/movie_1.avi': '20 640 400 30',
    'rec/movie-timestamps.csv': stamps(regularTimes(60, 50, 4)),
  };

  it('has its films in the order of their numbers, times in s, the rate of the stamps and the start it tells', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, tree);
    const session = await openSession(folder.path, context);
    expect(session).toMatchObject({
      format: 'inscopix',
      subject: 'IM13',
      startedAt: '2024-10-07T08:20:30.250Z',
      tzOffsetMin: 120,
    });
    const [device] = session.devices;
    expect(device?.films.map(({ path: file }) => path.basename(file))).toEqual([
      'movie_1.avi',
      'movie_9.avi',
      'movie_10.avi',
    ]);
    expect(device).toMatchObject({ frames: 60, height: 400, width: 640, fpsSource: 'time-stamps' });
    // session.json says 10, which is the rate somebody wished for.
    expect(device?.fps).toBeCloseTo(20, 6);
    expect(device?.timeS?.[59]).toBeCloseTo(0.004 + 59 * 0.05, 9);
    expect(await frameTimes('inscopix', device!.films)).toEqual(device?.timeS);
  });

  it('needs neither field of view, nor rate, nor start; times in s are s', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      ...tree,
      'session.json': { microscope: { fov: null, fps: 'fast' }, manual: { mScope: { ledPower: [1, 2] } } },
      'rec/movie-timestamps.csv': stamps(
        regularTimes(60, 0.1).map((s) => Number(s.toFixed(3))),
        'frame,time (s)',
      ),
    });
    const { devices, findings, startedAt } = await openSession(folder.path, context);
    expect(startedAt).toBeNull();
    expect(findings.map(({ code }) => code)).toEqual(['channels.several', 'metadata.no_session']);
    expect(devices[0]?.fps).toBeCloseTo(10, 3);
    expect(devices[0]?.timeS?.[10]).toBeCloseTo(1, 9);
    expect(devices[0]?.error).toBeNull();
  });

  it('without a file of times goes by the rate that session.json tells, and says so', async () => {
    using folder = temporaryFolder();
    const { 'rec/movie-timestamps.csv': _stamps, ...rest } = tree;
    writeTree(folder.path, rest);
    const { devices } = await openSession(folder.path, context);
    expect(devices[0]).toMatchObject({ fps: 10, fpsSource: 'metadata', timeS: null });
    expect(devices[0]?.findings.map(({ code }) => code)).toEqual(['time.no_csv', 'fps.metadata']);
  });

  it('with two files of times, or one without a column of times, is not guessed at', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { ...tree, 'rec2/other-timestamps.csv': stamps([1, 2]) });
    expect((await openSession(folder.path, context)).devices[0]?.error).toMatchObject({ code: 'session.bad_csv' });
    using second = temporaryFolder();
    writeTree(second.path, { ...tree, 'rec/movie-timestamps.csv': 'a,b\n1,2\n' });
    expect((await openSession(second.path, context)).devices[0]?.error?.message).toContain('a,b');
  });
});
