// SPDX-License-Identifier: MIT
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractVersion } from '../../../main/contract/index.ts';
import { rendererFolder } from '../../../main/installation/index.ts';
import { sampleSession } from '../../support/cli.ts';
import { type RunningServer, startServer } from '../../support/server.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';
import { ask, clientOf, localToken, sendUntilClosed, upgradeOutcome, windowToken } from '../../support/sockets.ts';

let place: TemporaryFolder;
let data: string;
let library: string;
let server: RunningServer;

beforeAll(async () => {
  place = temporaryFolder();
  data = path.join(place.path, 'data');
  library = path.join(place.path, 'library');
  cpSync(sampleSession, path.join(data, 'mouse', 'day1'), { recursive: true });
  mkdirSync(path.join(place.path, 'private'));
  writeFileSync(path.join(data, 'diary.txt'), 'not for a window');
  symlinkSync(path.join(place.path, 'private'), path.join(data, 'way-out'));
  server = await startServer(library, { CALYX_DATA_ROOTS: data, HOME: place.path });
});

afterAll(async () => {
  await server.stop();
  place[Symbol.dispose]();
});

const hello = (token: string, version = contractVersion): string => JSON.stringify({ t: 'hello', version, token });
const call = JSON.stringify({ t: 'call', id: 1, name: 'app.info', input: {} });

/** The server still answers who has a right to ask. */
async function expectAlive(): Promise<void> {
  const { client, close } = clientOf(server.address, windowToken(server.address));
  expect((await client.app.info({})).contractVersion).toBe(contractVersion);
  close();
}

function isListening(host: string): Promise<boolean> {
  const socket = dial({ host, port: Number(new URL(server.address).port) });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).then((answer) => {
    socket.destroy();
    return answer === true;
  });
}

describe('the pages of the server', () => {
  const file = path.relative(rendererFolder, path.join(repositoryRoot, 'package.json'));
  const [up] = file.split(path.sep);
  const ways = ['..', '%2e%2e', '.%2e', '%252e%252e'].flatMap((dots) =>
    ['/', '%2f', '\\', '%5c', '%255c'].map((slash) => `/${[dots, dots, 'package.json'].join(slash)}`),
  );

  it('stay inside the folder of the window, however the way out is written', async () => {
    expect([up, file.split(path.sep).length, existsSync(path.join(rendererFolder, file))]).toEqual(['..', 3, true]);
    for (const way of [...ways, ...ways.map((out) => `/assets/..${out}`)])
      expect((await ask(server.address, way)).status, way).toBe(404);
  });

  it('are files of a known kind, never a list of a folder', async () => {
    for (const wanted of ['/assets', '/assets/', '//', '/index', '/.git/config', '/library.sqlite', '/lock.json'])
      expect(await ask(server.address, wanted), wanted).toEqual({ status: 404, body: '' });
  });

  it('are for this machine’s own name only: another name that points here is refused', async () => {
    const { port } = new URL(server.address);
    for (const host of [`evil.example:${port}`, 'evil.example', '127.0.0.1', '127.0.0.1:1', `[::1]:${port}`])
      expect(await ask(server.address, '/', { headers: { host } }), host).toEqual({ status: 403, body: '' });
    expect((await ask(server.address, '/', { headers: { host: `localhost:${port}` } })).status).toBe(200);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask(server.address, '/', { method })).status, method).toBe(405);
  });

  it('are served on this machine’s loopback address and no other', async () => {
    expect(await isListening('127.0.0.1')).toBe(true);
    // Answered by a server that listens on every address.
    for (const other of ['127.0.0.2', '::1']) expect(await isListening(other), other).toBe(false);
  });
});

