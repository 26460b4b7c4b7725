// SPDX-License-Identifier: MIT
// `npm run soak:acquisition [-- --minutes 30 --devices-minutes 10 --payloads 1000000 --kills 200 --seed N --out file]`: the long runs of acquisition, one after the other, on a machine that does
// nothing else. A part with 0 is left out and keeps the figures that it has.
//   1. The rig of `bench:acquisition` (a simulated V4 at 30 frames/s, FFV1, live picture, traces of 32 regions) for so many minutes: nothing lost, memory flat.
//   2. Two simulated scopes and a 720p MJPEG camera (a test picture of ffmpeg) into one session folder for so many minutes: nothing lost, memory flat.
//   3. The loop of `native/usb` against one payload each 493 µs, with two threads that never rest: so many payloads, none lost, never fewer than 8 of 32 transfers pending.
//   4. `test:kills`: so many random kills, none unreadable.
// The last line is `N passed, N failed, 0 skipped`, a bound each. The figures go to docs/bench/soak.json when every part that is run has its full length, else to test-output/soak.json, or where --out says.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { descendants } from './lib-processes.mjs';
import { root } from './lib.mjs';
import { devicesBounds, endpointBounds, memoryRange, rigBounds } from './soak-bounds.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'devices-minutes': { type: 'string', default: '10' },
    payloads: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const [minutes, devicesMinutes, payloads, kills] = [
  values.minutes,
  values['devices-minutes'],
  values.payloads,
  values.kills,
].map(Number);
if (![minutes, devicesMinutes, payloads, kills].every((number) => Number.isFinite(number) && number >= 0)) {
  console.error('--minutes, --devices-minutes, --payloads and --kills take numbers from 0 on.');
  process.exit(2);
}

/** Whether what is run counts: each part at its full length. */
const isWhole = [
  [minutes, 30],
  [devicesMinutes, 10],
  [payloads, 1_000_000],
  [kills, 200],
].every(([length, full]) => length === 0 || length >= full);
const out =
  values.out ?? (isWhole ? path.join(root, 'docs', 'bench', 'soak.json') : path.join(root, 'test-output', 'soak.json'));

const folder = mkdtempSync(path.join(tmpdir(), 'calyx-soak-'));
/** Memory is sampled this often; the first samples are those in which buffers find their size. */
const sampleMs = 2000;
const cameraFps = 30;

const node = (args, more) => run(process.execPath, args, more);

/** Runs a program to its end, and looks at its processes meanwhile. */
function run(program, args, { sample } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    const timer = sample === undefined ? undefined : setInterval(() => sample(child.pid), sampleMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(timer);
      resolve({ code, out });
    });
  });
}

async function rig(seconds) {
  const out = path.join(folder, 'rig.json');
  const { code } = await node([
    'scripts/bench-acquisition.mjs',
    '--seconds',
    String(seconds),
    '--note',
    'soak',
    '--out',
    out,
  ]);
  if (code !== 0) throw new Error(`bench:acquisition ended with ${code}`);
  const figures = JSON.parse(readFileSync(out, 'utf8'));
  return { figures, bounds: rigBounds(figures) };
}

async function devices(seconds) {
  const scope = { deviceType: 'Miniscope_V4_BNO', compression: 'GREY', frameRate: '20FPS', led0: 20 };
  const configuration = path.join(folder, 'two-scopes.json');
  writeFileSync(
    configuration,
    JSON.stringify({
      calyx: { simulator: true },
      devices: {
        miniscopes: { Left: scope, Right: scope },
        cameras: { BehavCam: { deviceType: 'TestPicture-1280x720', frameRate: `${cameraFps}FPS` } },
      },
    }),
  );
  const samples = [];
  const { code, out } = await node(
    [
      'main/hosts/cli/main.ts',
      'record',
      '--rig',
      configuration,
      '--seconds',
      String(seconds),
      '--data',
      path.join(folder, 'data'),
      '--json',
    ],
    {
      sample: (pid) => void samples.push(descendants(pid)),
    },
  );
  if (code !== 0) throw new Error(`calyx record ended with ${code}`);
  // The start, and the end when files are closed and hashed, are no steady state.
  const settled = samples.slice(Math.min(5, samples.length >> 2), -1);
  const names = [...new Set(settled.flatMap((sample) => sample.map(({ name }) => name)))];
  const processes = names.map((name) => ({ name, memoryRangeBytes: memoryRange(settled, name) }));
  const figures = { seconds, cameraFps, devices: JSON.parse(out).devices, processes };
  return { figures, bounds: devicesBounds(figures) };
}

async function endpoint(count) {
  const program = path.join(root, 'native', 'target', 'release', 'calyx-usb');
  const { code, out } = await run(program, ['soak', '--payloads', String(count), '--busy', '2']);
  if (code !== 0 && code !== 1) throw new Error(`calyx-usb soak ended with ${code}`);
  const figures = JSON.parse(out.trim().split('\n').at(-1));
  return { figures, bounds: endpointBounds(figures, count) };
}

async function killed(count) {
  const file = path.join(folder, 'kills.json');
  const own = count >= 200 ? [] : ['--out', file];
  const { code, out } = await node(['scripts/test-kills.mjs', String(count), values.seed, ...own]);
  const figures = JSON.parse(out.trim().split('\n').at(-1));
  const unreadable = figures.kills - figures.readable;
  const kept = code === 0 && unreadable === 0 && figures.kills === count;
  return { figures, bounds: [{ name: 'recordings unreadable after a kill', value: unreadable, bound: '≤ 0', kept }] };
}

const parts = [
  { name: 'one scope with live picture', wanted: minutes > 0, part: () => rig(minutes * 60) },
  { name: 'two scopes and a camera', wanted: devicesMinutes > 0, part: () => devices(devicesMinutes * 60) },
  { name: 'payloads of a scripted endpoint', wanted: payloads > 0, part: () => endpoint(payloads) },
  { name: 'killed at random', wanted: kills > 0, part: () => killed(kills) },
];
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim();
const machine = { processor: cpus()[0]?.model.trim() ?? '', cores: availableParallelism() };
const before = existsSync(out) ? JSON.parse(readFileSync(out, 'utf8')) : { lengths: {}, parts: {} };
const told = {};
let passed = 0;
let failed = 0;
try {
  for (const { name, wanted, part } of parts) {
    if (!wanted) {
      if (before.parts[name] !== undefined) told[name] = before.parts[name];
      continue;
    }
    console.log(`${name} …`);
    try {
      const { figures, bounds } = await part();
      told[name] = { commit, machine, figures, bounds };
      for (const { name: what, value, bound, kept } of bounds) {
        console.log(
          `${kept ? 'ok    ' : 'MISSED'} ${what}: ${value === null ? 'unknown' : Math.round(value * 100) / 100} (${bound})`,
        );
        if (kept) passed += 1;
        else failed += 1;
      }
    } catch (error) {
      console.log(`FAILED ${error.message}`);
      told[name] = { commit, machine, error: error.message };
      failed += 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
mkdirSync(path.dirname(out), { recursive: true });
const lengths = Object.fromEntries(
  Object.entries({ minutes, devicesMinutes, payloads, kills }).map(([name, length]) => [
    name,
    length === 0 ? (before.lengths[name] ?? 0) : length,
  ]),
);
writeFileSync(out, `${JSON.stringify({ bench: 'soak', lengths, parts: told }, null, 2)}\n`);
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
