// SPDX-License-Identifier: MIT
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { AppError, contractVersion, mediaApis } from '../contract/index.ts';
import { routesOf, serveChannel, socketChannel } from '../rpc/index.ts';
import { type OpenMovie, openMovie } from './movie.ts';
import type { Tickets } from './tickets.ts';

/** A socket of this kind takes only small messages: which frame is wanted. */
const longestMessageBytes = 64 * 1024;

/** What is left of an upgrade request once it has crossed a process. */
export type UpgradeRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** What of a request goes with its socket. */
export function upgradeRequestOf({ method, url, headers }: IncomingMessage): UpgradeRequest {
  return { ...(method === undefined ? {} : { method }), ...(url === undefined ? {} : { url }), headers };
}

/** Completes upgrades of `/frames` and serves on each socket the movie of the ticket in its first message. */
export function movieSockets(tickets: Tickets): (request: UpgradeRequest, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: longestMessageBytes });
  return (request, socket, head) => {
    // ws reads method, url and headers only.
    server.handleUpgrade(request as IncomingMessage, socket, head, (upgraded) => {
      let opened: OpenMovie | undefined;
      const channel = socketChannel(upgraded);
      const routes = routesOf(mediaApis, {
        movie: {
          frames: (...call: Parameters<OpenMovie['handlers']['frames']>) => {
            if (opened === undefined) throw new AppError('rpc.not_allowed', 'No movie was opened on this socket.');
            return opened.handlers.frames(...call);
          },
        },
      });
      serveChannel(channel, routes, {
        version: contractVersion,
        authenticate: (token) => {
          const movie = tickets.redeem(token);
          if (movie === undefined) return undefined;
          opened = openMovie(movie);
          return 'window';
        },
      });
      void channel.closed.then(() => opened?.[Symbol.dispose]());
    });
  };
}
