// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import {
  type BoardLink,
  firmwareWords,
  Miniscope,
  type Picture,
  readCatalogue,
  type ScopeEvent,
  type ScopeFrame,
  ScopeModel,
  scopeType,
  type Setting,
  SimulatedBoard,
  SimulatedLink,
  SimulatedUsbDevice,
} from '../../../main/devices/index.ts';
import { manualClock, type ManualClock } from '../../support/manual-clock.ts';

const type = scopeType(readCatalogue(), 'Miniscope_V4_BNO');
/** A picture that is bright where the LED shines. */
const picture: Picture = (frame, state, out) => {
  out.fill(1 + Math.round(state.values['led0'] ?? 0));
  out[0] = frame & 0xff;
};

interface Rig {
  readonly clock: ManualClock;
  readonly board: SimulatedBoard;
  readonly usb: SimulatedUsbDevice;
  readonly links: SimulatedLink[];
  readonly scope: Miniscope;
  readonly frames: ScopeFrame[];
  readonly events: ScopeEvent[];
}

async function rig(
  settings: Readonly<Record<string, Setting>> = { led0: 10, frameRate: '20FPS' },
  more: { readonly firmware?: 'stock' | 'openEphys'; readonly link?: Partial<BoardLink> } = {},
): Promise<Rig> {
  const clock = manualClock();
  const board = new SimulatedBoard(new ScopeModel(type), more.firmware);
  const usb = new SimulatedUsbDevice(board);
  const links: SimulatedLink[] = [];
  const frames: ScopeFrame[] = [];
  const events: ScopeEvent[] = [];
  const scope = new Miniscope({
    type,
    clock,
    settings,
    open: () => {
      const link = new SimulatedLink({ usb, picture, clock });
      links.push(link);
      return Promise.resolve(Object.assign(link, more.link));
    },
    onFrame: (frame) => frames.push(frame),
    onEvent: (event) => events.push(event),
  });
  const connected = scope.connect();
  await clock.advance(2000);
  await connected;
  frames.length = 0;
  return { clock, board, usb, links, scope, frames, events };
}

describe('a scope', () => {
  it('is set up: link, chips, the settings it begins with', async () => {
    const { board, scope, clock } = await rig();
    expect(board.linkUp).toBe(true);
    expect(board.scope.state).toMatchObject({ lensOn: true, orientationOn: true });
    expect(board.scope.state.values).toMatchObject({ frameRate: 20, gain: 1, ewl: 0 });
    expect(board.scope.state.values['led0']).toBeCloseTo(10.2, 1);
    expect(scope.settings.get('gain')?.shown).toBe('Low');
    await dispose(scope, clock);
  });

  it('takes settings while its board is still being opened, and after', async () => {
    const clock = manualClock();
    const board = new SimulatedBoard(new ScopeModel(type));
    const usb = new SimulatedUsbDevice(board);
    let plug: () => void = () => undefined;
    const plugged = new Promise<void>((resolve) => {
      plug = resolve;
    });
    const scope = new Miniscope({
      type,
      clock,
      open: () => plugged.then(() => new SimulatedLink({ usb, picture, clock })),
      onFrame: () => undefined,
    });
    const connected = scope.connect();
    await scope.set('led0', 30);
    plug();
    await clock.advance(2000);
    await connected;
    expect(board.scope.state.values['led0']).toBeCloseTo(30, 0);
    const later = scope.set('led0', 60);
    await clock.advance(200);
    await later;
    expect(board.scope.state.values['led0']).toBeCloseTo(60, 0);
    await dispose(scope, clock);
  });

  it('tells what runs on its board, and only what it knows', async () => {
    const known = async (more: Parameters<typeof rig>[1]): Promise<string | null> => {
      const { scope, clock, board } = await rig(undefined, more);
      // The question for the version leaves nothing behind: the sync output stands still.
      expect(board.syncEdges).toBe(0);
      const words = firmwareWords(scope.firmware);
      await dispose(scope, clock);
      return words;
    };
    expect(firmwareWords({ variant: null, abi: 2 })).toBeNull();
    expect(await known({})).toBe('stock firmware, interface version 2');
    expect(await known({ firmware: 'openEphys' })).toBe(
      'Open Ephys’ firmware (1.1 or newer: it writes counter, clock and inputs into each frame), interface version 2',
    );
    // A camera driver answers with what it read before; an older board answers with the orientation; one that is busy not at all.
    expect(await known({ link: { remembersReads: true } })).toBe('stock firmware, version of its interface unknown');
    expect(await known({ link: { getControl: () => Promise.resolve(7) } })).toBe(
      'stock firmware, version of its interface unknown',
    );
    expect(await known({ link: { getControl: () => Promise.reject(new Error('busy')) } })).toBe(
      'stock firmware, version of its interface unknown',
    );
  });

  it('gives each frame with its counter, its orientation and its times', async () => {
    const { board, scope, clock, frames } = await rig();
    board.turnHead([0, 0x4000, 0, 0]);
    await clock.advance(1000);
    expect(frames).toHaveLength(20);
    const counters = frames.map(({ counter }) => counter ?? Number.NaN);
    expect(counters.every((counter, n) => n === 0 || counter === counters[n - 1]! + 1)).toBe(true);
    expect(frames.at(-1)).toMatchObject({ lost: 0, orientation: { good: true, quaternion: { w: 0, x: 1 } } });
    expect(frames[1]!.lastNs - frames[0]!.lastNs).toBe(50_000_000n);
    await dispose(scope, clock);
  });

  it('tells of frames the board counted but that never came', async () => {
    const { board, links, scope, clock, frames } = await rig();
    board.disturb({ kind: 'lost-payload' });
    await clock.advance(200);
    board.disturb({ kind: 'lost-frames', frames: 3 });
    await clock.advance(200);
    expect(frames.map(({ lost }) => lost).filter((lost) => lost > 0)).toEqual([1, 3]);
    expect(links[0]!.counts().short).toBe(1);
    await dispose(scope, clock);
  });

  it('takes the newest of many values of a slider', async () => {
    const { board, scope, clock } = await rig();
    const asked = [1, 2, 3, 40, 50].map((value) => scope.set('led0', value));
    await clock.advance(300);
    await Promise.all(asked);
    expect(board.scope.state.values['led0']).toBeCloseTo(50.2, 1);
    await expect(scope.set('frameRate', 21)).rejects.toThrow(/possible are/);
    await dispose(scope, clock);
  });

  it('toggles the board’s sync output while recording, once a frame', async () => {
    const { board, scope, clock, frames } = await rig();
    await scope.setRecording(true);
    frames.length = 0;
    await clock.advance(1000);
    await scope.setRecording(false);
    await clock.advance(500);
    expect(board.syncEdges).toBe(20);
    await dispose(scope, clock);
  });

  it('is dark when it is closed', async () => {
    const { board, scope, clock } = await rig({ led0: 60 });
    await dispose(scope, clock);
    expect([board.scope.register(0x20, 1), board.scope.register(0x58, 0)]).toEqual([[0xff], [0x72, 0xff]]);
    expect(board.streaming).toBe(false);
  });
});

