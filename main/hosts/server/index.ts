// SPDX-License-Identifier: MIT
/** What the command line takes from the server host. */
export { type Core, type CoreOptions, openCore, type OpenedCore } from './core.ts';
export { nobodyWaits, serve, type Served, type ServeOptions } from './http.ts';
