// SPDX-License-Identifier: MIT
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CaptureState } from '../../../main/acquisition/capture-messages.ts';
import { ChosenRig } from '../../../main/acquisition/chosen-rig.ts';
import { CompanionScope } from '../../../main/acquisition/companion-scope.ts';
import { LiveBox, LiveBoxes } from '../../../main/acquisition/live-socket.ts';
import { firstPlan, planOf, previewFolder, rigOf } from '../../../main/acquisition/plan.ts';
import { troubleOf } from '../../../main/acquisition/trouble.ts';
import { judge, need, type PreflightFacts } from '../../../main/acquisition/preflight.ts';
import { AppError, type AcquireScope } from '../../../main/contract/index.ts';
import { practiceScope } from '../../../main/devices/index.ts';
import { rigOf as rigOfJson, simulatorRig } from '../../../main/recording/index.ts';
import { superviseNodeChild } from '../../../main/supervisor/index.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { soundControls, soundFacts, soundState } from '../../support/preflight.ts';
import { v4 } from '../../support/rig.ts';

const scope = { deviceType: 'Miniscope_V4_BNO', led0: 20, frameRate: '20FPS' };
const program = path.resolve('/opt/lab/mark');
const json = {
  directoryStructure: ['labBook', 'animalName', 'time'],
  researcherName: 'EE',
  animalName: 'm7',
  recordLengthInSeconds: 600,
  labBook: 'page 12',
  devices: {
    miniscopes: { CA1: scope, PFC: { ...scope, compression: 'GREY' }, V1: scope },
    cameras: { BehavCam: { deviceType: 'TestPicture-320x240', frameRate: '30FPS' } },
  },
  commutator: { enabled: true, port: '/dev/ttyACM0', deviceName: 'PFC' },
  executableOnStopRecording: { enabled: true, filePath: program, arguments: [] },
};

const chosen = (text: string, env: NodeJS.ProcessEnv = {}): ChosenRig =>
  new ChosenRig({
    logFolder: '/tmp',
    supervise: superviseNodeChild,
    env,
    readRig: (id) =>
      id === 'gone'
        ? Promise.reject(new AppError('files.not_found', 'There is no rig “gone”.'))
        : Promise.resolve(text),
  });

describe('a rig that is chosen', () => {
  it('tells what it has, and what of it may not be started', async () => {
    const rig = chosen(JSON.stringify(json));
    await rig.choose('arena');
    expect(rig.shown()).toEqual({
      id: 'arena',
      problem: null,
      simulated: false,
      scopes: ['CA1', 'PFC', 'V1'].map((name) => ({ name, type: 'Miniscope_V4_BNO' })),
      cameras: ['BehavCam'],
      commutator: '/dev/ttyACM0',
      programs: [{ when: 'stop', file: program, allowed: false }],
    });
    const listed = chosen(JSON.stringify(json), { CALYX_PROGRAMS: program });
    await listed.choose('arena');
    expect(listed.shown()?.programs).toMatchObject([{ allowed: true }]);
    await rig.choose(null);
    expect(rig.shown()).toBeNull();
    expect(rig.rig).toBeNull();
  });

  it('says why it cannot be driven, and is refused then', async () => {
    const problems: [text: string, id: string, says: RegExp][] = [
      ['{', 'torn', /not JSON/],
      [JSON.stringify({ devices: { miniscopes: {} } }), 'empty', /no miniscope/],
      [JSON.stringify({ devices: { miniscopes: { A: { deviceType: 'Telescope' } } } }), 'other', /Telescope/],
      ['{}', 'gone', /There is no rig/],
    ];
    for (const [text, id, says] of problems) {
      const rig = chosen(text);
      await rig.choose(id);
      expect(rig.rig).toBeNull();
      expect(rig.shown()?.problem).toMatch(says);
      expect(() => rig.refuseUnusable()).toThrow(says);
    }
  });

  it('gives each scope beside the first the board that was chosen for it, else the next free one, else none', async () => {
    const rig = chosen(JSON.stringify(json));
    await rig.choose('arena');
    const companions = await rig.companions(false, { PFC: 'usb-2-3' }, ['usb-2-2', 'usb-2-3']);
    expect(companions?.first).toBe('CA1');
    expect(companions?.scopes.map(({ scope: one, address }) => [one.name, address])).toEqual([
      ['PFC', 'usb-2-3'],
      ['V1', 'usb-2-2'],
    ]);
    const few = await rig.companions(false, {}, []);
    expect(few?.scopes.map(({ address }) => address)).toEqual(['', '']);
  });

  it('fills the form, and its own tokens name the folder', () => {
    const file = rigOfJson(json, 'arena');
    const plan = planOf({ ...firstPlan('data'), experiment: 'maze' }, file);
    expect(plan).toMatchObject({
      researcher: 'EE',
      experiment: 'maze',
      animal: 'm7',
      lengthS: 600,
      compression: 'FFV1',
    });
    expect(previewFolder(plan, new Date(2026, 10, 27, 10, 0, 5), file)).toBe('page_12/m7/10_00_05');
    const rig = rigOf({ ...plan, animal: 'm8', compression: 'GREY' }, false, undefined, file);
    expect(rig.animalName).toBe('m8');
    expect(rig.scopes.map(({ compression }) => compression)).toEqual(['GREY', 'GREY', 'GREY']);
    expect(rig.onStop?.filePath).toBe(program);
  });
});

