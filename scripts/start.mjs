// SPDX-License-Identifier: MIT
// Starts the workstation: in an Electron window where there is a display and a binary, else for a browser on this machine.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { recordingFlags } from '../main/supervisor/node-flags.ts';
import { projectEnv, root, run } from './lib.mjs';

/** Electron fetches its own binary; a machine that cannot reach it is asked once, not at every start. */
const fetchLimitMs = 60_000;

function electronBinary() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const name =
    { win32: 'electron.exe', darwin: 'Electron.app/Contents/MacOS/Electron' }[process.platform] ?? 'electron';
  if (override !== undefined && existsSync(path.join(override, name))) return path.join(override, name);
  const folder = path.join(root, 'node_modules', 'electron');
  const pointer = path.join(folder, 'path.txt');
  if (!existsSync(pointer)) return undefined;
  const binary = path.join(folder, 'dist', readFileSync(pointer, 'utf8').trim());
  return existsSync(binary) ? binary : undefined;
}

async function fetchElectron() {
  const folder = path.join(root, 'node_modules', 'electron');
  const { version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const remembered = path.join(root, 'node_modules', '.cache', `electron-${version}.failed`);
  if (existsSync(remembered)) return;
  process.stderr.write(`  fetching Electron ${version} (once) …`);
  const limit = AbortSignal.timeout(fetchLimitMs);
  const result = await Promise.race([
    run(process.execPath, [path.join(folder, 'install.js')], { capture: true }),
    new Promise((resolve) => {
      limit.addEventListener('abort', () => resolve({ code: 1, output: 'took longer than a minute' }));
    }),
  ]);
  if (result.code === 0) {
    process.stderr.write(' done\n');
    return;
  }
  mkdirSync(path.dirname(remembered), { recursive: true });
  writeFileSync(remembered, result.output);
  process.stderr.write(
    ` not possible here (details in ${path.relative(root, remembered)}; delete that file to try again)\n`,
  );
}

function hasDisplay() {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DISPLAY) || Boolean(process.env.WAYLAND_DISPLAY);
}

const args = process.argv.slice(2);
const wantsBrowser = args.includes('--browser');
const passed = args.filter((arg) => arg !== '--browser');
let binary = hasDisplay() && !wantsBrowser ? electronBinary() : undefined;
if (binary === undefined && hasDisplay() && !wantsBrowser && process.env.CI !== 'true') {
  await fetchElectron();
  binary = electronBinary();
}

// Electron refuses to run as root with its sandbox on.
const noSandbox = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const [program, programArgs] =
  binary === undefined
    ? [process.execPath, [...recordingFlags, path.join(root, 'main', 'hosts', 'server', 'main.ts'), ...passed]]
    : [binary, [...noSandbox, root, ...passed]];
if (binary === undefined && !wantsBrowser) {
  process.stderr.write(
    `${hasDisplay() ? 'No Electron binary here' : 'No display here'}: the workstation is served to a browser on this machine.\n`,
  );
}
const child = spawn(program, programArgs, {
  cwd: root,
  stdio: 'inherit',
  env: projectEnv({
    CALYX_NODE_BIN: process.execPath,
    // The core and its children run from their sources: what Node has stripped and compiled once is kept for the next start.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(root, 'node_modules', '.cache', 'node-compile'),
  }),
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  console.error(`Calyx could not be started: ${error.message}`);
  process.exit(4);
});
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
