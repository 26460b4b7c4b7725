// SPDX-License-Identifier: MIT
export { memoryChannels, portChannel, type PortLike, socketChannel } from './channels.ts';
export { followed, Followers } from './followers.ts';
export type { CallContext, DomainHandlers, Handlers, OutPacket } from './handlers.ts';
export { routesOf, serveChannel, type ServeOptions } from './serve.ts';