const other: AcquireScope = {
  name: 'PFC',
  orientation: true,
  firmware: 'stock firmware, interface version 2',
  type: 'Miniscope_V4_BNO',
  width: 608,
  height: 608,
  controls: soundControls(9),
  trouble: null,
  fps: 29.97,
  dropped: 0,
  counterAdvances: true,
  bufferWorst: 0,
  quality: { focus: 0.7, saturated: 0, meanGrey: 80, driftPx: 0, bleachingPer10Min: null, advice: [] },
  saved: null,
};
const state: CaptureState = {
  ...soundState,
  controls: other.controls,
  bufferWorst: 0,
  quality: other.quality,
  companions: { scopes: [other], cameras: [], commutator: null },
};
const plan = { ...firstPlan('data'), animal: 'm12' };
const facts: PreflightFacts = {
  ...soundFacts,
  device: { name: 'Miniscope V4', simulated: false, width: 608, height: 608, speedMbps: 5000 },
  state,
  plan,
  clock: { apartMs: 1, overS: 60 },
  folderPreview: 'm12/a',
  dataFolder: '/data',
};
const camera = {
  name: 'BehavCam',
  size: { width: 1280, height: 720 },
  wantedFps: 30,
  fps: 29.9,
  trouble: null,
  saved: null,
};
const away = { text: 'The camera BehavCam stopped: no such file.', next: 'again' };
const worst = (companions: Partial<CaptureState['companions']>, change: Partial<PreflightFacts> = {}) =>
  judge({ ...facts, ...change, state: { ...state, companions: { ...state.companions, ...companions } } })[0]!;
const lineOf = (companions: Partial<CaptureState['companions']>, id: string) =>
  judge({ ...facts, state: { ...state, companions: { ...state.companions, ...companions } } }).find(
    (check) => check.id === id,
  );

