// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCatalogue, resolveSetting, type ScopeFrame, scopeType } from '../../../main/devices/index.ts';
import type { FilmOptions, FilmWriter } from '../../../main/media/index.ts';
import {
  Recording,
  type RecorderDependencies,
  readRig,
  type Rig,
  simulatorRig,
} from '../../../main/recording/index.ts';
import { openSession } from '../../../main/sessions/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { manualClock, type ManualClock } from '../../support/manual-clock.ts';

const type = scopeType(readCatalogue(), 'Miniscope_V4_BNO');
const settings = new Map(
  Object.entries(simulatorRig.scopes[0]!.settings).map(([name, setting]) => [
    name,
    resolveSetting(type, name, setting),
  ]),
);

interface FakeFilm {
  readonly pushed: Uint8Array[];
  readonly options: FilmOptions[];
  answer: 'taken' | 'full' | 'failed';
  fails: boolean;
}

interface Setup {
  readonly clock: ManualClock;
  readonly film: FakeFilm;
  readonly data: string;
  readonly recording: Recording;
  readonly device: string;
}

function dependencies(clock: ManualClock, film: FakeFilm): RecorderDependencies {
  const writer: FilmWriter = {
    push: (frame) => {
      if (film.answer === 'taken') film.pushed.push(frame);
      return film.answer;
    },
    stats: () => ({
      taken: film.pushed.length,
      written: film.pushed.length,
      synced: 0,
      bytes: 0,
      waiting: 2,
      highWater: 7,
      failure: null,
    }),
    finish: () => {
      const { folder } = film.options.at(-1)!;
      writeFileSync(path.join(folder, '0.avi'), 'film');
      if (film.fails) return Promise.reject(new Error('no space left on the disk'));
      return Promise.resolve([{ name: '0.avi', frames: film.pushed.length, bytes: 4 }]);
    },
  };
  return {
    clock,
    now: () => new Date(Date.UTC(2026, 9, 10, 7, 30, 0, 250) + Number(clock.nowNs() / 1_000_000n)),
    startFilm: (options) => {
      film.options.push(options);
      return Promise.resolve(writer);
    },
    programVersion: '0.0.0',
  };
}

async function setUp(rig: Rig = simulatorRig): Promise<Setup> {
  const clock = manualClock();
  await clock.advance(1000);
  const film: FakeFilm = { pushed: [], options: [], answer: 'taken', fails: false };
  const data = temporaryFolder('calyx-recording-');
  const plan = { rig, scope: rig.scopes[0]!, type, dataDirectory: data, settings };
  const recording = await Recording.start(plan, dependencies(clock, film));
  return { clock, film, data, recording, device: path.join(recording.folder, 'Miniscope') };
}

function frame(clock: ManualClock, more: Partial<ScopeFrame> = {}): ScopeFrame {
  const lastNs = clock.nowNs();
  return {
    pixels: new Uint8Array(608 * 608).fill(40),
    firstNs: lastNs - 22_000_000n,
    lastNs,
    rawCounter: 100,
    counter: 1,
    lost: 0,
    restarted: false,
    orientation: { quaternion: { w: 1, x: 0, y: 0, z: 0 }, normError: 0, good: true },
    deviceMs: null,
    inputs: null,
    ...more,
  };
}

const nothing = { corrupt: { short: 0, unended: 0, badHeaders: 0 }, counterRestarts: 0 };
const lines = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');
const json = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;

