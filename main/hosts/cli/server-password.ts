// SPDX-License-Identifier: MIT
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Invocation } from './command.ts';

/** Holds the password of a DataJoint server; an argument would stay in histories and lists of processes. */
export const passwordVariable = 'CALYX_DATAJOINT_PASSWORD';

/** The password from the environment, else what is typed. */
export async function serverPassword(invocation: Invocation): Promise<string> {
  return invocation.env[passwordVariable] ?? (await askPassword(invocation));
}

/** Asks on a terminal, without showing what is typed; elsewhere there is none. */
async function askPassword({ terminal, json, signal }: Invocation): Promise<string> {
  if (json || !process.stdin.isTTY) return '';
  terminal.err('Password: ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question('', { signal });
  } finally {
    lines.close();
    terminal.err('\n');
  }
}
