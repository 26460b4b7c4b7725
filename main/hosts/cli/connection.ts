// SPDX-License-Identifier: MIT
import {
  AppError,
  connect,
  contractVersion,
  coreApis,
  webSocketChannel,
  type Channel,
  type Client,
} from '../../contract/index.ts';
import { ownerWhenListening, type OtherOwner } from '../../library/index.ts';
import { memoryChannels, routesOf, serveChannel } from '../../rpc/index.ts';
import { nobodyWaits, openCore, serve, type Core, type Served } from '../server/index.ts';
import type { Terminal } from './output.ts';

/** What a command asks of the core. */
export type CoreClient = Client<typeof coreApis>;

/** A library's core, in this process or in another. */
export interface Connection {
  readonly client: CoreClient;
  /** Address of the window where this process serves it; null where another does. */
  readonly windowAddress: string | null;
  /** Leaves. An owner waits for other programs and their runs; a second Ctrl-C (`insisted`) ends that. */
  close(insisted: AbortSignal): Promise<void>;
}

/** How a command wants to hold the library when nobody else does. */
export interface OwnerWishes {
  /** Go on with runs that were left queued: only commands that stay for a while do. */
  readonly takeQueued: boolean;
  /** Port of the window; 0 for any. */
  readonly port: number;
}

/** An owner that is just starting is waited for so long. */
const ownerWaitMs = 10_000;

/** Owners that end while they are being asked: after so many something else is wrong. */
const tries = 5;

/**
 * Reaches the core of a library: through its living owner, else as its owner.
 *
 * @param library absolute folder
 * @throws AppError `library.*`, `rpc.version_mismatch`, `rpc.disconnected`
 */
export async function openConnection(library: string, terminal: Terminal, wishes: OwnerWishes): Promise<Connection> {
  for (let attempt = 1; ; attempt += 1) {
    const opened = await openCore({
      libraryDirectory: library,
      program: 'Calyx command line',
      takeQueued: wishes.takeQueued,
    });
    if (opened.kind === 'owner') return await ownConnection(opened.core, terminal, wishes.port);
    try {
      const owner = await listening(library, opened.owner);
      if (owner !== null) return await guestConnection(owner);
    } catch (error) {
      // It ended between being found and being asked.
      if (!(error instanceof AppError) || error.code !== 'rpc.disconnected' || attempt === tries) throw error;
    }
  }
}

async function listening(library: string, owner: OtherOwner): Promise<OtherOwner | null> {
  if (owner.address !== null) return owner;
  try {
    return await ownerWhenListening(library, AbortSignal.timeout(ownerWaitMs));
  } catch (error) {
    throw new AppError('library.locked', `${owner.program} has this library open and does not answer.`, {
      hint: 'Close it and try again.',
      retryable: true,
      cause: error,
    });
  }
}

function clientOver(open: () => Promise<Channel>, token: string): ReturnType<typeof connect<typeof coreApis>> {
  return connect(coreApis, { open, token, version: contractVersion, reconnect: false, wait: () => Promise.resolve() });
}

async function guestConnection(owner: OtherOwner): Promise<Connection> {
  if (owner.contractVersion !== null && owner.contractVersion !== contractVersion) {
    const versions = `version ${owner.contractVersion} of its protocol, this program version ${contractVersion}`;
    throw new AppError('rpc.version_mismatch', `The library is open in ${owner.program}, which speaks ${versions}.`, {
      hint: 'Close it, or use the same version of Calyx for both.',
    });
  }
  const address = (owner.address ?? '').replace(/^http/, 'ws');
  const { client, ready, close } = clientOver(
    () => webSocketChannel(new WebSocket(`${address}/rpc`)),
    owner.token ?? '',
  );
  await ready;
  return {
    client,
    windowAddress: null,
    close: () => {
      close();
      return Promise.resolve();
    },
  };
}

async function ownConnection(core: Core, terminal: Terminal, port: number): Promise<Connection> {
  let served: Served;
  try {
    served = await serve(core, { port });
  } catch (error) {
    await core.close();
    throw new AppError(
      'usage.invalid',
      `Port ${port} cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
      { cause: error },
    );
  }
  const [ours, theirs] = memoryChannels();
  serveChannel(theirs, routesOf(coreApis, core.handlers), { version: contractVersion, authenticate: () => 'local' });
  const { client, ready, close } = clientOver(() => Promise.resolve(ours), '');
  await ready;
  return {
    client,
    windowAddress: served.windowAddress,
    close: async (insisted) => {
      await othersDone(core, served, terminal, insisted);
      close();
      await served.close();
      await core.close();
    },
  };
}

/** Others may work through this process: it stays until they have what they came for and their runs have ended. */
async function othersDone(core: Core, served: Served, terminal: Terminal, insisted: AbortSignal): Promise<void> {
  const done = nobodyWaits(core, served).then(() => true);
  const already = await Promise.race([
    done,
    new Promise<false>((resolve) => {
      setImmediate(() => resolve(false));
    }),
  ]);
  if (already || insisted.aborted) return;
  terminal.err(
    'Other programs still work in this library through this one; it ends when they have finished. Ctrl-C ends it now.\n',
  );
  await Promise.race([
    done,
    new Promise<void>((resolve) => {
      insisted.addEventListener('abort', () => resolve());
    }),
  ]);
}
