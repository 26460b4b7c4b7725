// SPDX-License-Identifier: MIT
import { request } from 'node:http';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type Connected, connect, contractVersion, coreApis, webSocketChannel } from '../../main/contract/index.ts';

/** The window's token in a printed address. */
export const windowToken = (address: string): string => new URL(address).hash.replace('#token=', '');

/** The token that the owner of a library left for programs of this machine. */
export function localToken(library: string): string {
  return (JSON.parse(readFileSync(path.join(library, 'lock.json'), 'utf8')) as { token: string }).token;
}

/** Asks with a path and headers exactly as given: `fetch` would tidy the path and forbid the headers. */
export function ask(
  address: string,
  wanted: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly status: number; readonly body: string }> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: wanted, agent: false, ...options }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** How the server answers an upgrade with these headers: its status, or `open`. */
export function upgradeOutcome(
  address: string,
  place: string,
  headers: Readonly<Record<string, string>>,
): Promise<number | 'open'> {
  const socket = new WebSocket(`ws://${new URL(address).host}${place}`, { headers });
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('open', () => {
      resolve('open');
      socket.terminate();
    });
    // Comes after either of the above, too, where it changes nothing.
    socket.on('error', reject);
  });
}

/** Sends messages over a new socket and gives what came back once the server has closed it. */
export function sendUntilClosed(
  address: string,
  place: string,
  messages: readonly (string | Uint8Array)[],
): Promise<readonly unknown[]> {
  const socket = new WebSocket(`ws://${new URL(address).host}${place}`);
  const answers: unknown[] = [];
  socket.on('open', () => {
    for (const message of messages) socket.send(message);
  });
  socket.on('message', (data: Buffer) => answers.push(JSON.parse(data.toString('utf8'))));
  return new Promise((resolve) => {
    // An oversized message breaks the line while it is still being sent.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answers));
  });
}

/** A typed client of the core, as a window or a program has it; closed with the test, since a server waits for programs before it ends. */
export function clientOf(address: string, token: string): Connected<typeof coreApis> {
  const connected = connect(coreApis, {
    open: () => webSocketChannel(new WebSocket(`ws://${new URL(address).host}/rpc`)),
    token,
    version: contractVersion,
    reconnect: false,
    wait: () => Promise.resolve(),
  });
  onTestFinished(() => connected.close());
  return connected;
}
