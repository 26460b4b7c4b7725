// SPDX-License-Identifier: MIT
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { captureApis, contractVersion, type liveApi } from '../contract/index.ts';
import type { UpgradeRequest } from '../media/index.ts';
import { type Handlers, type OutPacket, routesOf, serveChannel, socketChannel } from '../rpc/index.ts';

/** A socket of this kind takes only small messages. */
const longestMessageBytes = 64 * 1024;
/** Samples that wait for a window that is busy; older ones are dropped. */
const keptSamples = 600;

type Frames = Handlers<typeof liveApi.procedures>['frames'];
/** The header of a live frame. */
export type LiveHeader = Frames extends (...args: never[]) => AsyncIterable<OutPacket<infer H>> ? H : never;
type Sample = LiveHeader['samples'][number];

/** A frame as it is offered to windows. */
export interface LiveFrame {
  readonly pixels: Uint8Array;
  readonly header: Omit<LiveHeader, 'samples'>;
  readonly sample: Sample;
}

/**
 * The newest frame, for windows that are ready for one: each is sent at most one at a time, and only the newest; what it missed is never sent later. Offering a
 * frame costs the same whether anybody looks or not.
 */
export class LiveBox {
  readonly #watchers = new Set<(frame: LiveFrame) => void>();

  offer(frame: LiveFrame): void {
    for (const watcher of this.#watchers) watcher(frame);
  }

  /** How many windows look. */
  get watchers(): number {
    return this.#watchers.size;
  }

  async *follow(signal: AbortSignal): AsyncGenerator<OutPacket<LiveHeader>> {
    let newest: LiveFrame | undefined;
    let samples: Sample[] = [];
    let wake: () => void = () => undefined;
    const take = (frame: LiveFrame): void => {
      if (newest !== undefined && newest.header.roisId !== frame.header.roisId) samples = [];
      newest = frame;
      samples.push(frame.sample);
      if (samples.length > keptSamples) samples.shift();
      wake();
    };
    this.#watchers.add(take);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const frame = newest;
        if (frame === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        newest = undefined;
        const header = { ...frame.header, samples };
        samples = [];
        yield { header, bytes: frame.pixels };
      }
    } finally {
      this.#watchers.delete(take);
    }
  }
}

/** Completes upgrades of the live picture's path; the first message holds a ticket, good for one socket. */
export function liveSockets(
  box: LiveBox,
  tickets: Set<string>,
): (request: UpgradeRequest, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: longestMessageBytes });
  const routes = routesOf(captureApis, {
    live: { frames: (...[, , { signal }]: Parameters<Frames>) => box.follow(signal) },
  });
  return (request, socket, head) => {
    // ws reads method, url and headers only.
    server.handleUpgrade(request as IncomingMessage, socket, head, (upgraded) => {
      serveChannel(socketChannel(upgraded), routes, {
        version: contractVersion,
        authenticate: (token) => (tickets.delete(token) ? 'window' : undefined),
      });
    });
  };
}
