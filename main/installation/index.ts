// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** This file lies in `main/installation` of the repository, or in the bundle's folder `core` of a packed application. */
const here = import.meta.dirname;
/** True in a packed application, false in a clone. */
export const isPacked = path.basename(here) === 'core';
const base = isPacked ? path.dirname(here) : path.resolve(here, '..', '..');
const executableSuffix = process.platform === 'win32' ? '.exe' : '';

/** Device catalogue, parameters, sample session. */
export const assetsFolder = path.join(base, 'assets');

/** The built window: `index.html` and what it loads. */
export const rendererFolder = isPacked ? path.join(base, 'renderer') : path.join(base, 'out', 'renderer');

/** The engine's executable: `$CALYX_ENGINE`, else the one that came with this copy. It may not exist: see {@link engineProblem}. */
export function engineExecutable(env: NodeJS.ProcessEnv = process.env): string {
  const own = isPacked ? path.join(base, 'native') : path.join(base, 'native', 'target', 'release');
  return env['CALYX_ENGINE'] ?? path.join(own, `calyx-engine${executableSuffix}`);
}

/** Makes scenes with known truth: `calyx-scene`, built beside the engine. It may not exist. */
export function sceneExecutable(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(path.dirname(engineExecutable(env)), `calyx-scene${executableSuffix}`);
}

/** The native binding (films by frame): `$CALYX_BINDING`, else the one that came with this copy. */
export function bindingFile(env: NodeJS.ProcessEnv = process.env): string {
  return env['CALYX_BINDING'] ?? path.join(base, 'native', `calyx.${process.platform}-${process.arch}.node`);
}

/** What to do about a missing engine, or undefined when it is there. */
export function engineProblem(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const file = engineExecutable(env);
  if (existsSync(file)) return undefined;
  return isPacked
    ? 'The engine is missing from this installation: install Calyx again.'
    : 'The engine is not built: run `npm start` or `npm run calyx`, which build it (Rust is needed).';
}

/** Version of this program, from its package.json. */
export function programVersion(): string {
  const file = isPacked ? path.join(here, 'package.json') : path.join(base, 'package.json');
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}