describe('pre-flight of a rig', () => {
  it('has a line for each device', () => {
    const commutator = { port: '/dev/ttyACM0', turns: 1.24, trouble: null, text: null };
    const checks = judge({
      ...facts,
      state: { ...state, companions: { scopes: [other], cameras: [camera], commutator } },
    });
    expect(checks.filter((check) => check.state !== 'ok')).toEqual([]);
    const text = (id: string): string | undefined => checks.find((check) => check.id === id)?.text;
    expect(text('scope PFC')).toBe(
      '608 × 608, 29.97 fps, 30 set; counter advances; stock firmware, interface version 2',
    );
    expect(text('camera BehavCam')).toBe('1280 × 720, 29.9 fps, 30 asked');
    expect(text('commutator')).toBe('is on at /dev/ttyACM0, 1.2 turns so far');
    expect(text('clock')).toBe('the system’s clock and the steady one agree to 1 ms over 60 s');
  });

  it('is red for a scope or a camera that is not there, and for a program nobody has listed', () => {
    const lost = { ...other, trouble: { text: 'PFC could not be opened.', next: '' } };
    expect(worst({ scopes: [lost] })).toMatchObject({
      id: 'scope PFC',
      state: 'fix',
      text: 'PFC could not be opened.',
    });
    const dark = { ...other, controls: other.controls.map((one) => Object.assign({}, one, { number: 0 })) };
    expect(worst({ scopes: [dark] })).toMatchObject({ id: 'scope PFC', state: 'fix' });
    expect(worst({ cameras: [{ ...camera, trouble: away }] })).toMatchObject({ state: 'fix', text: away.text });
    const programs = [{ when: 'start' as const, file: '/opt/x', allowed: false }];
    const rig = { id: 'a', problem: null, simulated: false, scopes: [], cameras: [], commutator: null, programs };
    expect(worst({}, { rig })).toMatchObject({ id: 'program start', state: 'fix' });
  });

  it('is amber for what may pass: a slow camera, a still commutator, a stopped counter, a clock that was set', () => {
    expect(lineOf({ cameras: [{ ...camera, fps: 14.8 }] }, 'camera BehavCam')).toMatchObject({ state: 'look' });
    const still = { port: 'COM3', turns: 0, trouble: null, text: 'Commutator: no rotation yet.' };
    expect(lineOf({ commutator: still }, 'commutator')).toMatchObject({ state: 'look', text: still.text });
    expect(lineOf({ scopes: [{ ...other, counterAdvances: false }] }, 'scope PFC')).toMatchObject({ state: 'look' });
    expect(worst({}, { clock: { apartMs: 3_600_000, overS: 60 } })).toMatchObject({ id: 'clock', state: 'look' });
  });

  it('needs the room of all films together', () => {
    const alone = need(facts.device, { ...state, companions: { scopes: [], cameras: [], commutator: null } }, plan);
    const two = need(facts.device, state, plan);
    const all = need(facts.device, { ...state, companions: { ...state.companions, cameras: [camera] } }, plan);
    expect(two).toBe(2 * alone);
    expect(all - two).toBeCloseTo(1280 * 720 * 30 * 0.35, 0);
  });
});

