// SPDX-License-Identifier: MIT
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { ProcessEnd } from './failure.ts';

/** A running engine. */
export type EngineChild = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts the engine with one of its commands. Told `cancel` on its input it ends by itself. */
export function startEngine(
  engine: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): EngineChild {
  const child = spawn(engine, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
    // A group of its own: Ctrl-C in a terminal must reach this program only, which then cancels what it started.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  // The engine may end before it has read what is written to it.
  child.stdin.on('error', () => undefined);
  return child;
}

/** Asks an engine to end; it removes what it has half written. */
export function cancelEngine(child: EngineChild): void {
  if (child.stdin.writable) child.stdin.write('cancel\n');
}

/** Resolves when the engine has ended and said all it had to say; code 127 when it could not be started. */
export function engineEnd(child: EngineChild): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

/** So many of the engine's last words are kept for the sentence about a crash. */
const keptWords = 5;

/** Appends a line of what the engine said beside its messages, cut short; only the last few are kept. */
export function keepWords(words: string[], line: string): void {
  words.push(line.slice(0, 500));
  if (words.length > keptWords) words.shift();
}
