// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { connect, contractVersion, mediaApis, webSocketChannel } from '../../../main/contract/index.ts';
import { calyx } from '../../support/cli.ts';
import { type RunningServer, startServer } from '../../support/server.ts';
import { temporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';
import { clientOf, sendUntilClosed, windowToken } from '../../support/sockets.ts';

const engine = path.join(repositoryRoot, 'test/support/fake-engine.mjs');
/** An end takes this long at most, however many sockets are open. */
const endLimitMs = 5000;

/** A server with an engine that behaves as named, gone after the test. */
async function serverWith(behaviour: 'ok' | 'obedient'): Promise<{ server: RunningServer; library: string }> {
  const place = temporaryFolder();
  const library = path.join(place.path, 'library');
  const server = await startServer(library, { CALYX_ENGINE: engine, FAKE_ENGINE: behaviour });
  onTestFinished(() => {
    // An engine outlives a server that is killed: its next owner would end it, and here there is none.
    const engines = isRunning(server.process.pid ?? 0) ? childrenOf(server.process.pid ?? 0) : [];
    server.process.kill('SIGKILL');
    for (const pid of engines) if (commandOf(pid).includes(engine)) process.kill(pid, 'SIGKILL');
    place[Symbol.dispose]();
  });
  return { server, library };
}

/** A window with a run of the sample session. */
async function windowWithRun(server: RunningServer) {
  const { client, close } = clientOf(server.address, windowToken(server.address));
  const { session } = await client.sessions.openSample({});
  const recordingUuids = session.recordings.map((recording) => recording.uuid);
  const { run } = await client.processing.start({ recordingUuids, parameters: { diameterPx: 8 }, budget: {} });
  const stateOf = async () => (await client.processing.run({ runUuid: run.uuid })).progress;
  return { client, close, runUuid: run.uuid, progress: stateOf };
}

/** A movie's line, as a window has it. */
function movieOf(server: RunningServer, ticket: string) {
  return connect(mediaApis, {
    open: () => webSocketChannel(new WebSocket(`ws://${new URL(server.address).host}/frames`)),
    token: ticket,
    version: contractVersion,
    reconnect: false,
    wait: () => Promise.resolve(),
  });
}

/** Process ids of the children of a process. */
function childrenOf(pid: number): number[] {
  const words = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').split(' ');
  return words.filter((word) => word !== '').map(Number);
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const mediaProcessOf = (server: RunningServer): number | undefined =>
  childrenOf(server.process.pid ?? 0).find((pid) => commandOf(pid).includes('media-process'));

/** The exit code, once it has ended. */
function endOf(server: RunningServer): Promise<number | null> {
  return new Promise((resolve) => {
    server.process.once('exit', (code) => resolve(code));
  });
}

async function firstFrame(line: ReturnType<typeof movieOf>): Promise<number> {
  const stream = line.client.movie.frames({ layer: 'raw' });
  stream.update({ frame: 3 });
  for await (const { header, bytes } of stream.packets) {
    expect(bytes).toHaveLength(header.height * header.width);
    return header.frame;
  }
  throw new Error('the movie ended without a frame');
}

describe.skipIf(process.platform !== 'linux')('a server that is stopped', () => {
  it('ends at once with a movie and windows open, and takes its media process with it', async () => {
    const { server, library } = await serverWith('ok');
    const window = await windowWithRun(server);
    await expect.poll(async () => (await window.progress()).state, { timeout: 20_000 }).toBe('succeeded');
    const { ticket, path: where } = await window.client.frames.ticket({ runUuid: window.runUuid });
    expect(where).toBe('/frames');
    const movie = movieOf(server, ticket);
    expect(await firstFrame(movie)).toBe(3);
    const hello = (token: string) => JSON.stringify({ t: 'hello', version: contractVersion, token });
    for (const token of [ticket, 'no-such-ticket', windowToken(server.address)])
      expect(await sendUntilClosed(server.address, '/frames', [hello(token)]), token).toMatchObject([
        { t: 'refused', error: { code: 'rpc.not_allowed' } },
      ]);
    const second = clientOf(server.address, windowToken(server.address));
    await second.ready;
    const media = mediaProcessOf(server);
    expect(media).toBeDefined();

    const asked = performance.now();
    const ended = endOf(server);
    server.process.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(performance.now() - asked).toBeLessThan(endLimitMs);
    expect(isRunning(media ?? 0)).toBe(false);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
    for (const line of [window, second, movie]) line.close();
  });

  it('lets a run end, unless it is asked twice: then the run is cancelled and leaves nothing', async () => {
    const { server, library } = await serverWith('obedient');
    const window = await windowWithRun(server);
    await expect.poll(async () => (await window.progress()).stage, { timeout: 20_000 }).toBe('demix');
    const runner = childrenOf(server.process.pid ?? 0).find((pid) => commandOf(pid).includes('fake-engine'));
    expect(runner).toBeDefined();
    const ended = endOf(server);
    server.process.kill('SIGTERM');
    await expect.poll(() => server.printed(), { timeout: 5000 }).toContain('A run is under way');
    expect((await window.progress()).state).toBe('running');
    server.process.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(isRunning(runner ?? 0)).toBe(false);
    expect(readdirSync(path.join(library, 'runs'))).toEqual([]);
    expect(existsSync(path.join(library, 'lock.json'))).toBe(false);
    const listed = await calyx(['runs', '--library', library, '--json']);
    expect(JSON.parse(listed.out)).toMatchObject({ runs: [{ state: 'cancelled' }] });
    window.close();
  });
});

describe.skipIf(process.platform !== 'linux')('a media process that dies', () => {
  it('is told with its cause, and a new one shows the movie', async () => {
    const { server } = await serverWith('ok');
    const window = await windowWithRun(server);
    await expect.poll(async () => (await window.progress()).state, { timeout: 20_000 }).toBe('succeeded');
    const admission = async () => (await window.client.frames.ticket({ runUuid: window.runUuid })).ticket;
    const before = movieOf(server, await admission());
    expect(await firstFrame(before)).toBe(3);
    const media = mediaProcessOf(server) ?? 0;
    process.kill(media, 'SIGKILL');
    await expect.poll(() => server.printed(), { timeout: 5000 }).toContain('The media process was ended by SIGKILL.');
    const after = movieOf(server, await admission());
    expect(await firstFrame(after)).toBe(3);
    expect(mediaProcessOf(server)).not.toBe(media);
    for (const line of [window, before, after]) line.close();
  });
});