describe('a socket of the server', () => {
  it.each(['/rpc', '/frames'])('is opened on %s for its own name and page only', async (where) => {
    const { host, port } = new URL(server.address);
    expect(await upgradeOutcome(server.address, where, { host: `evil.example:${port}` })).toBe(403);
    for (const origin of ['http://evil.example', 'null', `https://${host}`, 'http://127.0.0.1:1'])
      expect(await upgradeOutcome(server.address, where, { origin }), origin).toBe(403);
    expect(await upgradeOutcome(server.address, '/other', {})).toBe(404);
    expect(await upgradeOutcome(server.address, '/rpc', { origin: `http://${host}` })).toBe('open');
  });

  it('says why it refuses and closes: no hello, another token, another version, no message at all', async () => {
    const token = windowToken(server.address);
    const refusals: readonly (readonly [string, string, string | Uint8Array])[] = [
      ['no hello', 'rpc.not_allowed', call],
      ['empty token', 'rpc.not_allowed', hello('')],
      ['wrong token', 'rpc.not_allowed', hello(`${token}x`)],
      ['other version', 'rpc.version_mismatch', hello(token, contractVersion + 1)],
      ['garbage', 'rpc.invalid_input', '{"t":'],
      ['binary', 'rpc.invalid_input', new Uint8Array([1, 2, 3])],
    ];
    for (const [name, code, first] of refusals) {
      // A right hello afterwards is no second try.
      const answers = await sendUntilClosed(server.address, '/rpc', [first, hello(token), call]);
      expect(answers, name).toMatchObject([{ t: 'refused', error: { code } }]);
      expect(answers, name).toHaveLength(1);
    }
    await expectAlive();
  });

  it('is closed by a message without bounds, and the server lives', async () => {
    const huge = new Uint8Array(4 * 1024 * 1024 + 1);
    expect(await sendUntilClosed(server.address, '/rpc', [huge])).toEqual([]);
    const admitted = await sendUntilClosed(server.address, '/rpc', [hello(windowToken(server.address)), huge]);
    expect(admitted.length).toBeLessThanOrEqual(1);
    await expectAlive();
  });
});

describe('a window', () => {
  it('is not given what is for programs of this machine', async () => {
    const window = clientOf(server.address, windowToken(server.address));
    const program = clientOf(server.address, localToken(library));
    const refused = { code: 'rpc.not_allowed' };
    await expect(window.client.app.windowAddress({})).rejects.toMatchObject(refused);
    const wish = { runUuid: '01890000-0000-7000-8000-000000000000', destination: place.path };
    await expect(window.client.processing.export(wish)).rejects.toMatchObject(refused);
    expect(await program.client.app.windowAddress({})).toEqual({ windowAddress: server.address });
    window.close();
    program.close();
  });

  it('chooses recordings by name: absolute paths are neither taken nor told', async () => {
    const { client, close } = clientOf(server.address, windowToken(server.address));
    const source = { path: path.join(data, 'mouse', 'day1') };
    await expect(client.sessions.preview({ source })).rejects.toMatchObject({ code: 'rpc.not_allowed' });
    await expect(client.sessions.import({ source })).rejects.toMatchObject({ code: 'rpc.not_allowed' });
    expect(await client.sessions.list({})).toEqual([]);
    const roots = await client.files.roots({});
    const listed = await client.files.list({ folder: { root: 'data-1', path: '' } });
    expect(listed.entries).toEqual([{ name: 'mouse', kind: 'folder' }]);
    const folder = { root: 'data-1', path: 'mouse/day1' };
    const inside = await client.files.list({ folder: { root: 'data-1', path: 'mouse' } });
    expect(inside.entries).toMatchObject([{ name: 'day1', kind: 'session' }]);
    const preview = await client.sessions.preview({ source: { folder } });
    const imported = await client.sessions.import({ source: { folder } });
    const told = [roots, listed, inside, preview, imported, await client.sessions.list({}), await client.app.info({})];
    expect(JSON.stringify(told)).not.toContain(place.path);
    close();
  });

  it('does not see outside the folders offered', async () => {
    const { client, close } = clientOf(server.address, windowToken(server.address));
    for (const way of ['..', 'mouse/../..', '../private', '..\\private', 'way-out', '.ssh'])
      await expect(client.files.list({ folder: { root: 'data-1', path: way } }), way).rejects.toMatchObject({
        code: 'files.outside_roots',
      });
    await expect(client.files.list({ folder: { root: 'nowhere', path: '' } })).rejects.toMatchObject({
      code: 'files.outside_roots',
    });
    const failure = await client.files.list({ folder: { root: 'data-1', path: 'gone' } }).catch(String);
    expect(failure).not.toContain(place.path);
    close();
  });
});
