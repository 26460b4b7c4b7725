// SPDX-License-Identifier: MIT
import type { Connection, LiveClient, Packet } from './types.ts';

type Frames = ReturnType<LiveClient['live']['frames']>;
/** A live frame: its header, and `height × width` bytes. */
export type LivePacket = Frames extends { readonly packets: AsyncIterable<infer P> } ? P : Packet<never>;

/** Seconds of traces that are kept. */
export const traceSeconds = 30;

/** The means of the regions over the last seconds. */
export interface Traces {
  readonly timesS: number[];
  /** One list a region. */
  readonly values: number[][];
}

/** The live picture of one scope, the first one of the rig or another by its name: the newest frame whenever this window is ready, the regions' traces of all frames. */
export class LiveFeed {
  readonly #connection: Connection;
  readonly #scope: string | undefined;
  readonly #listeners = new Set<(packet: LivePacket) => void>();
  #leaving: AbortController | undefined;
  readonly traces: { timesS: number[]; values: number[][]; roisId: number } = { timesS: [], values: [], roisId: -1 };
  newest: LivePacket | undefined;

  constructor(connection: Connection, scope?: string) {
    this.#connection = connection;
    this.#scope = scope;
  }

  /** Begins to look; the returned function ends it. */
  open(): () => void {
    this.#leaving?.abort();
    const leaving = new AbortController();
    this.#leaving = leaving;
    void this.#follow(leaving.signal);
    return () => leaving.abort();
  }

  /** Told of each frame that has come; the returned function ends that. */
  listen(listener: (packet: LivePacket) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { client, close } = await this.#connection.openLive(signal);
        try {
          if (!signal.aborted)
            await this.#read(
              client.live.frames(this.#scope === undefined ? {} : { scope: this.#scope }, { signal }),
              signal,
            );
        } finally {
          close();
        }
      } catch {
        // The scope was let go, or its process ended: the status says so.
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 400);
      });
    }
  }

  async #read(frames: Frames, signal: AbortSignal): Promise<void> {
    for await (const packet of frames.packets) {
      if (signal.aborted) return;
      this.newest = packet;
      this.#note(packet);
      for (const listener of this.#listeners) listener(packet);
    }
  }

  #note({ header: { samples, roisId } }: LivePacket): void {
    const { traces } = this;
    const regions = samples.at(-1)?.values.length ?? 0;
    if (roisId !== traces.roisId) {
      traces.timesS = [];
      traces.values = Array.from({ length: regions }, () => []);
      traces.roisId = roisId;
    }
    for (const { timeS, values } of samples) {
      if (values.length !== traces.values.length) continue;
      traces.timesS.push(timeS);
      for (const [n, value] of values.entries()) traces.values[n]?.push(value);
    }
    const last = traces.timesS.at(-1) ?? 0;
    const old = traces.timesS.findIndex((timeS) => timeS >= last - traceSeconds);
    if (old > 0) {
      traces.timesS.splice(0, old);
      for (const values of traces.values) values.splice(0, old);
    }
  }
}

const feeds = new WeakMap<Connection, Map<string, LiveFeed>>();

/** The one live picture of a scope, the first one of the rig or another by its name: traces outlive a look at another place or scope. */
export function liveFeedOf(connection: Connection, scope?: string): LiveFeed {
  const ofConnection = feeds.get(connection) ?? new Map<string, LiveFeed>();
  feeds.set(connection, ofConnection);
  const known = ofConnection.get(scope ?? '') ?? new LiveFeed(connection, scope);
  ofConnection.set(scope ?? '', known);
  return known;
}
