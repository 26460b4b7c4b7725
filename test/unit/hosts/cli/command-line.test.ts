// SPDX-License-Identifier: MIT
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  AppError,
  errorCodes,
  type RunProgress,
  type RunRow,
  type SessionRow,
} from '../../../../main/contract/index.ts';
import { runCli, type CliHost } from '../../../../main/hosts/cli/cli.ts';
import { pathResolver } from '../../../../main/hosts/cli/command.ts';
import { commands } from '../../../../main/hosts/cli/commands/index.ts';
import type { Connection, CoreClient } from '../../../../main/hosts/cli/connection.ts';
import { exitCodeOf } from '../../../../main/hosts/exit-codes.ts';
import { defaultLibrary } from '../../../../main/library/index.ts';
import { parseMemory } from '../../../../main/hosts/cli/memory.ts';
import { duration, progressView, type Terminal } from '../../../../main/hosts/cli/output.ts';
import { waitingProgress } from '../../../../main/processing/tracker.ts';
import { repositoryRoot } from '../../../support/shared.ts';

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const recording = {
  uuid: uuid(2),
  sessionUuid: uuid(1),
  device: 'My Scope',
  deviceType: null,
  frames: 100,
  height: 3,
  width: 4,
  fps: 20,
  durationS: 5,
  codec: 'GREY',
  films: [],
};
const session: SessionRow = {
  uuid: uuid(1),
  name: 'm1',
  subject: 'm1',
  startedAt: null,
  tzOffsetMin: null,
  importedAt: '2026-05-01T10:00:00.000Z',
  recordings: [recording],
  findings: [{ severity: 'warning', code: 'frames.lost', message: '3 frames are missing.' }],
  runs: 0,
  cells: 0,
  decided: 0,
  sample: false,
  filesPresent: true,
};
const run: RunRow = {
  uuid: uuid(3),
  sessionUuid: uuid(1),
  recordingUuids: [uuid(2)],
  name: 'run',
  state: 'succeeded',
  createdAt: '2026-05-01T10:00:00.000Z',
  startedAt: null,
  endedAt: null,
  cells: 7,
  suggested: 5,
  decided: 0,
  engineVersion: '1',
  error: null,
};
const waiting = waitingProgress(uuid(3), 'running', 1);
const succeeded: RunProgress = { ...waiting, state: 'succeeded', overall: 1 };

interface Recorded {
  readonly calls: { readonly name: string; readonly input: unknown }[];
  out: string;
  err: string;
}

/** A core that notes what it is asked and answers from `answers`. */
function fakeHost(
  answers: Readonly<Record<string, (input: never) => unknown>>,
  more: Partial<CliHost> = {},
): { host: CliHost; said: Recorded } {
  const said: Recorded = { calls: [], out: '', err: '' };
  const terminal: Terminal = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    redraws: false,
    columns: () => 80,
  };
  const domain = (name: string) =>
    new Proxy(
      {},
      {
        get: (_, procedure) => (input: never) => {
          const full = `${name}.${String(procedure)}`;
          // Nothing here takes so long that it would be shown.
          if (full === 'interop.progress') return values();
          said.calls.push({ name: full, input });
          const answer = answers[full];
          if (answer === undefined) throw new Error(`nobody expected ${full}`);
          return answer(input);
        },
      },
    );
  const client = new Proxy({}, { get: (_, name) => domain(String(name)) }) as CoreClient;
  const connection: Connection = { client, windowAddress: null, close: () => Promise.resolve() };
  const host: CliHost = {
    terminal,
    env: { INIT_CWD: '/home/me' },
    cwd: '/repository',
    signal: new AbortController().signal,
    insisted: new AbortController().signal,
    connect: () => Promise.resolve(connection),
    readSession: () => Promise.resolve(undefined),
    ...more,
  };
  return { host, said };
}

