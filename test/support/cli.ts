// SPDX-License-Identifier: MIT
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { engineProblem } from '../../main/installation/index.ts';
import { repositoryRoot } from './shared.ts';

const entry = path.join(repositoryRoot, 'main/hosts/cli/main.ts');

/** How a command line ended. */
export interface CliEnd {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command line that runs. */
export interface RunningCli {
  readonly process: ChildProcess;
  readonly ended: Promise<CliEnd>;
  /** Resolves when stderr or stdout holds this; rejects when the command ends before. */
  readonly said: (text: string | RegExp) => Promise<void>;
}

/** Starts `calyx <args>`, as a user in the folder `from` would. */
export function startCli(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly from?: string } = {},
): RunningCli {
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: repositoryRoot,
    env: { ...process.env, INIT_CWD: options.from ?? repositoryRoot, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString('utf8');
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString('utf8');
    for (const listener of listeners) listener();
  });
  const ended = new Promise<CliEnd>((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }));
  });
  const said = (text: string | RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (typeof text === 'string' ? `${out}${err}`.includes(text) : text.test(`${out}${err}`)) {
          listeners.delete(look);
          resolve();
        }
      };
      listeners.add(look);
      look();
      void ended.then((end) =>
        reject(new Error(`ended with ${end.code ?? 'a signal'} before it said ${String(text)}:\n${end.err}`)),
      );
    });
  return { process: child, ended, said };
}

/** Runs `calyx <args>` to its end. */
export const calyx = (
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly from?: string } = {},
): Promise<CliEnd> => startCli(args, options).ended;

/** The sample session that ships with the program. */
export const sampleSession = path.join(repositoryRoot, 'assets/sample-session');

/** Why tests with the real engine cannot run, or undefined when they can. */
export function engineMissing(): string | undefined {
  const problem = engineProblem();
  if (problem !== undefined) return problem;
  return existsSync(sampleSession) ? undefined : 'the sample session is not there';
}