describe('a scope that is lost', () => {
  it('comes back after a replug with all settings a person made', async () => {
    const { board, links, scope, clock, frames, events } = await rig();
    const set = scope.set('led0', 33);
    await clock.advance(200);
    await set;
    links[0]!.unplug();
    board.disturb({ kind: 'link-reset' });
    await clock.advance(100);
    expect(events).toMatchObject([{ kind: 'lost', message: /unplugged.*tries to reach it again/ }].map(asMatcher));
    await clock.advance(5000);
    expect(events.map(({ kind }) => kind)).toEqual(['lost', 'reconnected']);
    expect(board.scope.state.values).toMatchObject({ frameRate: 20 });
    expect(board.scope.state.values['led0']).toBeCloseTo(33.3, 1);
    frames.length = 0;
    await clock.advance(500);
    expect(frames).toHaveLength(10);
    await dispose(scope, clock);
  });

  it('is reached again when its link froze though the board answers', async () => {
    const { board, links, scope, clock, events } = await rig();
    board.disturb({ kind: 'freeze' });
    await clock.advance(4100);
    expect(events.map(({ message }) => message)).toEqual([expect.stringContaining('No frame came any more')]);
    board.disturb({ kind: 'thaw' });
    await clock.advance(9000);
    expect(events.at(-1)?.kind).toBe('reconnected');
    expect(links.length).toBeGreaterThan(1);
    await dispose(scope, clock);
  });

  it('is set up again when it lost power for a moment', async () => {
    const { board, scope, clock, events } = await rig();
    board.disturb({ kind: 'link-reset' });
    await clock.advance(5000);
    expect(events.map(({ kind }) => kind)).toEqual(['restarted']);
    expect(board.scope.state.values).toMatchObject({ frameRate: 20 });
    expect(board.scope.state.values['led0']).toBeCloseTo(10.2, 1);
    await dispose(scope, clock);
  });

  it('goes on with unread counters while the board does not answer', async () => {
    const { usb, scope, clock, frames } = await rig();
    usb.failControls(5);
    await clock.advance(50);
    await clock.advance(150);
    expect(frames[0]).toMatchObject({ rawCounter: null, counter: null, orientation: null, lost: 0 });
    expect(frames.at(-1)).toMatchObject({ lost: 0 });
    expect(frames.at(-1)?.counter).not.toBeNull();
    await dispose(scope, clock);
  });

  it('tells of a stall of 400 ms as lost frames', async () => {
    const { links, scope, clock, frames, events } = await rig();
    links[0]!.stall(400);
    await clock.advance(1000);
    expect(frames.map(({ lost }) => lost).filter((lost) => lost > 0)).toEqual([8]);
    expect(events).toEqual([]);
    await dispose(scope, clock);
  });
});

const asMatcher = ({ kind, message }: { readonly kind: string; readonly message: RegExp }): unknown => ({
  kind,
  message: expect.stringMatching(message) as unknown,
});

async function dispose(scope: Miniscope, clock: ManualClock): Promise<void> {
  const closed = scope[Symbol.asyncDispose]();
  await clock.advance(3000);
  await closed;
}
