// SPDX-License-Identifier: MIT
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect, AppError, contractVersion, coreApis, webSocketChannel } from '../../contract/index.ts';
import { defaultLibrary, ownerWhenListening, type OtherOwner } from '../../library/index.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { type Core, openCore } from './core.ts';
import { watchLoop } from './loop-delay.ts';
import { nobodyWaits, serve, type Served } from './http.ts';

/** A second start waits this long for an owner that is still starting. */
const ownerWaitMs = 10_000;

interface Wishes {
  readonly library: string;
  readonly port: number;
  readonly door: 'kept' | 'new';
}

function parseFlags(args: readonly string[]): {
  readonly library?: string | undefined;
  readonly port: string;
  readonly 'new-token': boolean;
} {
  try {
    const options = {
      library: { type: 'string' },
      port: { type: 'string', default: '0' },
      'new-token': { type: 'boolean', default: false },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new AppError('usage.invalid', error instanceof Error ? error.message : String(error), {
      hint: 'Flags: --library <folder>, --port <number>, --new-token.',
    });
  }
}

function readArguments(args: readonly string[]): Wishes {
  const values = parseFlags(args);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new AppError('usage.invalid', `--port ${values.port} is not a port.`);
  }
  const from = process.env['INIT_CWD'] ?? process.cwd();
  return {
    library: values.library === undefined ? defaultLibrary(process.env) : path.resolve(from, values.library),
    port,
    door: values['new-token'] ? 'new' : 'kept',
  };
}

/** Runs until it is asked to stop; a run that another program waits for is finished first. */
export async function runServer(args: readonly string[]): Promise<void> {
  try {
    const { library, port, door } = readArguments(args);
    const opened = await openCore({
      libraryDirectory: library,
      program: 'Calyx workstation',
      onMediaCrash: (cause) => console.error(`${cause} It is started again.`),
    });
    if (opened.kind === 'other') {
      await pointToOwner(library, opened.owner);
      return;
    }
    const tellLoop = process.env['CALYX_LOOP_DELAY'] === undefined ? undefined : watchLoop(console.error);
    const { core } = opened;
    const served = await serveOrClose(core, port, door);
    stopOnSignal(core, served, () => tellLoop?.());
    // Last: whoever reads this line may ask it to stop at once.
    console.log(`Calyx is ready: ${served.windowAddress}`);
  } catch (thrown) {
    const error = AppError.from(thrown);
    console.error(`Calyx could not start: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}`);
    process.exit(exitCodeOf(error.code));
  }
}

/** Serves the core; one that cannot be served gives its library free again. */
async function serveOrClose(core: Core, port: number, door: Wishes['door']): Promise<Served> {
  try {
    return await serve(core, {
      port,
      door,
      onInternalError: (procedure, error) => console.error(`${procedure}: ${error.stack ?? error.message}`),
    });
  } catch (error) {
    await core.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new AppError('server.port_in_use', `Port ${String(port)} is in use by another program.`, {
        hint: 'Choose another with --port, or leave it out for any free one.',
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * The first request to stop lets runs that are under way end (a run outlives its window); the second one ends them. Without runs the first is enough.
 */
function stopOnSignal(core: Core, served: Served, atEnd: () => void): void {
  let requests = 0;
  let second: () => void = () => undefined;
  const insisted = new Promise<void>((resolve) => {
    second = resolve;
  });
  // The shell that reads our output may be gone by then.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const stop = async (): Promise<void> => {
    const idle = nobodyWaits(core, served);
    const isIdle = await Promise.race([idle.then(() => true), nextTurn().then(() => false)]);
    if (!isIdle)
      console.error('A run is under way: Calyx ends when it has ended. Stop it at once with a second Ctrl-C.');
    await Promise.race([idle, insisted]);
    await served.close();
    await core.close();
    atEnd();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      requests += 1;
      if (requests > 1) second();
      else void stop();
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Another process has the library: its window's address is as good as ours would be. */
async function pointToOwner(library: string, known: OtherOwner): Promise<void> {
  const owner = known.address === null ? await ownerWhenListening(library, AbortSignal.timeout(ownerWaitMs)) : known;
  if (owner === null || owner.address === null || owner.token === null) {
    throw new AppError('library.locked', 'Another Calyx has this library and does not answer.', {
      hint: 'Close it and start again.',
    });
  }
  const address = owner.address.replace(/^http/, 'ws');
  const { client, close } = connect(
    { app: coreApis.app },
    {
      open: () => webSocketChannel(new WebSocket(`${address}/rpc`)),
      token: owner.token,
      version: contractVersion,
      reconnect: false,
      wait: () => Promise.resolve(),
    },
  );
  const { windowAddress } = await client.app.windowAddress({});
  close();
  if (windowAddress === null) {
    throw new AppError('library.locked', `This library is in use by ${owner.program}, which has no window.`, {
      hint: 'Wait until it has ended, then start again.',
    });
  }
  console.log(`Calyx is running already: ${windowAddress}`);
}
