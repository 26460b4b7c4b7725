// SPDX-License-Identifier: MIT
/**
 * The media process: owns the films that windows look at. The core sends it tickets and hands it the sockets of `/frames`; frames go from here to
 * the window and through no other process.
 */
import type { Socket } from 'node:net';
import { movieSockets, type UpgradeRequest } from './socket.ts';
import { type Movie, Tickets } from './tickets.ts';

/** What the core sends. A socket comes beside an `upgrade`. */
export type ToMediaProcess =
  | { readonly type: 'ticket'; readonly ticket: string; readonly movie: Movie }
  | { readonly type: 'upgrade'; readonly request: UpgradeRequest; readonly head: string }
  | { readonly type: 'ping' };

const tickets = new Tickets();
const serve = movieSockets(tickets);

process.on('message', (message: ToMediaProcess, handle: unknown) => {
  if (message.type === 'ticket') tickets.put(message.ticket, message.movie);
  else if (message.type === 'ping') process.send?.({ type: 'pong' });
  else if (handle !== undefined && handle !== null) {
    const socket = handle as Socket;
    socket.on('error', () => socket.destroy());
    serve(message.request, socket, Buffer.from(message.head, 'base64'));
    socket.resume();
  }
});
// The core is gone: nobody can reach this process any more.
process.on('disconnect', () => process.exit(0));
