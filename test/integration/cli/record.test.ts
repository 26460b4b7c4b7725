// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, type TestContext, vi } from 'vitest';
import { runCli } from '../../../main/hosts/cli/cli.ts';
import { bindingFile } from '../../../main/installation/index.ts';
import { findFfmpeg, probeFilm } from '../../../main/media/index.ts';
import { recordingFlags } from '../../../main/supervisor/index.ts';
import { calyx, startCli, type CliEnd } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/session-folders.ts';

interface Recorded {
  readonly folder: string;
  readonly integrity: {
    readonly saved: number;
    readonly missing: number | null;
    readonly expected: number | null;
    readonly corrupt: { readonly short: number; readonly unended: number };
    readonly counterRestarts: number;
    readonly events: readonly { readonly text: string }[];
    readonly files: readonly { readonly name: string; readonly frames: number }[];
  };
}

function need(context: TestContext): void {
  if (!existsSync(bindingFile())) context.skip('the native binding is not built');
  if (findFfmpeg() === undefined) context.skip('no ffmpeg');
}

function answer(end: CliEnd): Recorded {
  expect(end.err).toBe('');
  expect(end.code).toBe(0);
  return JSON.parse(end.out) as Recorded;
}

const rows = (folder: string, name: string): string[] =>
  readFileSync(path.join(folder, 'Miniscope', name), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1);

/** The one recording below a data folder, by its date and time. */
function recordingIn(data: string): string {
  const [date = ''] = readdirSync(data);
  const [time = ''] = readdirSync(path.join(data, date));
  return path.join(data, date, time);
}

interface FaultCase {
  readonly faults: readonly string[];
  readonly seconds: number;
  /** Sentences that are seen. */
  readonly told: readonly RegExp[];
  readonly integrity: object;
  /** Frames that are missing at least. */
  readonly least: number;
}

const faultCases: readonly FaultCase[] = [
  {
    faults: ['lost-payload@0.5', 'missing-eof@1', 'lost-frames@1.5', 'stall@2', 'counter-wrap@0', 'counter-jump@3'],
    seconds: 4,
    told: [/\d+ frames? (?:was|were) lost before 00:00:0\d on the way from the scope\./],
    integrity: { corrupt: { short: 1, unended: 1 }, counterRestarts: 0 },
    least: 1 + 1 + 3 + 40,
  },
  {
    faults: ['link-reset@0.5', 'no-answer@0.2'],
    // Ten black frames tell it, then the scope is set up again: on a busy computer that takes its time.
    seconds: 9,
    told: [/^The scope lost power for a moment and began anew; its settings have been restored\.$/m],
    integrity: { counterRestarts: 0 },
    least: 0,
  },
  { faults: ['bad-orientation@0.5'], seconds: 2, told: [/disturbed/], integrity: { failure: null }, least: 0 },
  {
    faults: ['freeze@0.5'],
    seconds: 4,
    told: [
      /^No frame came for \d+\.\d s until 00:00:0\d, and the board counted none: how many were lost is unknown\.$/m,
    ],
    integrity: { missing: null, counterRestarts: 0 },
    least: 0,
  },
  {
    faults: ['unplug@0.5'],
    // As above.
    seconds: 9,
    told: [
      /^The Miniscope DAQ board was unplugged\. Calyx tries to reach it again\.$/m,
      /^The scope is back with its settings\.$/m,
    ],
    integrity: { missing: null, counterRestarts: 1 },
    least: 0,
  },
  {
    faults: ['replug-elsewhere@0.5'],
    // As above.
    seconds: 9,
    told: [
      /^The Miniscope DAQ board was unplugged\. Calyx tries to reach it again\.$/m,
      /^The board is on another USB port now \(simulated-2\)\.$/m,
    ],
    integrity: { missing: null, counterRestarts: 1 },
    least: 0,
  },
  {
    faults: ['slow-disk@0.5'],
    seconds: 10,
    told: [
      /^Frames are not saved: the disk does not keep up\.$/m,
      /^\d+ frames were not saved until (?:00:00:\d\d|the end): the disk did not keep up\. They are marked in the recording\.$/m,
    ],
    integrity: { failure: null, bufferHighWater: 128 },
    least: 1,
  },
];

