// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repositoryRoot } from './shared.ts';

/** A Python that holds the packages of test/interop/requirements.txt, or why there is none. */
export type JudgePython = { readonly python: string } | { readonly missing: string };

const installMs = 300_000;

/** A file of test/interop with pinned packages; `alone`: without what they depend on. */
export interface Requirements {
  readonly file: string;
  readonly alone?: boolean;
}

/** What judges the exports unless a test names others. */
const judges: readonly Requirements[] = [{ file: 'requirements.txt' }, { file: 'requirements-alone.txt', alone: true }];

/**
 * A Python with pinned packages, the judges' unless others are named: made once for each version of the requirements, in the system's folder
 * for temporary files. `$CALYX_INTEROP_PYTHON` names one that has the judges' packages already.
 */
export function judgePython(packages?: readonly Requirements[]): JudgePython {
  const given = process.env['CALYX_INTEROP_PYTHON'];
  if (given !== undefined && packages === undefined) return { python: given };
  const wanted = (packages ?? judges).map(({ file, alone = false }) => ({
    file: path.join(repositoryRoot, 'test', 'interop', file),
    alone,
  }));
  const hash = createHash('sha256');
  for (const { file } of wanted) hash.update(readFileSync(file));
  const home = path.join(tmpdir(), `calyx-interop-python-${hash.digest('hex').slice(0, 12)}`);
  const python = path.join(home, 'bin', 'python');
  if (existsSync(python)) return { python };
  const system = spawnSync('python3', ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))']);
  if (system.status !== 0) return { missing: 'Python 3.11 or newer with venv is not on this machine' };
  const fresh = mkdtempSync(`${home}-`);
  try {
    execFileSync('python3', ['-m', 'venv', fresh], { timeout: installMs, stdio: 'pipe' });
    for (const { file, alone } of wanted) {
      const args = ['-m', 'pip', 'install', '--quiet', ...(alone ? ['--no-deps'] : []), '-r', file];
      execFileSync(path.join(fresh, 'bin', 'python'), args, { timeout: installMs, stdio: 'pipe' });
    }
    // Scripts inside name the folder they were made in, modules do not: only `python -m` and `python file` are used.
    renameSync(fresh, home);
    return { python };
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    const words = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    return { missing: `the Python packages could not be installed (no registry?): ${words}` };
  }
}

/** Runs a script that prints one JSON value. */
export function askPython(python: string, script: string, ...args: readonly string[]): unknown {
  const result = spawnSync(python, ['-c', script, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.status !== 0) throw new Error(`Python failed:\n${result.stderr}`);
  // Packages may print remarks of their own first.
  return JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as unknown;
}

/** The judges' Python; without one the test is left out with the reason. */
export function pythonOf(judge: JudgePython, context: { readonly skip: (note?: string) => never }): string {
  return 'missing' in judge ? context.skip(judge.missing) : judge.python;
}
