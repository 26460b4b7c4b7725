// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../../contract/index.ts';
import { rendererFolder } from '../../../installation/index.ts';
import { text, words, type Answer, type Command, type Invocation } from '../command.ts';
import { exitCodes } from '../../exit-codes.ts';

/** `serve`: the workstation for a browser on this machine, until Ctrl-C. */
export const serveCommand: Command = {
  name: 'serve',
  summary: 'Serve the workstation to a browser on this machine',
  usage: 'serve [flags]',
  flags: () => [{ name: 'port', value: 'n', help: 'Port on 127.0.0.1; any free one otherwise.' }],
  stays: true,
  run,
};

async function run(invocation: Invocation): Promise<Answer> {
  words(serveCommand, invocation.positionals, [] as const);
  const port = Number(text(invocation.flags, 'port') ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new AppError(
      'usage.invalid',
      `--port must be a whole number from 0 to 65535; it is “${text(invocation.flags, 'port') ?? ''}”.`,
    );
  if (!existsSync(path.join(rendererFolder, 'index.html'))) {
    throw new AppError('engine.missing', 'The window is not built.', { hint: 'npm start builds and serves it.' });
  }
  const connection = await invocation.connect({ port });
  const own = connection.windowAddress !== null;
  const address = connection.windowAddress ?? (await connection.client.app.windowAddress({})).windowAddress;
  if (address === null)
    throw new AppError('library.locked', 'The library is in use by a program without a window.', {
      hint: 'Wait until it has ended, then try again.',
    });
  const line = invocation.json
    ? JSON.stringify({ address, alreadyServed: !own })
    : `${own ? 'Calyx is ready' : 'Calyx is served already'}: ${address}`;
  invocation.terminal.out(`${line}\n`);
  if (own) await aborted(invocation.signal);
  return { exitCode: exitCodes.ok, json: undefined, text: '' };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}
