// SPDX-License-Identifier: MIT
// Speed and memory of the engine: frames/s of each stage, processor seconds, peak memory, scratch disk, thread scaling; a row a film.
//   npm run bench:engine [-- --films tiny,small --threads 1,2 --repeats N --memory BYTES --scale [folder] --long [folder] --out file]
// Films are the known-truth films beside the repository ($CALYX_SHARED or ../shared); where they are missing a scene of our own stands in.
// --scale adds the 600 × 600 × 3000 film, made by the recipe beside them (python3 with numpy and scipy, some minutes) unless a folder with it is named.
// --long adds 600 × 600 × 36 000 at 30 frames/s, made by the scene generator unless a folder with it is named.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { projectEnv, root } from './lib.mjs';

const suffix = process.platform === 'win32' ? '.exe' : '';
const program = (name) => path.join(root, 'native', 'target', 'release', name + suffix);
const shared = path.join(process.env.CALYX_SHARED ?? path.join(root, '..', 'shared'), 'data', 'sim');
const knownFilms = ['tiny', 'small', 'dense', 'motion', 'lowsnr', 'ca1v4', 'large', 'faults'];

/** Ends the script with a sentence. */
function fail(message) {
  console.error(message);
  process.exit(2);
}

/** The command line: `--name value`, or `--name` alone where a value may be missing. */
function readOptions(words) {
  const options = { films: knownFilms.join(','), repeats: '1', memory: String(2 ** 31) };
  const cores = availableParallelism();
  options.threads = cores > 1 ? `1,${Math.min(cores, 2)}` : '1';
  for (let i = 0; i < words.length; i += 1) {
    const name = words[i].replace(/^--/, '');
    if (!['films', 'threads', 'repeats', 'memory', 'scale', 'long', 'out'].includes(name)) {
      fail(`There is no option ${words[i]}.`);
    }
    const value = words[i + 1];
    const given = value !== undefined && !value.startsWith('--');
    if (!given && name !== 'scale' && name !== 'long') fail(`--${name} needs a value.`);
    options[name] = given ? value : '';
    if (given) i += 1;
  }
  return options;
}

const options = readOptions(process.argv.slice(2));
const threads = options.threads.split(',').map(Number);
if (threads.some((n) => !Number.isInteger(n) || n < 1)) fail('--threads takes numbers: 1,2');

/** Runs a program and ends the script when it fails. */
function run(command, args, what) {
  const ended = spawnSync(command, args, { stdio: ['ignore', 2, 2], cwd: root, env: projectEnv() });
  if (ended.status !== 0) fail(`${what} failed.`);
}

function scene(folder, args) {
  run(
    'cargo',
    ['build', '--release', '--locked', '-q', '--manifest-path', 'native/Cargo.toml', '-p', 'calyx-scene'],
    'Building the scene generator',
  );
  run(program('calyx-scene'), [...args, '--out', folder], 'Making the scene');
  return folder;
}

/** Films to measure: name and session folder. */
function findFilms(work) {
  const films = options.films
    .split(',')
    .filter((name) => name !== '')
    .map((name) => ({ name, folder: path.join(shared, name) }))
    .filter(({ folder }) => existsSync(path.join(folder, 'Miniscope')));
  if (films.length === 0 && options.films !== '') {
    films.push({ name: 'scene small', folder: scene(path.join(work, 'scene'), ['small']) });
  }
  if (options.scale !== undefined) {
    if (options.scale === '') {
      run('python3', [path.join(shared, 'make.py'), 'scale', '--out', work], 'Making `scale`');
    }
    films.push({
      name: 'scale',
      folder: options.scale === '' ? path.join(work, 'scale') : path.resolve(options.scale),
    });
  }
  if (options.long !== undefined) {
    const folder = path.join(work, 'long');
    // Somata as large as those of the film `large`.
    const args = [
      'scope',
      '--width',
      '600',
      '--height',
      '600',
      '--frames',
      '36000',
      '--radius',
      '6.4',
      '--cells',
      '250',
    ];
    films.push({ name: 'long', folder: options.long === '' ? scene(folder, args) : path.resolve(options.long) });
  }
  return films;
}

