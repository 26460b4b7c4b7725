// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fromFile } from 'geotiff';
import { describe, expect, it, vi } from 'vitest';
import { focusOf } from '../../../main/acquisition/measures.ts';
import type { AcquireDevice } from '../../../main/contract/index.ts';
import type { DeviceList, FoundDevice } from '../../../main/devices/index.ts';
import { needRig, rigInTest, v4 } from '../../support/rig.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

const darkWithin = { timeout: 4000, interval: 10 };
const stopped = { signal: new AbortController().signal };

const simulator: FoundDevice = {
  id: 'simulator',
  name: 'Simulated Miniscope V4',
  kind: 'simulator',
  state: 'ready',
  problem: null,
  address: 'simulator',
  loss: null,
  usb: null,
};
const board: FoundDevice = {
  id: 'usb-2-1',
  name: 'Miniscope DAQ on USB port 2-1',
  kind: 'miniscope-daq',
  state: 'ready',
  problem: null,
  address: 'usb-2-1',
  loss: null,
  usb: { port: '2-1', speedMbps: 5000, serial: null, driver: 'uvcvideo' },
};

describe('the boards of a rig', () => {
  it('come and go while somebody looks, and it is told', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    let plug: (devices: readonly FoundDevice[]) => void = () => undefined;
    async function* follow(signal: AbortSignal): AsyncGenerator<DeviceList> {
      yield { devices: [simulator], unavailable: null };
      while (!signal.aborted) {
        const next = await new Promise<readonly FoundDevice[] | null>((resolve) => {
          plug = resolve;
          signal.addEventListener('abort', () => resolve(null));
        });
        if (next !== null) yield { devices: next, unavailable: null };
      }
    }
    await using rig = await rigInTest(root.path, { followDevices: follow });
    const leaving = new AbortController();
    const seen: AcquireDevice[][] = [];
    const over = (async () => {
      for await (const devices of rig.acquisition.followDevices(leaving.signal)) seen.push(devices);
    })();
    await expect.poll(() => seen.at(-1)?.map(({ id }) => id)).toEqual(['simulator']);
    plug([board, simulator]);
    await expect.poll(() => seen.at(-1)?.map(({ id }) => id)).toEqual(['usb-2-1', 'simulator']);
    plug([simulator]);
    await expect.poll(() => seen.at(-1)?.map(({ id }) => id)).toEqual(['simulator']);
    expect(rig.acquisition.status().messages.map(({ text }) => text)).toEqual([
      'The Miniscope DAQ board on USB port 2-1 was unplugged.',
      'A Miniscope DAQ board was plugged in on USB port 2-1.',
    ]);
    leaving.abort();
    await over;
  });

  it('blink to show which is which: before one is connected, and with its light restored while it is', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    const watched = async (act: Promise<unknown>): Promise<number[]> => {
      const levels: number[] = [];
      const look = setInterval(() => {
        if (levels.at(-1) !== rig.board.led()) levels.push(rig.board.led());
      }, 5);
      try {
        await act;
        await expect.poll(() => levels.at(-1)).toBe(rig.board.led());
      } finally {
        clearInterval(look);
      }
      return levels;
    };
    const alone = await watched(rig.acquisition.identify('simulator'));
    expect(alone.filter((level) => level === 30)).toHaveLength(3);
    expect(rig.board.led()).toBe(0);
    expect(rig.acquisition.status().mode).toBe('idle');
    await rig.acquisition.connect('simulator');
    await rig.acquisition.set('led0', 12);
    await vi.waitFor(() => expect(rig.board.led()).toBe(12), darkWithin);
    const held = await watched(rig.acquisition.identify('simulator'));
    expect(held.filter((level) => level === 30)).toHaveLength(3);
    await vi.waitFor(() => expect(rig.board.led()).toBe(12), darkWithin);
    expect(rig.acquisition.status().controls.find(({ name }) => name === 'led0')?.number).toBe(12);
    // What is set meanwhile holds afterwards; and nothing is armed with a light that comes back.
    await rig.acquisition.plan({ animal: 'm12', lengthS: null, startBy: 'trigger' });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    const blinking = rig.acquisition.identify('simulator');
    await vi.waitFor(() => expect(rig.board.led()).toBe(30), darkWithin);
    await rig.acquisition.set('led0', 15);
    await expect(rig.acquisition.start()).rejects.toMatchObject({
      code: 'acquire.not_now',
      message: 'Not started: the light blinks to show which scope it is.',
    });
    expect(rig.acquisition.status().mode).toBe('preview');
    await blinking;
    await vi.waitFor(() => expect(rig.board.led()).toBe(15), darkWithin);
  }, 60_000);

  it('do not blink and take no stack while they record; a stack has the lens put back', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    await using rig = await rigInTest(root.path);
    await rig.acquisition.connect('simulator');
    await rig.acquisition.plan({ animal: 'm12', lengthS: null });
    await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
    const wish = { from: -45, to: 115, step: 80, frames: 4 };
    const { file, planes } = await rig.acquisition.stack(wish, stopped.signal);
    expect(planes).toBe(3);
    expect(file).toMatch(/^imageCaptures.Miniscope_.+_stack\.tif$/);
    const tiff = await fromFile(path.join(rig.data, file));
    expect(await tiff.getImageCount()).toBe(3);
    // The scene is sharp at 35: there the picture has most structure.
    const structure: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const image = await tiff.getImage(n);
      expect([image.getWidth(), image.getHeight()]).toEqual([608, 608]);
      const [pixels = new Float32Array()] = (await image.readRasters()) as unknown as Float32Array[];
      structure.push(focusOf(Uint8Array.from(pixels, Math.round), v4) ?? 0);
    }
    void tiff.close();
    expect(Math.max(...structure)).toBe(structure[1]);
    expect(rig.acquisition.status().controls.find(({ name }) => name === 'ewl')?.number).toBe(35);
    const leaving = new AbortController();
    const act = rig.acquisition.stack({ ...wish, frames: 500 }, leaving.signal);
    await rig.until('a stack under way', ({ stack }) => stack?.planes === 3);
    await expect(rig.acquisition.start()).rejects.toMatchObject({ message: 'Not started: a stack is being taken.' });
    leaving.abort();
    await expect(act).rejects.toMatchObject({ code: 'rpc.cancelled' });
    expect(readdirSync(path.join(rig.data, 'imageCaptures'))).toHaveLength(1);
    await rig.acquisition.start();
    await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
    await expect(rig.acquisition.identify('simulator')).rejects.toMatchObject({
      code: 'acquire.not_now',
      message: 'No light blinks now: a recording is under way.',
    });
    await expect(rig.acquisition.stack(wish, stopped.signal)).rejects.toMatchObject({
      message: 'No stack can be taken: a recording is under way.',
    });
    expect(rig.board.led()).toBe(20);
    await rig.acquisition.stop();
  }, 90_000);

  it('carry the type of scope that was chosen for their port, from one start to the next', async (context) => {
    needRig(context);
    using root = temporaryFolder();
    {
      await using rig = await rigInTest(root.path);
      expect(rig.acquisition.devices().at(-1)?.scopeType).toBe('Miniscope_V4_BNO');
      expect(rig.acquisition.scopeTypes().map(({ type }) => type)).toContain('Miniscope_V3');
      await expect(rig.acquisition.connect('simulator', 'Miniscope_V9')).rejects.toMatchObject({
        code: 'device.unknown_type',
      });
      expect(rig.acquisition.status().mode).toBe('idle');
      await rig.acquisition.connect('simulator', 'Miniscope_V4');
      expect(rig.acquisition.status().device).toMatchObject({ type: 'Miniscope_V4', orientation: false });
      await rig.acquisition.set('led0', 20);
      await rig.acquisition.plan({ animal: 'm12', lengthS: null, compression: 'GREY' });
      await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
      const { folder } = await rig.acquisition.start();
      await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 1);
      await rig.acquisition.stop();
      const about = path.join(rig.data, folder, 'Miniscope', 'metaData.json');
      expect(JSON.parse(readFileSync(about, 'utf8'))).toMatchObject({ deviceType: 'Miniscope_V4' });
    }
    await using again = await rigInTest(root.path);
    expect(again.acquisition.devices().at(-1)?.scopeType).toBe('Miniscope_V4');
  }, 90_000);
});
