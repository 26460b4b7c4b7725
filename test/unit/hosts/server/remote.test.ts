// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { command, connect, defineApi } from '../../../../main/contract/index.ts';
import { RemoteAccess } from '../../../../main/hosts/server/remote.ts';
import { memoryChannels, routesOf, serveChannel } from '../../../../main/rpc/index.ts';

const nothing = z.object({});
const apis = {
  rig: defineApi('rig', {
    start: command(nothing, nothing, { doc: 'Starts.', remote: true }),
    erase: command(nothing, nothing, { doc: 'Erases.' }),
  }),
};

describe('remote control', () => {
  it('is off at first; each switch-on has a token of its own, and switching off ends its connections', () => {
    const remote = new RemoteAccess();
    remote.served('http://127.0.0.1:4000');
    expect(remote.set(undefined)).toEqual({ on: false, address: 'ws://127.0.0.1:4000/rpc', token: null });
    const { token } = remote.set(true);
    expect(remote.set(undefined).token).toBe(token);
    let ended = 0;
    const end = (): void => {
      ended += 1;
    };
    expect(remote.admits('guess', end)).toBe(false);
    expect(remote.admits(token ?? '', end)).toBe(true);
    remote.set(false);
    expect(ended).toBe(1);
    expect(remote.admits(token ?? '', end)).toBe(false);
    expect(remote.set(true).token).not.toBe(token);
  });

  it('may call what is marked for it and nothing else', async () => {
    const [near, far] = memoryChannels();
    const handlers = { rig: { start: () => Promise.resolve({}), erase: () => Promise.resolve({}) } };
    serveChannel(far, routesOf(apis, handlers), { version: 1, authenticate: () => 'remote' });
    const { client, close } = connect(apis, {
      open: () => Promise.resolve(near),
      token: 'any',
      version: 1,
      wait: () => Promise.resolve(),
      reconnect: false,
    });
    await expect(client.rig.start({})).resolves.toEqual({});
    await expect(client.rig.erase({})).rejects.toMatchObject({ code: 'rpc.not_allowed' });
    close();
  });
});