/** One run of the engine; gives its run.json. */
function measure(film, count, work) {
  const device = path.join(film.folder, 'Miniscope');
  const films = readdirSync(device)
    .filter((name) => /^\d+\.avi$/.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => path.join(device, name));
  if (films.length === 0) fail(`${device} holds no films.`);
  const job = mkdtempSync(path.join(work, 'job-'));
  const output = path.join(job, 'run');
  const fps = film.name === 'long' || film.name === 'motion' ? 30 : 20;
  const value = {
    formatVersion: 1,
    runUuid: 'bench',
    output,
    inputs: [{ recordingUuid: 'bench', films, fps }],
    parameters: {},
    budget: { threads: count, memoryBytes: Number(options.memory) },
  };
  writeFileSync(path.join(job, 'job.json'), JSON.stringify(value));
  const ended = spawnSync(program('calyx-engine'), ['run', job], {
    env: projectEnv(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    maxBuffer: 2 ** 28,
  });
  if (ended.status !== 0) fail(`The engine ended with ${ended.status}:\n${(ended.stdout ?? '').slice(-2000)}`);
  const result = JSON.parse(readFileSync(path.join(output, 'run.json'), 'utf8'));
  rmSync(job, { recursive: true });
  return result;
}

const rounded = (value, digits = 3) => Number(value.toPrecision(digits));

/** The figures of the fastest of several runs: the others waited for something that was not the engine. */
function figuresOf(runs) {
  const best = runs.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const { usage, scratch } = best;
  return {
    threads: best.budget.threads,
    components: best.components,
    accepted: best.accepted,
    seconds: rounded(best.seconds),
    framesPerSecond: rounded(best.frames / best.seconds),
    // read and motion are one pass: both carry its time.
    stages: Object.fromEntries(
      best.stages.map(({ stage, seconds, framesPerSecond }) => [
        stage,
        { seconds: rounded(seconds), framesPerSecond: rounded(framesPerSecond ?? 0) },
      ]),
    ),
    engineCpuSeconds: rounded(usage.engineCpuSeconds),
    decoderCpuSeconds: rounded(usage.decoderCpuSeconds),
    cpuSeconds: rounded(usage.engineCpuSeconds + usage.decoderCpuSeconds),
    peakAnonymousBytes: usage.peakAnonymousBytes,
    peakMemoryBytes: usage.peakMemoryBytes,
    decoderPeakMemoryBytes: usage.decoderPeakMemoryBytes,
    scratchBytes: scratch.peakBytes,
    scratchBytesPerPixelFrame: rounded(scratch.bytesPerPixelFrame),
  };
}

function report(film) {
  console.log(`\n${film.name}: ${film.width} × ${film.height}, ${film.frames} frames, bin ${film.bin}`);
  for (const f of film.runs) {
    const stages = Object.entries(f.stages).filter(([stage]) => stage !== 'motion');
    console.log(
      `  ${f.threads} threads: ${f.seconds} s (${f.framesPerSecond} frames/s), ${f.cpuSeconds} s of processor time (decoders ${f.decoderCpuSeconds}), ` +
        `peak ${(f.peakAnonymousBytes / 1e6).toFixed(0)} MB anonymous, ${(f.peakMemoryBytes / 1e6).toFixed(0)} MB resident, ` +
        `scratch ${(f.scratchBytes / 1e6).toFixed(0)} MB; ${f.accepted} of ${f.components} accepted`,
    );
    console.log(`    ${stages.map(([stage, s]) => `${stage} ${s.seconds} s (${s.framesPerSecond}/s)`).join(', ')}`);
  }
  if (film.speedup !== null)
    console.log(`  ${film.runs.at(-1).threads} threads are ${film.speedup} times as fast as 1`);
}

if (!existsSync(program('calyx-engine'))) fail('The engine is not built: npm run bench:engine does it first.');
const work = mkdtempSync(path.join(tmpdir(), 'calyx-bench-'));
try {
  let machine;
  const films = findFilms(work).map((film) => {
    const all = threads.map((count) =>
      Array.from({ length: Math.max(1, Number(options.repeats)) }, () => measure(film, count, work)),
    );
    const [first] = all[0];
    machine = first.machine;
    const runs = all.map((several) => figuresOf(several));
    const [one, more] = [runs.find((r) => r.threads === 1), runs.at(-1)];
    const entry = {
      name: film.name,
      width: first.width,
      height: first.height,
      frames: first.frames,
      bin: first.grid.bin,
      pixelsSha256: first.inputs[0].pixelsSha256,
      speedup: one !== undefined && more.threads > 1 ? rounded(one.seconds / more.seconds) : null,
      runs,
    };
    report(entry);
    return entry;
  });
  const git = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const value = {
    bench: 'engine',
    commit: git.status === 0 ? git.stdout.trim() : null,
    machine: {
      os: machine?.os,
      architecture: machine?.architecture,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      simd: machine?.simd,
    },
    memoryBytes: Number(options.memory),
    films,
  };
  const file = path.resolve(options.out ?? path.join(root, 'docs', 'bench', 'engine.json'));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
