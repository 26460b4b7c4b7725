// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packWords } from '../../../main/devices/miniscope/i2c-packet.ts';
import type { RawFrame } from '../../../main/devices/miniscope/frame-assembler.ts';
import { selector } from '../../../main/devices/miniscope/uvc.ts';
import {
  type BoardLink,
  type BoardServer,
  Miniscope,
  openLink,
  type Picture,
  readCatalogue,
  type ScopeEvent,
  type ScopeFrame,
  ScopeModel,
  scopeType,
  serveUsbredir,
  SimulatedBoard,
  SimulatedUsbDevice,
} from '../../../main/devices/index.ts';
import { bindingFile } from '../../../main/installation/index.ts';
import { temporaryFolder } from '../../support/library.ts';
import { manualClock, type ManualClock } from '../../support/manual-clock.ts';

const type = scopeType(readCatalogue(), 'Miniscope_V4_BNO');
const size = { width: 608, height: 608 };
const rows = Uint8Array.from({ length: 608 * 608 }, (_, at) => (at * 3 + (at >> 8)) & 0xff);
/** Each frame and each row differs, and the light shows. */
let shown: () => void = () => undefined;
const picture: Picture = (frame, state, out) => {
  shown();
  const shift = frame * 151 + Math.round(state.values['led0'] ?? 0);
  for (let at = 0; at < out.length; at += 1) out[at] = (rows[at] ?? 0) + shift;
};

