// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  type Picture,
  ScopeModel,
  serveUsbredir,
  SimulatedBoard,
  SimulatedUsbDevice,
  systemClock,
} from '../../../main/devices/index.ts';
import { verifySession } from '../../../main/recording/index.ts';
import { needRig, rigInTest, v4 } from '../../support/rig.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

/** As bright as the LED, and never black. */
const picture: Picture = (frame, state, out) => {
  for (let at = 0; at < out.length; at += 1)
    out[at] = 8 + Math.round(state.values['led0'] ?? 0) + ((at + frame) & 0x3f);
};

describe('a board on USB', () => {
  it('is connected dark, recorded without a lost frame, and dark again when its process dies', async (context) => {
    needRig(context);
    if (process.platform === 'win32') context.skip('boards over USB are for Linux and macOS so far');
    using root = temporaryFolder();
    // As it hangs on a port, but for the port: its USB device is carried over a socket.
    const board = new SimulatedBoard(new ScopeModel(v4));
    const led = (): number => Math.abs(Math.round(board.scope.state.values['led0'] ?? -1));
    const address = path.join(root.path, 'board.sock');
    const server = await serveUsbredir(address, {
      usb: new SimulatedUsbDevice(board),
      picture,
      clock: systemClock,
      buffers: 512,
    });
    const id = `redir:${address}`;
    try {
      await using rig = await rigInTest(root.path, {
        devices: () => ({
          devices: [
            {
              id,
              name: 'Miniscope DAQ',
              kind: 'miniscope-daq',
              state: 'ready',
              problem: null,
              address: id,
              loss: null,
              usb: null,
            },
          ],
          unavailable: null,
        }),
      });
      await rig.acquisition.connect(id);
      expect(led()).toBe(0);
      await rig.acquisition.set('frameRate', '5FPS');
      await rig.acquisition.set('led0', 20);
      await vi.waitFor(() => expect(led()).toBe(20), { timeout: 2000, interval: 10 });
      await rig.acquisition.plan({ animal: 'm12', lengthS: null, compression: 'GREY' });
      await rig.until('a picture', ({ quality }) => quality.meanGrey !== null);
      const { folder } = await rig.acquisition.start();
      await rig.until('frames', ({ recording }) => (recording?.saved ?? 0) > 3);
      await rig.acquisition.stop();
      expect(rig.acquisition.report).toMatchObject({ failure: null, missing: 0 });
      const recorded = path.join(rig.data, folder);
      expect(await verifySession(recorded)).toMatchObject({ sound: true });
      const about = JSON.parse(readFileSync(path.join(recorded, 'Miniscope', 'calyx.json'), 'utf8')) as unknown;
      expect(about).toMatchObject({ simulated: false });
      await rig.acquisition.again();
      await vi.waitFor(() => expect(led()).toBe(20), { timeout: 2000, interval: 10 });
      rig.capture().kill('SIGKILL');
      await rig.until('the light', ({ messages }) =>
        messages.some(({ text }) => text === 'The light was switched off.'),
      );
      expect(led()).toBe(0);
    } finally {
      await server.close();
    }
  });
});
