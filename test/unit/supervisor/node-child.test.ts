// SPDX-License-Identifier: MIT
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordingFlags, superviseNodeChild } from '../../../main/supervisor/index.ts';

class FakeChild extends EventEmitter {
  readonly pid: number | undefined = 1;
  readonly stdout = new PassThrough();
  readonly stderr = null;
  readonly sent: object[] = [];
  readonly signals: string[] = [];
  send = (message: object): boolean => this.sent.push(message) > 0;
  kill = (signal: string): boolean => this.signals.push(signal) > 0;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'calyx-supervisor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function supervise() {
  const children: FakeChild[] = [];
  const timers: { ms: number; act: () => void; isOff: boolean }[] = [];
  const causes: string[] = [];
  const child = superviseNodeChild({
    name: 'media',
    entry: 'x.ts',
    logFolder: folder,
    onCrash: (cause) => causes.push(cause),
    start: () => {
      const made = new FakeChild();
      children.push(made);
      return made;
    },
    timers: {
      after: (ms, act) => {
        const timer = { ms, act, isOff: false };
        timers.push(timer);
        return () => {
          timer.isOff = true;
        };
      },
    },
  });
  /** Lets the newest timer of this length that still counts go off. */
  const pass = (ms: number): void => {
    const timer = timers.findLast((candidate) => candidate.ms === ms && !candidate.isOff);
    if (timer === undefined) throw new Error(`nothing waits ${String(ms)} ms`);
    timer.isOff = true;
    timer.act();
  };
  return { child, children, causes, pass };
}

describe('a supervised child', () => {
  it('starts again after growing pauses, and says why it ended', () => {
    const { children, causes, pass } = supervise();
    for (const pause of [100, 500, 2000, 5000, 5000]) {
      const before = children.length;
      children.at(-1)?.emit('exit', null, 'SIGSEGV');
      expect(children).toHaveLength(before);
      pass(pause);
      expect(children).toHaveLength(before + 1);
    }
    expect(causes[0]).toBe('The media process was ended by SIGSEGV.');
  });

  it('is ended when it does not answer, and not when it does', () => {
    const { children, pass } = supervise();
    for (let beat = 0; beat < 20; beat += 1) {
      pass(2000);
      children[0]?.emit('message', { type: 'pong' });
    }
    expect(children[0]?.signals).toEqual([]);
    for (let beat = 0; beat < 6; beat += 1) pass(2000);
    expect(children[0]?.signals).toEqual(['SIGKILL']);
  });

  it('gets what was sent while it was down', () => {
    const { child, children, pass } = supervise();
    children[0]?.emit('exit', 1, null);
    child.send({ type: 'ticket' });
    pass(100);
    expect(children[1]?.sent).toEqual([{ type: 'ticket' }]);
  });

  it('finds on a socket it is given all that comes, however late it takes the socket', async () => {
    const { child } = supervise();
    const server = createServer((_request, response) => void response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: calyx\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [, socket] = (await once(server, 'upgrade')) as [unknown, Socket];
    child.send({ type: 'upgrade' }, socket);
    const read = socket.bytesRead;
    await new Promise((resolve) => client.write('first words', resolve));
    // What had come by then has been looked at after a round on another connection.
    await fetch(`http://127.0.0.1:${String(port)}/`);
    expect(socket.bytesRead).toBe(read);
    client.destroy();
    socket.destroy();
    server.close();
  });

  it('runs with the flags it is given, beside those of this process', async () => {
    const entry = path.join(folder, 'flags.mjs');
    writeFileSync(entry, 'process.send({ type: "flags", flags: process.execArgv });');
    const told = Promise.withResolvers<unknown>();
    const child = superviseNodeChild({
      name: 'flags',
      entry,
      logFolder: folder,
      nodeFlags: recordingFlags,
      onMessage: told.resolve,
    });
    expect(await told.promise).toEqual({ type: 'flags', flags: [...process.execArgv, ...recordingFlags] });
    await child.stop();
  });

  it('is not started twice because a message did not reach it', () => {
    const { children, causes } = supervise();
    children[0]?.emit('error', new Error('channel closed'));
    expect(causes).toEqual([]);
  });

  it('is asked to stop, stays down, and may still print', async () => {
    const { child, children } = supervise();
    const stopped = child.stop();
    expect(children[0]?.signals).toEqual(['SIGTERM']);
    children[0]?.emit('exit', 0, null);
    children[0]?.stdout.write('last words');
    await stopped;
    expect(children).toHaveLength(1);
  });
});
