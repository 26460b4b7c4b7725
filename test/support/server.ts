// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { findAddress } from '../../main/hosts/electron/policy.ts';
import { repositoryRoot } from './shared.ts';

/** A workstation served to a browser, as `npm start` does without a display. */
export interface RunningServer {
  readonly address: string;
  readonly process: ChildProcess;
  /** What it printed so far. */
  readonly printed: () => string;
  /** Asks it to stop and waits until it has. */
  readonly stop: () => Promise<void>;
}

/** Starts the server host on a free port with the given library. */
export async function startServer(
  library: string,
  env: NodeJS.ProcessEnv = {},
  flags: readonly string[] = [],
): Promise<RunningServer> {
  const entry = path.join(repositoryRoot, 'main', 'hosts', 'server', 'main.ts');
  const child = spawn(process.execPath, [entry, '--library', library, '--port', '0', ...flags], {
    cwd: repositoryRoot,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const address = await new Promise<string>((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      output.on('data', (chunk: Buffer) => {
        printed += chunk.toString('utf8');
        const found = findAddress(printed);
        if (found !== undefined) resolve(found);
      });
    }
    void ended.then(() => reject(new Error(`The server ended before it listened:\n${printed}`)));
  });
  return {
    address,
    process: child,
    printed: () => printed,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