// Most of a recording's time is waiting: several run side by side. Those that are killed run alone, since they tell how much was lost.
describe('record', () => {
  it('makes a session folder from the simulated scope that the library opens, and accounts for every frame', async (context) => {
    need(context);
    using root = temporaryFolder();
    const flags = [
      '--seconds',
      '3',
      '--data',
      root.path,
      '--seed',
      '3',
      '--fault',
      'lost-payload@1',
      '--fault',
      'counter-wrap@0',
    ];
    const { folder, integrity } = answer(await calyx(['record', '--rig', 'simulator', ...flags, '--json']));
    expect(integrity.saved).toBeGreaterThan(0);
    expect(integrity.counterRestarts).toBe(0);
    expect(integrity.corrupt).toMatchObject({ short: 1, unended: 0 });
    // The frame whose payload never came is missing (and more on a machine that cannot keep up); the counter that wraps is not.
    expect(integrity.missing).toBe((integrity.expected ?? 0) - integrity.saved);
    expect(integrity.missing).toBeGreaterThanOrEqual(1);
    const film = await probeFilm(path.join(folder, 'Miniscope', '0.avi'));
    expect(film).toMatchObject({ frames: integrity.saved, width: 608, height: 608, codec: 'FFV1', findings: [] });
    expect(rows(folder, 'timeStamps.csv')).toHaveLength(integrity.saved);
    expect(rows(folder, 'calyxFrames.csv')).toHaveLength(integrity.saved);
    const library = path.join(root.path, 'library');
    const imported = await calyx(['import', folder, '--library', library, '--json']);
    expect(imported.err).toBe('');
    expect(JSON.parse(imported.out)).toMatchObject({
      session: { recordings: [{ device: 'Miniscope', frames: integrity.saved }] },
    });
  });

  it.concurrent('tells the end of a disk by its exit code, keeps what was written, and says what was shown', async (context) => {
    need(context);
    using root = temporaryFolder();
    const rig = ['--rig', 'simulator', '--scene', 'tiny', '--data', path.join(root.path, 'data'), '--json'];
    const truth = path.join(root.path, 'truth');
    const end = await calyx(['record', ...rig, '--seconds', '30', '--truth', truth, '--fault', 'full-disk@2']);
    expect(end.err).toContain('The recording ended before its time: The disk is full.');
    expect(end.code).toBe(5);
    const { folder, integrity } = JSON.parse(end.out) as Recorded & { integrity: { failure: string } };
    expect(integrity.failure).toBe('The disk is full.');
    expect(integrity.saved).toBeGreaterThan(5);
    expect(rows(folder, 'timeStamps.csv')).toHaveLength(integrity.saved);
    // A column of truth for each frame that was saved, of pictures that were shown one after the other.
    const shown = JSON.parse(readFileSync(path.join(truth, 'truth.json'), 'utf8')) as {
      frames: number;
      sceneFrames: number[];
      cells: unknown[];
    };
    expect(shown.frames).toBe(integrity.saved);
    expect(shown.sceneFrames.every((frame, n) => n === 0 || frame > (shown.sceneFrames[n - 1] ?? 0))).toBe(true);
    expect(statSync(path.join(truth, 'traces.npy')).size).toBe(128 + 4 * shown.cells.length * integrity.saved);
    expect(statSync(path.join(truth, 'spikes.npy')).size).toBe(128 + shown.cells.length * integrity.saved);
    const before = readdirSync(path.join(root.path, 'data'), { recursive: true }).length;
    const refused = await calyx(['record', ...rig, '--seconds', '2', '--fault', 'low-disk@0']);
    expect(refused.err).toContain('Not started: a recording needs 500 MB at least, 100 MB are free');
    expect(refused.code).toBe(5);
    expect(readdirSync(path.join(root.path, 'data'), { recursive: true })).toHaveLength(before);
  });

  it.concurrent('records two scopes and a camera from one moment on, into one session of the library', async (context) => {
    need(context);
    using root = temporaryFolder();
    const scope = { deviceType: 'Miniscope_V4_BNO', compression: 'GREY', frameRate: '10FPS', led0: 20 };
    const rig = path.join(root.path, 'rig.json');
    const configuration = {
      directoryStructure: ['animalName', 'date', 'time'],
      animalName: 'm1',
      calyx: { simulator: true },
      devices: {
        miniscopes: { Left: scope, Right: scope },
        cameras: { BehavCam: { deviceType: 'TestPicture-320x240', frameRate: '20FPS' } },
      },
    };
    writeFileSync(rig, JSON.stringify(configuration));
    const data = path.join(root.path, 'data');
    const end = await calyx(['record', '--rig', rig, '--scene', 'tiny', '--seconds', '2', '--data', data, '--json']);
    expect(end.err).toBe('');
    const { folder, devices } = JSON.parse(end.out) as {
      folder: string;
      devices: Record<string, { saved: number; failure: string | null }>;
    };
    expect(Object.keys(devices).sort()).toEqual(['BehavCam', 'Left', 'Right']);
    for (const { saved, failure } of Object.values(devices)) {
      expect(failure).toBeNull();
      expect(saved).toBeGreaterThan(2);
    }
    const zeros = ['Left', 'Right', 'BehavCam'].map(
      (name) =>
        (JSON.parse(readFileSync(path.join(folder, name, 'calyx.json'), 'utf8')) as { startMonotonicNs: string })
          .startMonotonicNs,
    );
    expect(new Set(zeros).size).toBe(1);
    expect(await probeFilm(path.join(folder, 'BehavCam', '0.avi'))).toMatchObject({
      frames: devices['BehavCam']?.saved,
      width: 320,
      height: 240,
    });
    expect((await calyx(['verify', folder])).out).toContain('The recording is sound.');
    const library = path.join(root.path, 'library');
    expect((await calyx(['import', folder, '--library', library])).code).toBe(0);
    const files = 'SELECT filepath FROM behavior_recording_file';
    expect((await calyx(['sql', files, '--library', library])).out).toContain('BehavCam/0.avi');
  });

  it.concurrent('tells a camera that ended before the recording by its exit code; everything else is saved', async (context) => {
    need(context);
    using root = temporaryFolder();
    const films = path.join(root.path, 'films');
    mkdirSync(films);
    const film = ['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=20:duration=0.5', '-c:v', 'mjpeg'];
    execFileSync(findFfmpeg()!, ['-loglevel', 'error', ...film, path.join(films, 'cam0.avi')]);
    const rig = path.join(root.path, 'rig.json');
    const playback = { folderPath: films, filePrefix: 'cam', frameRate: 20 };
    const configuration = {
      calyx: { simulator: true },
      devices: {
        miniscopes: { Miniscope: { deviceType: 'Miniscope_V4_BNO', compression: 'GREY', frameRate: '10FPS' } },
        cameras: { BehavCam: { deviceType: 'WebCam', videoPlayback: playback } },
      },
    };
    writeFileSync(rig, JSON.stringify(configuration));
    const data = path.join(root.path, 'data');
    const end = await calyx(['record', '--rig', rig, '--scene', 'tiny', '--seconds', '2', '--data', data, '--json']);
    expect(end.err).toBe('A camera ended before the recording: The camera BehavCam gives no more pictures.\n');
    expect(end.code).toBe(6);
    const { folder, devices } = JSON.parse(end.out) as {
      folder: string;
      devices: Record<string, { saved: number; stopped: string | null }>;
    };
    expect(devices['BehavCam']?.stopped).toBe('The camera BehavCam gives no more pictures.');
    expect(devices['Miniscope']).toMatchObject({ stopped: null });
    expect(devices['Miniscope']?.saved).toBeGreaterThan(5);
    expect((await calyx(['verify', folder])).out).toContain('The recording is sound.');
  });

  // What each says exactly, and which bytes survive, is in test/unit/recording/faults.test.ts, on a clock that no busy computer disturbs.
  it.concurrent.for(faultCases)(
    'tells of $faults while it records and in its report',
    { timeout: 60_000 },
    async ({ faults, seconds, told, integrity, least }, context) => {
      need(context);
      using root = temporaryFolder();
      const args = [
        'record',
        '--rig',
        'simulator',
        '--scene',
        'tiny',
        '--seconds',
        String(seconds),
        '--data',
        root.path,
      ];
      const end = await calyx([...args, ...faults.flatMap((name) => ['--fault', name])]);
      for (const sentence of told) expect(`${end.err}${end.out}`).toMatch(sentence);
      expect(end.code).toBe(0);
      const folder = recordingIn(root.path);
      const report = JSON.parse(
        readFileSync(path.join(folder, 'Miniscope', 'integrity.json'), 'utf8'),
      ) as Recorded['integrity'];
      expect(report).toMatchObject(integrity);
      expect(report.missing ?? 0).toBeGreaterThanOrEqual(least);
      expect(rows(folder, 'timeStamps.csv')).toHaveLength(report.saved);
      expect((await calyx(['verify', folder])).out).toContain('The recording is sound.');
    },
  );

  it.concurrent('takes a stack through the depth of the lens as a TIFF', async (context) => {
    need(context);
    using root = temporaryFolder();
    const out = path.join(root.path, 'stack.tif');
    const range = ['--from', '-5', '--to', '75', '--step', '40', '--frames', '4'];
    const end = await calyx(['stack', '--rig', 'simulator', '--scene', 'tiny', ...range, '--out', out, '--json']);
    expect(end.err).toBe('');
    expect(end.code).toBe(0);
    expect(JSON.parse(end.out)).toEqual({ file: out, planes: 3 });
    expect(readdirSync(root.path)).toEqual(['stack.tif']);
    expect(statSync(out).size).toBeGreaterThan(3 * 608 * 608 * 4);
    const refused = await calyx(['stack', '--rig', 'simulator', '--from', '0', '--to', '300', '--out', out]);
    expect(refused.err).toContain('A stack must lie between the lens settings -127 and 127; 300 does not.');
    expect(refused.code).toBe(2);
    expect((await calyx(['stack', '--rig', 'simulator', '--to', '3', '--out', out])).err).toContain(
      'stack needs --from',
    );
  });

  it('leaves what was written readable when it is killed', async (context) => {
    need(context);
    using root = temporaryFolder();
    const running = startCli([
      'record',
      '--rig',
      'simulator',
      '--seconds',
      '60',
      '--data',
      root.path,
      '--scene',
      'small',
    ]);
    await running.said('Recording into');
    const folder = recordingIn(root.path);
    await vi.waitFor(() => expect(rows(folder, 'timeStamps.csv').length).toBeGreaterThan(30), {
      timeout: 30_000,
      interval: 100,
    });
    const synced = rows(folder, 'timeStamps.csv').length;
    running.process.kill('SIGKILL');
    await running.ended;
    const film = await probeFilm(path.join(folder, 'Miniscope', '0.avi'));
    // One second may be lost: at 20 frames a second, and a little for what waited.
    expect(film.frames).toBeGreaterThan(synced - 30);
    const library = path.join(root.path, 'library');
    const imported = await calyx(['import', folder, '--library', library, '--json']);
    expect(imported.code).toBe(0);
  });

  it('ends properly on Ctrl-C', async (context) => {
    need(context);
    using root = temporaryFolder();
    const running = startCli(['record', '--rig', 'simulator', '--seconds', '60', '--data', root.path, '--json']);
    await vi.waitFor(() => expect(readdirSync(root.path)).toHaveLength(1), { timeout: 30_000, interval: 100 });
    await vi.waitFor(() => expect(existsSync(path.join(recordingIn(root.path), 'Miniscope', '0.avi'))).toBe(true), {
      timeout: 30_000,
      interval: 100,
    });
    // It is the same process that was started, with the small heap of all that record.
    const commandLine = `/proc/${running.process.pid ?? 0}/cmdline`;
    if (existsSync(commandLine)) {
      expect(readFileSync(commandLine, 'utf8').split('\0')).toEqual(expect.arrayContaining([...recordingFlags]));
    }
    running.process.kill('SIGINT');
    const { integrity, folder } = answer(await running.ended);
    expect(integrity.files).toHaveLength(1);
    expect(statSync(path.join(folder, 'Miniscope', '0.avi')).size).toBeGreaterThan(10_000);
  });

  it.concurrent.each([
    [['--seconds', '1', '--data', 'x'], 2, /needs --rig/],
    [['--rig', 'simulator', '--data', 'x'], 2, /needs --seconds/],
    [['--rig', 'simulator', '--seconds', '1'], 2, /needs --data/],
    [['--rig', 'simulator', '--seconds', '1', '--data', 'x', '--fault', 'fire@1'], 2, /--fault fire@1/],
    [['--rig', 'simulator', '--seconds', '1', '--data', 'x', '--fault', 'counter-wrap@2'], 2, /before the start only/],
    [['--rig', 'simulator', '--seconds', '1', '--data', 'x', '--scene', 'moon'], 2, /no scene “moon”/],
    [['--rig', 'nowhere.json', '--seconds', '1', '--data', 'x'], 3, /There is no configuration .*nowhere\.json\.$/m],
    [['--rig', 'simulator', '--seconds', '1', '--data', ''], 2, /A path that was given is empty\./],
    [['--rig', 'simulator', '--seconds', '1', '--data', 'x', '--device', 'usb-2-1'], 2, /takes no board/],
  ] as const)('%j is refused with what is wrong', async (args, code, message) => {
    using root = temporaryFolder();
    const end = await calyx(['record', ...args], { from: root.path });
    expect(end.err).toMatch(message);
    expect(end.code).toBe(code);
    expect(readdirSync(root.path)).toEqual([]);
  });

  it.concurrent.each([
    [{ ROI: { leftEdge: 600, topEdge: 0, width: 200, height: 200 } }, /does not lie inside 608 × 608\.$/m],
    [{ frameRate: '1000FPS' }, /The configuration is wrong at A: frameRate cannot be “1000FPS”/],
    [{ led0: 500 }, /The configuration is wrong at A: led0 must lie between 0 and 100/],
  ])('a scope with %j is refused and leaves nothing behind', async (wrong, message) => {
    using root = temporaryFolder();
    const rig = path.join(root.path, 'rig.json');
    const device = { deviceType: 'Miniscope_V4_BNO', ...wrong };
    writeFileSync(rig, JSON.stringify({ calyx: { simulator: true }, devices: { miniscopes: { A: device } } }));
    const end = await calyx(['record', '--rig', rig, '--seconds', '1', '--data', path.join(root.path, 'data')]);
    expect(end.err).toMatch(message);
    expect(end.code).toBe(3);
    expect(readdirSync(root.path)).toEqual(['rig.json']);
  });

  it('does not begin when it is cancelled before', async (context) => {
    need(context);
    using root = temporaryFolder();
    const none = (): Promise<never> => Promise.reject(new Error('not asked for'));
    let told = '';
    const code = await runCli(['record', '--rig', 'simulator', '--seconds', '1', '--data', path.join(root.path, 'x')], {
      terminal: {
        out: (text) => void (told += text),
        err: (text) => void (told += text),
        redraws: false,
        columns: () => 80,
      },
      env: {},
      cwd: root.path,
      signal: AbortSignal.abort(),
      insisted: new AbortController().signal,
      connect: none,
      readSession: none,
    });
    expect([code, told]).toEqual([130, 'calyx: Cancelled before the recording began.\n']);
    expect(readdirSync(root.path)).toEqual([]);
  });

  it('does not begin where the truth could not be written', async (context) => {
    need(context);
    using root = temporaryFolder();
    writeFileSync(path.join(root.path, 'file'), '');
    const flags = ['--seconds', '1', '--data', path.join(root.path, 'data'), '--truth', path.join(root.path, 'file')];
    const end = await calyx(['record', '--rig', 'simulator', ...flags]);
    expect(end.err).toContain(`The truth cannot be written into ${path.join(root.path, 'file')}.`);
    expect(end.code).toBe(5);
    expect(readdirSync(root.path)).toEqual(['file']);
  });

  it('tells of a fault whose time never came', async (context) => {
    need(context);
    using root = temporaryFolder();
    const flags = ['--seconds', '0.5', '--data', root.path, '--fault', 'stall@50', '--json'];
    const end = await calyx(['record', '--rig', 'simulator', ...flags]);
    expect(end.err).toBe('--fault stall@50: the recording ended before, it did not happen.\n');
    expect(end.code).toBe(0);
  });
});