describe('why a scope has no picture', () => {
  it('is told with what comes next, for one that is recorded beside others, too', () => {
    const away = { lost: 'The board was unplugged.', silentForMs: 3000, isRecording: true, hasOthers: true };
    expect(troubleOf(away)?.next).toBe(
      'The recording stays open and goes on with all settings; the gap is marked in it. The other devices are recorded on meanwhile.',
    );
    expect(troubleOf({ ...away, hasOthers: false })?.next).not.toContain('other devices');
    expect(troubleOf({ ...away, lost: null })?.text).toMatch(/^No frame for 3\.0 s: the scope's video link stopped/);
    expect(troubleOf({ ...away, lost: null, silentForMs: 300 })).toBeNull();
  });
});

describe('a scope beside the first one', () => {
  it('that cannot be opened says so, keeps nobody waiting, and is there once its board answers', async () => {
    const clock = manualClock();
    const practice = practiceScope(v4, clock, {
      draw: (_frame, _camera, out) => out.fill(60),
      [Symbol.dispose]: () => undefined,
    });
    const [wish] = simulatorRig.scopes;
    let isThere = false;
    const told: string[] = [];
    const boxes = new LiveBoxes();
    // Slow: each frame is looked at whole.
    const slow = { ...wish!, name: 'PFC', settings: { ...wish!.settings, frameRate: '5FPS' } };
    const companion = new CompanionScope(slow, 'board', boxes.of('PFC'), {
      clock,
      openLink: () =>
        isThere ? practice.open() : Promise.reject(new AppError('device.not_found', 'That board is not connected.')),
      tell: (_severity, text) => told.push(text),
      onFrame: () => undefined,
    });
    await companion.open();
    expect(companion.state().trouble?.text).toBe('PFC could not be opened: That board is not connected.');
    expect(() => companion.side()).toThrow('PFC could not be opened: That board is not connected.');
    expect(() => companion.recordable()).toThrow('Not started. PFC could not be opened: That board is not connected.');
    isThere = true;
    await clock.advance(8000);
    expect(told).toEqual(['PFC could not be opened: That board is not connected.', 'PFC is there.']);
    expect(companion.state().trouble).toBeNull();
    await clock.advance(2000);
    const { fps, counterAdvances, dropped } = companion.state();
    expect(fps).toBeCloseTo(5, 0);
    expect(counterAdvances).toBe(true);
    expect(dropped).toBe(0);
    // Its regions are followed as the first scope's are, each with its mean in every frame.
    expect(companion.state()).toMatchObject({ orientation: true, firmware: 'stock firmware, interface version 2' });
    companion.rois.follow([
      { x: 10, y: 10, width: 8, height: 8 },
      { x: 300, y: 200, width: 24, height: 24 },
    ]);
    const looking = new AbortController();
    const packets = boxes.of('PFC').follow(looking.signal);
    const packet = packets.next();
    await clock.advance(500);
    const { value } = await packet;
    expect(value).toMatchObject({ header: { roisId: 1, orientation: { w: expect.any(Number) } } });
    expect((value as { header: { samples: { values: number[] }[] } }).header.samples[0]?.values).toEqual([60, 60]);
    looking.abort();
    await packets.return(undefined);
    // A stack or a screenshot of it is taken from its own frames.
    expect(companion.newest?.pixels[0]).toBe(60);
    expect(companion.isAt('board')).toBe(true);
    expect(companion.side()).toMatchObject({ address: 'board', type: v4 });
    expect(companion.side().shown('led0')).toBe(20);
    // Its controls are its own.
    const set = companion.set('gain', 'High');
    await clock.advance(500);
    await expect(set).resolves.toEqual({ shown: 'High', changed: 'PFC: Gain Low → High' });
    // So is its light, which keeps its value while it is off.
    const led = (): number => Math.abs(Math.round(practice.state().values['led0'] ?? -1));
    expect(led()).toBe(20);
    const dark = companion.light(false);
    await clock.advance(500);
    await dark;
    expect(led()).toBe(0);
    expect(companion.side().shown('led0')).toBe(0);
    expect(companion.state().controls.find(({ name }) => name === 'led0')?.number).toBe(20);
    const lit = companion.light(true);
    await clock.advance(500);
    await lit;
    expect(led()).toBe(20);
    // What happens to it is told with its name, and over its picture until it is back.
    practice.fault('unplug');
    await clock.advance(500);
    const unplugged = 'The Miniscope DAQ board was unplugged. Calyx tries to reach it again.';
    expect(companion.state().trouble).toEqual({
      text: unplugged,
      next: 'It comes back by itself, with all settings.',
    });
    await clock.advance(8000);
    expect(companion.state().trouble).toBeNull();
    expect(told.slice(-2)).toEqual([`PFC: ${unplugged}`, 'PFC: The scope is back with its settings.']);
    const leaving = companion[Symbol.asyncDispose]();
    await clock.advance(3000);
    await leaving;
    expect(led()).toBe(0);
    practice[Symbol.dispose]();
  });

  it('has its own live picture', () => {
    const boxes = new LiveBoxes();
    expect(boxes.of('PFC')).toBe(boxes.of('PFC'));
    expect(boxes.of('PFC')).not.toBe(boxes.of('CA1'));
    expect(boxes.of('PFC')).toBeInstanceOf(LiveBox);
    expect(boxes.of('PFC')).not.toBe(boxes.first);
  });
});
