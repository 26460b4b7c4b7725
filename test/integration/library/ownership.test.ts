// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  acquireOwnership,
  currentProcess,
  openLibrary,
  ownerWhenListening,
  readOwner,
} from '../../../main/library/index.ts';
import { newSession, temporaryFolder } from '../../support/library.ts';

/** Another process with its own node, spoken to by lines. */
async function startOther(directory: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'owner-process.ts'), directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the other process ended');
    return JSON.parse(value) as Record<string, unknown>;
  };
  await next();
  return {
    pid: child.pid ?? 0,
    tell: (order: string): Promise<Record<string, unknown>> => {
      child.stdin.write(`${order}\n`);
      return next();
    },
    next,
    kill: async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const endpoint = { address: 'http://127.0.0.1:4711', token: 'secret', contractVersion: 1 };

describe('the owner of a library', () => {
  it('is named in a lock only its user can read, and the next process is told where it is', async () => {
    const directory = join(temporaryFolder(), 'new', 'library');
    const mine = acquireOwnership(directory);
    if (mine.kind !== 'owner') throw new Error('the folder is new');
    expect(readOwner(directory)).toMatchObject({ process: currentProcess(), address: null });
    mine.ownership.publish(endpoint);
    expect(statSync(join(directory, 'lock.json')).mode & 0o777).toBe(0o600);
    const other = await startOther(directory);
    expect(await other.tell('acquire')).toMatchObject({ kind: 'other' });
    expect(readOwner(directory)).toMatchObject({ ...endpoint, process: { pid: process.pid } });
    mine.ownership.release();
    expect(readOwner(directory)).toBeNull();
    expect(await other.tell('acquire')).toEqual({ kind: 'owner', pid: other.pid });
    expect(acquireOwnership(directory)).toMatchObject({
      kind: 'other',
      owner: { program: 'test', process: { pid: other.pid } },
    });
    // Released twice, it must not take the new owner's lock away.
    mine.ownership.release();
    expect(readOwner(directory)).toMatchObject({ process: { pid: other.pid } });
    expect(() => mine.ownership.publish(endpoint)).toThrow(expect.objectContaining({ code: 'library.locked' }));
    expect(readdirSync(directory).toSorted()).toEqual(['lock.guard', 'lock.json']);
  });

  it('is one of however many start at the same moment, on a fresh folder and on a dead lock', async () => {
    const directory = temporaryFolder();
    for (let round = 0; round < 3; round += 1) {
      const others = await Promise.all(Array.from({ length: 4 }, () => startOther(directory)));
      const answers = await Promise.all(others.map((other) => other.tell('acquire')));
      const owners = answers.filter((answer) => answer['kind'] === 'owner');
      expect(owners).toHaveLength(1);
      expect(readOwner(directory)?.process.pid).toBe(owners[0]?.['pid']);
      await Promise.all(others.map((other) => other.kill()));
      expect(readOwner(directory)).toBeNull();
      expect(readdirSync(directory)).toContain('lock.json');
    }
  });

  it('that is still starting is waited for until it listens, or is gone', async () => {
    const directory = temporaryFolder();
    const other = await startOther(directory);
    await other.tell('acquire');
    const late = ownerWhenListening(directory, AbortSignal.timeout(60_000));
    await other.tell('publish');
    expect(await late).toMatchObject({ address: 'http://127.0.0.1:4712', process: { pid: other.pid } });
    await other.kill();
    expect(await ownerWhenListening(directory, AbortSignal.timeout(60_000))).toBeNull();
    const mine = acquireOwnership(directory);
    expect(mine.kind).toBe('owner');
    const stop = new AbortController();
    const never = ownerWhenListening(directory, stop.signal);
    stop.abort();
    await expect(never).rejects.toThrow(/abort/i);
  });

  it('that was killed is replaced; its run is failed with the cause, its queue goes on', async () => {
    const directory = temporaryFolder();
    const other = await startOther(directory);
    await other.tell('acquire');
    const { runUuid } = await other.tell('work');
    expect(acquireOwnership(directory).kind).toBe('other');
    await other.kill();
    expect(acquireOwnership(directory).kind).toBe('owner');
    const library = await openLibrary({ directory });
    try {
      expect(library.recovered).toEqual([{ runUuid, engine: null }]);
      expect(await library.runs.list()).toMatchObject([
        { name: 'waiting', state: 'queued' },
        { uuid: runUuid, state: 'failed', error: { code: 'engine.crashed' } },
      ]);
      expect(await library.sessions.list()).toHaveLength(1);
      expect(await library.runs.claim({})).toMatchObject({ run: { name: 'waiting' } });
    } finally {
      await library.close();
    }
  });

  it('killed in the middle of writing loses nothing it had answered', async () => {
    const directory = temporaryFolder();
    const other = await startOther(directory);
    await other.tell('acquire');
    let stored = (await other.tell('storm'))['stored'] as number;
    while (stored < 40) stored = (await other.next())['stored'] as number;
    await other.kill();
    const library = await openLibrary({ directory });
    try {
      const names = new Set((await library.sessions.list()).map((session) => session.name));
      for (let i = 2; i <= stored; i += 1) expect(names).toContain(`session ${i}`);
    } finally {
      await library.close();
    }
  });

  it('is not believed when its number belongs to another process, another boot, or the lock is torn', () => {
    const directory = temporaryFolder();
    const self = currentProcess();
    for (const ref of [
      { ...self, startTicks: '1' },
      { ...self, bootId: 'an earlier boot' },
      { pid: 4_194_000, bootId: self.bootId, startTicks: '1' },
    ]) {
      expect(acquireOwnership(directory, { self: ref }).kind).toBe('owner');
      expect(readOwner(directory)).toBeNull();
    }
    writeFileSync(join(directory, 'lock.json'), '{"pid": 1');
    writeFileSync(join(directory, 'lock.json.of-one-killed-while-writing'), '{');
    expect(acquireOwnership(directory).kind).toBe('owner');
    // The same process asking twice is told that it has it already.
    expect(acquireOwnership(directory)).toMatchObject({ kind: 'other', owner: { process: self } });
    expect(readdirSync(directory).toSorted()).toEqual(['lock.guard', 'lock.json']);
  });

  it('on another machine cannot be judged from here: refused with its name', () => {
    const directory = temporaryFolder();
    expect(acquireOwnership(directory, { host: 'rig-2' }).kind).toBe('owner');
    expect(() => acquireOwnership(directory, { host: 'rig-1' })).toThrow(
      expect.objectContaining({ code: 'library.locked', message: expect.stringContaining('rig-2') }),
    );
    expect(JSON.parse(readFileSync(join(directory, 'lock.json'), 'utf8'))).toMatchObject({ host: 'rig-2' });
  });
});

describe('a folder in which nothing can be written', () => {
  it('has no owner: its library is opened for reading only', async () => {
    const directory = temporaryFolder();
    // Folders in the places of the files that would be made refuse them, for root as well.
    mkdirSync(join(directory, 'lock.guard'));
    expect(() => acquireOwnership(directory)).toThrow(expect.objectContaining({ code: 'library.io' }));
    const writable = await openLibrary({ directory });
    await writable.sessions.insert(newSession(1));
    await writable.close();
    mkdirSync(join(directory, 'library.sqlite-shm'));
    const before = readFileSync(join(directory, 'library.sqlite'));
    const result = acquireOwnership(directory);
    if (result.kind !== 'read-only') throw new Error('lock.guard cannot be made');
    const library = await openLibrary({ directory, readOnly: result.reason });
    expect(library.readOnly).toMatch(/write-protected/);
    expect(await library.sessions.list()).toHaveLength(1);
    await expect(library.sessions.insert(newSession(2))).rejects.toMatchObject({ code: 'library.read_only' });
    await library.close();
    expect(readFileSync(join(directory, 'library.sqlite')).equals(before)).toBe(true);
    // A log that cannot be read may hold rows the image would not have.
    rmSync(join(directory, 'library.sqlite-wal'), { force: true });
    mkdirSync(join(directory, 'library.sqlite-wal'));
    await expect(openLibrary({ directory, readOnly: 'x' })).rejects.toMatchObject({
      code: 'library.read_only',
      message: expect.stringContaining('not closed properly'),
    });
  });
});

describe('the open library', () => {
  it('answers callers at the same time, in order, and refuses late ones', async () => {
    const directory = temporaryFolder();
    const library = await openLibrary({ directory, fixedClockMs: 0, seed: 1 });
    const inserts = Array.from({ length: 50 }, (_, n) => library.sessions.insert(newSession(n)));
    const list = library.sessions.list();
    await Promise.all(inserts);
    expect(await list).toHaveLength(50);
    const twice = await Promise.all([library.sessions.insert(newSession(99)), library.sessions.insert(newSession(99))]);
    expect(twice.map((result) => result.alreadyImported)).toEqual([false, true]);
    const last = library.sessions.list({ search: 'session 99' });
    await library.close();
    expect(await last).toHaveLength(1);
    await expect(library.sessions.list()).rejects.toMatchObject({ code: 'library.io' });
    expect(readdirSync(directory)).toEqual(['library.sqlite']);
  });

  it('hands a long list over in pieces, whole and in order', async () => {
    const library = await openLibrary({ directory: temporaryFolder() });
    for (let n = 0; n < 510; n += 1) await library.sessions.insert(newSession(n));
    const [list, again] = await Promise.all([library.sessions.list(), library.sessions.list()]);
    expect(list.map((session) => session.name)).toEqual(Array.from({ length: 510 }, (_, n) => `session ${n}`));
    expect(again).toEqual(list);
    await library.close();
  });

  it('claims each queued run once, however many ask', async () => {
    const library = await openLibrary({ directory: temporaryFolder() });
    const { session } = await library.sessions.insert(newSession(1));
    const recordingUuid = session.recordings[0]!.uuid;
    const runs = {
      parameters: {},
      engineVersion: null,
      budget: {},
      inputs: [{ recordingUuid, firstFrame: 0, lastFrame: null }],
    };
    for (let n = 0; n < 30; n += 1) await library.runs.create({ ...runs, name: `run ${n}` });
    const claimed = await Promise.all(Array.from({ length: 40 }, () => library.runs.claim({})));
    const names = claimed.flatMap((detail) => (detail === null ? [] : [detail.run.name]));
    expect(names).toEqual(Array.from({ length: 30 }, (_, n) => `run ${n}`));
    await library.close();
  });

  it('knows whether the films are where they were', async () => {
    const folder = temporaryFolder();
    const library = await openLibrary({ directory: join(folder, 'library') });
    const recording = newSession(1).recordings[0]!;
    const at = { folder, recordings: [{ ...recording, files: [{ path: '0.avi', frames: 1500, bytes: 1 }] }] };
    const { session } = await library.sessions.insert(newSession(1, at));
    const { session: other } = await library.sessions.insert(newSession(2));
    const ask = () => library.filesPresent([session.uuid, other.uuid]);
    expect([...(await ask())]).toEqual([
      [session.uuid, false],
      [other.uuid, false],
    ]);
    writeFileSync(join(folder, '0.avi'), 'x');
    expect((await ask()).get(session.uuid)).toBe(true);
    await library.close();
  });

  it('is not opened over a file that is none, and says which error', async () => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'library.sqlite'), 'a text of somebody, long enough');
    await expect(openLibrary({ directory })).rejects.toMatchObject({ code: 'library.not_sqlite' });
    expect(readFileSync(join(directory, 'library.sqlite'), 'utf8')).toBe('a text of somebody, long enough');
    await expect(openLibrary({ directory: temporaryFolder(), readOnly: 'x' })).rejects.toMatchObject({
      code: 'library.not_found',
    });
  });
});
