// SPDX-License-Identifier: MIT
// Small helpers of the scripts. Plain JavaScript without dependencies: Node 20 runs it before anything is installed.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The environment with the project's own programs (and so Node 24) first. */
export function projectEnv(extra = {}) {
  const bin = path.join(root, 'node_modules', '.bin');
  const current = process.env.PATH ?? '';
  const inherited = current.split(path.delimiter).includes(bin) ? current : `${bin}${path.delimiter}${current}`;
  return { ...process.env, PATH: inherited, ...extra };
}

/** The path of an executable on the PATH, or undefined. */
export function which(name, pathList = process.env.PATH ?? '') {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : [''];
  for (const folder of pathList.split(path.delimiter)) {
    if (folder === '') continue;
    for (const suffix of suffixes) {
      const candidate = path.join(folder, name + suffix);
      try {
        accessSync(candidate, constants.X_OK);
        if (statSync(candidate).isFile()) return candidate;
      } catch {
        // Not here: look on.
      }
    }
  }
  return undefined;
}

/**
 * Runs a program in the repository's root.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, capture?: boolean, echo?: boolean, cwd?: string }} options capture keeps stdout+stderr; echo also shows them
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(program, args, options = {}) {
  const { env = projectEnv(), capture = false, echo = false, cwd = root } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', capture ? 'pipe' : 2, capture ? 'pipe' : 2] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
        if (echo) process.stderr.write(chunk);
      });
    }
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) => resolve({ code: code ?? (signal === null ? 1 : 130), output }));
  });
}

/** The newest modification time (ms) below the given files and folders; 0 for what is not there. */
export function newest(...places) {
  let latest = 0;
  for (const place of places) {
    const absolute = path.resolve(root, place);
    if (!existsSync(absolute)) continue;
    const info = statSync(absolute);
    latest = Math.max(latest, info.mtimeMs);
    if (!info.isDirectory()) continue;
    for (const entry of readdirSync(absolute)) latest = Math.max(latest, newest(path.join(absolute, entry)));
  }
  return latest;
}

/** File name of the native binding on this machine. */
export const bindingName = `calyx.${process.platform}-${process.arch}.node`;

/** Where the tests' Chromium is unpacked. */
export const chromiumFolder = path.join(root, 'node_modules', '.cache', 'calyx-chromium');

/** Where the tests' Electron is unpacked. */
export const electronTestFolder = path.join(root, 'node_modules', '.cache', 'calyx-electron');
