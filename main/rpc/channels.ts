// SPDX-License-Identifier: MIT
import type { WebSocket } from 'ws';
import { AppError, type Channel, deferred, mailbox } from '../contract/index.ts';

function disconnected(): AppError {
  return new AppError('rpc.disconnected', 'The connection is closed.', { retryable: true });
}

/** Two ends of a line inside one process. Messages are cloned, so that nothing by reference sneaks through, and arrive in a later turn. */
export function memoryChannels(): readonly [Channel, Channel] {
  const boxes = [mailbox(), mailbox()] as const;
  const closed = deferred<void>();
  let isClosed = false;
  const end = (own: 0 | 1): Channel => ({
    send: (message) => {
      if (isClosed) return Promise.reject(disconnected());
      const copy = structuredClone(message);
      return new Promise((resolve) => {
        setImmediate(() => {
          if (!isClosed) boxes[own === 0 ? 1 : 0].push(copy);
          resolve();
        });
      });
    },
    receive: boxes[own].receive,
    closed: closed.promise,
    close: () => {
      isClosed = true;
      closed.resolve();
    },
  });
  return [end(0), end(1)];
}

/** The part of a port that a channel uses: of `node:worker_threads`, or Electron's MessagePortMain. */
export interface PortLike {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start?(): void;
  close(): void;
}

/** A channel over a MessagePort, between processes or threads of one machine. */
export function portChannel(port: PortLike): Channel {
  const box = mailbox();
  const closed = deferred<void>();
  let isClosed = false;
  port.on('message', (raw) => {
    // Electron wraps the message in an event; worker_threads gives it as it is.
    const message = typeof raw === 'object' && raw !== null && 'data' in raw ? raw.data : raw;
    if (typeof message === 'string' || message instanceof Uint8Array) box.push(message);
  });
  port.on('close', () => {
    isClosed = true;
    closed.resolve();
  });
  port.start?.();
  return {
    send: (message) => {
      if (isClosed) return Promise.reject(disconnected());
      port.postMessage(message);
      return Promise.resolve();
    },
    receive: box.receive,
    closed: closed.promise,
    close: () => port.close(),
  };
}

/** A channel over the serving end of a WebSocket (`ws`). A send is done when the bytes have been handed to the system. */
export function socketChannel(socket: WebSocket): Channel {
  const box = mailbox();
  const closed = deferred<void>();
  socket.binaryType = 'nodebuffer';
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    box.push(isBinary ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data.toString('utf8'));
  });
  socket.on('close', () => closed.resolve());
  // A broken socket closes too; without a listener the error would end the process.
  socket.on('error', () => socket.terminate());
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        if (socket.readyState !== socket.OPEN) reject(disconnected());
        else
          socket.send(message, (error) => (error === undefined || error === null ? resolve() : reject(disconnected())));
      }),
    receive: box.receive,
    closed: closed.promise,
    close: () => socket.close(),
  };
}
