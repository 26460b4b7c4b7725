// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { livePath } from '../../acquisition/index.ts';
import { type Audience, contractVersion, coreApis } from '../../contract/index.ts';
import { rendererFolder } from '../../installation/index.ts';
import { framesPath } from '../../media/index.ts';
import { routesOf, serveChannel, socketChannel } from '../../rpc/index.ts';
import type { Core } from './core.ts';
import { type Door, doorFor, keepDoor, lastDoor, nonceOf, proofFor } from './door.ts';
import { isOwnHost, isOwnOrigin, newToken, sameToken, securityHeaders, staticFile } from './guard.ts';

/** Where the core listens. */
export interface Served {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** The address to open in a browser, with the window's token in its fragment (which is never sent over the wire as part of a request). */
  readonly windowAddress: string;
  /** Resolves when no other program works through this process any more; windows do not count. */
  readonly programsGone: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ServeOptions {
  /** 0: the one windows came in by last, else any free one. */
  readonly port?: number;
  /** Keep port and token for the next start, and take those of the last one: windows that are open come back. `new`: shut those out. */
  readonly door?: 'kept' | 'new';
  /** Folder of the built window; the one of this installation when absent. */
  readonly folder?: string;
  /** Told of bugs. */
  readonly onInternalError?: (procedure: string, error: Error) => void;
}

/** A client that has connected says hello within this time; it does so in its first message. */
const helloWaitMs = 10_000;

/** A client's message: the largest are a few hundred decisions at once. */
const longestMessageBytes = 4 * 1024 * 1024;

/** Serves the window and the rpc on 127.0.0.1 and publishes the address to programs that want the library. */
export async function serve(core: Core, options: ServeOptions = {}): Promise<Served> {
  const now = new Date();
  const last = options.door === 'kept' ? lastDoor(core.library.folders.root, now) : undefined;
  const tokens = { window: '', local: newToken() };
  const folder = options.folder ?? rendererFolder;
  const server = createServer((request, response) => {
    answer(request, response, { folder, port: portOf(server), token: tokens.window }).catch(() =>
      refuse(response, 500),
    );
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: longestMessageBytes });
  const routes = routesOf(coreApis, core.handlers);
  const programs = new Programs();
  /** Who comes over this socket, by the token that was given to windows or to programs that read the lock. */
  const admit =
    (socket: WebSocket) =>
    (token: string): Audience | undefined => {
      if (sameToken(token, tokens.window)) return 'window';
      if (core.remote.admits(token, () => socket.terminate())) return 'remote';
      if (!sameToken(token, tokens.local)) return undefined;
      programs.add(socket);
      return 'local';
    };
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const port = portOf(server);
    socket.on('error', () => socket.destroy());
    if (!isOwnHost(request.headers.host, port) || !isOwnOrigin(request.headers.origin, port)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    } else if (request.url === '/rpc') {
      sockets.handleUpgrade(request, socket, head, (upgraded) => {
        serveChannel(socketChannel(upgraded), routes, {
          version: contractVersion,
          authenticate: admit(upgraded),
          patience: (signal) => setTimeout(helloWaitMs, undefined, { signal, ref: false }),
          checkOutput: process.env['NODE_ENV'] !== 'production',
          ...(options.onInternalError === undefined ? {} : { onInternalError: options.onInternalError }),
        });
      });
    } else if (request.url === framesPath) {
      core.media.upgrade(request, socket, head);
    } else if (request.url === livePath) {
      core.acquisition.upgrade(request, socket, head);
    } else {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    }
  });
  await listenWhereKnown(server, options.port ?? 0, last);
  const door = doorFor(portOf(server), last, now);
  tokens.window = door.token;
  // Only the owner of a library says where it is; who reads along must not take its windows.
  if (options.door !== undefined && core.ownership !== null) keepDoor(core.library.folders.root, door);
  const origin = `http://127.0.0.1:${String(portOf(server))}`;
  const windowAddress = `${origin}/#token=${tokens.window}`;
  core.setWindowAddress(windowAddress);
  core.ownership?.publish({ address: origin, token: tokens.local, contractVersion });
  return {
    origin,
    windowAddress,
    programsGone: () => programs.gone(),
    close: () => {
      for (const client of sockets.clients) client.terminate();
      // Not waited for: the server counts sockets that the media process was given, and those live until that process is stopped.
      server.close();
      server.closeAllConnections();
      return Promise.resolve();
    },
  };
}

/** Resolves when other programs have what they came for and no run is queued or under way: a run may end while its program still fetches the result. */
export async function nobodyWaits(core: Core, served: Served): Promise<void> {
  await served.programsGone();
  await core.idle();
  await served.programsGone();
}

/** The sockets of other programs. */
class Programs {
  readonly #sockets = new Set<WebSocket>();
  readonly #waiting: (() => void)[] = [];

  add(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }

  gone(): Promise<void> {
    if (this.#sockets.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Listens on the port that windows know, where nobody else does; a port that was asked for is that or none. */
async function listenWhereKnown(server: Server, port: number, last: Door | undefined): Promise<void> {
  if (port !== 0 || last === undefined) {
    await listen(server, port);
    return;
  }
  try {
    await listen(server, last.port);
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && ['EADDRINUSE', 'EACCES'].includes(String(error.code));
    if (!isTaken) throw error;
    await listen(server, 0);
  }
}

function refuse(response: ServerResponse, status: number): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { ...securityHeaders, 'Content-Type': 'text/plain; charset=utf-8' }).end();
}

interface Answering {
  readonly folder: string;
  readonly port: number;
  /** The window's. */
  readonly token: string;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { folder, port, token }: Answering,
): Promise<void> {
  if (!isOwnHost(request.headers.host, port) || !isOwnOrigin(request.headers.origin, port)) {
    refuse(response, 403);
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405);
    return;
  }
  const nonce = nonceOf(request.url ?? '/');
  if (nonce !== undefined && token !== '') {
    const proof = proofFor(token, `http://${request.headers.host ?? ''}`, nonce);
    response
      .writeHead(200, { ...securityHeaders, 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
      .end(request.method === 'HEAD' ? undefined : proof);
    return;
  }
  const wanted = staticFile(folder, request.url ?? '/');
  const info = wanted === undefined ? undefined : await stat(wanted.file).catch(() => undefined);
  if (wanted === undefined || info?.isFile() !== true) {
    refuse(response, 404);
    return;
  }
  response.writeHead(200, {
    ...securityHeaders,
    'Content-Type': wanted.type,
    'Content-Length': info.size,
    'Cache-Control': wanted.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(wanted.file)
      .on('error', () => response.destroy())
      .pipe(response);
}
