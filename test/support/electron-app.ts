// SPDX-License-Identifier: MIT
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { _electron as electron, type Page } from 'playwright-core';
import { repositoryRoot } from './shared.ts';

/** The Electron runtime that set-up fetched for the tests. */
export const testRuntime = path.join(repositoryRoot, 'node_modules', '.cache', 'calyx-electron');

/** Without all three the first WebGL context of this runtime is lost, or it does not start, on machines without a GPU. */
const graphics = ['--use-gl=angle', '--use-angle=swiftshader', '--disable-gpu-compositing'];

/** Why the shell cannot be tested here, or undefined. */
export function electronMissing(): string | undefined {
  if (!existsSync(path.join(testRuntime, 'electron')))
    return 'no Electron runtime for tests on this machine (scripts/electron-for-tests.sh)';
  try {
    execFileSync('Xvfb', ['-help'], { stdio: 'ignore' });
  } catch {
    return 'Xvfb is not installed (apt-get install xvfb)';
  }
  return undefined;
}

/** A copy of the runtime (hard links) whose application is this repository. */
export function runtimeWithRepository(folder: string): string {
  const copy = path.join(folder, 'runtime');
  execFileSync('cp', ['-al', testRuntime, copy]);
  mkdirSync(path.join(copy, 'resources'), { recursive: true });
  symlinkSync(repositoryRoot, path.join(copy, 'resources', 'app'));
  return path.join(copy, 'electron');
}

/** A started window. */
export interface ElectronApp {
  readonly page: Page;
  /** Closes the window as a person does and waits until the shell has ended. */
  readonly close: () => Promise<void>;
  /** Ends what is still there, whatever its state. */
  readonly end: () => Promise<void>;
}

/** A virtual display of its own. */
async function startDisplay(): Promise<{ readonly name: string; readonly process: ChildProcess }> {
  const server = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', '1440x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const name = await new Promise<string>((resolve, reject) => {
    server.stdout.once('data', (chunk: Buffer) => resolve(`:${chunk.toString('utf8').trim()}`));
    server.once('error', reject);
    server.once('exit', () => reject(new Error('Xvfb ended at once')));
  });
  return { name, process: server };
}

/**
 * Starts the executable on a virtual display.
 * @param profile a folder for the window's own files
 */
export async function startElectron(executable: string, profile: string, env: NodeJS.ProcessEnv): Promise<ElectronApp> {
  const display = await startDisplay();
  try {
    const app = await electron.launch({
      executablePath: executable,
      args: ['--no-sandbox', ...graphics, `--user-data-dir=${profile}`],
      env: {
        ...definedOnly(process.env),
        CALYX_NODE_BIN: process.execPath,
        ...definedOnly(env),
        DISPLAY: display.name,
      },
    });
    const child = app.process();
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    const page = await app.firstWindow();
    return {
      page,
      close: async () => {
        await page.close();
        await ended;
      },
      end: async () => {
        if (child.exitCode === null && child.signalCode === null) {
          await app.close();
          await ended;
        }
        display.process.kill();
      },
    };
  } catch (error) {
    display.process.kill();
    throw error;
  }
}

/** Starts the executable without attaching to it and waits until it ends by itself: its exit code. */
export async function startUntilItEnds(
  executable: string,
  profile: string,
  env: NodeJS.ProcessEnv,
): Promise<number | null> {
  const display = await startDisplay();
  try {
    const child = spawn(executable, ['--no-sandbox', ...graphics, `--user-data-dir=${profile}`], {
      env: { ...process.env, CALYX_NODE_BIN: process.execPath, ...env, DISPLAY: display.name },
      stdio: 'ignore',
    });
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
  } finally {
    display.process.kill();
  }
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Packs the application with the tests' Electron and what set-up has built, into a folder of the test. */
export async function packedApplication(
  folder: string,
): Promise<{ readonly executable: string; readonly resources: string }> {
  const run = promisify(execFile);
  const output = path.join(folder, 'dist');
  const script = path.join(repositoryRoot, 'scripts', 'package.mjs');
  await run(process.execPath, [script, '--test-build', '--electron', testRuntime, '--output', output], {
    cwd: repositoryRoot,
  });
  const unpacked = path.join(output, 'linux-unpacked');
  return { executable: path.join(unpacked, 'calyx'), resources: path.join(unpacked, 'resources') };
}
