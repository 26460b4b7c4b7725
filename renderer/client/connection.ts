// SPDX-License-Identifier: MIT
import {
  type Apis,
  AppError,
  captureApis,
  type Client,
  connect,
  contractVersion,
  coreApis,
  mediaApis,
  webSocketChannel,
} from '../../main/contract/index.ts';
import type { Connection, LineState } from './types.ts';
import { lookOf, versionOf } from '../stores/look.ts';

const tokenKey = 'calyx.token';

/**
 * The token that opens the line: from the address's fragment (`#token=…`), which is then taken out of the address bar, else the
 * one this tab had before. Empty when there is neither; the core refuses that with a sentence.
 */
export function takeToken(location: Location, history: History, storage: Storage): string {
  const given = tokenIn(location.hash);
  if (given === undefined) return storage.getItem(tokenKey) ?? '';
  storage.setItem(tokenKey, given);
  history.replaceState(null, '', location.pathname + location.search);
  return given;
}

/** The token in a fragment such as `#token=abc`. */
export function tokenIn(fragment: string): string | undefined {
  return /[#&]token=([\w-]+)/.exec(fragment)?.[1];
}

/** A line that is looked for again after a loss stays `lost` until it is open: what is shown must not flicker. */
export function shownState(before: LineState, now: LineState): LineState {
  return before.state === 'lost' && now.state === 'connecting' ? before : now;
}

/** Connects to the core on the page's own host. */
export function connectToCore(origin: string, token: string): Connection {
  const address = (path: string): string => `${origin.replace(/^http/, 'ws')}${path}`;
  const listeners = new Set<() => void>();
  let state: LineState = { state: 'connecting' };
  let hurry: (() => void) | undefined;
  const { client } = connect(coreApis, {
    open: async () => {
      await expectProof(origin, token);
      return await webSocketChannel(new WebSocket(address('/rpc')));
    },
    token,
    version: contractVersion,
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        hurry = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    pause: othersTurn,
    onState: (next) => {
      state = shownState(state, next);
      for (const listener of listeners) listener();
    },
  });
  return {
    core: client,
    async openMovie(runUuid, signal, camera) {
      const beside = camera === undefined ? versionOf(lookOf(runUuid)) : { camera };
      const { ticket, path } = await client.frames.ticket({ runUuid, ...beside }, { signal });
      return await withTicket(mediaApis, address(path), ticket);
    },
    async openLive(signal) {
      const { ticket, path } = await client.acquire.ticket({}, { signal });
      return await withTicket(captureApis, address(path), ticket);
    },
    line: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reconnect() {
      if (state.state === 'lost' && state.retryInMs === null) window.location.reload();
      else hurry?.();
    },
  };
}

/**
 * Sees that what answers there knows this tab's token, before the tab says it: while the workstation is not running, another program of this machine
 * may listen in its place. See `main/hosts/server/door.ts`.
 *
 * @throws AppError `rpc.disconnected` when nobody answers, `rpc.not_allowed` when the proof is not that of the token
 */
async function expectProof(origin: string, token: string): Promise<void> {
  // A browser that counts this machine's own pages as unsafe has no keys to prove with; what it may see is the token of a window, as before.
  const subtle = (crypto as { readonly subtle?: SubtleCrypto }).subtle;
  if (subtle === undefined || token === '') return;
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  const nonce = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const answer = await fetch(`${origin}/proof?of=${nonce}`, { cache: 'no-store', redirect: 'error' }).catch(() => {
    throw new AppError('rpc.disconnected', 'The core does not answer.', { retryable: true });
  });
  const text = new TextEncoder();
  const key = await subtle.importKey('raw', text.encode(token), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = await subtle.sign('HMAC', key, text.encode(`calyx ${origin} ${nonce}`));
  const proof = btoa(String.fromCharCode(...new Uint8Array(signed)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
  if (answer.ok && (await answer.text()) === proof) return;
  throw new AppError('rpc.not_allowed', 'The token of this tab is not the one that the workstation gives out now.', {
    hint: 'Open the address that was printed when Calyx started.',
  });
}

/** Lets the window draw and take keys, then goes on at once: a timer would be late by milliseconds each time. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener(
      'message',
      () => {
        port1.close();
        resolve();
      },
      { once: true },
    );
    port1.start();
    port2.postMessage(null);
  });
}

/** A line that a ticket opens. It is good for one socket: after a loss a new one is asked for. */
async function withTicket<A extends Apis>(
  apis: A,
  address: string,
  ticket: string,
): Promise<{ readonly client: Client<A>; readonly close: () => void }> {
  const connected = connect(apis, {
    open: () => webSocketChannel(new WebSocket(address)),
    token: ticket,
    version: contractVersion,
    wait: () => Promise.resolve(),
    reconnect: false,
  });
  await connected.ready;
  return { client: connected.client, close: connected.close };
}
