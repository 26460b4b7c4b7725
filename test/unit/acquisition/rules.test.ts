// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { LiveBox } from '../../../main/acquisition/live-socket.ts';
import { MessageList } from '../../../main/acquisition/messages.ts';
import { previewFolder } from '../../../main/acquisition/plan.ts';
import { judge, type PreflightFacts } from '../../../main/acquisition/preflight.ts';
import { statusOf, type StatusFacts } from '../../../main/acquisition/status.ts';
import { soundFacts as facts, soundPlan as plan, soundState as state } from '../../support/preflight.ts';
import { v4 } from '../../support/rig.ts';

const worst = (change: Partial<PreflightFacts>) => judge({ ...facts, ...change })[0]!;

describe('pre-flight', () => {
  it('is green when all is well', () => {
    expect(judge(facts).filter((check) => check.state !== 'ok')).toEqual([]);
  });

  it('names the firmware and the speed of the connection, and says what is not known', () => {
    const told = (change: Partial<PreflightFacts>) =>
      judge({ ...facts, ...change }).find(({ id }) => id === 'firmware');
    expect(told({})).toMatchObject({ state: 'ok', text: 'stock firmware, interface version 2, simulated' });
    const board = { ...facts.device!, simulated: false, speedMbps: 5000 };
    expect(told({ device: board })?.text).toBe('stock firmware, interface version 2; connected at 5000 Mbit/s');
    expect(told({ device: { ...board, speedMbps: null } })).toMatchObject({
      state: 'ok',
      text: 'stock firmware, interface version 2; speed of the connection unknown',
    });
    expect(told({ state: { ...state, firmware: null } })).toMatchObject({
      state: 'look',
      text: 'not known: no frame has come yet',
    });
  });

  it('puts what must be mended first, with its one button', () => {
    expect(worst({ plan: { ...plan, animal: '' } })).toMatchObject({
      id: 'animal',
      state: 'fix',
      action: { label: 'Choose animal' },
    });
    expect(worst({ freeBytes: 4.1e9 })).toMatchObject({
      id: 'space',
      state: 'fix',
      text: '20 min need 9.3 GB, 4.1 GB free',
    });
    expect(worst({ freeBytes: 3e8, plan: { ...plan, lengthS: null } }).text).toBe(
      '300 MB are free; 500 MB always stay free',
    );
    expect(worst({ write: { bytesPerS: 5e6 } })).toMatchObject({ id: 'disk', state: 'fix' });
    expect(worst({ write: { bytesPerS: 12e6 } })).toMatchObject({ id: 'disk', state: 'look' });
    expect(worst({ write: null, writeProblem: 'cannot be written: no' })).toMatchObject({ id: 'disk', state: 'fix' });
    expect(worst({ state: { ...state, counterFps: 28 } })).toMatchObject({
      id: 'rate',
      state: 'look',
      text: '28.00 fps, 30 set: 6.7 % off by the board’s counter',
    });
    expect(worst({ state: { ...state, counterAdvances: false } })).toMatchObject({ id: 'counter', state: 'look' });
    expect(
      worst({ state: { ...state, controls: state.controls.map((c) => Object.assign({}, c, { number: 0 })) } }),
    ).toMatchObject({ id: 'light', state: 'fix' });
    expect(worst({ state: { ...state, connected: false } })).toMatchObject({ id: 'device', state: 'fix' });
  });
});

describe('the folder', () => {
  it('is named by the form, without what was left empty', () => {
    const at = new Date(2026, 10, 27, 10, 0, 5);
    expect(previewFolder(plan, at)).toBe('EE/linear_track/m12/2026_11_27/10_00_05');
    expect(previewFolder({ ...plan, researcher: '', experiment: '' }, at)).toBe('m12/2026_11_27/10_00_05');
  });
});

describe('the status', () => {
  const recording = {
    folder: '/data/rig/m12/a',
    startedAt: '2026-11-27T10:00:00.000Z',
    seconds: 12,
    lengthS: 1200,
    saved: 360,
    missing: 0,
    savedAgoMs: 20,
    failure: null,
    ending: false,
    marks: [],
  };
  const now: StatusFacts = {
    mode: 'recording',
    device: { id: 'simulator', name: 'Miniscope V4', type: v4, address: '', speedMbps: null },
    state: { ...state, recording },
    isStale: false,
    freeBytes: 1e12,
    dataFolder: '/data/rig',
    segment: { number: 1, of: 1 },
    nextAt: null,
    messages: [],
    plan,
    rig: null,
    file: null,
    now: new Date(),
    reportId: null,
  };

  it('confirms a recording only while frames are saved and its process speaks', () => {
    expect(statusOf(now).recording).toMatchObject({ folder: 'm12/a', confirmed: true, doubt: null });
    expect(statusOf({ ...now, isStale: true })).toMatchObject({
      fps: null,
      recording: { confirmed: false, doubt: 'The process that records does not answer.' },
    });
    const unsaved = { ...state, recording: { ...recording, savedAgoMs: 2400 } };
    expect(statusOf({ ...now, state: unsaved }).recording?.doubt).toBe('No frame has been saved for 2.4 s.');
    const failed = { ...state, recording: { ...recording, failure: 'the disk is full' } };
    expect(statusOf({ ...now, state: failed }).recording?.doubt).toBe('Writing has stopped: the disk is full');
    expect(statusOf({ ...now, mode: 'preview' }).recording).toBeNull();
  });

  it('says how long the disk lasts', () => {
    expect(statusOf(now).disk?.hoursLeft).toBeCloseTo((1e12 - 500 * 1024 * 1024) / (608 * 608 * 30 * 0.7) / 3600, 3);
  });
});

describe('messages', () => {
  it('count what happens again instead of repeating it', () => {
    const list = new MessageList();
    list.add('warning', 'a', 1);
    list.add('info', 'b', 2);
    list.add('warning', 'a', 3);
    expect(list.list).toMatchObject([
      { text: 'a', count: 2, at: 3 },
      { text: 'b', count: 1 },
    ]);
  });
});

describe('the live picture', () => {
  it('sends the newest frame to whoever is ready, with the samples of all, and never waits', async () => {
    const box = new LiveBox();
    const leaving = new AbortController();
    const packets = box.follow(leaving.signal);
    const header = {
      width: 1,
      height: 1,
      counter: null,
      arrivedAt: 0,
      meanGrey: 0,
      saturated: 0,
      histogram: [],
      orientation: null,
      roisId: 0,
    };
    const offer = (number: number): void =>
      box.offer({
        pixels: Uint8Array.of(number),
        header: { ...header, number },
        sample: { timeS: number, values: [number] },
      });
    const first = packets.next();
    expect(box.watchers).toBe(1);
    offer(1);
    expect((await first).value).toMatchObject({ header: { number: 1 } });
    // The window is busy: 2 and 3 are never sent as pictures, their samples are.
    for (const number of [2, 3, 4]) offer(number);
    const next = await packets.next();
    expect(next.value).toMatchObject({ bytes: Uint8Array.of(4), header: { number: 4 } });
    expect(next.value?.header.samples.map(({ timeS }: { timeS: number }) => timeS)).toEqual([2, 3, 4]);
    leaving.abort();
    await packets.return(undefined);
    expect(box.watchers).toBe(0);
    offer(5);
  });
});
