// SPDX-License-Identifier: MIT
import path from 'node:path';
import { expect, test } from 'vitest';
import { connect, contractVersion, coreApis, webSocketChannel } from '../../../main/contract/index.ts';
import { calyx } from '../../support/cli.ts';
import { needRig } from '../../support/rig.ts';
import { startServer } from '../../support/server.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

test('a board that a running Calyx has open blinks by its hand, never while it records', async (context) => {
  needRig(context);
  using root = temporaryFolder();
  const library = path.join(root.path, 'library');
  const identify = (device: string) => calyx(['devices', '--identify', device, '--json', '--library', library]);
  // Nobody has the library: the command line looks for the board itself.
  expect(await identify('simulator')).toMatchObject({ code: 4, err: expect.stringContaining('in a running Calyx') });
  const server = await startServer(library, { CALYX_DATA_ROOTS: root.path });
  try {
    const { origin, hash } = new URL(server.address);
    const { client, close } = connect(coreApis, {
      open: () => webSocketChannel(new WebSocket(`${origin.replace(/^http/, 'ws')}/rpc`)),
      token: hash.slice('#token='.length),
      version: contractVersion,
      reconnect: false,
      wait: () => Promise.resolve(),
    });
    await client.acquire.connect({ deviceId: 'simulator' });
    expect(await identify('simulator')).toMatchObject({ code: 0, out: '{"identified":"simulator"}\n', err: '' });
    // The light is as it was.
    for await (const { controls, mode } of client.acquire.status({})) {
      expect(mode).toBe('preview');
      expect(controls.find(({ name }) => name === 'led0')?.number).toBe(20);
      break;
    }
    // What is not there is said by the one that was asked.
    expect(await identify('9-9')).toMatchObject({ code: 4, err: expect.stringContaining('not connected') });
    const [data] = await client.files.roots({});
    await client.acquire.plan({ change: { animal: 'm1', folder: { root: data!.root, path: 'recordings' } } });
    await client.acquire.start({});
    expect(await identify('simulator')).toMatchObject({
      code: 4,
      err: expect.stringContaining('No light blinks now: a recording is under way.'),
    });
    await client.acquire.stop({});
    close();
  } finally {
    await server.stop();
  }
});
