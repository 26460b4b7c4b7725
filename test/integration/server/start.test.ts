// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../support/server.ts';
import { repositoryRoot } from '../../support/shared.ts';
import { ask, clientOf, windowToken } from '../../support/sockets.ts';

let folder: string;
let library: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-server-'));
  library = path.join(folder, 'library');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the server to its end. */
function run(args: readonly string[]): Promise<{ readonly code: number | null; readonly printed: string }> {
  const entry = path.join(repositoryRoot, 'main', 'hosts', 'server', 'main.ts');
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, printed }));
  });
}

describe('a start that cannot succeed says why', () => {
  it('an unknown flag', async () => {
    const { code, printed } = await run(['--libary', library]);
    expect(code).toBe(2);
    expect(printed).toMatch(/--libary[\s\S]*--library <folder>/);
  });

  it('a port that is none', async () => {
    expect(await run(['--library', library, '--port', '70000'])).toMatchObject({
      code: 2,
      printed: expect.stringContaining('70000') as string,
    });
  });

  it('a port that is in use, and the library stays free', async () => {
    const blocker: Server = createServer();
    await new Promise<void>((resolve) => {
      blocker.listen(0, '127.0.0.1', resolve);
    });
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const { code, printed } = await run(['--library', library, '--port', port]);
    blocker.close();
    expect(code).toBe(4);
    expect(printed).toContain(`Port ${port} is in use`);
    expect(printed).toContain('--port');
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
  });

  it('a library that is no library', async () => {
    mkdirSync(library);
    writeFileSync(
      path.join(library, 'library.sqlite'),
      'Dear reader, this is a letter and not a database at all.'.repeat(40),
    );
    const { code, printed } = await run(['--library', library]);
    expect(code).toBe(4);
    expect(printed).toMatch(/library\.sqlite|database/);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
  });
});

describe('a running server', () => {
  let server: RunningServer;

  beforeEach(async () => {
    server = await startServer(library);
  });

  afterEach(async () => {
    await server.stop();
  });

  it('is pointed to by a second start', async () => {
    const { code, printed } = await run(['--library', library]);
    expect(code).toBe(0);
    expect(printed).toContain(server.address);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends on %s and gives the library free', async (signal) => {
    expect(existsSync(path.join(library, 'lock.json'))).toBe(true);
    const ended = new Promise((resolve) => {
      server.process.once('exit', resolve);
    });
    server.process.kill(signal);
    expect(await ended).toBe(0);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
  });

  it('answers with its policy, and with nothing outside the window’s files', async () => {
    const { origin } = new URL(server.address);
    const page = await fetch(`${origin}/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/);
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    for (const wanted of [
      '/assets/',
      '/%2e%2e/package.json',
      '/..%2fpackage.json',
      '/%252e%252e/package.json',
      '/assets/%5c..%5c..',
      '/package.json',
    ]) {
      expect((await fetch(`${origin}${wanted}`)).status, wanted).toBe(404);
    }
    expect((await fetch(`${origin}/`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${origin}/`, { headers: { origin: 'https://example.org' } })).status).toBe(403);
  });

  it.each(['/rpc', '/frames'])('opens no socket on %s for a page of another site', async (place) => {
    const { host } = new URL(server.address);
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`ws://${host}${place}`, { origin: 'https://example.org' });
    const outcome = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve('open'));
      socket.on('error', () => resolve('error'));
    });
    expect(outcome).toBe(403);
  });
});

describe('a server that is started again', () => {
  it('is found by the windows that knew it; --new-token shuts them out', async () => {
    const first = await startServer(library);
    await first.stop();
    const second = await startServer(library);
    expect(second.address).toBe(first.address);
    const { client, close } = clientOf(second.address, windowToken(first.address));
    expect(await client.sessions.list({})).toEqual([]);
    close();
    await second.stop();
    const third = await startServer(library, {}, ['--new-token']);
    expect(windowToken(third.address)).not.toBe(windowToken(first.address));
    const old = clientOf(third.address, windowToken(first.address));
    await expect(old.client.sessions.list({})).rejects.toMatchObject({ code: 'rpc.not_allowed' });
    old.close();
    await third.stop();
    const fourth = await startServer(library);
    expect(windowToken(fourth.address)).toBe(windowToken(third.address));
    await fourth.stop();
  });

  it('gives another token where another program took its port', async () => {
    const first = await startServer(library);
    await first.stop();
    const blocker: Server = createServer();
    const port = Number(new URL(first.address).port);
    await new Promise<void>((resolve) => {
      blocker.listen(port, '127.0.0.1', resolve);
    });
    const second = await startServer(library);
    blocker.close();
    await second.stop();
    expect(new URL(second.address).port).not.toBe(String(port));
    expect(windowToken(second.address)).not.toBe(windowToken(first.address));
  });

  it('proves that it knows the token to its own page only', async () => {
    const server = await startServer(library);
    const { host, port } = new URL(server.address);
    const where = `/proof?of=${'n'.repeat(48)}`;
    const answer = await ask(server.address, where);
    const expected = createHmac('sha256', windowToken(server.address))
      .update(`calyx http://${host} ${'n'.repeat(48)}`)
      .digest('base64url');
    expect(answer).toEqual({ status: 200, body: expected });
    for (const headers of [
      { host: `evil.example:${port}` },
      { host: '127.0.0.1:1' },
      { origin: 'http://evil.example' },
    ])
      expect(await ask(server.address, where, { headers })).toEqual({ status: 403, body: '' });
    expect((await ask(server.address, '/proof?of=x')).status).toBe(404);
    await server.stop();
  });
});