describe('a recorded session folder', () => {
  it('has the field’s files in the field’s form, and ours beside them', async () => {
    const { clock, recording, device } = await setUp();
    for (let n = 0; n < 5; n += 1) {
      await clock.advance(50);
      recording.frame(frame(clock, { counter: n + 1, rawCounter: 100 + n }));
    }
    recording.note('animal enters,\nlooks around');
    recording.changed('led0', 35);
    await clock.advance(1000);
    await recording.stop(nothing);
    expect(lines(path.join(device, 'timeStamps.csv')).slice(0, 3)).toEqual([
      'Frame Number,Time Stamp (ms),Buffer Index,DAQ Frame Number,Unix Time Stamp (ms)',
      `0,50,2,1,${Date.UTC(2026, 9, 10, 7, 30, 1, 300)}`,
      `1,100,2,2,${Date.UTC(2026, 9, 10, 7, 30, 1, 350)}`,
    ]);
    expect(lines(path.join(device, 'headOrientation.csv'))[1]).toBe('50,1.00000,0.00000,0.00000,0.00000');
    expect(lines(path.join(recording.folder, 'notes.csv'))).toEqual([
      'Time Stamp (ms), Note',
      '250, animal enters, looks around',
      '250,Miniscope,led0,35',
    ]);
    expect(lines(path.join(device, 'calyxFrames.csv'))[1]).toBe(`0,100,${1_050_000_000 - 22_000_000},1050000000,,,0`);
    expect(json(path.join(device, 'metaData.json'))).toMatchObject({
      deviceName: 'Miniscope',
      deviceType: 'Miniscope_V4_BNO',
      frameRate: '20FPS',
      gain: 'Low',
      led0: 20,
      ROI: { leftEdge: 0, topEdge: 0, width: 608, height: 608 },
      compression: 'FFV1',
    });
    expect(json(path.join(recording.folder, 'metaData.json'))).toMatchObject({
      miniscopes: ['Miniscope'],
      animalName: 'simulated',
      recordingStartTime: { msecSinceEpoch: Date.UTC(2026, 9, 10, 7, 30, 1, 250) },
    });
    expect(json(path.join(device, 'calyx.json'))).toMatchObject({
      rawLuma: true,
      driftMs: 0,
      startMonotonicNs: '1000000000',
    });
    expect(readdirSync(recording.folder).sort()).toEqual(['Miniscope', 'experiment', 'metaData.json', 'notes.csv']);
  });

  it('tells how much is missing, where, and why', async () => {
    const { clock, film, recording, device } = await setUp();
    let counter = 0;
    const come = async (more: Partial<ScopeFrame> = {}): Promise<void> => {
      await clock.advance(50 * (1 + (more.lost ?? 0)));
      counter += 1 + (more.lost ?? 0);
      recording.frame(frame(clock, { counter, ...more }));
    };
    await come({ lost: 4 });
    await come();
    await come({ lost: 2 });
    film.answer = 'full';
    await come();
    await come();
    film.answer = 'taken';
    await come();
    await come({ counter: null, rawCounter: null });
    const report = await recording.stop({ corrupt: { short: 2, unended: 0, badHeaders: 0 }, counterRestarts: 0 });
    expect(report).toMatchObject({
      saved: 5,
      expected: 9,
      missing: 4,
      unreadCounters: 1,
      corrupt: { short: 2 },
      bufferHighWater: 7,
      gaps: [
        { afterFrame: 1, frames: 2, where: 'link' },
        { afterFrame: 2, frames: 2, where: 'disk' },
      ],
      failure: null,
    });
    expect(json(path.join(device, 'integrity.json'))).toMatchObject({ saved: 5, missing: 4 });
    expect(report.files).toEqual([
      { name: '0.avi', frames: 5, bytes: 4, sha256: expect.stringMatching(/^[\da-f]{64}$/) as unknown },
    ]);
  });

  it('never says that nothing is missing when the counter was never read', async () => {
    const { clock, recording } = await setUp();
    await clock.advance(50);
    recording.frame(frame(clock, { counter: null, rawCounter: null }));
    expect(await recording.stop(nothing)).toMatchObject({ saved: 1, expected: null, missing: null });
  });

  it('keeps what was written when the disk fails, and says that it did', async () => {
    const { clock, film, recording, device } = await setUp();
    await clock.advance(50);
    recording.frame(frame(clock));
    film.fails = true;
    const report = await recording.stop(nothing);
    expect(report.failure).toBe('The disk is full.');
    // This film was never there: a frame that no film holds is not saved, whatever was said of it before.
    expect(report).toMatchObject({ saved: 0, missing: 1, files: [] });
    expect(lines(path.join(device, 'timeStamps.csv'))).toHaveLength(1);
    expect(existsSync(path.join(device, 'integrity.json'))).toBe(true);
  });

  it('has its rows on the disk within a second', async () => {
    const { clock, recording, device } = await setUp();
    await clock.advance(50);
    recording.frame(frame(clock));
    await clock.advance(1000);
    await expect.poll(() => lines(path.join(device, 'timeStamps.csv'))).toHaveLength(2);
    await recording.stop(nothing);
  });

  it('holds the asked part of each frame only', async () => {
    const roi = { leftEdge: 100, topEdge: 50, width: 8, height: 4 };
    const rig = { ...simulatorRig, scopes: [{ ...simulatorRig.scopes[0]!, roi }] };
    const { clock, film, recording, device } = await setUp(rig);
    const pixels = Uint8Array.from({ length: 608 * 608 }, (_, p) => (p % 608) - 90 + 10 * (Math.floor(p / 608) - 50));
    await clock.advance(50);
    recording.frame(frame(clock, { pixels }));
    const dark = pixels.map((grey, p) => (p % 608 >= 100 && p % 608 < 108 ? 0 : grey));
    await clock.advance(50);
    recording.frame(frame(clock, { pixels: dark }));
    const { meanGrey, saturatedShare, blackFrames } = await recording.stop(nothing);
    // Of what was saved: 10 to 47 in the first, dark in the second, which is no frame without a picture.
    expect({ meanGrey, saturatedShare, blackFrames }).toEqual({ meanGrey: 14.25, saturatedShare: 0, blackFrames: 0 });
    expect([film.options[0]!.width, film.options[0]!.height]).toEqual([8, 4]);
    expect([...film.pushed[0]!.subarray(0, 10)]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 20, 21]);
    expect(json(path.join(device, 'metaData.json'))['ROI']).toEqual(roi);
    const outside = { ...rig, scopes: [{ ...rig.scopes[0]!, roi: { ...roi, leftEdge: 601 } }] };
    await expect(setUp(outside)).rejects.toThrow(/does not lie inside/);
  });

  it('is another one for each recording of one second', async () => {
    const { data, clock, film, recording } = await setUp();
    const again = await Recording.start(
      { rig: simulatorRig, scope: simulatorRig.scopes[0]!, type, dataDirectory: data, settings },
      dependencies(clock, film),
    );
    expect(path.basename(again.folder)).toMatch(/^\d\d_\d\d_\d\d_2$/);
    await again.stop(nothing);
    await recording.stop(nothing);
  });

  it('is opened by the program’s own reader without a complaint about its files', async () => {
    const { clock, recording } = await setUp();
    for (let n = 0; n < 40; n += 1) {
      await clock.advance(50);
      recording.frame(frame(clock, { counter: n + 1 }));
    }
    await recording.stop(nothing);
    const opened = await openSession(recording.folder, {
      probeFilm: () =>
        Promise.resolve({ frames: 40, width: 608, height: 608, containerFps: 20, codec: 'FFV1', findings: [] }),
    });
    expect(opened.devices).toMatchObject([{ name: 'Miniscope', frames: 40 }]);
    expect(opened.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });
});

