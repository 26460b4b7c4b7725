// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { utilityProcess } from 'electron';
import { coreFlags, coreForm, findAddress } from './policy.ts';

/** The core beside the shell. */
export interface CoreProcess {
  /** Resolves with the address (token in its fragment) once the core listens; rejects with what it printed when it ended before. */
  readonly address: Promise<string>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  /** Asks it to stop; it ends at once unless a job is still running, which it finishes first. */
  readonly stop: () => void;
}

/** Printed text is kept for the failure page up to this many characters. */
const keptCharacters = 20_000;

/** Starts the core's entry file. `nodeExecutable` is used where Electron's own Node is too old. */
export function startCore(entry: string, args: readonly string[], nodeExecutable: string): CoreProcess {
  return coreForm(process.versions['napi']) === 'utility-process'
    ? inUtilityProcess(entry, args)
    : inNodeChild(entry, args, nodeExecutable);
}

function inUtilityProcess(entry: string, args: readonly string[]): CoreProcess {
  const child = utilityProcess.fork(entry, [...args], {
    stdio: 'pipe',
    serviceName: 'Calyx core',
    execArgv: [...coreFlags],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  return {
    address: addressFrom([child.stdout, child.stderr], ended),
    ended,
    stop: () => {
      child.kill();
    },
  };
}

function inNodeChild(entry: string, args: readonly string[], nodeExecutable: string): CoreProcess {
  const child = spawn(nodeExecutable, [...coreFlags, entry, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let failure: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = `${nodeExecutable}: ${error.message}`;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  return {
    address: addressFrom([child.stdout, child.stderr], ended, () => failure),
    ended,
    stop: () => {
      child.kill('SIGTERM');
    },
  };
}

interface Printing {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
}

function addressFrom(
  outputs: readonly (Printing | null)[],
  ended: Promise<void>,
  failure?: () => string | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    for (const output of outputs) {
      output?.on('data', (chunk) => {
        process.stderr.write(chunk);
        printed = (printed + Buffer.from(chunk).toString('utf8')).slice(-keptCharacters);
        const address = findAddress(printed);
        if (address !== undefined) resolve(address);
      });
    }
    void ended.then(() => reject(new Error(failure?.() ?? (printed === '' ? 'It ended without a word.' : printed))));
  });
}
