// SPDX-License-Identifier: MIT
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { captureApis, contractVersion, type liveApi } from '../contract/index.ts';
import type { ScopeFrame } from '../devices/index.ts';
import type { UpgradeRequest } from '../media/index.ts';
import type { Glance } from './quality.ts';
import { PictureBox } from './picture-box.ts';
import { type Handlers, type OutPacket, routesOf, serveChannel, socketChannel } from '../rpc/index.ts';

/** A socket of this kind takes only small messages. */
const longestMessageBytes = 64 * 1024;
/** Samples that wait for a window that is busy; older ones are dropped. */
const keptSamples = 600;

type Pictures = Handlers<typeof liveApi.procedures>['pictures'];
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

/** A frame of a scope as windows get it. */
export function liveFrame(
  { pixels, counter, orientation }: ScopeFrame,
  { width, height }: { readonly width: number; readonly height: number },
  { mean: meanGrey, saturated, histogram }: Glance,
  about: {
    /** Frames since the scope was connected. */
    readonly number: number;
    /** How long ago its last payload came. */
    readonly agoMs: number;
    readonly timeS: number;
    readonly roisId: number;
    readonly values: number[];
  },
): LiveFrame {
  const { number, agoMs, timeS, roisId, values } = about;
  return {
    pixels,
    header: {
      width,
      height,
      number,
      counter,
      arrivedAt: performance.timeOrigin + performance.now() - agoMs,
      meanGrey,
      saturated,
      histogram,
      orientation: orientation?.good === true ? orientation.quaternion : null,
      roisId,
    },
    sample: { timeS, values },
  };
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

/** The live pictures of a rig's devices by their names; the first scope has none. */
export class LiveBoxes {
  readonly first = new LiveBox();
  readonly #scopes = new Map<string, LiveBox>();
  readonly #cameras = new Map<string, PictureBox>();

  /** A scope's; made when it is first asked for: a window may look before the scope is there. */
  of(name: string): LiveBox {
    const known = this.#scopes.get(name) ?? new LiveBox();
    this.#scopes.set(name, known);
    return known;
  }

  /** A camera's. */
  pictures(name: string): PictureBox {
    const known = this.#cameras.get(name) ?? new PictureBox();
    this.#cameras.set(name, known);
    return known;
  }
}

/** Completes upgrades of the live picture's path; the first message holds a ticket, good for one socket. */
export function liveSockets(
  boxes: LiveBoxes,
  tickets: Set<string>,
): (request: UpgradeRequest, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: longestMessageBytes });
  const routes = routesOf(captureApis, {
    live: {
      frames: (...[{ scope }, , { signal }]: Parameters<Frames>) =>
        (scope === undefined ? boxes.first : boxes.of(scope)).follow(signal),
      pictures: (...[{ camera }, , { signal }]: Parameters<Pictures>) => boxes.pictures(camera).follow(signal),
    },
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