// The capture is the real one: threads of the native part, which take payloads from a socket instead of a USB port. Only the board's time is the test's own.
describe.skipIf(process.platform === 'win32' || !existsSync(bindingFile()))('a board over USB', () => {
  let clock: ManualClock;
  let board: SimulatedBoard;
  let usb: SimulatedUsbDevice;
  let server: BoardServer;
  let address: string;
  const links: BoardLink[] = [];

  beforeEach(async () => {
    clock = manualClock();
    board = new SimulatedBoard(new ScopeModel(type));
    usb = new SimulatedUsbDevice(board);
    address = path.join(temporaryFolder(), 'board.sock');
    // The test's time does not wait for threads: what is not fetched in no time is kept.
    server = await serveUsbredir(address, { usb, picture, clock, buffers: 512 });
  });
  afterEach(async () => {
    shown = () => undefined;
    for (const link of links.splice(0)) await link[Symbol.asyncDispose]();
    await server.close();
  });

  const open = async (): Promise<BoardLink> => {
    const link = await openLink(`redir:${address}`);
    links.push(link);
    return link;
  };

  /** A reader of frames that lets the board's time pass until the next one is there. */
  async function streaming(link: BoardLink): Promise<{ readonly next: () => Promise<RawFrame> }> {
    const came: RawFrame[] = [];
    await link.start(size, (frame) => came.push(frame));
    return {
      next: async () => {
        await clock.advance(1000 * board.framePeriodS);
        for (;;) {
          const frame = came.shift();
          if (frame !== undefined) return frame;
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
        }
      },
    };
  }

  async function send(link: BoardLink, ...packets: readonly (readonly number[])[]): Promise<void> {
    for (const packet of packets) {
      const [contrast, gamma, sharpness] = packWords(packet);
      await link.setControl(selector.contrast, contrast);
      await link.setControl(selector.gamma, gamma);
      await link.setControl(selector.sharpness, sharpness);
    }
  }

  const linkMode = [
    [0xc0, 0x1f, 0x10],
    [0xb0, 0x05, 0x20],
  ] as const;

  it('gives frames as the sensor gave them, each with the controls that were read after it', async () => {
    const link = await open();
    link.readWithFrames?.([selector.contrast, selector.gamma]);
    board.setCounter(0xfffe);
    const frames = await streaming(link);
    const dark = await frames.next();
    expect(dark.pixels.every((pixel) => pixel === 0)).toBe(true);
    await send(link, ...linkMode);
    await frames.next();
    const seen = [await frames.next(), await frames.next()];
    // Frames are numbered from 0 with the stream's start.
    expect(seen.map(({ pixels }) => pixels[0])).toEqual([(2 * 151) & 0xff, (3 * 151) & 0xff]);
    expect(seen[1]?.pixels.every((pixel, at) => pixel === (((rows[at] ?? 0) + 3 * 151) & 0xff))).toBe(true);
    expect(seen.map(({ controls }) => controls?.get(selector.contrast))).toEqual([1, 2]);
    expect(seen[0]?.controls?.get(selector.gamma)).toBe(0);
    expect(dark.controls?.get(selector.contrast)).toBe(0xffff);
    expect(seen[0]?.oddBytes).toEqual(new Uint8Array(20).fill(0x80));
    const [first, second] = seen;
    expect(second!.firstNs >= first!.lastNs && first!.lastNs <= process.hrtime.bigint()).toBe(true);
  });

  it('counts what came broken, and goes on with the next frame', async () => {
    const link = await open();
    const frames = await streaming(link);
    await send(link, ...linkMode);
    await frames.next();
    board.disturb({ kind: 'lost-payload' });
    await clock.advance(1000 * board.framePeriodS);
    board.disturb({ kind: 'missing-eof' });
    await clock.advance(1000 * board.framePeriodS);
    const after = await frames.next();
    expect(after.pixels[0]).toBe((3 * 151) & 0xff);
    expect(link.counts()).toEqual({ short: 1, unended: 1, badHeaders: 0 });
  });

  it('lets other work in between frames that have piled up while the process was busy', async () => {
    const link = await open();
    let turn = 0;
    const turns: number[] = [];
    const tick = (): void => {
      turn += 1;
      if (turns.length < 5) setImmediate(tick);
    };
    tick();
    await link.start(size, () => turns.push(turn));
    for (let n = 0; n < 5; n += 1) await clock.advance(1000 * board.framePeriodS);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    await expect.poll(() => turns, { interval: 1 }).toHaveLength(5);
    expect(new Set(turns).size).toBe(5);
  });

  it('says what the board refuses, does not answer, or does not have', async () => {
    await expect(openLink('redir:/nowhere/board.sock')).rejects.toMatchObject({ code: 'device.not_found' });
    const link = await open();
    await expect(link.start({ width: 640, height: 480 }, () => undefined)).rejects.toMatchObject({
      code: 'device.bad_setting',
      message: 'The board has no frames of 640 × 480.',
    });
    usb.failControls(1);
    await expect(link.getControl(selector.contrast)).rejects.toMatchObject({
      code: 'device.no_answer',
      retryable: true,
    });
    await expect(link.getControl(selector.contrast)).resolves.toBe(0);
  });

  it('tells that it was unplugged, and can be opened again when it is back', async () => {
    const link = await open();
    await streaming(link);
    server.plug(false);
    await expect(link.gone).resolves.toBe('The Miniscope DAQ board was unplugged.');
    await expect(link.getControl(selector.contrast)).rejects.toMatchObject({ code: 'device.no_answer' });
    await link.stop();
    server.plug(true);
    const again = await open();
    const frames = await streaming(again);
    expect((await frames.next()).pixels).toHaveLength(608 * 608);
  });

  it('leaves the board stopped, and finds one that was left running stopped', async () => {
    const link = await open();
    const frames = await streaming(link);
    await frames.next();
    await link.stop();
    expect(board.streaming).toBe(false);
    board.start(1);
    const fresh = await streaming(link);
    expect((await fresh.next()).pixels).toHaveLength(608 * 608);
  });

  it('runs a scope as the simulated link does: set up, counted, restored after it was unplugged, dark when it is let go', async () => {
    const frames: ScopeFrame[] = [];
    let drawn = 0;
    shown = () => {
      drawn += 1;
    };
    const events: ScopeEvent[] = [];
    const scope = new Miniscope({
      type,
      clock,
      settings: { led0: 10, frameRate: '20FPS' },
      open: async () => {
        const link = await openLink(`redir:${address}`);
        const start: BoardLink['start'] = (wanted, take) =>
          link.start(wanted, (frame) => {
            drawn = 0;
            take(frame);
          });
        return { ...link, start };
      },
      onFrame: (frame) => frames.push(frame),
      onEvent: (event) => events.push(event),
    });
    /** Lets time pass in small steps until something holds, but none while a frame is on its way: threads take theirs. */
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) {
        if (drawn === 0) await clock.advance(5);
        else
          await new Promise((resolve) => {
            setImmediate(resolve);
          });
      }
    };
    const settled = async (work: Promise<unknown>): Promise<void> => {
      let isOver = false;
      void work.finally(() => {
        isOver = true;
      });
      await until(() => isOver);
      await work;
    };
    await settled(scope.connect());
    expect(board.scope.state.values['led0']).toBeCloseTo(10.2, 1);
    frames.length = 0;
    await until(() => frames.length >= 6);
    const counters = frames.flatMap(({ counter }) => counter ?? []);
    expect(counters).toHaveLength(6);
    expect(frames.every(({ lost }) => lost === 0)).toBe(true);
    expect(frames.some(({ orientation }) => orientation?.good === true)).toBe(true);
    server.plug(false);
    drawn = 0;
    board.disturb({ kind: 'link-reset' });
    await until(() => events.length === 1);
    expect(events[0]?.message).toBe('The Miniscope DAQ board was unplugged. Calyx tries to reach it again.');
    server.plug(true);
    await until(() => events.length === 2);
    expect(events[1]?.kind).toBe('reconnected');
    expect(board.scope.state.values['led0']).toBeCloseTo(10.2, 1);
    await settled(scope[Symbol.asyncDispose]());
    expect(board.scope.state.values['led0']).toBeCloseTo(0, 1);
    expect(board.streaming).toBe(false);
  }, 60_000);
});
