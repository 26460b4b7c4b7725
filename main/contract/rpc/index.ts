// SPDX-License-Identifier: MIT
/** The wire format, channels that need no Node, and the client. The serving side is `main/rpc`. */
export { mailbox, deferred, webSocketChannel, type WebSocketLike } from './channels.ts';
export {
  connect,
  type Apis,
  type CallOptions,
  type Client,
  type ClientOptions,
  type Connected,
  type LineState,
} from './client.ts';
export type { OpenStream, Packet } from './flow.ts';
export {
  type AbortSignalLike,
  type Channel,
  ClientMessage,
  ServerMessage,
  streamCredit,
  subscriptionCredit,
} from './wire.ts';