async function* values<T>(...items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

const answers = {
  'sessions.import': () => Promise.resolve({ session, alreadyImported: false }),
  'processing.start': () => Promise.resolve({ run }),
  'processing.progress': () =>
    values(
      waiting,
      {
        ...waiting,
        stage: 'seeds' as const,
        overall: 0.4,
        warnings: [{ code: 'size.estimated', message: 'estimated' }],
      },
      succeeded,
    ),
  'processing.run': () => Promise.resolve({ run, progress: succeeded, parameters: {}, commandLine: 'x', log: [] }),
  'processing.export': () => Promise.resolve({ files: ['traces.npy'], components: 7, accepted: 5 }),
};

describe('the command line', () => {
  it('has a help for all commands and one for each', async () => {
    const general = fakeHost({});
    expect(await runCli(['--help'], general.host)).toBe(0);
    for (const command of commands) {
      expect(general.said.out).toContain(`  ${command.name} `);
      const own = fakeHost({});
      expect(await runCli([command.name, '--help'], own.host)).toBe(0);
      expect(own.said.out).toContain(`calyx -- ${command.usage}`);
      expect(own.said.out).toContain('--library <folder>');
    }
    const own = fakeHost({});
    await runCli(['process', '--help'], own.host);
    for (const flag of [
      '--device',
      '--diameter-px',
      '--threads',
      '--memory',
      '--fps',
      '--first-frame',
      '--last-frame',
      '--export',
      '--json',
    ]) {
      expect(own.said.out).toContain(flag);
    }
  });

  it('lists every file of commands/', () => {
    const files = readdirSync(path.join(repositoryRoot, 'main/hosts/cli/commands')).filter(
      (name) => name !== 'index.ts',
    );
    expect(files.map((name) => path.parse(name).name).toSorted()).toEqual(
      commands.map((command) => command.name).toSorted(),
    );
  });

  it.each([
    [[], 2],
    [['paint'], 2],
    [['process'], 2],
    [['export', 'a', 'b', 'c'], 2],
    [['process', 'a', '--colour', 'red'], 2],
    [['process', 'a', '--threads', '0'], 2],
    [['process', 'a', '--threads', 'two'], 2],
    [['process', 'a', '--memory', '2X'], 2],
    [['process', 'a', '--rounds', '99'], 2],
    [['process', 'a', '--first-frame', '9', '--last-frame', '3'], 2],
    [['export', 'a'], 2],
    [['runs', '--cancel'], 2],
  ])('refuses %j before anything is opened', async (args, code) => {
    const { host, said } = fakeHost({});
    expect(await runCli(args, host)).toBe(code);
    expect(said.calls).toEqual([]);
    if (args.length > 0) expect(said.err).toMatch(/^calyx: .+\.\n/);
  });

  it('gives errors as one JSON object on stderr with --json', async () => {
    const { host, said } = fakeHost({
      'sessions.import': () =>
        Promise.reject(new AppError('session.no_films', 'x holds no films.', { hint: 'Look elsewhere.' })),
    });
    expect(await runCli(['process', 'x', '--json'], host)).toBe(3);
    expect(said.out).toBe('');
    expect(JSON.parse(said.err)).toEqual({
      code: 'session.no_films',
      message: 'x holds no films.',
      hint: 'Look elsewhere.',
      retryable: false,
    });
  });

  it('makes no library for a path that holds no recording', async () => {
    let opened = 0;
    const asked: string[] = [];
    const { host } = fakeHost(
      {},
      {
        connect: () => {
          opened += 1;
          return Promise.reject(new Error('opened'));
        },
        readSession: (place) => {
          asked.push(place);
          return Promise.reject(new AppError('session.not_found', `There is no folder or film at ${place}.`));
        },
      },
    );
    expect(await runCli(['process', 'nowhere', '--library', '/no/such/library'], host)).toBe(3);
    expect([asked, opened]).toEqual([['/home/me/nowhere'], 0]);
    // A library that exists is asked; a session it knows by its number is not looked for on the disk.
    await runCli(['process', 'nowhere', '--library', repositoryRoot], host);
    await runCli(['process', uuid(1), '--library', '/no/such/library'], host);
    expect([asked.length, opened]).toEqual([1, 2]);
  });

  it('sends paths as seen from the caller, and parameters and budget as typed values', async () => {
    const { host, said } = fakeHost(answers);
    const args = [
      'process',
      'data/s1',
      '--device',
      'My Scope',
      '--diameter-px',
      '8.5',
      '--min-r-value',
      '-0.5',
      '--threads',
      '1',
      '--memory',
      '2G',
      '--fps',
      '20',
      '--export',
      'out',
      '--json',
    ];
    expect(await runCli(args, host)).toBe(0);
    expect(said.calls[0]).toEqual({
      name: 'sessions.import',
      input: { source: { path: '/home/me/data/s1' }, device: 'My Scope', fps: 20, ticket: expect.any(String) },
    });
    expect(said.calls[1]).toEqual({
      name: 'processing.start',
      input: {
        recordingUuids: [uuid(2)],
        parameters: { diameterPx: 8.5, minRValue: -0.5 },
        budget: { threads: 1, memoryBytes: 2 * 1024 ** 3 },
      },
    });
    expect(said.calls.find((call) => call.name === 'processing.export')?.input).toEqual({
      runUuid: uuid(3),
      destination: '/home/me/out',
    });
    expect(said.err).toBe('');
    expect(said.out.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(said.out)).toMatchObject({
      run: { uuid: uuid(3), cells: 7, suggested: 5 },
      export: { folder: '/home/me/out' },
    });
  });

  it('takes a session of the library by its id', async () => {
    const { host, said } = fakeHost({ ...answers, 'sessions.get': () => Promise.resolve({ session, runs: [] }) });
    expect(await runCli(['process', uuid(1), '--device', 'My_Scope'], host)).toBe(0);
    expect(said.calls.map((call) => call.name)).not.toContain('sessions.import');
    expect(said.out).toContain('7 components, 5 suggested as cells');
  });

  it('says findings, warnings and steps in plain lines on stderr', async () => {
    const { host, said } = fakeHost(answers);
    await runCli(['process', 's'], host);
    expect(said.err.split('\n')).toEqual([
      'Imported: m1',
      'warning: 3 frames are missing.',
      '40 % · seeds',
      'warning: estimated (size.estimated)',
      '',
    ]);
  });

  it('asks which of several miniscopes is meant', async () => {
    const two = { ...session, recordings: [recording, { ...recording, uuid: uuid(9), device: 'Top' }] };
    const { host, said } = fakeHost({
      ...answers,
      'sessions.import': () => Promise.resolve({ session: two, alreadyImported: true }),
    });
    expect(await runCli(['process', 's'], host)).toBe(2);
    expect(said.err).toContain('several miniscopes: My Scope, Top');
  });

  it.each([
    ['engine.crashed', 70],
    ['engine.out_of_memory', 5],
    ['disk.full', 5],
    ['media.ffmpeg_missing', 4],
    ['engine.no_signal', 3],
  ])('ends with the exit code of a failed run: %s is %i', async (code, exit) => {
    const failed: RunProgress = { ...waiting, state: 'failed', error: { code, message: 'It went wrong.' } };
    const { host, said } = fakeHost({ ...answers, 'processing.progress': () => values(failed) });
    expect(await runCli(['process', 's', '--export', 'out'], host)).toBe(exit);
    expect(said.calls.map((call) => call.name)).not.toContain('processing.export');
    expect(said.err).toContain('calyx: It went wrong.');
  });

  it('says that a result is incomplete when a part of the film could not be read', async () => {
    const warned: RunProgress = {
      ...succeeded,
      warnings: [{ code: 'media.truncated', message: '3 frames could not be decoded.' }],
    };
    const { host } = fakeHost({ ...answers, 'processing.progress': () => values(warned) });
    expect(await runCli(['process', 's'], host)).toBe(6);
  });

  it('cancels its own run on Ctrl-C and ends with 130', async () => {
    const interrupt = new AbortController();
    const cancelled = Promise.withResolvers<void>();
    const { host, said } = fakeHost(
      {
        ...answers,
        'processing.progress': async function* progress() {
          yield waiting;
          interrupt.abort();
          await cancelled.promise;
          yield { ...waiting, state: 'cancelled' };
        },
        'processing.cancel': () => {
          cancelled.resolve();
          return Promise.resolve({ run });
        },
      },
      { signal: interrupt.signal },
    );
    expect(await runCli(['process', 's'], host)).toBe(130);
    expect(said.calls.filter((call) => call.name === 'processing.cancel')).toEqual([
      { name: 'processing.cancel', input: { runUuid: uuid(3) } },
    ]);
  });
});

describe('small things', () => {
  it('every error code has an exit code that the architecture names', () => {
    for (const code of errorCodes) expect([2, 3, 4, 5, 70, 130], code).toContain(exitCodeOf(code));
  });

  it('memory is read as people write it', () => {
    expect(['2G', '2GiB', '2gb', '2048M', String(2 * 1024 ** 3)].map(parseMemory)).toEqual(
      Array.from({ length: 5 }, () => 2 * 1024 ** 3),
    );
    for (const text of ['', 'two', '2X', '-2G', '1M', '1e9'])
      expect(() => parseMemory(text)).toThrow('--memory must be at least 64M');
  });

  it('paths are those of the caller, not of npm', () => {
    expect(pathResolver({ INIT_CWD: '/home/me' }, '/repository')('x')).toBe('/home/me/x');
    expect(pathResolver({}, '/here')('../x')).toBe('/x');
    expect(pathResolver({ INIT_CWD: '/home/me' }, '/repository')('/abs')).toBe('/abs');
  });

  it('the library of a user lies where the platform keeps such data', () => {
    expect(defaultLibrary({}, 'linux', '/home/me')).toBe('/home/me/.local/share/calyx/library');
    expect(defaultLibrary({ XDG_DATA_HOME: '/data' }, 'linux', '/home/me')).toBe('/data/calyx/library');
    expect(defaultLibrary({ CALYX_LIBRARY: '/x' }, 'linux', '/home/me')).toBe('/x');
    expect(defaultLibrary({}, 'darwin', '/Users/me')).toBe('/Users/me/Library/Application Support/Calyx/library');
  });

  it('a terminal gets one line that is redrawn and cleared', () => {
    let shown = '';
    const view = progressView(
      {
        out: () => undefined,
        err: (text) => {
          shown += text;
        },
        redraws: true,
        columns: () => 60,
      },
      false,
    );
    view.show({ ...waiting, stage: 'demix', overall: 0.5, framesPerSecond: 812.4, etaSeconds: 130 });
    expect(shown.startsWith(`\r\u001B[2K${'█'.repeat(12)}${'░'.repeat(12)} 50 % · demix · 812 frames/s`)).toBe(true);
    expect(shown).toHaveLength('\r\u001B[2K'.length + 59);
    view.end();
    expect(shown.endsWith('\r\u001B[2K')).toBe(true);
  });

  it('durations are rounded as people say them', () => {
    expect([0.04, 9.94, 42.4, 130, 7000].map(duration)).toEqual(['0.0 s', '9.9 s', '42 s', '2 min', '1 h 57 min']);
  });
});
