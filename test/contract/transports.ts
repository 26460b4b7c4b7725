// SPDX-License-Identifier: MIT
import { MessageChannel } from 'node:worker_threads';
import { WebSocket, WebSocketServer } from 'ws';
import { type Channel, webSocketChannel } from '../../main/contract/index.ts';
import { memoryChannels, portChannel, socketChannel } from '../../main/rpc/index.ts';

/** A way to make lines between a client and a server: the shared suite runs over each. */
export interface Transport {
  /** Opens one line; `serve` gets the server's end of it. */
  readonly open: (serve: (channel: Channel) => void) => Promise<Channel>;
  readonly dispose: () => Promise<void>;
}

export const transports: Readonly<Record<string, () => Promise<Transport>>> = {
  'in memory': () =>
    Promise.resolve({
      open: (serve) => {
        const [client, server] = memoryChannels();
        serve(server);
        return Promise.resolve(client);
      },
      dispose: () => Promise.resolve(),
    }),
  MessagePort: () =>
    Promise.resolve({
      open: (serve) => {
        const { port1, port2 } = new MessageChannel();
        serve(portChannel(port2));
        return Promise.resolve(portChannel(port1));
      },
      dispose: () => Promise.resolve(),
    }),
  WebSocket: async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return {
      open: (serve) => {
        server.once('connection', (socket) => serve(socketChannel(socket)));
        return webSocketChannel(new WebSocket(`ws://127.0.0.1:${String(port)}`));
      },
      dispose: () =>
        new Promise((resolve) => {
          for (const socket of server.clients) socket.terminate();
          server.close(() => resolve());
        }),
    };
  },
};