describe('a rig', () => {
  const configuration = {
    dataDirectory: '/data',
    directoryStructure: ['animalName', 'nameOfDay', 'date', 'time'],
    animalName: 'm 1/a',
    nameOfDay: '',
    devices: { miniscopes: { 'Scope A': { deviceType: 'Miniscope_V4', led0: 12, gain: 'High', framesPerFile: 500 } } },
    unknown: { kept: true },
    calyx: { simulator: true },
  };
  const file = (value: unknown): string => {
    const name = path.join(temporaryFolder(), 'rig.json');
    writeFileSync(name, JSON.stringify(value));
    return name;
  };

  it('is a Miniscope-DAQ configuration, of today or of old', async () => {
    const rig = await readRig(file(configuration));
    expect(rig).toMatchObject({ dataDirectory: '/data', isSimulated: true, recordLengthS: 0 });
    expect(rig.scopes).toMatchObject([
      { name: 'Scope A', type: 'Miniscope_V4', framesPerFile: 500, settings: { led0: 12, gain: 'High' } },
    ]);
    const old = { ...configuration, devices: { miniscopes: [{ deviceName: 'B', deviceType: 'Miniscope_V3' }] } };
    expect((await readRig(file({ ...old, recordLengthinSeconds: 9 }))).recordLengthS).toBe(9);
    expect((await readRig(file(old))).scopes[0]).toMatchObject({ name: 'B', type: 'Miniscope_V3' });
  });

  it('fills the folder’s tokens, and says which are missing', async () => {
    const rig = await readRig(file(configuration));
    const { recording, data } = await setUp({ ...rig, scopes: simulatorRig.scopes });
    const parts = path.relative(data, recording.folder).split(path.sep);
    expect(parts.slice(0, 2)).toEqual(['m_1_a', 'nameOfDayMissing']);
    expect(parts[2]).toMatch(/^2026_10_10$/);
    await recording.stop(nothing);
  });

  it('is refused by field', async () => {
    await expect(readRig(file({ devices: {} }))).resolves.toMatchObject({ scopes: [] });
    await expect(readRig(file({ dataDirectory: '/x' }))).rejects.toThrow(/devices/);
    const lossy = { devices: { miniscopes: { A: { deviceType: 'Miniscope_V4', compression: 'MJPG' } } } };
    await expect(readRig(file(lossy))).rejects.toThrow(/MJPG for A/);
    await expect(readRig('/nowhere.json')).rejects.toThrow('There is no configuration /nowhere.json.');
    await expect(readRig(path.dirname(file({})))).rejects.toThrow(/is a folder, not a configuration\.$/);
    const empty = file({});
    writeFileSync(empty, '');
    await expect(readRig(empty)).rejects.toThrow(/is no JSON: it is empty\.$/);
  });

  it.each([
    [{ framesPerFile: 'many' }, 'devices.miniscopes.A.framesPerFile: a number belongs there, not "many".'],
    [{ framesPerFile: 0 }, 'devices.miniscopes.A.framesPerFile: a number from 1 on belongs there, not 0.'],
    [{ framesPerFile: 1.5 }, 'devices.miniscopes.A.framesPerFile: a whole number belongs there, not 1.5.'],
    [{ ROI: 'all' }, 'devices.miniscopes.A.ROI: a section { … } belongs there, not "all".'],
    [{ ROI: { leftEdge: 0 } }, 'devices.miniscopes.A.ROI.topEdge: a number is missing.'],
    [{ deviceType: 4 }, 'devices.miniscopes.A.deviceType: a text belongs there, not 4.'],
    [{ compression: 5 }, 'devices.miniscopes.A.compression: a text belongs there, not 5.'],
    [{ led0: [20] }, 'led0 of A: a number or a text belongs there, not [20].'],
    [{ ewl: null }, 'ewl of A: a number or a text belongs there, not null.'],
  ])('with %j is refused with the place and what belongs there', async (wrong, told) => {
    const device = { deviceType: 'Miniscope_V4', ...wrong };
    const name = file({ devices: { miniscopes: { A: device } } });
    await expect(readRig(name)).rejects.toMatchObject({
      code: 'recording.bad_rig',
      message: `The configuration ${name} is wrong at ${told}`,
    });
    // The form of old is a list.
    const list = file({ devices: { miniscopes: [{ deviceName: 'A', ...device }] } });
    await expect(readRig(list)).rejects.toThrow(told.replace('miniscopes.A', 'miniscopes.0'));
  });
});
