// SPDX-License-Identifier: MIT
// Frames per second of each engine stage and peak memory; writes docs/bench/engine.json.
//   npm run bench [-- --threads N] [--repeats N] [--film <session folder>]
// The film is the known-truth film `small` beside the repository ($CALYX_SHARED or ../shared), else a scene of the same size.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { projectEnv, root } from './lib.mjs';

const suffix = process.platform === 'win32' ? '.exe' : '';
const program = (name) => path.join(root, 'native', 'target', 'release', name + suffix);

const { values } = parseArgs({
  options: {
    threads: { type: 'string', default: String(availableParallelism()) },
    repeats: { type: 'string', default: '3' },
    film: { type: 'string' },
  },
});

/** Ends the script with a sentence. */
function fail(message) {
  console.error(message);
  process.exit(1);
}

/** The session folder that is measured, and its name. */
function findFilm(work) {
  if (values.film !== undefined) return { name: path.basename(values.film), folder: path.resolve(values.film) };
  const shared = process.env.CALYX_SHARED ?? path.join(root, '..', 'shared');
  const small = path.join(shared, 'data', 'sim', 'small');
  if (existsSync(path.join(small, 'Miniscope'))) return { name: 'small', folder: small };
  const folder = path.join(work, 'scene');
  const built = spawnSync('cargo', ['build', '--release', '-q', '-p', 'calyx-scene'], {
    cwd: path.join(root, 'native'),
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) fail('The scene generator does not build.');
  const made = spawnSync(program('calyx-scene'), ['small', '--out', folder], { stdio: ['ignore', 2, 2] });
  if (made.status !== 0) fail('The scene could not be made.');
  return { name: 'scene small', folder };
}

/** One run of the engine; gives its run.json. */
function measure(film, work, number) {
  const device = path.join(film.folder, 'Miniscope');
  const films = readdirSync(device)
    .filter((name) => /^\d+\.avi$/.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => path.join(device, name));
  if (films.length === 0) fail(`${device} holds no films.`);
  const job = path.join(work, `job-${number}`);
  const output = path.join(job, 'run');
  mkdirSync(job);
  writeFileSync(
    path.join(job, 'job.json'),
    JSON.stringify({
      formatVersion: 1,
      runUuid: 'bench',
      output,
      inputs: [{ recordingUuid: 'bench', films, fps: 20 }],
      parameters: {},
      budget: { threads: Number(values.threads), memoryBytes: 2 ** 31 },
    }),
  );
  const ended = spawnSync(program('calyx-engine'), ['run', job], {
    env: projectEnv(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    maxBuffer: 2 ** 26,
  });
  if (ended.status !== 0) fail(`The engine ended with ${ended.status}:\n${ended.stdout ?? ''}`);
  const result = JSON.parse(readFileSync(path.join(output, 'run.json'), 'utf8'));
  rmSync(job, { recursive: true });
  return result;
}

const rounded = (value, digits = 3) => Number(value.toPrecision(digits));

/** The figures of the fastest of several runs: the others waited for something that was not the engine. */
function figuresOf(runs) {
  const best = runs.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  const { usage } = best;
  return {
    frames: best.frames,
    height: best.height,
    width: best.width,
    components: best.components,
    threads: best.budget.threads,
    seconds: rounded(best.seconds),
    framesPerSecond: rounded(best.frames / best.seconds),
    // read and motion are one pass: both carry its time.
    stages: Object.fromEntries(
      best.stages.map(({ stage, seconds, framesPerSecond }) => [
        stage,
        { seconds: rounded(seconds), framesPerSecond: rounded(framesPerSecond ?? 0) },
      ]),
    ),
    cpuSeconds: rounded(usage.engineCpuSeconds + usage.decoderCpuSeconds),
    peakMemoryBytes: usage.peakMemoryBytes,
    decoderPeakMemoryBytes: usage.decoderPeakMemoryBytes,
  };
}

function report(name, figures) {
  console.log(`${name}: ${figures.width} × ${figures.height}, ${figures.frames} frames, ${figures.threads} threads\n`);
  for (const [stage, { seconds, framesPerSecond }] of Object.entries(figures.stages)) {
    const shared = stage === 'motion' ? '  (same pass as read)' : '';
    console.log(
      `  ${stage.padEnd(12)} ${String(framesPerSecond).padStart(9)} frames/s ${String(seconds).padStart(9)} s${shared}`,
    );
  }
  console.log(
    `  ${'all'.padEnd(12)} ${String(figures.framesPerSecond).padStart(9)} frames/s ${String(figures.seconds).padStart(9)} s`,
  );
  console.log(
    `\n  peak memory ${(figures.peakMemoryBytes / 1e6).toFixed(0)} MB, one decoder at most ${(figures.decoderPeakMemoryBytes / 1e6).toFixed(0)} MB; ${figures.cpuSeconds} s of processor time`,
  );
}

if (!existsSync(program('calyx-engine'))) fail('The engine is not built: npm run bench does it first.');
const work = mkdtempSync(path.join(tmpdir(), 'calyx-bench-'));
try {
  const film = findFilm(work);
  const runs = Array.from({ length: Math.max(1, Number(values.repeats)) }, (_, number) => measure(film, work, number));
  const figures = figuresOf(runs);
  report(film.name, figures);
  const git = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const file = path.join(work, 'engine.json');
  const machine = {
    os: runs[0].machine.os,
    architecture: runs[0].machine.architecture,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    simd: runs[0].machine.simd,
  };
  const value = {
    bench: 'engine',
    commit: git.status === 0 ? git.stdout.trim() : null,
    machine,
    film: { name: film.name, pixelsSha256: runs[0].inputs[0].pixelsSha256 },
    figures,
  };
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
  mkdirSync(path.join(root, 'docs', 'bench'), { recursive: true });
  cpSync(file, path.join(root, 'docs', 'bench', 'engine.json'));
} finally {
  rmSync(work, { recursive: true, force: true });
}
