// SPDX-License-Identifier: MIT
import { AppError } from '../errors.ts';
import type { Channel } from './wire.ts';

/** The part of a W3C WebSocket that a channel uses; the browser's and the `ws` package's both have it. */
export interface WebSocketLike {
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
}

/** Keeps messages until somebody receives them. */
export function mailbox(): {
  readonly push: (message: string | Uint8Array) => void;
  readonly receive: Channel['receive'];
} {
  let receiver: ((message: string | Uint8Array) => void) | undefined;
  const early: Array<string | Uint8Array> = [];
  return {
    push: (message) => {
      if (receiver === undefined) early.push(message);
      else receiver(message);
    },
    receive: (onMessage) => {
      receiver = onMessage;
      for (const message of early.splice(0)) onMessage(message);
    },
  };
}

/** A promise and its resolver; `Promise.withResolvers` is too new for the oldest window. */
export function deferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (cause: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (cause: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** A channel over a WebSocket's client side; resolves when the socket is open, rejects when it closes before. */
export function webSocketChannel(socket: WebSocketLike): Promise<Channel> {
  socket.binaryType = 'arraybuffer';
  const box = mailbox();
  const closed = deferred<void>();
  let isClosed = false;
  const end = (): void => {
    isClosed = true;
    closed.resolve();
  };
  socket.addEventListener('message', (event) => {
    if (typeof event.data === 'string') box.push(event.data);
    else if (event.data instanceof ArrayBuffer) box.push(new Uint8Array(event.data));
  });
  const channel: Channel = {
    send: (message) => {
      if (isClosed)
        return Promise.reject(new AppError('rpc.disconnected', 'The connection is closed.', { retryable: true }));
      socket.send(typeof message === 'string' ? message : new Uint8Array(message));
      return Promise.resolve();
    },
    receive: box.receive,
    closed: closed.promise,
    close: () => socket.close(),
  };
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(channel));
    const fail = (): void => {
      end();
      reject(new AppError('rpc.disconnected', 'The core does not answer.', { retryable: true }));
    };
    socket.addEventListener('close', fail);
    socket.addEventListener('error', fail);
  });
}
