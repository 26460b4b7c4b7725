// SPDX-License-Identifier: MIT
// `npm run test:kills [-- number [seed] [--out file]]`: kills a recording process at random moments (200 by default; the same ones with the same seed), recovers what is left, verifies it, and opens
// each film by OpenCV where $CALYX_PYTHON names a Python that has it. Ends with how many were readable; fails when one was not. The figures go to docs/bench/kills.json when all 200 were made, or where
// --out says.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './lib.mjs';

const { recoverSession, verifySession } = await import('../main/recording/index.ts');
const { probeFilm } = await import('../main/media/index.ts');

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
/** As many as the issue asks for. */
const full = 200;
const kills = Number(positionals[0] ?? full);
const firstSeed = Number(positionals[1] ?? Date.now() % 1_000_000);
let seed = firstSeed;
if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  console.error('test:kills takes a number of kills above 0, and a whole number as seed.');
  process.exit(2);
}
const beganAt = performance.now();
console.log(`${kills} kills, seed ${seed}`);
/** Numbers from 0 to 1 that a seed gives (mulberry32). */
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const python = process.env.CALYX_PYTHON;
const look = `
import cv2, sys
for f in sys.argv[1:]:
    v = cv2.VideoCapture(f); n = 0
    while v.read()[0]: n += 1
    print(n)
`;
const openCv =
  python === undefined ? null : spawnSync(python, ['-c', 'import cv2; print(cv2.__version__)'], { encoding: 'utf8' });
if (openCv === null) console.log('OpenCV is not asked: CALYX_PYTHON names no Python that has it');
else if (openCv.status !== 0) {
  console.error(`${python} has no OpenCV: ${openCv.stderr.trim().split('\n').at(-1)}`);
  process.exit(2);
}

/** @param {string} data @param {string} compression */
function killed(data, compression, afterMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, 'test/support/killed-recording.ts'), data, compression], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let folder = '';
    child.stdout.on('data', (bytes) => {
      if (folder === '') setTimeout(() => child.kill('SIGKILL'), afterMs);
      folder += bytes;
    });
    child.on('close', () =>
      folder === '' ? reject(new Error('the recording did not begin')) : resolve(folder.trim()),
    );
  });
}

const told = { kills: 0, readable: 0, withoutFrame: 0, frames: 0, framesCut: 0, rowsCut: 0, films: 0 };
for (let n = 0; n < kills; n += 1) {
  const data = mkdtempSync(path.join(tmpdir(), 'calyx-kill-'));
  const folder = await killed(data, n % 2 === 0 ? 'GREY' : 'FFV1', 20 + random() * 900);
  told.kills += 1;
  const recovery = await recoverSession(folder, () => new Date());
  const [device] = recovery.devices;
  const films = readdirSync(path.join(folder, 'Miniscope')).filter((name) => name.endsWith('.avi'));
  const paths = films.map((name) => path.join(folder, 'Miniscope', name));
  let seen = 0;
  for (const film of paths) seen += (await probeFilm(film)).frames;
  let isReadable = seen === device.frames && device.problems.length === 0;
  if (device.frames === 0) told.withoutFrame += 1;
  else {
    const verdict = await verifySession(folder);
    isReadable &&= verdict.sound;
    if (python !== undefined) {
      const counted = spawnSync(python, ['-c', look, ...paths], { encoding: 'utf8' })
        .stdout.trim()
        .split('\n')
        .map(Number);
      isReadable &&= counted.reduce((sum, count) => sum + count, 0) === device.frames;
    }
    if (!isReadable) console.log(folder, JSON.stringify(device), JSON.stringify(verdict));
  }
  if (isReadable) told.readable += 1;
  told.frames += device.frames;
  told.framesCut += device.framesCut;
  told.rowsCut += device.rowsCut;
  told.films += films.length;
  if (isReadable) rmSync(data, { recursive: true, force: true });
  if (told.kills % 20 === 0) console.log(JSON.stringify(told));
}
const out = options.out ?? (kills >= full ? path.join(root, 'docs', 'bench', 'kills.json') : null);
if (out !== null) {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim();
  const machine = { processor: cpus()[0]?.model.trim() ?? '', cores: availableParallelism() };
  const seconds = Math.round((performance.now() - beganAt) / 1000);
  const result = {
    bench: 'kills',
    commit,
    machine,
    seed: firstSeed,
    seconds,
    openCv: openCv?.stdout.trim() ?? null,
    ...told,
  };
  writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
}
console.log(JSON.stringify(told));
process.exitCode = told.readable === told.kills ? 0 : 1;
