// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { calyx, sampleSession, startCli, type CliEnd, type RunningCli } from '../../support/cli.ts';
import { startServer, type RunningServer } from '../../support/server.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/session-folders.ts';
import { repositoryRoot } from '../../support/shared.ts';

/** An engine that stays in step demix until it is cancelled. */
const patient = { CALYX_ENGINE: path.join(repositoryRoot, 'test/support/fake-engine.mjs'), FAKE_ENGINE: 'obedient' };

interface Place extends AsyncDisposable {
  readonly root: TemporaryFolder;
  readonly library: string;
  readonly calyx: (...args: readonly string[]) => Promise<CliEnd>;
  readonly start: (...args: readonly string[]) => RunningCli;
  /** States of all runs, newest first. */
  readonly states: () => Promise<string[]>;
  readonly serve: () => Promise<RunningServer>;
}

/** A library that no process of the test outlives. */
function place(): Place {
  const root = temporaryFolder();
  const library = path.join(root.path, 'library');
  const owned: { kill: () => Promise<unknown> }[] = [];
  const withLibrary = (args: readonly string[]): string[] => [...args, '--library', library];
  const run = (...args: readonly string[]): Promise<CliEnd> => calyx(withLibrary(args), { env: patient });
  return {
    root,
    library,
    calyx: run,
    start: (...args) => {
      const running = startCli(withLibrary(args), { env: patient });
      owned.push({ kill: () => (running.process.kill('SIGKILL'), running.ended) });
      return running;
    },
    states: async () => {
      const end = await run('runs', '--json');
      expect(end).toMatchObject({ code: 0, err: '' });
      return (JSON.parse(end.out) as { runs: { state: string }[] }).runs.map((row) => row.state);
    },
    serve: async () => {
      const server = await startServer(library, patient);
      owned.push({
        kill: () => {
          server.process.kill('SIGKILL');
          return Promise.resolve();
        },
      });
      return server;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { kill } of owned) await kill();
      for (const pid of enginesOf(library)) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
      root[Symbol.dispose]();
    },
  };
}

/** Process ids of the engines that are writing into a library: they are part of the temporary folders' names. */
function enginesOf(library: string): number[] {
  const runs = path.join(library, 'runs');
  return existsSync(runs) ? readdirSync(runs).flatMap((name) => Number(/\.tmp-(\d+)$/.exec(name)?.[1] ?? [])) : [];
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

const ownerOf = (library: string): number =>
  (JSON.parse(readFileSync(path.join(library, 'lock.json'), 'utf8')) as { pid: number }).pid;

describe('while another process holds the library', () => {
  it('the command line works through it, and Ctrl-C stops its own run only', async () => {
    await using here = place();
    const server = await here.serve();
    const imported = await here.calyx('import', sampleSession, '--json');
    expect(imported).toMatchObject({ code: 0, err: '' });
    const first = here.start('process', sampleSession);
    await first.said('% · demix');
    const second = here.start('process', sampleSession, '--last-frame', '99');
    await second.said('In the library');
    await expect.poll(here.states, { timeout: 20_000 }).toEqual(['queued', 'running']);
    second.process.kill('SIGINT');
    expect(await second.ended).toMatchObject({ code: 130, out: '' });
    expect(await here.states()).toEqual(['cancelled', 'running']);
    expect(ownerOf(here.library)).toBe(server.process.pid);
    first.process.kill('SIGINT');
    expect(await first.ended).toMatchObject({ code: 130, out: '' });
    expect(await here.states()).toEqual(['cancelled', 'cancelled']);
    await server.stop();
    expect(existsSync(path.join(here.library, 'lock.json'))).toBe(false);
  });

  it('its death ends the command with a sentence, and the next owner clears up after both', async () => {
    await using here = place();
    const server = await here.serve();
    const client = here.start('process', sampleSession, '--json');
    await expect.poll(() => enginesOf(here.library), { timeout: 20_000 }).toHaveLength(1);
    const [engine = 0] = enginesOf(here.library);
    server.process.kill('SIGKILL');
    const end = await client.ended;
    expect(end).toMatchObject({ code: 4, out: '' });
    expect(JSON.parse(end.err)).toMatchObject({ code: 'rpc.disconnected', retryable: true });
    expect(isRunning(engine)).toBe(true);
    const listed = await here.calyx('runs', '--json');
    expect((JSON.parse(listed.out) as { runs: unknown[] }).runs).toMatchObject([
      { state: 'failed', error: { code: 'engine.crashed' } },
    ]);
    await expect.poll(() => isRunning(engine), { timeout: 5000 }).toBe(false);
    expect(readdirSync(path.join(here.library, 'runs'))).toEqual([]);
  });
});

describe('a command line that holds the library', () => {
  it('lets others work through it and stays until their runs have ended', async () => {
    await using here = place();
    const owner = here.start('process', sampleSession);
    await owner.said('% · demix');
    const guest = here.start('process', sampleSession, '--last-frame', '99');
    await expect.poll(here.states, { timeout: 20_000 }).toEqual(['queued', 'running']);
    expect(ownerOf(here.library)).toBe(owner.process.pid);
    owner.process.kill('SIGINT');
    await owner.said('Other programs still work in this library through this one');
    await guest.said('% · demix');
    expect(await here.states()).toEqual(['running', 'cancelled']);
    guest.process.kill('SIGINT');
    expect(await guest.ended).toMatchObject({ code: 130 });
    expect(await owner.ended).toMatchObject({ code: 130 });
    expect(existsSync(path.join(here.library, 'lock.json'))).toBe(false);
    expect(await here.states()).toEqual(['cancelled', 'cancelled']);
  });
});
