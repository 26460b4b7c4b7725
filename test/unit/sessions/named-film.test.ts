// SPDX-License-Identifier: MIT
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { frameTimes, headOrientationOf, inputsOf, openSession, orientationText } from '../../../main/sessions/index.ts';
import { parseTimeStamps } from '../../../main/sessions/time-stamps.ts';
import { fakeProbe, temporaryFolder, writeTree } from '../../support/session-folders.ts';

const context = { probeFilm: fakeProbe };
const header =
  'FrameNumber,HardwareTime,Quaternion_X,Quaternion_Y,Quaternion_Z,Quaternion_W,DigitalIn0,DigitalIn1,Timestamp';

/** Rows as the Open Ephys GUI writes them: a clock of the hardware in µs, the computer's as text with a zone. */
const openEphys = (count: number): string =>
  `${header}\n${Array.from({ length: count }, (_, i) => `${i},${7_000_000 + 33_333 * i},0,0,0,1,False,False,2026-05-01T11:00:0${Math.floor(i / 30)}.${String(((i % 30) * 333_333) % 10_000_000).padStart(7, '0')}+02:00`).join('\n')}\n`;

describe('a film with a table of its frames under the same name', () => {
  it('of the Open Ephys GUI has the hardware’s times, the computer’s start with its zone, and its rate', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      'mouse_0.avi': '90 608 608 30',
      'mouse_0.csv': openEphys(90),
      'mouse_0.log': 'x',
      'mouse_0.yml': 'x',
    });
    for (const place of [folder.path, path.join(folder.path, 'mouse_0.avi')]) {
      const session = await openSession(place, context);
      expect(session).toMatchObject({
        format: 'film-with-times',
        name: 'mouse_0',
        startedAt: '2026-05-01T09:00:00.000Z',
        tzOffsetMin: 120,
      });
      const [device] = session.devices;
      expect(device).toMatchObject({
        kind: 'miniscope',
        frames: 90,
        csvRows: 90,
        fpsSource: 'time-stamps',
        error: null,
      });
      expect(device?.fps).toBeCloseTo(30, 2);
      expect(device?.timeS?.[30]).toBeCloseTo(7 + 30 * 0.033333, 6);
      expect(device?.findings.map(({ code }) => code)).toEqual(['time.unit']);
      expect(await frameTimes('film-with-times', device?.films ?? [])).toEqual(device?.timeS);
    }
  });

  it('of the Open Ephys GUI has a quaternion (written x, y, z, w) and two levels with each frame', async () => {
    using folder = temporaryFolder();
    const film = path.join(folder.path, 'mouse_0.avi');
    const row = (i: number, inputs: string): string =>
      `${i},${50_000 * i},0.1,0.2,0.3,${i === 3 ? 0 : Math.sqrt(1 - 0.14)},${inputs},2026-05-01T11:00:00.0000000Z`;
    const inputs = ['False,False', 'True,False', 'True,True', '0,1', 'x,0'];
    writeTree(folder.path, {
      'mouse_0.avi': '5 608 608 20',
      'mouse_0.csv': `${header}\n${inputs.map((levels, i) => row(i, levels)).join('\n')}\n`,
    });
    const head = await headOrientationOf(film);
    expect(head?.file).toBe('mouse_0.csv');
    expect(head?.text.split('\n').slice(0, 3)).toEqual([
      'Time Stamp (ms),qw,qx,qy,qz',
      `0,${Math.sqrt(0.86)},0.1,0.2,0.3`,
      `50,${Math.sqrt(0.86)},0.1,0.2,0.3`,
    ]);
    expect(await inputsOf(film)).toEqual(['00', '10', '11', '01', '']);
    const [device] = (await openSession(folder.path, context)).devices;
    expect(device?.findings.map(({ code }) => code)).toEqual(['time.unit', 'orientation.invalid', 'inputs.unread']);
  });

  it('of PoMiDAQ is read with its times in ms, and the orientations on the same clock', async () => {
    using folder = temporaryFolder();
    const times = Array.from({ length: 40 }, (_, i) => `${i};${50 * i + 12}`).join('\n');
    writeTree(folder.path, {
      'recording.mkv': '40 752 480 20',
      'recording_timestamps.csv': `frame;timestamp (ms)\n${times}\n`,
      'recording_orientation.csv': 'Time [ms],qw,qx,qy,qz\n10,1,0,0,0\n60,0,1,0,0\n',
    });
    const session = await openSession(folder.path, context);
    const [device] = session.devices;
    expect(device).toMatchObject({ frames: 40, height: 480, width: 752, csvRows: 40, error: null });
    expect(device?.timeS?.[1]).toBeCloseTo(0.062, 9);
    expect(device?.fps).toBeCloseTo(20, 6);
    expect(session.findings.map(({ code }) => code)).toEqual(['metadata.no_session']);
    expect(device?.findings).toEqual([]);
    const film = path.join(folder.path, 'recording.mkv');
    expect(await headOrientationOf(film)).toEqual({
      file: 'recording_orientation.csv',
      text: 'Time Stamp (ms),qw,qx,qy,qz\n10,1,0,0,0\n60,0,1,0,0\n',
    });
    expect(await inputsOf(film)).toBeNull();
  });

  it('of PoMiDAQ whose clock counts from 1970 has orientations that count from its first frame, too', async () => {
    using folder = temporaryFolder();
    const start = 1_777_626_000_000;
    const table = (of: number): string => Array.from({ length: 40 }, (_, i) => `${i},${of + 50 * i}`).join('\n');
    writeTree(folder.path, {
      'a.mkv': '40 8 8 20',
      'a_timestamps.csv': `frame,time [ms]\n${table(start)}\n`,
      'a_orientation.csv': `Time [ms],qw,qx,qy,qz\n${start + 75},1,0,0,0\n`,
    });
    const film = path.join(folder.path, 'a.mkv');
    expect((await headOrientationOf(film))?.text.split('\n')[1]).toBe('75,1,0,0,0');
    const codes = async (): Promise<readonly string[]> =>
      (await openSession(folder.path, context)).devices.flatMap(({ findings }) => findings.map(({ code }) => code));
    expect(await codes()).toEqual([]);
    // A clock of its own would put every orientation where no frame is.
    writeTree(folder.path, { 'a_orientation.csv': 'Time [ms],qw,qx,qy,qz\n75,1,0,0,0\n' });
    expect(await codes()).toEqual(['orientation.clock']);
    writeTree(folder.path, { 'a_orientation.csv': 'Time [ms],qw,qx,qy,qz\n75,1,0,x,0\n95,1,0,0,0\n' });
    const [device] = (await openSession(folder.path, context)).devices;
    expect(device?.error).toBeNull();
    expect(device?.findings).toMatchObject([
      { code: 'orientation.unreadable', message: expect.stringContaining('a_orientation.csv, line 2') as string },
    ]);
    writeTree(folder.path, { 'a_orientation.csv': 'a,b\n1,2\n' });
    await expect(headOrientationOf(film)).rejects.toMatchObject({ code: 'session.bad_csv' });
  });

  it('that cannot be read says which line, several ask for one of them, and a table of something else is none', async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { 'a.avi': '3 8 8 20', 'a.csv': 'FrameNumber,Time (ms)\n0,5\n1,x\n2,9\n' });
    const { devices } = await openSession(folder.path, context);
    expect(devices[0]?.error).toMatchObject({ code: 'session.bad_csv', details: { line: 3, column: 2 } });
    writeTree(folder.path, { 'a.csv': 'FrameNumber,Time (ms)\n0,5\n1,55\n2,10' });
    expect((await openSession(folder.path, context)).devices[0]?.timeS?.slice(0, 2)).toEqual(
      Float64Array.of(0.005, 0.055),
    );
    writeTree(folder.path, { 'b.avi': '3 8 8 20', 'b.csv': 'FrameNumber,Time (ms)\n0,5\n1,55\n2,105\n' });
    await expect(openSession(folder.path, context)).rejects.toMatchObject({ code: 'session.ambiguous_films' });
    using other = temporaryFolder();
    writeTree(other.path, { 'a.avi': '3 8 8 20', 'a.csv': 'scorer,x,y\n1,2,3\n' });
    expect((await openSession(other.path, context)).format).toBe('film');
  });
});

describe('tables of the first releases', () => {
  it('without a header and apart by tabs are read (0.1)', async () => {
    const read = await parseTimeStamps('1\t-12\t0\n2\t38\t0\n3\t88\t1\n', 't.csv');
    expect([...read.timeS]).toEqual([-0.012, 0.038, 0.088]);
    expect(read.fps).toBeCloseTo(20, 6);
    expect(orientationText('5\t1\t0\t0\t0\n55\t1\t0\t0\t0\n')).toBe(
      'Time Stamp (ms),qw,qx,qy,qz\n5,1,0,0,0\n55,1,0,0,0\n',
    );
  });

  it('whose header leaves the time out have each column under its own name (0.11 to 0.14)', () => {
    expect(orientationText('qw,qx,qy,qz\n5,1,0,0,0\n')).toBe('Time Stamp (ms),qw,qx,qy,qz\n5,1,0,0,0\n');
    const right = 'Time Stamp (ms),qw,qx,qy,qz\n5,1,0,0,0\n';
    expect(orientationText(right)).toBe(right);
  });
});
