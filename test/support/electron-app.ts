// SPDX-License-Identifier: MIT
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
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
    execFileSync('xvfb-run', ['--help'], { stdio: 'ignore' });
  } catch {
    return 'xvfb-run is not installed (apt-get install xvfb xauth)';
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
  readonly process: ChildProcess;
  readonly printed: () => string;
  /** Closes the window as a person does and waits until the shell has ended. */
  readonly close: () => Promise<void>;
}

/**
 * Starts the executable under a virtual display and attaches through the DevTools port, which works with a release's fuses.
 * @param profile an empty folder for the window's own files
 */
export async function startElectron(executable: string, profile: string, env: NodeJS.ProcessEnv): Promise<ElectronApp> {
  const args = [
    '-a',
    executable,
    '--no-sandbox',
    ...graphics,
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
  ];
  const child = spawn('xvfb-run', args, {
    env: { ...process.env, CALYX_NODE_BIN: process.execPath, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const endpoint = await new Promise<string>((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      output.on('data', (chunk: Buffer) => {
        printed += chunk.toString('utf8');
        const found = /DevTools listening on (ws:\/\/\S+)/.exec(printed)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    void ended.then(() => reject(new Error(`Electron ended before its window was there:\n${printed}`)));
  });
  const browser: Browser = await chromium.connectOverCDP(endpoint);
  const context = browser.contexts()[0];
  if (context === undefined) throw new Error('Electron has no window');
  const page = context.pages()[0] ?? (await context.waitForEvent('page'));
  return {
    page,
    process: child,
    printed: () => printed,
    close: async () => {
      await page.close();
      await ended;
    },
  };
}
