// SPDX-License-Identifier: MIT
import type { captureApis, Client, coreApis, LineState, mediaApis } from '../../main/contract/index.ts';

export type { CallOptions, LineState, OpenStream, Packet } from '../../main/contract/index.ts';

/** What the window can ask of the core. */
export type CoreClient = Client<typeof coreApis>;

/** What the window can ask of the process that owns the frames. */
export type MediaClient = Client<typeof mediaApis>;

/** What the window can ask of the process that has the live picture. */
export type LiveClient = Client<typeof captureApis>;

/** The line to the core: the only thing screens know about where the program runs. */
export interface Connection {
  readonly core: CoreClient;
  /** Opens the frames of one run, or of a behaviour camera recorded with it; the caller closes what it opened. */
  readonly openMovie: (
    runUuid: string,
    signal: AbortSignal,
    camera?: string,
  ) => Promise<{ readonly client: MediaClient; readonly close: () => void }>;
  /** Opens the live picture; the caller closes what it opened. */
  readonly openLive: (signal: AbortSignal) => Promise<{ readonly client: LiveClient; readonly close: () => void }>;
  readonly line: () => LineState;
  readonly subscribe: (listener: () => void) => () => void;
  /** Tries again now instead of waiting. */
  readonly reconnect: () => void;
}
