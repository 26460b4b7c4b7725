// SPDX-License-Identifier: MIT
/**
 * The process that owns a board. When the core is gone, or this process is asked to end, the light goes off and the recording is closed before it exits; when it dies
 * without a word, the next one switches the light off.
 */
import type { Socket } from 'node:net';
import { AppError } from '../contract/index.ts';
import { openLink, serialLine, systemClock } from '../devices/index.ts';
import { programVersion } from '../installation/index.ts';
import { findFfmpeg, startFilm } from '../media/index.ts';
import { Capture } from './capture.ts';
import type { FromCapture, ToCapture } from './capture-messages.ts';
import { liveSockets } from './live-socket.ts';

/** Admissions that nobody has used fall away after this many newer ones. */
const keptTickets = 64;

/** The core may be gone while something is being said; the light must go off all the same. */
const tell = (message: FromCapture): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
};
const capture = new Capture({
  clock: systemClock,
  openLink,
  openSerial: serialLine,
  ffmpeg: findFfmpeg,
  recorder: { now: () => new Date(), startFilm, programVersion: programVersion() },
  tell,
});
const tickets = new Set<string>();
const serve = liveSockets(capture.live, tickets);

async function answer({ id, name, input }: Extract<ToCapture, { type: 'request' }>): Promise<void> {
  try {
    if (name === 'ticket') {
      tickets.add((input as { readonly ticket: string }).ticket);
      for (const oldest of tickets) if (tickets.size > keptTickets) tickets.delete(oldest);
      tell({ type: 'answer', id, value: null });
      return;
    }
    const handler = capture.handlers[name] as (input: unknown) => Promise<unknown>;
    tell({ type: 'answer', id, value: await handler(input) });
  } catch (error) {
    tell({ type: 'answer', id, error: AppError.from(error).toData() });
  }
}

process.on('message', (message: ToCapture, handle: unknown) => {
  if (message.type === 'ping') tell({ type: 'pong' });
  else if (message.type === 'request') void answer(message);
  else if (handle !== undefined && handle !== null) {
    const socket = handle as Socket;
    socket.on('error', () => socket.destroy());
    serve(message.request, socket, Buffer.from(message.head, 'base64'));
    socket.resume();
  }
});

let isEnding = false;
async function end(code: number): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await capture[Symbol.asyncDispose]().catch(() => undefined);
  process.exit(code);
}
process.on('disconnect', () => void end(0));
process.on('SIGTERM', () => void end(0));
// The terminal's Ctrl-C reaches every process of the group; the core decides when this one ends.
process.on('SIGINT', () => undefined);
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  void end(1);
});
tell({ type: 'ready', pid: process.pid });
